package app

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
)

// TestOperation: work that has stopped is listed with its reason, and tried again once, with a trace.
func TestOperation(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		broken, done := true, 0
		policy := jobs.Policy{MaxAttempts: 1, Backoff: func(int) time.Duration { return time.Minute }, Timeout: time.Minute, Workers: 1}
		h.Jobs.Handle("test.deliver", policy, func(context.Context, jobs.Run) error {
			if broken {
				return jobs.Final(errors.New("the other side said no"))
			}
			done++
			return nil
		})
		for i := range 3 {
			require.NoError(t, h.DB.InTx(t.Context(), func(tx *database.Tx) error {
				return h.Jobs.Enqueue(tx, jobs.Job{Kind: "test.deliver", About: fmt.Sprintf("req_%d", i)})
			}))
		}
		_, err := h.Jobs.Drain(t.Context())
		require.NoError(t, err)
		omar := h.as("o.haddad@contoso.com")
		seen, next := map[string]bool{}, ""
		for range 3 {
			a := omar.GET("/api/v1/jobs?limit=1" + next).status(200)
			require.Equal(t, "test.deliver", a.field("data.0.kind"))
			require.Contains(t, a.field("data.0.reason"), "the other side said no")
			seen[a.field("data.0.id")], next = true, "&after="+a.field("next")
		}
		require.Len(t, seen, 3, "page by page, each once")
		var id string
		for id = range seen {
			break
		}
		broken = false
		omar.POST("/api/v1/jobs/"+id+"/retry", ``).status(204).audit("operation.retried").mail()
		require.Equal(t, 1, done)
		a := omar.POST("/api/v1/jobs/"+id+"/retry", ``).audit().mail()
		require.GreaterOrEqual(t, a.Code, 400, "once is enough")
		require.Less(t, a.Code, 500)
		h.as("j.becker@contoso.com").POST("/api/v1/jobs/"+id+"/retry", ``).problem(403, "not_allowed").audit().mail()
	})
}

// TestKeys_DoWhatTheirScopesSay and nothing more.
func TestKeys_DoWhatTheirScopesSay(t *testing.T) {
	t.Parallel()
	h := openHouse(t, database.SQLite)
	h.sends(h.browser(), "maria@fabrikam.de")
	h.mails()
	reader, decider := h.program("requests:read"), h.program("requests:read", "requests:decide")
	id := reader.GET("/api/v1/approvals").status(200).field("data.0.id")
	reader.POST("/api/v1/approvals/"+id+"/decision", `{"decision":"approve"}`).problem(403, "not_allowed").audit().mail()
	reader.GET("/api/v1/guests").problem(403, "not_allowed")
	reader.GET("/api/v1/me").problem(403, "not_allowed")
	decider.POST("/api/v1/approvals/"+id+"/decision", `{"decision":"deny","reason":"no"}`).status(200).audit("approval.denied").mail("request.denied maria@fabrikam.de")
	h.browser().with("vst_"+decider.key[4:len(decider.key)-1]+"x").GET("/api/v1/approvals").problem(401, "api_key_invalid")
	both := h.as("j.becker@contoso.com").with(reader.key)
	both.GET("/api/v1/approvals").problem(400, "two_identities")
}

// with gives the browser a key.
func (b *browser) with(key string) *browser {
	b.key = key
	return b
}

// TestHealth: operators see every check in their language, with what mends it; nobody else does.
func TestHealth(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		omar := h.as("o.haddad@contoso.com")
		a := omar.GET("/api/v1/health").status(200).audit().mail()
		for _, check := range []string{"database", "jobs", "mail", "clock", "backup", "disk", "key", "proxy"} {
			require.Contains(t, a.Body.String(), `"check":"`+check+`"`)
		}
		require.Contains(t, a.Body.String(), "Run it every night")
		require.NotContains(t, a.Body.String(), `"check":"sender"`, "a house whose mail stays inside asks no DNS")
		h.program("operations:read").GET("/api/v1/health").status(200)
		h.program("guests:read").GET("/api/v1/health").problem(403, "not_allowed")
		h.as("j.becker@contoso.com").GET("/api/v1/health").problem(403, "not_allowed")
		h.browser().GET("/api/v1/health").problem(401, "not_signed_in")
	})
}

// noDNS fails the test that asks it.
type noDNS struct{ t *testing.T }

func (n noDNS) LookupTXT(_ context.Context, name string) ([]string, error) {
	n.t.Errorf("the DNS was asked about %s", name)
	return nil, nil
}

// dns knows one domain and keeps what it was asked.
type dns map[string]string

func (d dns) LookupTXT(_ context.Context, name string) ([]string, error) {
	return []string{d[name]}, nil
}

// TestHealth_AsksTheDNSOnlyAboutAPortalForOthers.
func TestHealth_AsksTheDNSOnlyAboutAPortalForOthers(t *testing.T) {
	t.Parallel()
	build := func(resolver operation.Resolver, more ...string) []operation.Finding {
		h := buildHouse(t, dbtest.URL(t, database.SQLite), clock.NewFake(dbtest.Start), append(more, "VESTIBULE_SMTP_HOST=127.0.0.1", "VESTIBULE_SMTP_PORT=1")...)
		h.resolver = resolver
		found, _ := h.doctor().Examine(t.Context())
		return found
	}
	for _, f := range build(noDNS{t}) {
		require.NotEqual(t, "sender", f.Check)
	}
	known := dns{"contoso.com": "v=spf1 -all", "_dmarc.contoso.com": "v=DMARC1; p=none"}
	var codes []string
	for _, f := range build(known, "VESTIBULE_LIMITS=on", "VESTIBULE_URL=https://guests.contoso.com") {
		codes = append(codes, f.Code)
	}
	require.Contains(t, codes, "health_sender_good")
	require.Contains(t, codes, "health_mail_refused", "nobody listens there")
}
