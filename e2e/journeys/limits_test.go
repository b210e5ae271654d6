package journeys

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// counted is a house of one's own whose limits are on.
func counted(t *testing.T, kind string, more map[string]string) *town {
	t.Helper()
	replicas := 1
	if kind == "postgres" {
		replicas = 2
	}
	return own(t, kind, replicas, func(p *stack.Plan) { p.Limits, p.Env = "on", more })
}

// Row T30: nobody is bombed with mail, and the one who tries does not learn where the limit is.
func TestT30_AMailboxIsNotBombed(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn := counted(t, kind, map[string]string{"VESTIBULE_TRUSTED_PROXIES": "127.0.0.1/32"})
		victim := tn.visitor(t, "victim")
		shapes := map[string]bool{}
		for i := range 12 {
			from := "203.0.113." + strconv.Itoa(i+1)
			p := tn.browserOf(t, victim.address).with("X-Forwarded-For", from).at(i)
			shapes[shape(p.post("/api/v1/signin", map[string]any{"email": victim.address}).is(http.StatusOK))] = true
			p.begins(partner)
			shapes["signup"+shape(p.gives(victim.address).is(http.StatusAccepted))] = true
		}
		require.Len(t, shapes, 2, "throttled or not, the answer is the same")
		eventually(t, "an empty queue", func() bool {
			return tn.count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", victim.address) == 0
		})
		list, err := tn.mail.To(t.Context(), victim.address)
		require.NoError(t, err)
		require.NotEmpty(t, list)
		require.LessOrEqual(t, len(list), 6, "3 in 10 minutes for signing up and for signing in")
	})
}

// Row T99: nobody chooses their own network address.
func TestT99_AForgedAddressIsNotBelieved(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn := counted(t, kind, nil)
		refused := 0
		for i := range 16 {
			p := tn.browserOf(t, "x@example.com").at(i)
			for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
				p = p.with(name, "203.0.113."+strconv.Itoa(i+1))
			}
			p = p.with("Forwarded", "for=203.0.113."+strconv.Itoa(i+1))
			a := p.speaks("de").post("/api/v1/signups", map[string]any{"flow": partner})
			if a.status == http.StatusTooManyRequests {
				refused++
				a.refused(http.StatusTooManyRequests, "too_many_requests")
				require.NotEmpty(t, a.header.Get("Retry-After"))
			}
		}
		require.Equal(t, 6, refused, "ten starts in three hours from one network, however it calls itself")
		require.Zero(t, tn.count(t, "SELECT count(*) FROM audit_events WHERE address LIKE '203.0.113.%'"))
	})
}

// Row T28: wrong codes are counted for the address too, over all sign-ups.
func TestT28_AnAddressCoolsDownOverAllItsSignups(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn := counted(t, kind, map[string]string{"VESTIBULE_TRUSTED_PROXIES": "127.0.0.1/32"})
		victim := tn.visitor(t, "victim")
		evaluated := 0
		for i := range 4 {
			p := tn.browserOf(t, victim.address).at(i).with("X-Forwarded-For", "203.0.113."+strconv.Itoa(i+1))
			p.begins(partner)
			p.gives(victim.address).is(http.StatusAccepted)
			for try := range 5 {
				if p.types(strconv.Itoa(900000+10*i+try)).status != http.StatusTooManyRequests {
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
	tn := counted(t, "postgres", nil)
	maria, code, _ := tn.waitsForProof(t, "maria")
	release := tn.locks(t, "identity_tries")
	a := maria.speaks("de").types(code)
	require.Equal(t, http.StatusServiceUnavailable, a.status, "%s", a)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	release()
	require.Equal(t, "code", maria.get(maria.path("")).text("step"), "nothing was tried")
	maria.types(code).is(http.StatusOK)
}
