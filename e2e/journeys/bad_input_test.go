package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The list "Bad input": each item a test of its own. Everybody here speaks German, so that every sentence is seen in
// the language that was asked for.

func TestBadInput_WrongCode(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		maria = maria.speaks("de")
		maria.leavesNoTrace(func() {
			maria.types(other(code)).refused(http.StatusUnprocessableEntity, "code_wrong")
		})
		require.Equal(t, "code", maria.get(maria.path("")).text("step"))
		maria.types(code).is(http.StatusOK)
	})
}

func TestBadInput_MissingOrMisshapenCode(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		maria = maria.speaks("de")
		for name, body := range map[string]string{
			"empty": `{"code":""}`, "letters": `{"code":"abcdef"}`,
		} {
			t.Run(name, func(t *testing.T) {
				a := maria.in(t).post(maria.path("/code"), raw(body))
				require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s", a)
			})
		}
		for name, body := range map[string]string{
			"not there": `{}`, "null": `{"code":null}`, "a number": `{"code":482913}`, "a list": `{"code":["482913"]}`, "too long": `{"code":"` + strings.Repeat("1", 70) + `"}`,
		} {
			t.Run(name, func(t *testing.T) {
				a := maria.in(t).post(maria.path("/code"), raw(body))
				require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s", a)
				a.speaksToPeople(a.text("detail"))
			})
		}
		require.Equal(t, http.StatusOK, maria.types(" "+code[:3]+"-"+code[3:]+" ").status, "spaces and dashes are not mistakes")
	})
}

func TestBadInput_OldCode(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		tn.ages(t, "identity_codes", "made_at expires_at", 31*60, "subject_id = ?", maria.signup)
		maria.leavesNoTrace(func() {
			maria.speaks("de").types(code).refused(http.StatusGone, "code_expired")
		})
	})
}

func TestBadInput_ForeignCode(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		eve, own, _ := tn.waitsForProof(t, "eve")
		if code == own {
			return // one in a million
		}
		eve.leavesNoTrace(func() { eve.speaks("de").types(code).refused(http.StatusUnprocessableEntity, "code_wrong") })
		maria.types(code).is(http.StatusOK)
	})
}

func TestBadInput_RepeatedCode(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		other := maria.copied()
		maria.types(code).is(http.StatusOK)
		maria.leavesNoTrace(func() {
			require.Equal(t, "details", maria.types(code).is(http.StatusOK).text("step"), "pressed twice: nothing new happens")
			other.speaks("de").types(code).refused(http.StatusUnauthorized, "signup_gone") // the cookie from before proof is dead
		})
	})
}

func TestBadInput_NotAnAddress(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		maria.begins(partner)
		for _, address := range []string{
			"", " ", "maria", "maria@", "@fabrikam.example", "maria@fabrikam", "maria@@fabrikam.example", "maria fabrikam.example",
			"maria@fabrikam..example", ".maria@fabrikam.example", "maria.@fabrikam.example", "maria@-fabrikam.example", "maria@127.0.0.1",
		} {
			maria.gives(address).field("/email", "email_invalid")
		}
		require.Zero(t, tn.count(t, "SELECT count(*) FROM mails WHERE about = ?", maria.signup))
		require.Equal(t, "identity", maria.get(maria.path("")).text("step"))
	})
}

func TestBadInput_RefusedDomain(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		maria.begins(partner)
		address := "maria-" + unique() + "@gmail.com"
		a := maria.gives(address).field("/email", "email_domain_not_accepted")
		require.Contains(t, a.text("errors.0.detail"), "gmail.com")
		require.Equal(t, traces{}, tn.tracesOf(t, address))
	})
}

func TestBadInput_ClosedFlow(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		a := maria.get("/api/v1/flows/"+closedOne).refused(http.StatusGone, "flow_closed")
		require.Contains(t, a.text("reason"), "Die Ausschreibung endete am 1. November.")
		maria.post("/api/v1/signups", map[string]any{"flow": closedOne}).refused(http.StatusGone, "flow_closed")
		require.Empty(t, maria.cookie("vestibule_signup"))
	})
}

