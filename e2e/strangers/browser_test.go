package strangers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T34: a session that was planted before the sign-in is nobody's after it.
func TestT34_ASessionPlantedBeforeSigninIsNobodys(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		planted := strings.Repeat("A", 43)
		lukas.Jar.SetCookies(story.Home(""), []*http.Cookie{{Name: "__Host-vestibule_session", Value: planted, Path: "/", Secure: true}})
		thief := tn.BrowserOf(t, lukas.Address).Speaks("de")
		thief.Jar.SetCookies(story.Home(""), []*http.Cookie{{Name: "__Host-vestibule_session", Value: planted, Path: "/", Secure: true}})
		before := lukas.Cookie("vestibule_signup")
		a := lukas.SignsIn().Is(http.StatusOK)
		first := lukas.Cookie("vestibule_session")
		require.NotEqual(t, planted, first)
		require.GreaterOrEqual(t, len(first), 43, "256 bits")
		thief.Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
		set := strings.Join(a.Header.Values("Set-Cookie"), "\n")
		for _, line := range strings.Split(set, "\n") {
			for _, flag := range []string{"__Host-", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
				require.Contains(t, line, flag)
			}
			require.NotContains(t, line, "Domain=")
		}
		lukas.Post("/api/v1/signout", nil).Is(http.StatusNoContent)
		tn.Ages(t, "identity_signins", "mail_asked_at", 600, "address = ?", lukas.Address)
		lukas.SignsIn().Is(http.StatusOK)
		require.NotEqual(t, first, lukas.Cookie("vestibule_session"), "a new one each time")
		require.NotEmpty(t, before)
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM identity_sessions s JOIN directory_users u ON u.id = s.user_id WHERE u.address = ? AND s.ended_at IS NULL AND s.created_at < (SELECT max(created_at) FROM identity_sessions WHERE user_id = u.id)", lukas.Address), "the first has ended")
		lukas.Audited()
	})
}

// Row T34: proof of an address is a change of rights too: the sign-up's old cookie is worth nothing after it.
func TestT34_ProofChangesTheSignupsCookie(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		stolen := maria.Copied()
		maria.Types(code).Is(http.StatusOK)
		require.NotEqual(t, stolen.Cookie("vestibule_signup"), maria.Cookie("vestibule_signup"))
		stolen.Speaks("de").Get(maria.Path("")).Refused(http.StatusUnauthorized, "signup_gone")
		stolen.Speaks("de").Patch(maria.Path(""), map[string]any{"answers": story.Answered()}).Refused(http.StatusUnauthorized, "signup_gone")
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
	})
}

// Row T40: no other site writes in somebody's name, whatever shape its request has.
func TestT40_NoOtherSiteWritesInSomebodysName(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		sponsor := tn.Member(t, story.Jonas)
		maria.LeavesNoTrace(func() {
			story.TheContract.Each(func(method, path string, op *openapi3.Operation) {
				if method == http.MethodGet {
					return
				}
				who := sponsor
				if op.Extensions["x-who"] == "applicant" {
					who = maria
				}
				forged(who.Speaks("de"), method, who.Filled(path))
			})
		})
		sponsor.Get("/api/v1/me").Is(http.StatusOK) // nobody has signed them out
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// forged sends what forms and scripts of other sites can send, with the person's cookies.
func forged(p *story.Person, method, path string) {
	ours := p.Public()
	for _, origin := range []string{"https://evil.test", "null", ours + ".evil.test", strings.Replace(ours, "://", "://sub.", 1), strings.Replace(ours, "http:", "https:", 1), ours + ":1"} {
		for _, site := range []string{"cross-site", "same-site", ""} {
			p.With("Origin", origin).With("Sec-Fetch-Site", site).Send(method, path, story.Raw("{}")).Refused(http.StatusForbidden, "cross_origin")
		}
	}
	for _, site := range []string{"cross-site", "same-site", ""} {
		p.Without("Origin").With("Sec-Fetch-Site", site).Send(method, path, story.Raw("{}")).Refused(http.StatusForbidden, "cross_origin")
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json-patch+json", "text/json", "",
		"application/json; x", "application/json; x=y", "application/json; charset=utf-7", "application/json;charset=utf-8;x=y", "application/json, text/plain", "application/json; =", "application/json/x"} {
		p.With("Content-Type", kind).Send(method, path, story.Raw(`{"a":1}`)).Refused(http.StatusUnsupportedMediaType, "content_type_unsupported")
	}
	p.Send(http.MethodHead, path, nil).IsOneOf(http.StatusNotFound, http.StatusMethodNotAllowed)
	for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		a := p.With(name, method).Get(path + "?_method=" + method)
		a.IsOneOf(http.StatusOK, http.StatusNoContent, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone)
	}
}

// Row T89: no page of ours stands in another's frame, and a picture signs nobody out. That Chromium obeys is shown by
// browser/refusals.spec.ts.
func TestT89_NothingIsFramedAndAPictureSignsNobodyOut(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		maria.Opens("/l/" + token)
		sponsor := tn.Member(t, story.Jonas)
		for _, path := range []string{"/", "/join/partner", "/l", "/signin", "/inbox", "/decide/" + token, "/requests/7KQ-42M-9", "/apps", "/setup"} {
			a := sponsor.With("Accept", "text/html").Get(path)
			require.Less(t, a.Status, 400, "%s", a.Header)
			require.Contains(t, a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
			require.Equal(t, "same-origin", a.Header.Get("Cross-Origin-Opener-Policy"), path)
		}
		for _, path := range []string{"/api/v1/signout", "/signout", "/logout", "/api/v1/signout?x=1"} {
			sponsor.With("Sec-Fetch-Dest", "image").With("Sec-Fetch-Site", "cross-site").Get(path)
		}
		sponsor.Get("/api/v1/me").Is(http.StatusOK)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
	})
}
