package strangers

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

// scanners are what mail programs and gateways open links with before a person does.
var scanners = []string{
	"Mozilla/5.0 (compatible; Microsoft Outlook SafeLinks)", "Barracuda Sentinel", "Mimecast", "Proofpoint URL Defense", "Googlebot/2.1",
}

// Row T04: opening never consumes.
func TestT04_OpeningALinkTenTimesConsumesNothing(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		maria.LeavesNoTrace(func() {
			for i, agent := range scanners {
				for _, method := range []string{http.MethodGet, http.MethodGet, http.MethodHead, http.MethodOptions} {
					scanner := tn.BrowserOf(t, "scanner@example.com").With("User-Agent", agent).At(i)
					a := scanner.Send(method, "/l/"+token, nil)
					require.Contains(t, []int{http.StatusSeeOther, http.StatusMethodNotAllowed}, a.Status, "%s", a)
					require.Empty(t, scanner.Cookie("vestibule_session"))
					require.Empty(t, scanner.Cookie("vestibule_signup"))
				}
			}
		})
		maria.Opens("/l/" + token)
		maria.Post("/api/v1/link", nil).Is(http.StatusOK)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
	})
}

// Row T05: prefetching never acts, for none of the three kinds of links; browser/refusals.spec.ts has a scanner that
// runs the page's scripts.
func TestT05_PrefetchingALinkActsOnNothing(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		lukas := tn.Guest(t, "lukas")
		lukas.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		signin := story.TokenIn(t, lukas.Letter())
		asked := tn.Visitor(t, "asked").Asks(story.Partner, story.Answered())
		decide := decideTokenIn(t, tn.LetterAbout(t, story.Jonas, asked.Ref))
		for _, header := range []string{"Purpose", "Sec-Purpose", "X-Moz"} {
			for _, path := range []string{"/l/" + token, "/l/" + signin, "/decide/" + decide} {
				for _, who := range []*story.Person{maria, lukas, tn.Member(t, story.Jonas)} {
					require.Less(t, who.With(header, "prefetch").With("Accept", "text/html").Get(path).Status, 400)
				}
			}
		}
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"))
		lukas.Speaks("de").Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
		require.Equal(t, "pending", asked.Request().Text("state"))
		maria.Opens("/l/" + token)
		maria.Post("/api/v1/link", nil).Is(http.StatusOK) // a person's press works as if nothing had been
		lukas.Opens("/l/" + signin)
		lukas.Post("/api/v1/link", nil).Is(http.StatusOK)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
		asked.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// Row T06: single use is atomic, on whichever replica.
func TestT06_ALinkIsPressedOnceHoweverOftenItIsPressed(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		maria.Opens("/l/" + token)
		told := story.Crowd(tn, 50, func(i int) string {
			a := maria.At(i).Copied().Post("/api/v1/link", nil)
			if a.Status == http.StatusOK {
				return "200"
			}
			return a.Text("code")
		})
		require.Equal(t, 1, told["200"], "%v", told)
		require.Equal(t, 49, told["mailed_link_used_up"], "%v", told)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
	})
}

// Row T06: the same for the link of a sign-in: one session, and one press that is told of it.
func TestT06_ASigninLinkIsPressedOnceHoweverOftenItIsPressed(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		lukas.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		lukas.Opens("/l/" + story.TokenIn(t, lukas.Letter()))
		browsers := make([]*story.Person, 50)
		for i := range browsers {
			browsers[i] = lukas.At(i).Copied()
		}
		told := story.Crowd(tn, len(browsers), func(i int) string {
			a := browsers[i].Post("/api/v1/link", nil)
			if a.Status == http.StatusOK {
				return "200"
			}
			return a.Text("code")
		})
		require.Equal(t, map[string]int{"200": 1, "signin_link_used_up": 49}, told)
		sessions := map[string]bool{}
		for _, p := range browsers {
			if session := p.Cookie("vestibule_session"); session != "" {
				sessions[session] = true
			}
		}
		require.Len(t, sessions, 1)
		lukas.Leaves(story.Left{
			Traces: story.Traces{Requests: 1, Guests: 1, Grants: 1, Sessions: 1, Mails: 3, Codes: 2, States: "active"},
			Audit:  append(slices.Clone(signedUp), "identity.signed_in"),
		})
	})
}