func TestBadInput_UnknownFlow(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		for _, slug := range []string{"nothing-here", "PARTNER", "..%2f..%2fetc", "%00", "a'b"} {
			a := maria.get("/api/v1/flows/" + slug).is(http.StatusNotFound)
			a.speaksToPeople(a.text("detail"))
		}
		maria.post("/api/v1/signups", map[string]any{"flow": "nothing-here"}).refused(http.StatusNotFound, "flow_unknown")
		maria.post("/api/v1/signups", map[string]any{}).is(http.StatusBadRequest)
		require.Empty(t, maria.cookie("vestibule_signup"))
	})
}

func TestBadInput_Answers(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de").proves(partner)
		for _, tc := range []struct {
			name    string
			answers map[string]any
			pointer string
			code    string
		}{
			{"a required one is missing", answered("company", nil), "/answers/company", "answer_missing"},
			{"a required one is blank", answered("company", " \u00a0\t"), "/answers/company", "answer_missing"},
			{"a required one is null", answered("surname", nil, "surname", nil), "/answers/surname", "answer_missing"},
			{"one that a choice makes required is missing", answered("reason", "maintain"), "/answers/site", "answer_missing"},
			{"too long", answered("company", strings.Repeat("ä", 81)), "/answers/company", "answer_too_long"},
			{"too long by one, in a long text", answered("purpose", strings.Repeat("x", 501)), "/answers/purpose", "answer_too_long"},
			{"a number for a text", answered("company", 7), "/answers/company", "answer_type"},
			{"a list for a text", answered("company", []string{"Fabrikam"}), "/answers/company", "answer_type"},
			{"an object for a text", answered("company", map[string]any{"$ne": ""}), "/answers/company", "answer_type"},
			{"a text for a number", answered("people", "7"), "/answers/people", "answer_type"},
			{"a fraction for a whole number", answered("people", 1.5), "/answers/people", "answer_number"},
			{"a number too high", answered("people", 51), "/answers/people", "answer_number_high"},
			{"a number too low", answered("people", -1), "/answers/people", "answer_number_low"},
			{"a text for a tick", answered("safety", "yes"), "/answers/safety", "answer_type"},
			{"a choice that is not offered", answered("reason", "steal"), "/answers/reason", "answer_choice"},
			{"choices that are not offered", answered("tools", []string{"crane", "tank"}), "/answers/tools", "answer_choice"},
			{"no date", answered("begin", "2026-02-30"), "/answers/begin", "answer_date"},
			{"a date too early", answered("begin", "1999-12-31"), "/answers/begin", "answer_date_early"},
			{"a date too late", answered("begin", "2036-01-01"), "/answers/begin", "answer_date_late"},
			{"no telephone number", answered("phone", "call me"), "/answers/phone", "answer_phone"},
			{"no country", answered("country", "XX"), "/answers/country", "answer_country"},
			{"no web address", answered("website", "javascript:alert(1)"), "/answers/website", "answer_url"},
			{"no address", answered("secondMail", "x@y"), "/answers/secondMail", "answer_email"},
			{"an answer to a hidden field", answered("site", "hamburg"), "/answers/site", "answer_not_asked"},
			{"an unknown field", answered("shoeSize", 44), "/answers/shoeSize", "field_unknown"},
			{"a reserved name", answered("__proto__", "x"), "/answers/__proto__", "field_unknown"},
			{"a name with a pointer's letters in it", answered("a/b~c", "x"), "/answers/a~1b~0c", "field_unknown"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				maria := maria.in(t)
				maria.leavesNoTrace(func() { maria.sends(partner, tc.answers).field(tc.pointer, tc.code) })
			})
		}
		t.Run("every mistake at once", func(t *testing.T) {
			a := maria.in(t).sends(partner, map[string]any{"people": "x", "shoeSize": 1}).is(http.StatusUnprocessableEntity)
			require.Len(t, a.list("errors"), 6, "%s", a)
		})
		t.Run("no consent", func(t *testing.T) {
			a := maria.in(t).post(maria.path("/submit"), map[string]any{"answers": answered()})
			a.field("/consents/site-rules", "consent_missing")
		})
		t.Run("consent to another version", func(t *testing.T) {
			maria.in(t).post(maria.path("/submit"), map[string]any{"answers": answered(), "consents": []map[string]any{{"terms": "site-rules", "version": "3"}}}).
				field("/consents/site-rules", "consent_version")
		})
		require.Equal(t, "details", maria.get(maria.path("")).text("step"))
		maria.sends(partner, answered("company", strings.Repeat("ä", 80), "people", 50, "begin", "2026-12-01", "tools", []string{"crane"})).is(http.StatusAccepted)
	})
}

