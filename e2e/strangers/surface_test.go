package strangers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T13: absolute addresses come from the configuration, whatever the request says.
func TestT13_MailsLeadToTheConfiguredAddress(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		for name, value := range map[string]string{
			"X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test;proto=https", "X-Forwarded-Proto": "https", "X-Original-Host": "evil.test",
			"X-Host": "evil.test", "X-Forwarded-Server": "evil.test",
		} {
			maria := tn.Visitor(t, "maria").With(name, value)
			maria.Begins(story.Partner)
			maria.Gives(maria.Address).Is(http.StatusAccepted)
			l := maria.Letter()
			for _, address := range story.AnyURL.FindAllString(l.Text+" "+l.HTML, -1) {
				require.True(t, strings.HasPrefix(address, tn.Plan.Public+"/"), "%s: %s", name, address)
			}
			a := maria.Get("/l/" + story.TokenIn(t, l))
			require.NotContains(t, a.Header.Get("Location"), "evil.test")
			maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
		}
	})
}

// Row T48: nobody writes what is not theirs to write.
func TestT48_FieldsOfTheHouseAreNotTakenFromBodies(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner).Speaks("de")
		maria.LeavesNoTrace(func() {
			for _, name := range []string{
				"userType", "USERTYPE", "usertype", "approved", "state", "roles", "groups", "id", "createdAt", "tenantId", "externalUserState",
				"mailVerified", "sponsorId", "version", "step", "flowVersion", "reference",
			} {
				maria.Post(maria.Path("/submit"), story.Raw(`{"answers":{},"`+name+`":"Member"}`)).Refused(http.StatusUnprocessableEntity, "fields_invalid")
				maria.Patch(maria.Path(""), story.Raw(`{"answers":{},"`+name+`":true}`)).Refused(http.StatusUnprocessableEntity, "fields_invalid")
				maria.Sends(story.Partner, story.Answered(name, "Member")).Field("/answers/"+name, "field_unknown")
				a := maria.Post(maria.Path("/submit")+"?"+name+"=Member", map[string]any{"answers": story.Answered()})
				require.GreaterOrEqual(t, a.Status, 400, "%s", a)
			}
		})
		maria.AsksAfterProof()
		require.Equal(t, "pending", maria.Request().Text("state"))
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// Row T49: what is for staff is in no answer for others.
func TestT49_NotesForStaffStayWithStaff(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		canary := "canary" + story.Unique()
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		tn.Member(t, story.Jonas).Decides(id, "deny", map[string]any{"reason": "R" + canary, "shareReason": false, "note": "N" + canary}).Is(http.StatusOK)
		maria.Sees("denied")
		for _, a := range []story.Answer{maria.Request(), maria.Get(maria.Path("")), maria.Get("/api/v1/signups/current")} {
			require.NotContains(t, string(a.Body), canary)
		}
		l := maria.Letter()
		require.NotContains(t, l.Raw, canary)
		require.Contains(t, string(tn.Member(t, story.Ana).Get("/api/v1/approvals/"+id).Is(http.StatusOK).Body), "N"+canary)
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Decisions: 1, Mails: 3, Codes: 1, States: "denied"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted", "approval.denied"}})
	})
}

