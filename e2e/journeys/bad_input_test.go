package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestBadInput_WrongCode(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		maria = maria.Speaks("de")
		maria.LeavesNoTrace(func() {
			maria.Types(story.Other(code)).Refused(http.StatusUnprocessableEntity, "code_wrong")
		})
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"))
		maria.Types(code).Is(http.StatusOK)
	})
}

func TestBadInput_MissingOrMisshapenCode(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		maria = maria.Speaks("de")
		for name, body := range map[string]string{
			"empty": `{"code":""}`, "letters": `{"code":"abcdef"}`,
		} {
			t.Run(name, func(t *testing.T) {
				a := maria.In(t).Post(maria.Path("/code"), story.Raw(body))
				require.Equal(t, http.StatusUnprocessableEntity, a.Status, "%s", a)
			})
		}
		for name, body := range map[string]string{
			"not there": `{}`, "null": `{"code":null}`, "a number": `{"code":482913}`, "a list": `{"code":["482913"]}`, "too long": `{"code":"` + strings.Repeat("1", 70) + `"}`,
		} {
			t.Run(name, func(t *testing.T) {
				a := maria.In(t).Post(maria.Path("/code"), story.Raw(body))
				require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status, "%s", a)
				a.SpeaksToPeople(a.Text("detail"))
			})
		}
		require.Equal(t, http.StatusOK, maria.Types(" "+code[:3]+"-"+code[3:]+" ").Status, "spaces and dashes are not mistakes")
	})
}

func TestBadInput_OldCode(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		tn.Ages(t, "identity_codes", "made_at expires_at", 31*60, "subject_id = ?", maria.Signup)
		maria.LeavesNoTrace(func() {
			maria.Speaks("de").Types(code).Refused(http.StatusGone, "code_expired")
		})
	})
}

func TestBadInput_ForeignCode(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		eve, own, _ := tn.WaitsForProof(t, "eve")
		if code == own {
			return // one in a million
		}
		eve.LeavesNoTrace(func() { eve.Speaks("de").Types(code).Refused(http.StatusUnprocessableEntity, "code_wrong") })
		maria.Types(code).Is(http.StatusOK)
	})
}

func TestBadInput_RepeatedCode(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		other, before := maria.Copied(), maria.Copied()
		maria.Types(code).Is(http.StatusOK)
		maria.LeavesNoTrace(func() {
			require.Equal(t, "details", maria.Types(code).Is(http.StatusOK).Text("step"), "pressed twice: nothing new happens")
			require.Equal(t, "details", other.Types(code).Is(http.StatusOK).Text("step"), "and so is the second of two presses, with the cookie from before")
			require.Equal(t, maria.Cookie("vestibule_signup"), other.Cookie("vestibule_signup"))
			late := tn.BrowserOf(t, maria.Address)
			late.Signup = maria.Signup
			late.Speaks("de").Types(code).Refused(http.StatusUnauthorized, "signup_gone") // another browser
		})
		stale := before.Speaks("de")
		stale.Get(stale.Path("")).Refused(http.StatusUnauthorized, "signup_gone") // the cookie from before proof is dead
		maria.LeavesNoTrace(func() {
			stale.Types(story.Other(code)).Refused(http.StatusUnauthorized, "signup_gone")
		})
	})
}

func TestBadInput_NotAnAddress(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		maria.Begins(story.Partner)
		for _, address := range []string{
			"", " ", "maria", "maria@", "@fabrikam.example", "maria@fabrikam", "maria@@fabrikam.example", "maria fabrikam.example",
			"maria@fabrikam..example", ".maria@fabrikam.example", "maria.@fabrikam.example", "maria@-fabrikam.example", "maria@127.0.0.1",
		} {
			maria.Gives(address).Field("/email", "email_invalid")
		}
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM mails WHERE about = ?", maria.Signup))
		require.Equal(t, "identity", maria.Get(maria.Path("")).Text("step"))
	})
}