func TestBadInput_SecondSubmit(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de").asks(partner, answered())
		first := maria.ref
		maria.leavesNoTrace(func() {
			maria.sends(partner, answered("company", "Another GmbH")).is(http.StatusAccepted)
			require.Equal(t, first, maria.ref)
			maria.patch(maria.path(""), map[string]any{"answers": map[string]any{"company": "x"}}).refused(http.StatusConflict, "already_sent")
			maria.gives("other@fabrikam.example").refused(http.StatusConflict, "already_sent")
		})
		second := tn.browserOf(t, maria.address)
		second.read = maria.read
		second.begins(partner)
		second.gives(maria.address).is(http.StatusAccepted)
		a := second.types(codeIn(t, second.letter())).is(http.StatusOK)
		require.Equal(t, "request", a.text("step"), "a live request waits already")
		require.Equal(t, first, a.text("reference"))
	})
}

func TestBadInput_TwoSubmitsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner)
		body := maria.submission(partner, answered())
		refs := together(10, func(i int) string {
			a := maria.at(i).post(maria.path("/submit"), body)
			if a.status != http.StatusAccepted {
				return a.String()
			}
			return a.text("reference")
		})
		require.Len(t, refs, 1, "%v", refs)
		maria.letter()
		got := tn.tracesOf(t, maria.address)
		require.Equal(t, 1, got.Requests)
		require.Equal(t, 2, got.Mails, "code and receipt")
	})
}

func TestBadInput_OwnRequest(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		self := tn.browserOf(t, ana)
		tn.member(t, ana) // signed in before: no other code is on its way to ana
		code := func() string {
			tn.mu.Lock()
			defer tn.mu.Unlock()
			self.readsAll()
			self.begins(partner)
			self.gives(ana).is(http.StatusAccepted)
			return sixDigits.FindString(self.letter().Subject)
		}()
		if code == "" { // members need no guest access, so their mail tells them to sign in, and there is nothing to decide
			self.types("123456").is(http.StatusUnprocessableEntity)
			require.Zero(t, tn.tracesOf(t, ana).Requests)
			return
		}
		self.types(code).is(http.StatusOK)
		self.sends(partner, answered()).is(http.StatusAccepted)
		id := tn.requestID(t, self.ref)
		self.leavesNoTrace(func() {
			tn.member(t, ana).speaks("de").decides(id, "approve", nil).refused(http.StatusForbidden, "own_request")
		})
		require.Contains(t, strings.Join(tn.audit(t, id), " "), "approval.refused!")
		require.Equal(t, "own_request", tn.member(t, ana).get("/api/v1/approvals/"+id).text("whyNot"))
	})
}

func TestBadInput_DecidedRequest(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id, sponsor := tn.requestID(t, maria.ref), tn.member(t, jonas).speaks("de")
		sponsor.decides(id, "approve", nil).is(http.StatusOK)
		maria.letter()
		maria.leavesNoTrace(func() {
			a := sponsor.decides(id, "approve", nil).refused(http.StatusConflict, "already_decided")
			require.Equal(t, "Jonas Becker", a.text("decidedBy"))
			sponsor.post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "One more thing?"}).is(http.StatusConflict)
			maria.speaks("de").post("/api/v1/requests/"+maria.ref+"/withdraw", nil).is(http.StatusConflict)
			maria.speaks("de").post("/api/v1/requests/"+maria.ref+"/reply", map[string]any{"text": "Thanks"}).refused(http.StatusConflict, "nothing_asked")
		})
	})
}

// other is a code of six digits that is not code.
func other(code string) string {
	if code[0] == '1' {
		return "2" + code[1:]
	}
	return "1" + code[1:]
}