// Row T51: no answer gives a secret back.
func TestT51_NoAnswerHoldsASecret(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		admin := tn.Member(t, story.Ines)
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		for _, path := range []string{
			"/api/v1/tenant", "/api/v1/flows", "/api/v1/flows/partner/source", "/api/v1/guests?limit=100", "/api/v1/jobs", "/api/v1/me", "/readyz", "/readyz?verbose",
			"/api/v1/approvals/" + id,
		} {
			for _, a := range []story.Answer{admin.Get(path), tn.Member(t, story.Jonas).Get(path)} {
				for _, secret := range []string{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "token_hash", "code_mac", "postgres://", "sealed"} {
					require.NotContains(t, string(a.Body), secret, path)
				}
				require.NotContains(t, string(a.Body), admin.Cookie("vestibule_session"), path)
			}
		}
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// Row T96: no other origin is let in.
func TestT96_NoOtherOriginIsLetIn(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		for _, origin := range []string{"https://evil.test", "null", tn.Plan.Public + ".evil.test", "http://sub.127.0.0.1"} {
			pre := maria.With("Origin", origin).With("Access-Control-Request-Method", "POST").Send(http.MethodOptions, "/api/v1/signups", nil)
			real := maria.With("Origin", origin).Get("/api/v1/tenant")
			for _, a := range []story.Answer{pre, real} {
				for name := range a.Header {
					require.False(t, strings.HasPrefix(name, "Access-Control-"), "%s: %s", origin, name)
				}
			}
			maria.With("Origin", origin).With("Sec-Fetch-Site", "cross-site").Speaks("de").Post("/api/v1/signups", map[string]any{"flow": story.Partner}).
				Refused(http.StatusForbidden, "cross_origin")
		}
		require.Empty(t, maria.Cookie("vestibule_signup"))
		maria.Leaves(story.Left{})
	})
}

// Row T97: a flow's limit holds when a hundred come at once: ten get in, ninety are told, and nothing of theirs is kept.
func TestT97_TheLastPlaceIsGivenOnce(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		tn.Ages(t, "requests", "submitted_at", 25*3600, "flow_slug = ?", story.Scarce) // of earlier days, when this is told again
		before := tn.Count(t, "SELECT count(*) FROM requests WHERE flow_slug = ?", story.Scarce)
		people, bodies, lanes := make([]*story.Person, 100), make([]map[string]any, 100), 10
		word := story.Unique()
		story.Together(lanes, func(lane int) int {
			for i := lane; i < len(people); i += lanes {
				people[i] = tn.Visitor(t, fmt.Sprintf("many@%s-%d.example", word, lane)).At(i).Proves(story.Scarce)
				bodies[i] = people[i].Submission(story.Scarce, story.Answered())
			}
			return lane
		})
		answers := make([]story.Answer, len(people))
		story.Crowd(tn, len(people), func(i int) int {
			answers[i] = people[i].At(i).Speaks("de").Post(people[i].Path("/submit"), bodies[i])
			return i
		})
		references := map[string]bool{}
		for i, a := range answers {
			if a.Status == http.StatusAccepted {
				references[a.Text("reference")] = true
				continue
			}
			require.Contains(t, a.Refused(http.StatusConflict, "flow_full").Text("detail"), "morgen")
			require.Equal(t, "details", people[i].Get(people[i].Path("")).Text("step"))
		}
		require.Len(t, references, 10, "exactly ten")
		late := tn.Visitor(t, "late").Proves(story.Scarce).Speaks("de")
		late.Sends(story.Scarce, story.Answered()).Refused(http.StatusConflict, "flow_full")
		require.Equal(t, before+10, tn.Count(t, "SELECT count(*) FROM requests WHERE flow_slug = ?", story.Scarce))
		require.Equal(t, before+10, tn.Count(t, "SELECT count(*) FROM audit_events WHERE name = 'signup.submitted' AND target IN (SELECT id FROM signups WHERE flow_slug = ?)", story.Scarce))
		require.Equal(t, len(people)+10, tn.Count(t, "SELECT count(*) FROM mails WHERE address LIKE ?", "%@"+word+"-%"), "a code each, and ten receipts")
		late.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
	})
}

// Rows T98 and T101: nothing that is asked for costs more than it should.
func TestT98_StrangeSearchesAreBounded(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		sponsor := tn.Member(t, story.Jonas)
		for _, search := range []string{
			strings.Repeat("(", 100), "%25%25%25", "____", "'%20OR%201=1%20--", "%22%20OR%20%22", "a*b*c*", "NEAR(", "%00", "\\", "*", "AND", "-x", "%5E(a%2B)%2B%24",
		} {
			for _, list := range []string{"/api/v1/guests", "/api/v1/approvals"} {
				a := sponsor.Get(list + "?search=" + search)
				require.Contains(t, []int{200, 400, 422}, a.Status, "%s", a)
			}
		}
		sponsor.Speaks("de").Get("/api/v1/guests?search=" + strings.Repeat("x", 101)).Is(http.StatusBadRequest)
		tn.BrowserOf(t, "nobody@example.com").Leaves(story.Left{})
	})
}

