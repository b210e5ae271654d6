package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestBadInput_SignupEndedWhileTyping(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner).Speaks("de")
		maria.Patch(maria.Path(""), map[string]any{"answers": map[string]any{"company": "Fabrikam GmbH"}}).Is(http.StatusOK)
		tn.Ages(t, "signups", "expires_at", 8*24*3600, "id = ?", maria.Signup)
		maria.LeavesNoTrace(func() {
			maria.Sends(story.Partner, story.Answered()).Refused(http.StatusUnauthorized, "signup_gone")
			maria.Patch(maria.Path(""), map[string]any{"answers": story.Answered()}).Refused(http.StatusUnauthorized, "signup_gone")
			require.Nil(t, maria.Get("/api/v1/signups/current").Is(http.StatusOK).Value("signup"))
		})
	})
}

func TestBadInput_StaffSessionEndedWhileTyping(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		for _, column := range []string{"seen_at", "expires_at"} {
			sponsor, session := tn.NewSession(t, story.Jonas)
			sponsor.Get("/api/v1/approvals/" + id).Is(http.StatusOK)
			tn.Ages(t, "identity_sessions", column, 9*3600, "id = ?", session)
			maria.LeavesNoTrace(func() {
				sponsor.Speaks("de").Decides(id, "approve", nil).Refused(http.StatusUnauthorized, "not_signed_in")
			})
		}
		require.Equal(t, "pending", maria.Request().Text("state"))
	})
}

func TestBadInput_SomebodyElsesID(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		eve := tn.Visitor(t, "eve").Proves(story.Partner).Speaks("de")
		eve.Signup = maria.Signup
		maria.LeavesNoTrace(func() {
			a := eve.Get(eve.Path("")).Refused(http.StatusUnauthorized, "signup_gone")
			eve.Signup = "sgn_01JZZZZZZZZZZZZZZZZZZZZZZZ"
			b := eve.Get(eve.Path(""))
			require.Equal(t, story.WithoutIDs(b), story.WithoutIDs(a), "foreign and unknown are the same")
			eve.Signup = maria.Signup
			for _, a := range []story.Answer{
				eve.Gives("eve@fabrikam.example"), eve.Types("123456"), eve.Patch(eve.Path(""), map[string]any{"answers": story.Answered()}),
				eve.Sends(story.Partner, story.Answered()),
			} {
				a.Refused(http.StatusUnauthorized, "signup_gone")
			}
		})
		maria.AsksAfterProof()
		eve.Get("/api/v1/requests/" + maria.Ref).Is(http.StatusNotFound)
		eve.Post("/api/v1/requests/"+maria.Ref+"/withdraw", nil).Is(http.StatusNotFound)
		eve.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "x"}).Is(http.StatusNotFound)
		require.Equal(t, "pending", maria.Request().Text("state"))
	})
}

func TestBadInput_BodyOfTenMegabytes(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner).Speaks("de")
		huge := `{"answers":{"company":"` + strings.Repeat("x", 10<<20) + `"}}`
		maria.LeavesNoTrace(func() {
			for _, path := range []string{maria.Path("/submit"), "/api/v1/signups", "/api/v1/signin", "/api/v1/setup"} {
				a, err := maria.Try(http.MethodPost, path, story.Raw(huge))
				if err == nil { // a server that hangs up while we still talk has said no as well
					a.Refused(http.StatusRequestEntityTooLarge, "body_too_large")
				}
			}
		})
		maria.Get(maria.Path("")).Is(http.StatusOK)
	})
}

func TestBadInput_BrokenJSON(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner).Speaks("de")
		maria.LeavesNoTrace(func() {
			for name, body := range map[string]string{
				"nothing": "", "half": `{"answers":{`, "no JSON": `answers=1`, "two documents": `{"answers":{}}{"answers":{}}`,
				"trailing words": `{"answers":{}} x`, "a list": `[]`, "a text": `"x"`, "null": `null`, "not UTF-8": "{\"answers\":{\"company\":\"\xff\"}}",
				"100,000 levels": `{"answers":{"company":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}}`,
			} {
				t.Run(name, func(t *testing.T) {
					a := maria.In(t).Post(maria.Path("/submit"), story.Raw(body))
					require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status, "%s", a)
					a.SpeaksToPeople(a.Text("detail"))
				})
			}
		})
	})
}

func TestBadInput_AnotherContentType(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/xml"} {
			maria.With("Content-Type", kind).Post("/api/v1/signups", story.Raw(`{"flow":"partner"}`)).Is(http.StatusUnsupportedMediaType)
		}
		require.Empty(t, maria.Cookie("vestibule_signup"))
	})
}

func TestBadInput_UnknownAndDoubledKeys(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		for _, body := range []string{
			`{"flow":"partner","isAdmin":true}`, `{"flow":"partner","flow":"walk-in"}`, `{"FLOW":"partner"}`, `{"flow":"partner","Flow":"walk-in"}`,
		} {
			a := maria.Post("/api/v1/signups", story.Raw(body))
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status, "%s: %s", body, a)
			a.SpeaksToPeople(a.Text("detail"))
		}
		require.Empty(t, maria.Cookie("vestibule_signup"))
		maria.Proves(story.Partner)
		maria.LeavesNoTrace(func() {
			for _, body := range []string{
				`{"answers":{"company":"a","company":"b"}}`, `{"answers":{},"answers":{}}`, `{"answers":{},"state":"approved"}`,
				`{"answers":{},"consents":[{"terms":"site-rules","version":"4","at":"2020-01-01"}]}`,
			} {
				a := maria.Post(maria.Path("/submit"), story.Raw(body))
				require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status, "%s: %s", body, a)
			}
		})
	})
}

func TestBadInput_WrongHost(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		for _, host := range []string{"evil.test", "evil.test:8080", "127.0.0.1.evil.test", "localhost.evil.test"} {
			a := maria.Speaks("de").With("Host", host).Get("/api/v1/flows/" + story.Partner)
			a.Refused(http.StatusMisdirectedRequest, "host_unknown")
			maria.With("Host", host).Get("/join/" + story.Partner).Is(http.StatusMisdirectedRequest)
		}
	})
}

func TestBadInput_StrangePathsAndQueries(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		sponsor := tn.Member(t, story.Jonas).Speaks("de")
		for _, path := range []string{
			"/api/v1/approvals?limit=0", "/api/v1/approvals?limit=101", "/api/v1/approvals?limit=x", "/api/v1/approvals?state=all",
			"/api/v1/approvals?after=garbage", "/api/v1/approvals?after=" + strings.Repeat("A", 500), "/api/v1/approvals?count=exact",
		} {
			a := sponsor.Get(path)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status, "%s", a)
			a.SpeaksToPeople(a.Text("detail"))
		}
		for _, path := range []string{"/api/v1/nothing", "/api/v2/flows", "/api/v1/", "/api/v1/signups/x/y/z", "/api/v1/approvals/%2e%2e"} {
			a := sponsor.Get(path)
			require.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest, http.StatusUnauthorized}, a.Status, "%s", a)
		}
		sponsor.Send(http.MethodDelete, "/api/v1/approvals", nil).Refused(http.StatusMethodNotAllowed, "method_not_allowed")
	})
}
