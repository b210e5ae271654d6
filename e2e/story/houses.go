package story

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// Locks holds a table until release is called. On SQLite it holds all that can be held there: the right to write.
func (tn *Town) Locks(t *testing.T, table string) (release func()) {
	t.Helper()
	driver, address, locks := "pgx", tn.Plan.Database, []string{"BEGIN", "LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE"}
	if tn.Plan.SQLite() {
		driver, address, locks = "sqlite", "file:"+tn.Plan.File()+"?_pragma=busy_timeout(30000)", []string{"BEGIN IMMEDIATE"}
	}
	db, err := sql.Open(driver, address)
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	for _, lock := range locks {
		_, err = conn.ExecContext(t.Context(), lock)
		require.NoError(t, err)
	}
	return func() {
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		require.NoError(t, db.Close())
	}
}

// Renames takes a table away from the house until back is called.
func (tn *Town) Renames(t *testing.T, table, to string) (back func()) {
	t.Helper()
	rename := func(from, to string) {
		require.NoError(t, tn.Eyes.Break(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to))
	}
	rename(table, to)
	return func() { rename(to, table) }
}

// Behind is a PostgreSQL house whose database is reached through a proxy with weather.
func Behind(t *testing.T, w stack.Weather) (stack.Plan, *stack.Proxy) {
	t.Helper()
	plan, err := NewPlan(t.Context(), "postgres", World.Mail)
	require.NoError(t, err)
	require.NoError(t, Furnish(t.Context(), plan))
	address, err := url.Parse(plan.Database)
	require.NoError(t, err)
	proxy, err := stack.NewProxy(address.Host)
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	require.NoError(t, proxy.Set(w))
	plan.Direct = plan.Database
	address.Host = proxy.Addr
	plan.Database = address.String()
	return plan, proxy
}

// Mailless is a house of one's own with a mail server that misbehaves on command.
func Mailless(t *testing.T, kind string) (*Town, *mailstand.Server) {
	t.Helper()
	mail, err := stack.StandIn()
	require.NoError(t, err)
	t.Cleanup(mail.Close)
	tn := Own(t, kind, 1, func(p *stack.Plan) { p.SMTP = mail.SMTP })
	tn.Mail = mail
	return tn, mail.Stand()
}

// Hurries makes waiting work due and lets the leases of dead workers run out: the house waits for both, the test does not.
func (tn *Town) Hurries(t *testing.T) {
	t.Helper()
	tn.Ages(t, "jobs", "run_at", 3600, "state = 'waiting'")
	tn.Ages(t, "jobs", "locked_until", 3600, "state = 'running'")
}

// HurriesUntil hurries again and again until cond holds.
func (tn *Town) HurriesUntil(t *testing.T, what string, cond func() bool) {
	t.Helper()
	Eventually(t, what, func() bool {
		if cond() {
			return true
		}
		tn.Hurries(t)
		return false
	})
}

// guardedURL is the public address of a house that Guarded tells of. Each has its own: it tells whose mail one is.
func guardedURL(kind string) string { return "https://" + kind + ".contoso.example" }

// guarded opens the house of a kind once, for all stories that ask for it.
var guarded = map[string]func() (*Town, error){
	"sqlite":   sync.OnceValues(func() (*Town, error) { return openGuarded("sqlite", 1) }),
	"postgres": sync.OnceValues(func() (*Town, error) { return openGuarded("postgres", 2) }),
}

// Guarded is Each in houses as they are in life: limits on, https in front, and a proxy on 127.0.0.1 that is believed.
// Every person comes from a network of their own, unless they say otherwise.
func Guarded(t *testing.T, attack func(t *testing.T, tn *Town)) {
	t.Helper()
	Kinds(t, func(t *testing.T, kind string) {
		t.Helper()
		tn, err := guarded[kind]()
		require.NoError(t, err)
		end := tn.Begins(t)
		attack(t, tn)
		end()
	})
}

var guardedMu sync.Mutex

func openGuarded(kind string, replicas int) (*Town, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	plan, err := NewPlan(ctx, kind, World.Mail)
	if err != nil {
		return nil, err
	}
	if err := Furnish(ctx, plan); err != nil {
		return nil, err
	}
	plan.Limits, plan.Public = "on", guardedURL(kind)
	plan.Env = map[string]string{
		"VESTIBULE_TRUSTED_PROXIES": "127.0.0.1/32",
		"VESTIBULE_MAIL_PACE":       "50", // the wishes of a day come within a minute here, and no story waits for another's
	}
	tn, err := OpenHouses(ctx, kind, plan, replicas)
	if err != nil {
		return nil, err
	}
	var clients atomic.Int32
	tn.behind = func() string {
		n := clients.Add(1)
		return fmt.Sprintf("11.%d.%d.7", n>>8, n&255)
	}
	guardedMu.Lock()
	defer guardedMu.Unlock()
	World.guarded = append(World.guarded, tn)
	return tn, nil
}

// Kinds tells a story that needs a house of its own on both databases.
func Kinds(t *testing.T, story func(t *testing.T, kind string)) {
	t.Helper()
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			story(t, kind)
		})
	}
}

// Applies publishes a changed partner flow while the house is open, and waits until it is shown.
func (tn *Town) Applies(t *testing.T, change func(string) string, more ...string) {
	t.Helper()
	good, err := os.ReadFile(filepath.Join(stack.Root(), "e2e", "story", "testdata", "flows", "partner.yaml"))
	require.NoError(t, err)
	text := strings.NewReplacer(more...).Replace(change(string(good)))
	require.NotEqual(t, string(good), text)
	file := filepath.Join(t.TempDir(), "partner.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	_, err = tn.Plan.Run(t.Context(), "flow", "apply", "-f", file)
	require.NoError(t, err)
	Eventually(t, "the new version", func() bool {
		a := tn.BrowserOf(t, "x@example.com").Get("/api/v1/flows/" + Partner)
		return a.Status == http.StatusGone || int(a.Value("version").(float64)) == tn.Count(t, "SELECT version FROM flows WHERE slug = ?", Partner)
	})
}