// Row T102: deep, wide and long bodies cost nothing.
func TestT102_HugeShapesAreRefused(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner).Speaks("de")
		maria.LeavesNoTrace(func() {
			for name, body := range map[string]string{
				"33 levels":     `{"answers":{"company":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}}`,
				"1,001 answers": `{"answers":{` + strings.Repeat(`"a":1,`, 1001) + `"b":1}}`,
				"2,000 choices": `{"answers":{"tools":[` + strings.Repeat(`"crane",`, 2000) + `"lift"]}}`,
				"long number":   `{"answers":{"people":` + strings.Repeat("9", 10000) + `}}`,
				"long key":      `{"` + strings.Repeat("k", 20000) + `":1}`,
			} {
				a := maria.Post(maria.Path("/submit"), story.Raw(body))
				require.Contains(t, []int{400, 422}, a.Status, "%s: %s", name, a)
			}
		})
		big := tn.Visitor(t, "big").With("X-Big", strings.Repeat("x", 40<<10))
		a, err := big.Try(http.MethodGet, "/api/v1/tenant", nil)
		if err == nil {
			require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, a.Status)
		}
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
	})
}

// Row T103: nobody writes lines of their own into the log, whatever reaches it: here that is what a mail server says, to
// somebody whose address it names, beside everything a request has. The log is read when the house has stopped, and it
// tells everything it can tell.
func TestT103_LogLinesCannotBeForged(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn, stand := story.Mailless(t, kind)
		end, mark := tn.Begins(t), "forged"+story.Unique()
		maria := tn.Visitor(t, "maria")
		forged := `{"level":"ERROR","msg":"` + mark + `"}`
		hostile := "x \x1b[31m\u2028\u202e " + forged + strings.Repeat("A", 3<<10)
		stand.Script(maria.Address, mailstand.Fault{Stage: mailstand.AtRcpt, Code: 550, Say: "no <" + maria.Address + "> here\n" + forged + " code 123456 " + strings.Repeat("B", 500)})
		escaped := strings.ReplaceAll(strings.ReplaceAll(forged, `"`, "%22"), " ", "%20")
		for _, path := range []string{"/%0a" + escaped, "/api/v1/flows/%0d%0a" + escaped, "/l/%0a" + escaped, "/api/v1/tenant?x=%0a" + escaped, "/api/v1/" + strings.Repeat("C", 6<<10)} {
			for _, name := range []string{"User-Agent", "Referer", "Accept-Language", "X-Forwarded-For", "Request-Id", "Idempotency-Key"} {
				maria.With(name, strings.ReplaceAll(hostile, "\x1b", "")).Get(path)
			}
		}
		maria.Begins(story.Partner)
		maria.Speaks("de").Gives("a@b.com\n"+forged).Field("/email", "email_invalid")
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		story.Eventually(t, "a mail that is refused", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'failed'", maria.Address) == 1
		})
		maria.Audited()
		end()
		require.NoError(t, tn.Replicas[0].Stop(t.Context()))
		lines := tn.Replicas[0].Log.Lines()
		for _, line := range lines {
			var record map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &record), "%s", line)
			require.NotEqual(t, mark, record["msg"], "%s", line)
			require.LessOrEqual(t, len(line), 2048)
			require.NotRegexp(t, "[\\x00-\\x1f\\x7f\\x{80}-\\x{9f}\\x{2028}\\x{2029}\\x{202a}-\\x{202e}]", line, "a control character as it is")
			require.NotContains(t, line, maria.Address, "addresses are masked")
		}
		all := strings.Join(lines, "\n")
		require.Contains(t, all, `"level":"DEBUG"`, "it tells everything")
		require.Contains(t, all, `no <(address)> here 5.2.0 {\"level\":\"ERROR\",\"msg\":\"`+mark, "also what the mail server said, in a line of the house's own")
	})
}
