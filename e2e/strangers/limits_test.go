package strangers

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T30: nobody is bombed with mail, and the one who tries does not learn where the limit is.
func TestT30_AMailboxIsNotBombed(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Counted(t, kind, map[string]string{"VESTIBULE_TRUSTED_PROXIES": "127.0.0.1/32"})
		victim := tn.Visitor(t, "victim")
		shapes := map[string]bool{}
		for i := range 12 {
			from := "203.0.113." + strconv.Itoa(i+1)
			p := tn.BrowserOf(t, victim.Address).With("X-Forwarded-For", from).At(i)
			shapes[story.Shape(p.Post("/api/v1/signin", map[string]any{"email": victim.Address}).Is(http.StatusOK))] = true
			p.Begins(story.Partner)
			shapes["signup"+story.Shape(p.Gives(victim.Address).Is(http.StatusAccepted))] = true
		}
		require.Len(t, shapes, 2, "throttled or not, the answer is the same")
		story.Eventually(t, "an empty queue", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", victim.Address) == 0
		})
		list, err := tn.Mail.To(t.Context(), victim.Address)
		require.NoError(t, err)
		require.NotEmpty(t, list)
		require.LessOrEqual(t, len(list), 6, "3 in 10 minutes for signing up and for signing in")
	})
}

// Row T99: nobody chooses their own network address.
func TestT99_AForgedAddressIsNotBelieved(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Counted(t, kind, nil)
		refused := 0
		for i := range 16 {
			p := tn.BrowserOf(t, "x@example.com").At(i)
			for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
				p = p.With(name, "203.0.113."+strconv.Itoa(i+1))
			}
			p = p.With("Forwarded", "for=203.0.113."+strconv.Itoa(i+1))
			a := p.Speaks("de").Post("/api/v1/signups", map[string]any{"flow": story.Partner})
			if a.Status == http.StatusTooManyRequests {
				refused++
				a.Refused(http.StatusTooManyRequests, "too_many_requests")
				require.NotEmpty(t, a.Header.Get("Retry-After"))
			}
		}
		require.Equal(t, 6, refused, "ten starts in three hours from one network, however it calls itself")
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM audit_events WHERE address LIKE '203.0.113.%'"))
	})
}

// Row T28: wrong codes are counted for the address too, over all sign-ups.
func TestT28_AnAddressCoolsDownOverAllItsSignups(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Counted(t, kind, map[string]string{"VESTIBULE_TRUSTED_PROXIES": "127.0.0.1/32"})
		victim := tn.Visitor(t, "victim")
		evaluated := 0
		for i := range 4 {
			p := tn.BrowserOf(t, victim.Address).At(i).With("X-Forwarded-For", "203.0.113."+strconv.Itoa(i+1))
			p.Begins(story.Partner)
			p.Gives(victim.Address).Is(http.StatusAccepted)
			for try := range 5 {
				if p.Types(strconv.Itoa(900000+10*i+try)).Status != http.StatusTooManyRequests {
					evaluated++
				}
			}
		}
		require.LessOrEqual(t, evaluated, 10, "ten wrong codes an hour for one address")
	})
}

// Row T100: where counting fails, nothing is tried.
func TestT100_WithoutItsCountersTheHouseTriesNoCode(t *testing.T) {
	t.Parallel()
	tn := story.Counted(t, "postgres", nil)
	maria, code, _ := tn.WaitsForProof(t, "maria")
	release := tn.Locks(t, "identity_tries")
	a := maria.Speaks("de").Types(code)
	require.Equal(t, http.StatusServiceUnavailable, a.Status, "%s", a)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	release()
	require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"), "nothing was tried")
	maria.Types(code).Is(http.StatusOK)
}
