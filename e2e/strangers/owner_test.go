package strangers

import (
	"database/sql"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T42: nobody decides their own request, under whichever form of their address it was made, and by no other door.
func TestT42_NobodyDecidesTheirOwnRequest(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		key := aKey(t, tn, "requests:read,requests:decide")
		name, domain, _ := strings.Cut(story.Ana, "@")
		for _, form := range []string{name + "+%@" + domain, strings.ToUpper(name) + "+%@" + strings.ToUpper(domain), name + "+a+%@" + domain} {
			self := tn.BrowserOf(t, strings.ReplaceAll(form, "%", story.Unique()))
			self.Begins(story.Partner)
			self.Gives(self.Address).Is(http.StatusAccepted)
			self.Types(story.CodeIn(t, self.Letter())).Is(http.StatusOK)
			self.AsksAfterProof()
			self.Address = strings.ToLower(self.Address) // as the house compares it
			id, ana := tn.RequestID(t, self.Ref), tn.Member(t, story.Ana).Speaks("de")
			link := "/api/v1/decide/" + decideTokenIn(t, tn.LetterAbout(t, story.Jonas, self.Ref))
			self.LeavesNoTrace(func() {
				ana.Decides(id, "approve", nil).Refused(http.StatusForbidden, "own_request")
				ana.Decides(id, "deny", map[string]any{"reason": "No."}).Refused(http.StatusForbidden, "own_request")
				ana.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Who am I?"}).Refused(http.StatusForbidden, "own_request")
				ana.Get(link).Refused(http.StatusForbidden, "not_your_link")
				ana.With("Authorization", "Bearer "+key).Decides(id, "approve", nil).Refused(http.StatusBadRequest, "two_identities")
			})
			require.False(t, ana.Waits(id, "waiting"), "it is not even in her list")
			require.Zero(t, tn.Count(t, "SELECT count(*) FROM mails WHERE about = ? AND address = ?", id, story.Ana), "and no decide link comes to her")
			self.Leaves(story.Left{
				Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"},
				Audit:  []string{"signup.started", "signup.proved", "signup.submitted", "approval.refused! ×3"},
			})
		}
	})
}

// aKey is an API key of these scopes.
func aKey(t *testing.T, tn *story.Town, scopes string, more ...string) string {
	t.Helper()
	out, err := tn.Plan.Run(t.Context(), append([]string{"apikey", "create", "--name", "of " + scopes, "--scopes", scopes}, more...)...)
	require.NoError(t, err)
	require.Regexp(t, `^vst_\S+\n$`, out, "the key and nothing else")
	return story.Seen(strings.TrimSpace(out))
}

// Row T42: when the house cannot read who somebody is, or what is theirs to decide, nobody decides.
func TestT42_AHouseThatCannotReadLetsNobodyDecide(t *testing.T) {
	t.Parallel()
	tn := story.Own(t, "postgres", 1, nil)
	end := tn.Begins(t, "503")
	name, domain, _ := strings.Cut(story.Ana, "@")
	self := tn.BrowserOf(t, name+"+"+story.Unique()+"@"+domain).Asks(story.Partner, story.Answered())
	id, ana := tn.RequestID(t, self.Ref), tn.Member(t, story.Ana).Braced()
	for _, table := range []string{"identity_sessions", "directory_users", "approval_assignments"} {
		release := tn.Locks(t, table)
		ana.Decides(id, "approve", nil).Refused(http.StatusServiceUnavailable, "database_unavailable")
		release()
		require.Equal(t, "pending", self.Request().Is(http.StatusOK).Text("state"), table)
	}
	ana.Decides(id, "approve", nil).Refused(http.StatusForbidden, "own_request")
	self.Leaves(story.Left{
		Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"},
		Audit:  []string{"signup.started", "signup.proved", "signup.submitted", "approval.refused!"},
	})
	end()
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
		ines.Speaks("de").With("Authorization", "Bearer vst_"+token).Get("/api/v1/guests").Refused(http.StatusUnauthorized, "api_key_invalid")
		ines.Opens("/l/" + token)
		ines.Post("/api/v1/link", nil).Refused(http.StatusGone, "mailed_link_used_up")
		ines.With("Cookie", "vestibule_session="+token).Get("/api/v1/decide/"+token).Refused(http.StatusUnauthorized, "not_signed_in")
		ines.Post("/api/v1/setup/check", map[string]any{"token": token}).Is(http.StatusOK) // none of this has used it up
		ines.Post("/api/v1/setup", story.Changed(setUp, "email", "ines")).Is(http.StatusUnprocessableEntity)
		ines.Post("/api/v1/setup", story.Changed(setUp, "name", "")).Is(http.StatusUnprocessableEntity)
		statuses := story.Crowd(tn, 20, func(i int) int { return ines.Anonymous().At(i).Post("/api/v1/setup", setUp).Status })
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
		staysSetUp(t, tn, ines, setUp)
	})
}

