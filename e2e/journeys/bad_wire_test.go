package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBadInput_SignupEndedWhileTyping(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner).speaks("de")
		maria.patch(maria.path(""), map[string]any{"answers": map[string]any{"company": "Fabrikam GmbH"}}).is(http.StatusOK)
		tn.ages(t, "signups", "expires_at", 8*24*3600, "id = ?", maria.signup)
		maria.leavesNoTrace(func() {
			maria.sends(partner, answered()).refused(http.StatusUnauthorized, "signup_gone")
			maria.patch(maria.path(""), map[string]any{"answers": answered()}).refused(http.StatusUnauthorized, "signup_gone")
			require.Nil(t, maria.get("/api/v1/signups/current").is(http.StatusOK).value("signup"))
		})
	})
}

func TestBadInput_StaffSessionEndedWhileTyping(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		for _, column := range []string{"seen_at", "expires_at"} {
			sponsor := tn.newSession(t, jonas)
			sponsor.get("/api/v1/approvals/" + id).is(http.StatusOK)
			newest, err := tn.eyes.Strings(t.Context(), "SELECT s.id FROM identity_sessions s JOIN directory_users u ON u.id = s.user_id WHERE u.address = ? ORDER BY s.id DESC", jonas)
			require.NoError(t, err)
			tn.ages(t, "identity_sessions", column, 9*3600, "id = ?", newest[0])
			maria.leavesNoTrace(func() {
				sponsor.speaks("de").decides(id, "approve", nil).refused(http.StatusUnauthorized, "not_signed_in")
			})
		}
		require.Equal(t, "pending", maria.request().text("state"))
	})
}

func TestBadInput_SomebodyElsesID(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner)
		eve := tn.visitor(t, "eve").proves(partner).speaks("de")
		eve.signup = maria.signup
		maria.leavesNoTrace(func() {
			a := eve.get(eve.path("")).refused(http.StatusUnauthorized, "signup_gone")
			eve.signup = "sgn_01JZZZZZZZZZZZZZZZZZZZZZZZ"
			b := eve.get(eve.path(""))
			require.Equal(t, withoutIDs(b), withoutIDs(a), "foreign and unknown are the same")
			eve.signup = maria.signup
			for _, a := range []answer{
				eve.gives("eve@fabrikam.example"), eve.types("123456"), eve.patch(eve.path(""), map[string]any{"answers": answered()}),
				eve.sends(partner, answered()),
			} {
				a.refused(http.StatusUnauthorized, "signup_gone")
			}
		})
		maria.asksAfterProof()
		eve.get("/api/v1/requests/" + maria.ref).is(http.StatusNotFound)
		eve.post("/api/v1/requests/"+maria.ref+"/withdraw", nil).is(http.StatusNotFound)
		eve.post("/api/v1/requests/"+maria.ref+"/reply", map[string]any{"text": "x"}).is(http.StatusNotFound)
		require.Equal(t, "pending", maria.request().text("state"))
	})
}

func (p *person) asksAfterProof() {
	p.t.Helper()
	p.sends(partner, answered()).is(http.StatusAccepted)
}

func TestBadInput_BodyOfTenMegabytes(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner).speaks("de")
		huge := `{"answers":{"company":"` + strings.Repeat("x", 10<<20) + `"}}`
		maria.leavesNoTrace(func() {
			for _, path := range []string{maria.path("/submit"), "/api/v1/signups", "/api/v1/signin", "/api/v1/setup"} {
				a, err := maria.try(http.MethodPost, path, raw(huge))
				if err == nil { // a server that hangs up while we still talk has said no as well
					a.refused(http.StatusRequestEntityTooLarge, "body_too_large")
				}
			}
		})
		maria.get(maria.path("")).is(http.StatusOK)
	})
}

func TestBadInput_BrokenJSON(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner).speaks("de")
		maria.leavesNoTrace(func() {
			for name, body := range map[string]string{
				"nothing": "", "half": `{"answers":{`, "no JSON": `answers=1`, "two documents": `{"answers":{}}{"answers":{}}`,
				"trailing words": `{"answers":{}} x`, "a list": `[]`, "a text": `"x"`, "null": `null`, "not UTF-8": "{\"answers\":{\"company\":\"\xff\"}}",
				"100,000 levels": `{"answers":{"company":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}}`,
			} {
				t.Run(name, func(t *testing.T) {
					a := maria.in(t).post(maria.path("/submit"), raw(body))
					require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s", a)
					a.speaksToPeople(a.text("detail"))
				})
			}
		})
	})
}

func TestBadInput_AnotherContentType(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/xml"} {
			maria.with("Content-Type", kind).post("/api/v1/signups", raw(`{"flow":"partner"}`)).is(http.StatusUnsupportedMediaType)
		}
		require.Empty(t, maria.cookie("vestibule_signup"))
	})
}

func TestBadInput_UnknownAndDoubledKeys(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		for _, body := range []string{
			`{"flow":"partner","isAdmin":true}`, `{"flow":"partner","flow":"walk-in"}`, `{"FLOW":"partner"}`, `{"flow":"partner","Flow":"walk-in"}`,
		} {
			a := maria.post("/api/v1/signups", raw(body))
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s: %s", body, a)
			a.speaksToPeople(a.text("detail"))
		}
		require.Empty(t, maria.cookie("vestibule_signup"))
		maria.proves(partner)
		maria.leavesNoTrace(func() {
			for _, body := range []string{
				`{"answers":{"company":"a","company":"b"}}`, `{"answers":{},"answers":{}}`, `{"answers":{},"state":"approved"}`,
				`{"answers":{},"consents":[{"terms":"site-rules","version":"4","at":"2020-01-01"}]}`,
			} {
				a := maria.post(maria.path("/submit"), raw(body))
				require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s: %s", body, a)
			}
		})
	})
}

func TestBadInput_WrongHost(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria")
		for _, host := range []string{"evil.test", "evil.test:8080", "127.0.0.1.evil.test", "localhost.evil.test"} {
			a := maria.speaks("de").with("Host", host).get("/api/v1/flows/" + partner)
			a.refused(http.StatusMisdirectedRequest, "host_unknown")
			maria.with("Host", host).get("/join/" + partner).is(http.StatusMisdirectedRequest)
		}
	})
}

func TestBadInput_StrangePathsAndQueries(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		sponsor := tn.member(t, jonas).speaks("de")
		for _, path := range []string{
			"/api/v1/approvals?limit=0", "/api/v1/approvals?limit=101", "/api/v1/approvals?limit=x", "/api/v1/approvals?state=all",
			"/api/v1/approvals?after=garbage", "/api/v1/approvals?after=" + strings.Repeat("A", 500), "/api/v1/approvals?count=exact",
		} {
			a := sponsor.get(path)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s", a)
			a.speaksToPeople(a.text("detail"))
		}
		for _, path := range []string{"/api/v1/nothing", "/api/v2/flows", "/api/v1/", "/api/v1/signups/x/y/z", "/api/v1/approvals/%2e%2e"} {
			a := sponsor.get(path)
			require.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest, http.StatusUnauthorized}, a.status, "%s", a)
		}
		sponsor.send(http.MethodDelete, "/api/v1/approvals", nil).refused(http.StatusMethodNotAllowed, "method_not_allowed")
	})
}
