package strangers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
		decide := decideToken.FindStringSubmatch(tn.LetterAbout(t, story.Jonas, asked.Ref).Text)
		for _, header := range []string{"Purpose", "Sec-Purpose", "X-Moz"} {
			for _, path := range []string{"/l/" + token, "/l/" + signin, "/decide/" + decide[1]} {
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
		told := story.Together(50, func(i int) string {
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

// Row T06: a token has one purpose, and a try with it elsewhere does not use it up.
func TestT06_ALinkOfOnePurposeIsNothingElsewhere(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, token := tn.WaitsForProof(t, "maria")
		tn.Member(t, story.Jonas).Speaks("de").Get("/api/v1/decide/"+token).Refused(http.StatusGone, "link_used_up")
		tn.BrowserOf(t, "x@example.com").Speaks("de").Post("/api/v1/setup/check", map[string]any{"token": token}).Is(http.StatusGone)
		guest := tn.BrowserOf(t, maria.Address)
		guest.Post("/api/v1/signin", map[string]any{"email": maria.Address}).Is(http.StatusOK)
		guest.Speaks("de").Post("/api/v1/signin/code", map[string]any{"code": code}).Refused(http.StatusUnprocessableEntity, "code_wrong")
		maria.Types(code).Is(http.StatusOK) // none of the tries has used it up
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 2, Codes: 1}, Audit: []string{"signup.started", "identity.code_refused!", "signup.proved"}})
	})
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