// Row T06: a token has one purpose. At every other door it is nothing, and a try there does not use it up.
// TestT56_AnEmptyHouseIsSetUpOnceWithTheLinkItPrints carries the link of a set-up around.
func TestT06_ALinkOfOnePurposeIsNothingElsewhere(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, verify := tn.WaitsForProof(t, "maria")
		lukas := tn.Guest(t, "lukas")
		lukas.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		signin := story.TokenIn(t, lukas.Letter())
		asked := tn.Visitor(t, "asked").Asks(story.Partner, story.Answered())
		decide := decideTokenIn(t, tn.LetterAbout(t, story.Jonas, asked.Ref))
		jonas := tn.Member(t, story.Jonas)
		for kind, token := range map[string]string{"verify": verify, "signin": signin, "decide": decide} {
			isNothing(t, tn, kind, token)
			if kind != "decide" {
				jonas.Speaks("de").Get("/api/v1/decide/"+token).Refused(http.StatusGone, "link_used_up")
			} else {
				lukas.Opens("/l/" + token)
				lukas.Speaks("de").Post("/api/v1/link", nil).Refused(http.StatusGone, "mailed_link_used_up")
			}
		}
		guest := tn.BrowserOf(t, maria.Address)
		guest.Post("/api/v1/signin", map[string]any{"email": maria.Address}).Is(http.StatusOK)
		guest.Speaks("de").Post("/api/v1/signin/code", map[string]any{"code": code}).Refused(http.StatusUnprocessableEntity, "code_wrong")
		maria.Opens("/l/" + verify)
		maria.Post("/api/v1/link", nil).Is(http.StatusOK) // none of the tries has used one up
		lukas.Opens("/l/" + signin)
		lukas.Post("/api/v1/link", nil).Is(http.StatusOK)
		require.Equal(t, tn.RequestID(t, asked.Ref), jonas.Get("/api/v1/decide/"+decide).Is(http.StatusOK).Text("id"))
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 2, Codes: 1}, Audit: []string{"signup.started", "identity.code_refused!", "signup.proved"}})
		asked.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// isNothing shows a token where it is none: as a key, as every cookie, as a code, as a set-up link, in another browser.
func isNothing(t *testing.T, tn *story.Town, kind, token string) {
	t.Helper()
	thief := tn.BrowserOf(t, "thief@example.com").Speaks("de")
	for _, key := range []string{token, "vst_" + token} {
		thief.With("Authorization", "Bearer "+key).Get("/api/v1/guests").Refused(http.StatusUnauthorized, "api_key_invalid")
	}
	for _, cookie := range []string{"vestibule_session", "vestibule_signup", "vestibule_signin", "vestibule_device"} {
		holder := thief.With("Cookie", cookie+"="+token)
		holder.Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
		require.Nil(t, holder.Get("/api/v1/signups/current").Is(http.StatusOK).Value("signup"), "%s as %s", kind, cookie)
		require.GreaterOrEqual(t, holder.Post("/api/v1/signin/code", map[string]any{"code": "123456"}).Status, 400, "%s as %s", kind, cookie)
		require.GreaterOrEqual(t, holder.Post("/api/v1/signups/sgn_01JZZZZZZZZZZZZZZZZZZZZZZZ/submit", map[string]any{"answers": map[string]any{}}).Status, 400, "%s as %s", kind, cookie)
	}
	thief.Post("/api/v1/setup/check", map[string]any{"token": token}).Is(http.StatusGone)
	thief.Post("/api/v1/setup", map[string]any{"token": token, "organisation": "Evil", "name": "Eve", "email": thief.Address}).Is(http.StatusGone)
	thief.Opens("/l/" + token)
	require.GreaterOrEqual(t, thief.Post("/api/v1/link", nil).Status, 400, kind)
	require.Empty(t, thief.Cookie("vestibule_session"), kind)
}