func TestBadInput_RefusedDomain(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		maria.Begins(story.Partner)
		address := "maria-" + story.Unique() + "@gmail.com"
		a := maria.Gives(address).Field("/email", "email_domain_not_accepted")
		require.Contains(t, a.Text("errors.0.detail"), "gmail.com")
		require.Equal(t, story.Traces{}, tn.TracesOf(t, address))
	})
}

func TestBadInput_ClosedFlow(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		a := maria.Get("/api/v1/flows/"+story.ClosedOne).Refused(http.StatusGone, "flow_closed")
		require.Contains(t, a.Text("reason"), "Die Ausschreibung endete am 1. November.")
		maria.Post("/api/v1/signups", map[string]any{"flow": story.ClosedOne}).Refused(http.StatusGone, "flow_closed")
		require.Empty(t, maria.Cookie("vestibule_signup"))
	})
}

func TestBadInput_UnknownFlow(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		for _, slug := range []string{"nothing-here", "PARTNER", "..%2f..%2fetc", "%00", "a'b"} {
			a := maria.Get("/api/v1/flows/" + slug).Is(http.StatusNotFound)
			a.SpeaksToPeople(a.Text("detail"))
		}
		maria.Post("/api/v1/signups", map[string]any{"flow": "nothing-here"}).Refused(http.StatusNotFound, "flow_unknown")
		maria.Post("/api/v1/signups", map[string]any{}).Is(http.StatusBadRequest)
		require.Empty(t, maria.Cookie("vestibule_signup"))
	})
}

func TestBadInput_Answers(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de").Proves(story.Partner)
		for _, tc := range []struct {
			name    string
			answers map[string]any
			pointer string
			code    string
		}{
			{"a required one is missing", story.Answered("company", nil), "/answers/company", "answer_missing"},
			{"a required one is blank", story.Answered("company", " \u00a0\t"), "/answers/company", "answer_missing"},
			{"a required one is null", story.Answered("surname", nil, "surname", nil), "/answers/surname", "answer_missing"},
			{"one that a choice makes required is missing", story.Answered("reason", "maintain"), "/answers/site", "answer_missing"},
			{"too long", story.Answered("company", strings.Repeat("ä", 81)), "/answers/company", "answer_too_long"},
			{"too long by one, in a long text", story.Answered("purpose", strings.Repeat("x", 501)), "/answers/purpose", "answer_too_long"},
			{"a number for a text", story.Answered("company", 7), "/answers/company", "answer_type"},
			{"a list for a text", story.Answered("company", []string{"Fabrikam"}), "/answers/company", "answer_type"},
			{"an object for a text", story.Answered("company", map[string]any{"$ne": ""}), "/answers/company", "answer_type"},
			{"a text for a number", story.Answered("people", "7"), "/answers/people", "answer_type"},
			{"a fraction for a whole number", story.Answered("people", 1.5), "/answers/people", "answer_number"},
			{"a number too high", story.Answered("people", 51), "/answers/people", "answer_number_high"},
			{"a number too low", story.Answered("people", -1), "/answers/people", "answer_number_low"},
			{"a text for a tick", story.Answered("safety", "yes"), "/answers/safety", "answer_type"},
			{"a choice that is not offered", story.Answered("reason", "steal"), "/answers/reason", "answer_choice"},
			{"choices that are not offered", story.Answered("tools", []string{"crane", "tank"}), "/answers/tools", "answer_choice"},
			{"no date", story.Answered("begin", "2026-02-30"), "/answers/begin", "answer_date"},
			{"a date too early", story.Answered("begin", "1999-12-31"), "/answers/begin", "answer_date_early"},
			{"a date too late", story.Answered("begin", "2036-01-01"), "/answers/begin", "answer_date_late"},
			{"no telephone number", story.Answered("phone", "call me"), "/answers/phone", "answer_phone"},
			{"no country", story.Answered("country", "XX"), "/answers/country", "answer_country"},
			{"no web address", story.Answered("website", "javascript:alert(1)"), "/answers/website", "answer_url"},
			{"no address", story.Answered("secondMail", "x@y"), "/answers/secondMail", "answer_email"},
			{"an answer to a hidden field", story.Answered("site", "hamburg"), "/answers/site", "answer_not_asked"},
			{"an unknown field", story.Answered("shoeSize", 44), "/answers/shoeSize", "field_unknown"},
			{"a reserved name", story.Answered("__proto__", "x"), "/answers/__proto__", "field_unknown"},
			{"a name with a pointer's letters in it", story.Answered("a/b~c", "x"), "/answers/a~1b~0c", "field_unknown"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				maria := maria.In(t)
				maria.LeavesNoTrace(func() { maria.Sends(story.Partner, tc.answers).Field(tc.pointer, tc.code) })
			})
		}
		t.Run("every mistake at once", func(t *testing.T) {
			a := maria.In(t).Sends(story.Partner, map[string]any{"people": "x", "shoeSize": 1}).Is(http.StatusUnprocessableEntity)
			require.Len(t, a.List("errors"), 6, "%s", a)
		})
		t.Run("no consent", func(t *testing.T) {
			a := maria.In(t).Post(maria.Path("/submit"), map[string]any{"answers": story.Answered()})
			a.Field("/consents/site-rules", "consent_missing")
		})
		t.Run("consent to another version", func(t *testing.T) {
			maria.In(t).Post(maria.Path("/submit"), map[string]any{"answers": story.Answered(), "consents": []map[string]any{{"terms": "site-rules", "version": "3"}}}).
				Field("/consents/site-rules", "consent_version")
		})
		require.Equal(t, "details", maria.Get(maria.Path("")).Text("step"))
		maria.Sends(story.Partner, story.Answered("company", strings.Repeat("ä", 80), "people", 50, "begin", "2026-12-01", "tools", []string{"crane"})).Is(http.StatusAccepted)
	})
}