// staysSetUp deletes every member behind the house's back and starts it anew: it is nobody's, and nobody's to take.
func staysSetUp(t *testing.T, tn *story.Town, ines *story.Person, setUp map[string]any) {
	t.Helper()
	for _, h := range tn.Replicas {
		require.NoError(t, h.Stop(t.Context()))
	}
	for _, table := range []string{"identity_sessions", "identity_devices", "directory_users"} {
		tampers(t, tn, "DELETE FROM "+table)
	}
	tn.Replicas = nil
	require.NoError(t, tn.OpensReplica(t.Context()))
	end := tn.Begins(t)
	ines = tn.BrowserOf(t, ines.Address).Speaks("de")
	require.NotEqual(t, true, ines.Get("/api/v1/tenant").Is(http.StatusOK).Value("setupNeeded"))
	ines.Post("/api/v1/setup", setUp).Refused(http.StatusGone, "setup_closed")
	ines.Post("/api/v1/setup/check", map[string]any{"token": setUp["token"]}).Refused(http.StatusGone, "setup_closed")
	for _, h := range tn.Replicas {
		require.NotRegexp(t, setupLink, h.Out.String()+h.Log.String(), "no new link is made")
	}
	require.Zero(t, tn.Count(t, "SELECT count(*) FROM directory_users"))
	end()
}

// tampers changes a database behind its house's back, as only who operates it can.
func tampers(t *testing.T, tn *story.Town, statement string) {
	t.Helper()
	driver, address := "sqlite", "file:"+tn.Plan.File()+"?_pragma=busy_timeout(30000)"
	if tn.Name == "postgres" {
		driver, address = "pgx", tn.Plan.Database
	}
	db, err := sql.Open(driver, address)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

// Row T52: a key that has expired, that was revoked, or that is another house's, opens nothing; what a person does
// without a key is not done with one. TestT52_APIKeysDoWhatTheirScopesSay takes keys of each scope to every door.
func TestT52_DeadAndForeignKeysOpenNothing(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		const scopes = "requests:read,requests:decide"
		name := "revoked-" + story.Unique()
		expired, revoked := aKey(t, tn, scopes, "--expires-in", "1ms"), aKey(t, tn, scopes, "--name", name)
		row := regexp.MustCompile(`(key_\S+)\s+` + name)
		list, err := tn.Plan.Run(t.Context(), "apikey", "list")
		require.NoError(t, err)
		require.Regexp(t, row, list)
		program := tn.BrowserOf(t, "program").Speaks("de")
		require.Equal(t, id, program.With("Authorization", "Bearer "+revoked).Get("/api/v1/approvals/"+id).Is(http.StatusOK).Text("id"), "it works until it is revoked")
		_, err = tn.Plan.Run(t.Context(), "apikey", "revoke", row.FindStringSubmatch(list)[1])
		require.NoError(t, err)
		elsewhere, err := story.NewPlan(t.Context(), "sqlite", nil)
		require.NoError(t, err)
		foreign := aKey(t, &story.Town{Plan: elsewhere}, scopes)
		maria.LeavesNoTrace(func() {
			for i, key := range []string{expired, revoked, foreign} {
				p := program.At(i).With("Authorization", "Bearer "+key)
				for _, path := range []string{"/api/v1/approvals", "/api/v1/approvals/" + id, "/api/v1/guests", "/api/v1/me", "/api/v1/jobs"} {
					p.Get(path).Refused(http.StatusUnauthorized, "api_key_invalid")
				}
				p.Decides(id, "approve", nil).Refused(http.StatusUnauthorized, "api_key_invalid")
				p.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Who?"}).Refused(http.StatusUnauthorized, "api_key_invalid")
			}
			living := program.With("Authorization", "Bearer "+aKey(t, tn, scopes))
			living.Post("/api/v1/requests/"+maria.Ref+"/withdraw", nil).Refused(http.StatusUnauthorized, "signup_gone")
			living.Post("/api/v1/signout", nil).Refused(http.StatusForbidden, "not_allowed")
			reader := program.With("Authorization", "Bearer "+aKey(t, tn, "requests:read"))
			reader.Decides(id, "approve", nil).Refused(http.StatusForbidden, "not_allowed")
		})
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}