// Row T06: any success ends the siblings, and of many mails the two newest work.
func TestT06_ASuccessEndsTheOtherLinks(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, _, first := tn.WaitsForProof(t, "maria")
		tokens := []string{first}
		for range 2 {
			tn.Ages(t, "signups", "mail_asked_at", 200, "id = ?", maria.Signup)
			maria.Gives(maria.Address).Is(http.StatusAccepted)
			tokens = append(tokens, story.TokenIn(t, maria.Letter()))
		}
		press := func(token string) story.Answer {
			maria.Opens("/l/" + token)
			return maria.Speaks("de").Post("/api/v1/link", nil)
		}
		press(tokens[0]).Is(http.StatusGone)
		press(tokens[2]).Is(http.StatusOK)
		press(tokens[1]).Is(http.StatusGone)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 3, Codes: 3}, Audit: []string{"signup.started", "signup.proved"}})
	})
}

// Row T12: the token does not stay in the address. That no log holds it is asked at the end of every story.
func TestT12_TheTokenLeavesTheAddressAtOnce(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		a := maria.Get("/l/" + token).Is(http.StatusSeeOther)
		require.Equal(t, "/l", strings.TrimPrefix(a.Header.Get("Location"), tn.Plan.Public))
		require.Equal(t, "no-referrer", a.Header.Get("Referrer-Policy"))
		require.Contains(t, a.Header.Get("Cache-Control"), "no-store")
		parked := a.Header.Get("Set-Cookie")
		require.Contains(t, parked, "HttpOnly")
		require.Contains(t, parked, "SameSite=Lax")
		require.NotContains(t, string(maria.Opens("/l").Body), token)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
	})
}

