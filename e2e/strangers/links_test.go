package strangers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T04: opening never consumes.
func TestT04_OpeningALinkTenTimesConsumesNothing(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		maria.LeavesNoTrace(func() {
			for _, agent := range []string{
				"Mozilla/5.0 (compatible; Microsoft Outlook SafeLinks)", "Barracuda Sentinel", "Mimecast", "Proofpoint URL Defense", "Googlebot/2.1",
			} {
				for _, method := range []string{http.MethodGet, http.MethodGet, http.MethodHead, http.MethodOptions} {
					scanner := tn.BrowserOf(t, "scanner@example.com").With("User-Agent", agent)
					a := scanner.Send(method, "/l/"+token, nil)
					require.Less(t, a.Status, 500)
					require.Empty(t, scanner.Cookie("vestibule_session"))
					require.Empty(t, scanner.Cookie("vestibule_signup"))
				}
			}
		})
		maria.Opens("/l/" + token)
		maria.Post("/api/v1/link", nil).Is(http.StatusOK)
	})
}

// Row T05: prefetching never acts; see also browser/refusals.spec.ts, where a scanner runs the page's scripts.
func TestT05_PrefetchingALinkActsOnNothing(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		for _, header := range []string{"Purpose", "Sec-Purpose", "X-Moz"} {
			maria.With(header, "prefetch").Get("/l/" + token)
		}
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"))
		require.Equal(t, "ready", maria.Get("/api/v1/link").Text("state"))
	})
}

// Row T06: single use is atomic, typed, and spares no siblings.
func TestT06_ALinkIsPressedOnceHoweverOftenItIsPressed(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		maria.Opens("/l/" + token)
		statuses := story.Together(20, func(i int) int { return maria.At(i).Copied().Post("/api/v1/link", nil).Status })
		require.Equal(t, 1, statuses[http.StatusOK], "%v", statuses)
		require.Equal(t, 19, statuses[http.StatusGone]+statuses[http.StatusConflict]+statuses[http.StatusUnauthorized], "%v", statuses)
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM audit_events WHERE target = ? AND name = 'signup.proved'", maria.Signup))
	})
}

func TestT06_ALinkOfOnePurposeIsNothingElsewhere(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, code, token := tn.WaitsForProof(t, "maria")
		tn.Member(t, story.Jonas).Speaks("de").Get("/api/v1/decide/"+token).Refused(http.StatusGone, "link_used_up")
		guest := tn.BrowserOf(t, maria.Address)
		guest.Post("/api/v1/signin", map[string]any{"email": maria.Address}).Is(http.StatusOK)
		guest.Post("/api/v1/signin/code", map[string]any{"code": code}).Is(http.StatusUnprocessableEntity)
		maria.Types(code).Is(http.StatusOK) // neither try has consumed it
	})
}

// Row T12: the token does not stay in the address.
func TestT12_TheTokenLeavesTheAddressAtOnce(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		a := maria.Get("/l/" + token).Is(http.StatusSeeOther)
		require.Equal(t, "/l", strings.TrimPrefix(a.Header.Get("Location"), tn.Plan.Public))
		require.Equal(t, "no-referrer", a.Header.Get("Referrer-Policy"))
		require.Contains(t, a.Header.Get("Cache-Control"), "no-store")
		parked := a.Header.Get("Set-Cookie")
		require.Contains(t, parked, "HttpOnly")
		require.Contains(t, parked, "SameSite=Lax")
		for _, h := range tn.Replicas {
			require.NotContains(t, h.Log.String(), token)
		}
	})
}
