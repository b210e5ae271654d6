package notification_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

const patience = 20 * time.Second

// relay is a mail server that is away, or cuts off the mails to some domains.
type relay struct {
	mu      sync.Mutex
	away    bool
	cuts    func(domain string) bool
	knocked int
	tried   map[string]int // hand-overs by address, whatever came of them
	taken   map[string]int
}

func (r *relay) Close() error { return nil }

func (r *relay) Send(_ context.Context, m *notification.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried[m.To.String()]++
	switch {
	case r.away:
		return &notification.Refusal{Unreached: true, Words: "The mail server cannot be reached."}
	case r.cuts != nil && r.cuts(m.To.Domain):
		return &notification.Refusal{Cut: true, Doubtful: true, Words: "The connection to the mail server broke."}
	}
	r.taken[m.To.String()]++
	return nil
}

func (r *relay) Knock(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.knocked++
	if r.away {
		return &notification.Refusal{Unreached: true, Words: "The mail server cannot be reached."}
	}
	return nil
}

func (r *relay) change(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
}

// has says whether cond holds, of a relay that nobody changes meanwhile.
func (r *relay) has(cond func() bool) func() bool {
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return cond()
	}
}

// opensAt opens a desk that sends by r, and starts its queue.
func opensAt(t *testing.T, db *database.DB, clk *clock.Fake, r *relay) *desk {
	t.Helper()
	r.tried, r.taken = map[string]int{}, map[string]int{}
	d := openDesk(t, db, clk, r)
	d.queue.Start(t.Context())
	t.Cleanup(func() { require.NoError(t, d.queue.Stop(context.Background())) })
	return d
}

// writesTo orders a mail to somebody at each domain, in one act.
func (d *desk) writesTo(domains ...string) {
	d.t.Helper()
	require.NoError(d.t, d.db.InTx(d.t.Context(), func(tx *database.Tx) error {
		for i, domain := range domains {
			to, err := email.Parse(fmt.Sprintf("p%d@%s", i, domain))
			require.NoError(d.t, err)
			o := notification.Order{Kind: "test.all", To: to, Locale: "en", About: "req_1", Payload: payload{Says: "Hello"}}
			if err := d.mail.Enqueue(tx, o); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (d *desk) sum(query string) (n int) {
	d.t.Helper()
	require.NoError(d.t, d.db.Read(d.t.Context()).Raw(query).Scan(&n).Error)
	return n
}

func manyDomains(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("firm%d.example", i))
	}
	return out
}

// Row R07: while the server is away, mail waits as it is, and goes on by itself.
func TestLine_MailWaitsUntouchedWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		r := &relay{away: true}
		d := opensAt(t, db, clk, r)
		d.writesTo(manyDomains(40)...)
		require.Eventually(t, r.has(func() bool { return r.knocked >= 1 }), patience, 5*time.Millisecond)
		since, why := d.mail.Waiting()
		require.Equal(t, clk.Now(), since)
		require.Equal(t, "The mail server cannot be reached.", why)
		require.Eventually(t, func() bool { // a busy machine knocks before it has given all of them back
			return d.sum("SELECT count(*) FROM jobs WHERE kind = 'mail' AND state = 'waiting'") == 40
		}, patience, 5*time.Millisecond)
		require.Zero(t, d.sum("SELECT sum(attempts) FROM jobs WHERE kind = 'mail'"), "no attempt is counted")
		require.Zero(t, d.sum("SELECT sum(attempts) FROM mails"))
		tried := len(r.tried)
		require.LessOrEqual(t, tried, 4, "no more than were in hand when it broke")
		require.Equal(t, tried, d.sum("SELECT count(*) FROM mails WHERE state = 'retrying'"), "staff read why at those who found it out")

		r.change(func() { r.away = false })
		require.Eventually(t, r.has(func() bool { return len(r.taken) == 40 }), patience, 5*time.Millisecond, "and all leave, also those")
		require.Eventually(t, func() bool { return d.sum("SELECT count(*) FROM jobs WHERE kind = 'mail'") == 0 }, patience, 5*time.Millisecond)
		for address, n := range r.taken {
			require.Equal(t, 1, n, address)
		}
		require.Equal(t, 40, d.sum("SELECT count(*) FROM mails WHERE state = 'sent' AND attempts = 1"))
		since, _ = d.mail.Waiting()
		require.Zero(t, since)
	})
}

// A server that hangs up on everybody gets one mail at a time, so that few end in doubt.
func TestLine_ThreeMailsCutOffStopTheOthers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		r := &relay{cuts: func(string) bool { return true }}
		d := opensAt(t, db, clk, r)
		d.writesTo(manyDomains(40)...)
		require.Eventually(t, r.has(func() bool { return r.knocked >= 2 }), patience, 5*time.Millisecond)
		r.change(func() {
			require.LessOrEqual(t, len(r.tried), 3+4+r.knocked, "three, those in hand then, and one after each knock")
			r.cuts = nil
		})
		cut := len(r.tried)
		require.Eventually(t, r.has(func() bool { return len(r.taken) >= 40-cut }), patience, 5*time.Millisecond)
		require.Eventually(t, func() bool { since, _ := d.mail.Waiting(); return since.IsZero() }, patience, 5*time.Millisecond)
	})
}

// Row R06: one recipient's domain, however many mails it has, stops nobody else's.
func TestLine_OneDomainThatIsCutOffDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		r := &relay{cuts: func(domain string) bool { return domain == "poison.example" }}
		d := opensAt(t, db, clk, r)
		d.writesTo(strings.Split(strings.Repeat("poison.example ", 20)+strings.Join(manyDomains(20), " "), " ")...)
		require.Eventually(t, r.has(func() bool { return len(r.taken) == 20 && len(r.tried) == 40 }), patience, 5*time.Millisecond)
		require.Zero(t, r.knocked, "the line never broke")
	})
}
