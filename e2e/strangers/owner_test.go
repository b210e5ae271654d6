package strangers

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T42: nobody decides their own request, under whichever form of their address it was made.
func TestT42_NobodyDecidesTheirOwnRequest(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		name, domain, _ := strings.Cut(story.Ana, "@")
		self := tn.BrowserOf(t, name+"+"+story.Unique()+"@"+domain).Asks(story.Partner, story.Answered())
		id, ana := tn.RequestID(t, self.Ref), tn.Member(t, story.Ana).Speaks("de")
		self.LeavesNoTrace(func() {
			ana.Decides(id, "approve", nil).Refused(http.StatusForbidden, "own_request")
			ana.Decides(id, "deny", map[string]any{"reason": "No."}).Refused(http.StatusForbidden, "own_request")
			ana.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Who am I?"}).Refused(http.StatusForbidden, "own_request")
		})
		require.False(t, ana.Waits(id, "waiting"), "it is not even in her list")
		self.Leaves(story.Left{
			Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"},
			Audit:  []string{"signup.started", "signup.proved", "signup.submitted", "approval.refused! ×3"},
		})
	})
}

// Row T42: a member who asks for a guest's access with their own address is told to sign in, and asks for nothing.
func TestT42_AMembersOwnAddressMakesNoRequest(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		self := tn.BrowserOf(t, story.Omar).Speaks("de")
		tn.Member(t, story.Omar) // signed in before: no other code is on its way
		self.LeavesNoTrace(func() {
			self.Begins(story.Partner)
			self.Types("123456").Refused(http.StatusConflict, "email_needed")
		})
		self.Gives(story.Omar).Is(http.StatusAccepted)
		self.Types("123456").Refused(http.StatusUnprocessableEntity, "code_wrong")
		self.Sends(story.Partner, story.Answered()).Refused(http.StatusConflict, "proof_needed")
		require.Zero(t, tn.TracesOf(t, story.Omar).Requests)
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM identity_codes WHERE subject_id = ?", self.Signup), "no code is made for it")
		self.Audited()
	})
}

var setupLink = regexp.MustCompile(`https?://\S+/setup\S*?([A-Za-z0-9_-]{30,})`)

// Row T56: a house is set up once, by whoever reads its log, however many try at once, and never again.
func TestT56_AnEmptyHouseIsSetUpOnceWithTheLinkItPrints(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		replicas := map[string]int{"sqlite": 1, "postgres": 2}[kind]
		tn, err := story.OpenHouses(t.Context(), kind, plan, replicas)
		require.NoError(t, err)
		t.Cleanup(func() { tn.Close(t) })
		end := tn.Begins(t)
		var found []string
		story.Eventually(t, "the set-up link", func() bool {
			last := tn.Replicas[len(tn.Replicas)-1] // each start prints a new link, and only the newest works
			found = setupLink.FindStringSubmatch(last.Out.String() + last.Log.String())
			return found != nil
		})
		token := story.Seen(found[1]) // it is printed, not logged
		ines := tn.BrowserOf(t, "ines-"+story.Unique()+"@contoso.com").Speaks("de")
		require.Equal(t, true, ines.Get("/api/v1/tenant").Is(http.StatusOK).Value("setupNeeded"))
		setUp := map[string]any{"token": token, "organisation": "Contoso", "name": "Ines Vogel", "email": ines.Address}
		ines.Post("/api/v1/setup/check", map[string]any{"token": "wrong" + story.Unique()}).Refused(http.StatusGone, "setup_link_used_up")
		for _, wrong := range []string{"", "wrong" + story.Unique(), token[:len(token)-1], token + "A", strings.ToUpper(token)} {
			a := ines.Post("/api/v1/setup", story.Changed(setUp, "token", wrong))
			require.Contains(t, []string{"setup_link_used_up", "fields_invalid"}, a.Text("code"), "%s", a)
		}
		ines.Post("/api/v1/setup/check", map[string]any{"token": token}).Is(http.StatusOK)
		ines.Post("/api/v1/setup", story.Changed(setUp, "email", "ines")).Is(http.StatusUnprocessableEntity)
		ines.Post("/api/v1/setup", story.Changed(setUp, "name", "")).Is(http.StatusUnprocessableEntity)
		statuses := story.Together(20, func(i int) int { return ines.Anonymous().At(i).Post("/api/v1/setup", setUp).Status })
		require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusGone: 19}, statuses)
		ines.Post("/api/v1/setup", setUp).Refused(http.StatusGone, "setup_closed")
		ines.Post("/api/v1/setup/check", map[string]any{"token": token}).Is(http.StatusGone)
		story.Eventually(t, "every replica to know it", func() bool { // each remembers for a moment what the page shows
			return ines.Get("/api/v1/tenant").Is(http.StatusOK).Value("setupNeeded") != true
		})
		ines.SignsIn().Is(http.StatusOK)
		me := ines.Get("/api/v1/me").Is(http.StatusOK)
		require.Contains(t, me.List("roles"), "admin")
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM directory_users WHERE user_type = 'Member'"))
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM audit_events WHERE name = 'identity.set_up'"))
		ines.Audited()
		end()
	})
}