// Row T12: behind https no neighbouring domain can plant or read the parked token. A decide link keeps its token in the
// address, because it is no right: it is found by its own approver in a session, and nothing on the page of anybody else.
func TestT12_BehindHTTPSTheParkedTokenIsOfThisHostAlone(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		parked := maria.Get("/l/" + token).Is(http.StatusSeeOther).Header.Get("Set-Cookie")
		require.True(t, strings.HasPrefix(parked, "__Host-vestibule_link="), parked)
		for _, flag := range []string{"; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
			require.Contains(t, parked, flag)
		}
		require.NotContains(t, parked, "Domain=")
		asked := tn.Visitor(t, "asked").Asks(story.Partner, story.Answered())
		decide := decideTokenIn(t, tn.LetterAbout(t, story.Jonas, asked.Ref))
		for _, who := range []*story.Person{tn.BrowserOf(t, "anybody@example.com"), maria} {
			page := who.Opens("/decide/" + decide)
			require.Equal(t, "no-referrer", page.Header.Get("Referrer-Policy"))
			require.Contains(t, page.Header.Get("Cache-Control"), "no-store")
			require.NotContains(t, string(page.Body), asked.Ref)
			who.Speaks("de").Get("/api/v1/decide/"+decide).Refused(http.StatusUnauthorized, "not_signed_in")
		}
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
		asked.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// forgedHosts are what a client, or the trusted proxy on its behalf, may say about where it is.
var forgedHosts = map[string]string{
	"X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test;proto=http", "X-Forwarded-Proto": "http", "X-Original-Host": "evil.test", "X-Forwarded-Port": "81",
	"X-Forwarded-Prefix": "/evil", "X-Original-Url": "/evil", "X-Rewrite-Url": "/evil", "X-Host": "evil.test", "X-Forwarded-Server": "evil.test", "X-Forwarded-Scheme": "http",
}

// Row T13: behind https too every mail and every Location leads to the configured address, whatever the client says, and
// whatever the proxy that is believed hands on. An unknown Host is 421.
func TestT13_NotEvenTheTrustedProxyBendsALink(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		home := tn.Plan.Public + "/"
		leadsHome := func(what string, l stack.Letter) {
			found := story.AnyURL.FindAllString(l.Text+" "+l.HTML, -1)
			require.NotEmpty(t, found, what)
			for _, address := range found {
				require.True(t, strings.HasPrefix(address, home), "%s: %s", what, address)
			}
			require.NotRegexp(t, `evil\.test|/evil`, l.Raw, what)
		}
		liar := func(p *story.Person) *story.Person {
			for name, value := range forgedHosts {
				p = p.With(name, value)
			}
			return p
		}
		maria := liar(tn.Visitor(t, "maria")) // through the proxy on 127.0.0.1
		maria.Begins(story.Partner)
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		proof := maria.Letter()
		leadsHome("code at sign-up", proof)
		opened := maria.Get("/l/" + story.TokenIn(t, proof)).Is(http.StatusSeeOther)
		require.Equal(t, "/l", strings.TrimPrefix(opened.Header.Get("Location"), tn.Plan.Public))
		maria.Types(story.CodeIn(t, proof)).Is(http.StatusOK)
		maria.AsksAfterProof()
		leadsHome("receipt", maria.Letter())
		leadsHome("decide", tn.LetterAbout(t, story.Jonas, maria.Ref))
		liar(tn.Member(t, story.Jonas)).Decides(tn.RequestID(t, maria.Ref), "approve", nil).Is(http.StatusOK)
		leadsHome("outcome", maria.Letter())
		guest := liar(tn.BrowserOf(t, maria.Address)) // past the proxy
		guest = guest.From(net.IPv4(127, 0, 0, 11))
		guest.Read = maria.Read
		guest.Post("/api/v1/signin", map[string]any{"email": maria.Address}).Is(http.StatusOK)
		signin := guest.Letter()
		leadsHome("code at sign-in", signin)
		guest.Post("/api/v1/signin/code", map[string]any{"code": story.CodeIn(t, signin)}).Is(http.StatusOK)
		for _, path := range []string{"/", "/l/", "/api", "/api/v1", "/api/v1/tenant/", "//evil.test/", "/decide/"} {
			a := guest.With("Accept", "text/html").Get(path)
			location := a.Header.Get("Location")
			require.NotContains(t, location, "evil", path)
			require.True(t, location == "" || strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//") || strings.HasPrefix(location, home), "%s: %s", path, location)
		}
		for _, host := range []string{"evil.test", "guests.contoso.example.evil.test", "evil.test:443", "guests.contoso.example:8443", "127.0.0.1", "guests.contoso.example."} {
			guest.Speaks("de").With("Host", host).Get("/api/v1/tenant").Is(http.StatusMisdirectedRequest)
		}
		maria.Audited()
		require.Equal(t, 1, tn.TracesOf(t, maria.Address).Sessions)
	})
}

// Row T41: a link of somebody else's sign-in signs nobody in here.
func TestT41_ASigninLinkFinishesOnlyInTheBrowserThatBegan(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		eve, lukas := tn.Guest(t, "eve"), tn.Guest(t, "lukas")
		eve.Post("/api/v1/signin", map[string]any{"email": eve.Address, "returnTo": "/apps"}).Is(http.StatusOK)
		token := story.TokenIn(t, eve.Letter())
		lukas.Opens("/l/" + token) // eve sends her own link to lukas, to have him work in her account
		lukas.Speaks("de").Post("/api/v1/link", nil).Refused(http.StatusConflict, "signin_other_browser")
		require.Empty(t, lukas.Cookie("vestibule_session"))
		lukas.Speaks("de").Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
		eve.Opens("/l/" + token)
		require.Equal(t, "/apps", eve.Post("/api/v1/link", nil).Is(http.StatusOK).Text("next"))
		require.Equal(t, eve.Address, eve.Get("/api/v1/me").Is(http.StatusOK).Text("email"))
		lukas.Leaves(story.Left{Traces: story.Traces{Requests: 1, Guests: 1, Grants: 1, Mails: 2, Codes: 1, States: "active"}, Audit: signedUp})
	})
}

// signedUp is the audit of somebody whom walk-in has let in.
var signedUp = []string{"signup.started", "signup.proved", "approval.approved", "directory.guest_admitted", "directory.grant_added", "signup.submitted"}
