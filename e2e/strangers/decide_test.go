package strangers

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T43: whatever races, one outcome, one guest, one mail; the losers are told which.
func TestT43_ApprovalsDenialsAndWithdrawalsRace(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		sponsors, rounds, lanes := []*story.Person{tn.Member(t, story.Jonas), tn.Member(t, story.Ana)}, make([]*story.Person, 25), 10
		story.Together(lanes, func(lane int) int {
			for i := lane; i < len(rounds); i += lanes {
				rounds[i] = tn.Visitor(t, fmt.Sprintf("maria@race%d.example", lane)).At(i).Asks(story.Partner, story.Answered())
			}
			return lane
		})
		for _, maria := range rounds {
			id := tn.RequestID(t, maria.Ref)
			answers := make([]story.Answer, 45)
			story.Crowd(tn, len(answers), func(i int) int {
				switch by := i % 9; { // four approvals, four denials and a withdrawal, five times
				case by < 4:
					answers[i] = sponsors[i%2].At(i).Decides(id, "approve", nil)
				case by < 8:
					answers[i] = sponsors[i%2].At(i).Decides(id, "deny", map[string]any{"reason": "No contract."})
				default:
					answers[i] = maria.At(i).Post("/api/v1/requests/"+maria.Ref+"/withdraw", nil)
				}
				return i
			})
			oneHasWon(t, answers, maria.Request().Is(http.StatusOK).Text("state"))
		}
		for _, maria := range rounds {
			leftOneOutcome(t, tn, maria)
		}
	})
}

// oneHasWon holds the answers of a race against the state that is left: one was heard, and the others name its outcome.
func oneHasWon(t *testing.T, answers []story.Answer, state string) {
	t.Helper()
	outcomes, won := map[string]int{}, 0
	for _, a := range answers {
		if a.Status == http.StatusOK {
			won++
			continue
		}
		a.IsOneOf(http.StatusConflict)
		outcomes[a.Text("code")+" "+a.Text("state")]++
	}
	require.Equal(t, 1, won)
	code := map[string]string{"active": "already_decided", "denied": "already_decided", "withdrawn": "request_closed"}[state]
	require.Equal(t, map[string]int{code + " " + state: len(answers) - 1}, outcomes, "every loser is told what has won")
}

// leftOneOutcome says what a race may leave: one mail that tells the outcome, and a guest only of an approval.
func leftOneOutcome(t *testing.T, tn *story.Town, maria *story.Person) {
	t.Helper()
	maria.Letter()
	got := tn.TracesOf(t, maria.Address)
	require.Equal(t, map[string]int{"active": 1}[got.States], got.Guests)
	require.Equal(t, map[string]int{"active": 1, "denied": 1}[got.States], got.Decisions)
	require.Equal(t, 3, got.Mails, "code, receipt, outcome")
	event := map[string][]string{
		"active": {"approval.approved", "directory.guest_admitted", "directory.grant_added"}, "denied": {"approval.denied"}, "withdrawn": {"approval.withdrawn"},
	}[got.States]
	require.NotEmpty(t, event, got.States)
	maria.Leaves(story.Left{Traces: got, Audit: append([]string{"signup.started", "signup.proved", "signup.submitted"}, event...)})
}

// Row T44: a decision is about what was seen.
func TestT44_ADecisionIsAboutWhatWasSeen(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas)
		sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Which hall?"}).Is(http.StatusOK)
		maria.Letter()
		seen := sponsor.Get("/api/v1/approvals/" + id).Is(http.StatusOK).Value("version")
		maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "All of them, and the safe."}).Is(http.StatusOK)
		maria.LeavesNoTrace(func() {
			sponsor.Speaks("de").Decides(id, "approve", map[string]any{"version": seen}).Refused(http.StatusPreconditionFailed, "request_changed")
		})
		now := sponsor.Get("/api/v1/approvals/" + id).Is(http.StatusOK).Value("version")
		require.NotEqual(t, seen, now)
		sponsor.Decides(id, "deny", map[string]any{"version": now, "reason": "Not the safe."}).Is(http.StatusOK)
		maria.Audited()
	})
}

func TestT44_AnOldViewDecidesNothingNew(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.TwoStages, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		tn.Member(t, story.Jonas).Decides(id, "approve", nil).Is(http.StatusOK)
		again := tn.Member(t, story.Jonas).Speaks("de").Decides(id, "approve", nil) // pressed again in a tab that was not reloaded
		require.Equal(t, http.StatusConflict, again.Status, "%s", again)
		require.Equal(t, "pending", maria.Request().Text("state"), "the second stage is Ana's")
		tn.Member(t, story.Ana).Decides(id, "approve", nil).Is(http.StatusOK)
		maria.Sees("active")
		require.Equal(t, 2, tn.TracesOf(t, maria.Address).Decisions)
		maria.Audited()
	})
}

var decideToken = regexp.MustCompile(`/decide/([A-Za-z0-9_-]{20,})`)

// decideTokenIn is the token of a decide link, which no log may hold.
func decideTokenIn(t *testing.T, l stack.Letter) string {
	t.Helper()
	found := decideToken.FindStringSubmatch(l.Text)
	require.Len(t, found, 2, "the mail has a decide link")
	return story.Seen(found[1])
}

// Row T45: the mailed link finds the card and gives no right.
func TestT45_TheDecideLinkGivesNoRight(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		token := decideTokenIn(t, tn.LetterAbout(t, story.Jonas, maria.Ref))
		path := "/api/v1/decide/" + token
		maria.LeavesNoTrace(func() {
			tn.BrowserOf(t, "anybody@example.com").Speaks("de").Get(path).Refused(http.StatusUnauthorized, "not_signed_in")
			tn.Member(t, story.Ana).Speaks("de").Get(path).Refused(http.StatusForbidden, "not_your_link")
			require.Equal(t, id, tn.Member(t, story.Jonas).Get(path).Is(http.StatusOK).Text("id"))
			tn.Member(t, story.Jonas).Speaks("de").Get("/api/v1/decide/"+strings.ToLower(token)+"x").Refused(http.StatusGone, "link_used_up")
			tn.BrowserOf(t, "scanner@example.com").Opens("/decide/" + token)
		})
		tn.Ages(t, "approval_links", "expires_at", 366*24*3600, "request_id = ?", id)
		tn.Member(t, story.Jonas).Speaks("de").Get(path).Refused(http.StatusGone, "link_used_up")
		maria.Audited()
	})
}

// Row T47: no stage is skipped, and applicants name no approver of their own.
func TestT47_StagesAreTakenInOrder(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.TwoStages, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		early := tn.Member(t, story.Ana).Speaks("de").Decides(id, "approve", nil)
		require.Contains(t, []int{http.StatusConflict, http.StatusNotFound}, early.Status, "%s", early)
		require.Equal(t, "pending", maria.Request().Text("state"))
		require.Zero(t, tn.TracesOf(t, maria.Address).Decisions)
		tn.Member(t, story.Jonas).Decides(id, "deny", map[string]any{"reason": "No."}).Is(http.StatusOK)
		tn.Member(t, story.Ana).Speaks("de").Decides(id, "approve", nil).Is(http.StatusConflict)
		maria.Sees("denied")
		require.Zero(t, tn.TracesOf(t, maria.Address).Guests)
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Decisions: 1, Mails: 3, Codes: 1, States: "denied"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted", "approval.denied"}})
	})
}