func TestBadInput_SecondSubmit(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de").Asks(story.Partner, story.Answered())
		first := maria.Ref
		maria.LeavesNoTrace(func() {
			maria.Sends(story.Partner, story.Answered("company", "Another GmbH")).Is(http.StatusAccepted)
			require.Equal(t, first, maria.Ref)
			maria.Patch(maria.Path(""), map[string]any{"answers": map[string]any{"company": "x"}}).Refused(http.StatusConflict, "already_sent")
			maria.Gives("other@fabrikam.example").Refused(http.StatusConflict, "already_sent")
		})
		second := tn.BrowserOf(t, maria.Address)
		second.Read = maria.Read
		second.Begins(story.Partner)
		second.Gives(maria.Address).Is(http.StatusAccepted)
		a := second.Types(story.CodeIn(t, second.Letter())).Is(http.StatusOK)
		require.Equal(t, "request", a.Text("step"), "a live request waits already")
		require.Equal(t, first, a.Text("reference"))
	})
}

func TestBadInput_TwoSubmitsAtOnce(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		body := maria.Submission(story.Partner, story.Answered())
		refs := story.Together(10, func(i int) string {
			a := maria.At(i).Post(maria.Path("/submit"), body)
			if a.Status != http.StatusAccepted {
				return a.String()
			}
			return a.Text("reference")
		})
		require.Len(t, refs, 1, "%v", refs)
		maria.Letter()
		got := tn.TracesOf(t, maria.Address)
		require.Equal(t, 1, got.Requests)
		require.Equal(t, 2, got.Mails, "code and receipt")
	})
}

func TestBadInput_DecidedRequest(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas).Speaks("de")
		sponsor.Decides(id, "approve", nil).Is(http.StatusOK)
		maria.Letter()
		maria.LeavesNoTrace(func() {
			a := sponsor.Decides(id, "approve", nil).Refused(http.StatusConflict, "already_decided")
			require.Equal(t, "Jonas Becker", a.Text("decidedBy"))
			sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "One more thing?"}).Is(http.StatusConflict)
			maria.Speaks("de").Post("/api/v1/requests/"+maria.Ref+"/withdraw", nil).Is(http.StatusConflict)
			maria.Speaks("de").Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Thanks"}).Refused(http.StatusConflict, "nothing_asked")
		})
	})
}
