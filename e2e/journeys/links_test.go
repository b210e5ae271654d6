package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// opens opens a mailed link as a browser does: it follows redirects within the house and ends on a page.
func (p *person) opens(path string) answer {
	p.t.Helper()
	a := p.with("Accept", "text/html").get(path)
	for range 3 {
		if a.status < 300 || a.status > 399 {
			break
		}
		next := strings.TrimPrefix(a.header.Get("Location"), p.town.plan.Public)
		a = p.with("Accept", "text/html").get(next)
	}
	return a.is(http.StatusOK)
}

// waitsForProof is a person whose mail with code and link has come.
func (tn *town) waitsForProof(t *testing.T, name string) (p *person, code, token string) {
	t.Helper()
	p = tn.visitor(t, name)
	p.begins(partner)
	p.gives(p.address).is(http.StatusAccepted)
	l := p.letter()
	return p, codeIn(t, l), tokenIn(t, l)
}

func TestLinkInTheSameBrowserFinishesProofWhenPressed(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, _, token := tn.waitsForProof(t, "maria")
		maria.opens("/l/" + token)
		link := maria.get("/api/v1/link").is(http.StatusOK)
		require.Equal(t, "ready", link.text("state"))
		require.Equal(t, "signup", link.text("purpose"))
		require.Equal(t, true, link.value("sameBrowser"))
		require.Nil(t, link.value("code"), "the code is for other devices")
		require.NotContains(t, link.text("email"), strings.Split(maria.address, "@")[0])
		require.Equal(t, "code", maria.get(maria.path("")).text("step"), "opening acts on nothing")
		pressed := maria.at(1).post("/api/v1/link", nil).is(http.StatusOK)
		require.Equal(t, "/join/"+partner, pressed.text("next"))
		require.Equal(t, "details", maria.get(maria.path("")).is(http.StatusOK).text("step"))
		maria.speaks("de").post("/api/v1/link", nil).is(http.StatusGone)
	})
}

func TestLinkInAnotherBrowserShowsTheCodeToType(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, token := tn.waitsForProof(t, "maria")
		desk := tn.browserOf(t, maria.address)
		desk.opens("/l/" + token)
		link := desk.get("/api/v1/link").is(http.StatusOK)
		require.Equal(t, false, link.value("sameBrowser"))
		require.Equal(t, code, link.text("code"))
		desk.speaks("de").post("/api/v1/link", nil).refused(http.StatusConflict, "link_other_browser")
		require.Equal(t, "code", maria.get(maria.path("")).text("step"))
		maria.types(link.text("code")).is(http.StatusOK)
		require.Equal(t, "used", desk.get("/api/v1/link").is(http.StatusOK).text("state"))
	})
}

func TestSigninLinkFinishesOnlyInTheBrowserThatBegan(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.visitor(t, "lukas").proves(visitors)
		lukas.sends(visitors, walkIn()).is(http.StatusAccepted)
		lukas.sees("active")
		eventually(t, "the welcome mail", func() bool { return tn.tracesOf(t, lukas.address).Mails >= 2 })
		home := tn.browserOf(t, lukas.address)
		before, err := tn.mail.To(t.Context(), lukas.address)
		require.NoError(t, err)
		_ = before
		home.post("/api/v1/signin", map[string]any{"email": lukas.address, "returnTo": "/apps"}).is(http.StatusOK)
		token := tokenIn(t, tn.letterAbout(t, lukas.address, "sign-in code"))
		away := tn.browserOf(t, lukas.address)
		away.opens("/l/" + token)
		away.speaks("de").post("/api/v1/link", nil).refused(http.StatusConflict, "signin_other_browser")
		away.get("/api/v1/me").is(http.StatusUnauthorized)
		home.opens("/l/" + token)
		require.Equal(t, "/apps", home.post("/api/v1/link", nil).is(http.StatusOK).text("next"))
		home.get("/api/v1/me").is(http.StatusOK)
	})
}

// Row T04: opening never consumes.
func TestT04_OpeningALinkTenTimesConsumesNothing(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, _, token := tn.waitsForProof(t, "maria")
		maria.leavesNoTrace(func() {
			for _, agent := range []string{
				"Mozilla/5.0 (compatible; Microsoft Outlook SafeLinks)", "Barracuda Sentinel", "Mimecast", "Proofpoint URL Defense", "Googlebot/2.1",
			} {
				for _, method := range []string{http.MethodGet, http.MethodGet, http.MethodHead, http.MethodOptions} {
					scanner := tn.browserOf(t, "scanner@example.com").with("User-Agent", agent)
					a := scanner.send(method, "/l/"+token, nil)
					require.Less(t, a.status, 500)
					require.Empty(t, scanner.cookie("vestibule_session"))
					require.Empty(t, scanner.cookie("vestibule_signup"))
				}
			}
		})
		maria.opens("/l/" + token)
		maria.post("/api/v1/link", nil).is(http.StatusOK)
	})
}

// Row T05: prefetching never acts; see also browser/refusals.spec.ts, where a scanner runs the page's scripts.
func TestT05_PrefetchingALinkActsOnNothing(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, _, token := tn.waitsForProof(t, "maria")
		for _, header := range []string{"Purpose", "Sec-Purpose", "X-Moz"} {
			maria.with(header, "prefetch").get("/l/" + token)
		}
		require.Equal(t, "code", maria.get(maria.path("")).text("step"))
		require.Equal(t, "ready", maria.get("/api/v1/link").text("state"))
	})
}

// Row T06: single use is atomic, typed, and spares no siblings.
func TestT06_ALinkIsPressedOnceHoweverOftenItIsPressed(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, _, token := tn.waitsForProof(t, "maria")
		maria.opens("/l/" + token)
		statuses := together(20, func(i int) int { return maria.at(i).copied().post("/api/v1/link", nil).status })
		require.Equal(t, 1, statuses[http.StatusOK], "%v", statuses)
		require.Equal(t, 19, statuses[http.StatusGone]+statuses[http.StatusConflict]+statuses[http.StatusUnauthorized], "%v", statuses)
		require.Equal(t, 1, tn.count(t, "SELECT count(*) FROM audit_events WHERE target = ? AND name = 'signup.proved'", maria.signup))
	})
}

func TestT06_ALinkOfOnePurposeIsNothingElsewhere(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, token := tn.waitsForProof(t, "maria")
		tn.member(t, jonas).speaks("de").get("/api/v1/decide/"+token).refused(http.StatusGone, "link_used_up")
		guest := tn.browserOf(t, maria.address)
		guest.post("/api/v1/signin", map[string]any{"email": maria.address}).is(http.StatusOK)
		guest.post("/api/v1/signin/code", map[string]any{"code": code}).is(http.StatusUnprocessableEntity)
		maria.types(code).is(http.StatusOK) // neither try has consumed it
	})
}

// Row T12: the token does not stay in the address.
func TestT12_TheTokenLeavesTheAddressAtOnce(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, _, token := tn.waitsForProof(t, "maria")
		a := maria.get("/l/" + token).is(http.StatusSeeOther)
		require.Equal(t, "/l", strings.TrimPrefix(a.header.Get("Location"), tn.plan.Public))
		require.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"))
		require.Contains(t, a.header.Get("Cache-Control"), "no-store")
		parked := a.header.Get("Set-Cookie")
		require.Contains(t, parked, "HttpOnly")
		require.Contains(t, parked, "SameSite=Lax")
		for _, h := range tn.replicas {
			require.NotContains(t, h.Log.String(), token)
		}
	})
}
