package notification_test

import (
	"bytes"
	"fmt"
	"log/slog"
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
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
)

// lines is a log that a test reads.
type lines struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// openPaced is a house whose budgets count: what strangers order leaves at pace.
func openPaced(t *testing.T, db *database.DB, clk *clock.Fake, pace int) (*desk, *lines) {
	t.Helper()
	log := &lines{}
	return openDeskWith(t, db, clk, notification.Needs{
		Limits: limits.New(db, true), Pace: pace, Personal: func(domain string) bool { return domain == "gmail.com" },
		Log: slog.New(slog.NewJSONHandler(log, nil)),
	}), log
}

// strangers ask for n codes, each for an address of its own at the domain; %d in it makes the domain differ as well.
func (d *desk) strangers(n int, domain string) {
	d.t.Helper()
	for i := range n {
		at := domain
		if strings.Contains(domain, "%d") {
			at = fmt.Sprintf(domain, i)
		}
		d.orders("test.code", fmt.Sprintf("p%d@%s", i, at), true)
	}
}

func (d *desk) orders(kind, to string, anonymous bool) {
	d.t.Helper()
	address, err := email.Parse(to)
	require.NoError(d.t, err)
	require.NoError(d.t, d.db.InTx(d.t.Context(), func(tx *database.Tx) error {
		return d.mail.Enqueue(tx, notification.Order{
			Kind: kind, To: address, Locale: "en", About: "sgn_" + to, Payload: payload{Says: "hello"}, Anonymous: anonymous,
		})
	}))
}

// passes lets time go by, second by second, as the queue looks for due work, and tells how many mails left.
func (d *desk) passes(clk *clock.Fake, span time.Duration) (left int) {
	d.t.Helper()
	before := len(d.sent)
	for range int(span / time.Second) {
		clk.Advance(time.Second)
		d.drain()
	}
	return len(d.sent) - before
}

func (d *desk) held() int64 {
	d.t.Helper()
	n, err := d.queue.Held(d.t.Context())
	require.NoError(d.t, err)
	return n
}

// waitingFor lists the mails of strangers at the domain that have not left and whose reason begins so.
func (d *desk) waitingFor(domain string, n int, reason string) (out []notification.Record) {
	d.t.Helper()
	for i := range n {
		found, err := d.mail.DeliveriesAbout(d.t.Context(), fmt.Sprintf("sgn_p%d@%s", i, domain))
		require.NoError(d.t, err)
		for _, r := range found {
			if r.State == notification.Retrying && strings.HasPrefix(r.Reason, reason) {
				out = append(out, r)
			}
		}
	}
	return out
}

// slack is how many mails may leave beside a budget: those in the workers' hands when it was used up.
const slack = 4

// TestHeld_oneDomain: 60 mails in ten minutes to one domain, five times as many to a provider of mailboxes; what is over
// waits, staff see why, an operator is told once, and in the end everything has left.
func TestHeld_oneDomain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d, log := openPaced(t, db, clk, 10_000)
		d.strangers(70, "fabrikam.de")
		d.drain()
		require.InDelta(t, 60, len(d.sent), slack)
		waiting := 70 - len(d.sent)
		require.EqualValues(t, waiting, d.held())
		require.Len(t, d.waitingFor("fabrikam.de", 70, "Held back: this domain"), waiting, "staff see why")
		var turns int
		require.NoError(t, db.Read(t.Context()).Raw("SELECT count(DISTINCT run_at) FROM jobs WHERE held").Scan(&turns).Error)
		require.Equal(t, waiting, turns, "each has a turn of its own, so that they do not come back at once")
		require.Equal(t, 1, strings.Count(log.String(), "is held back"), "told once: %s", log)
		require.Contains(t, log.String(), `"level":"WARN"`)

		d.orders("test.code", "other@northwind.de", true)
		d.drain()
		require.Equal(t, 71-waiting, len(d.sent), "other domains go on")
		d.strangers(300, "gmail.com")
		d.drain()
		require.Zero(t, d.held()-int64(waiting), "a provider of mailboxes gets five times as much")

		require.InDelta(t, 1, d.passes(clk, 11*time.Second), 1, "one every ten seconds")
		require.NotEmpty(t, d.sent[len(d.sent)-1].To)
		d.passes(clk, 3*time.Minute)
		require.Len(t, d.sent, 371, "nothing is dropped")
		require.Zero(t, d.held())
		require.Empty(t, d.waitingFor("fabrikam.de", 70, ""))
		require.Empty(t, d.failures, "waiting is no attempt")
	})
}

// TestHeld_thePaceOfTheHouse: a crowd of strangers leaves at the house's pace, and neither a decision nor a known
// person's code waits behind it.
func TestHeld_thePaceOfTheHouse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d, _ := openPaced(t, db, clk, 5)
		d.strangers(100, "company-%d.de")
		d.drain()
		require.InDelta(t, 10, len(d.sent), slack, "two seconds' worth at once")

		before := len(d.sent)
		d.orders("test.all", "approver@contoso.com", false)
		d.orders("test.code", "known@fabrikam.de", false)
		d.drain()
		require.Equal(t, before+2, len(d.sent), "they do not stand in line behind strangers")

		require.InDelta(t, 50, d.passes(clk, 10*time.Second), 2*slack, "five a second")
		d.passes(clk, 12*time.Second)
		require.Len(t, d.sent, 102)
		require.Zero(t, d.held())
	})
}

// TestHeld_anHour: over an hour a fifth of the pace's worth leaves, however even the stream is.
func TestHeld_anHour(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d, log := openPaced(t, db, clk, 1)
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { // an hour's worth but for five has left
			return tx.Exec("INSERT INTO limit_buckets (name, full_at) VALUES ('mail.hour', ?)", tx.Now.Add(715*5*time.Second).UnixMicro()).Error
		}))
		d.strangers(10, "company-%d.de")
		d.drain()
		d.passes(clk, 10*time.Second)
		require.InDelta(t, 7, len(d.sent), slack)
		require.Less(t, len(d.sent), 10)
		require.Contains(t, log.String(), "mail.hour")
		d.passes(clk, time.Minute)
		require.Len(t, d.sent, 10, "then one every five seconds")
	})
}

// TestHeld_otherMailIsNotCounted: mail about requests and to known people neither waits nor uses up what strangers have.
func TestHeld_otherMailIsNotCounted(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	d, _ := openPaced(t, db, clk, 1)
	for i := range 80 {
		d.orders([]string{"test.all", "test.code"}[i%2], "reader@fabrikam.de", false)
	}
	d.drain()
	require.Len(t, d.sent, 80)
	var counted int
	require.NoError(t, db.Read(t.Context()).Raw("SELECT count(*) FROM limit_buckets").Scan(&counted).Error)
	require.Zero(t, counted)
}

// TestHeld_isOffWithTheLimits: VESTIBULE_LIMITS=off bounds nothing.
func TestHeld_isOffWithTheLimits(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	d := openDeskWith(t, db, clk, notification.Needs{Limits: limits.New(db, false), Pace: 1})
	d.strangers(80, "fabrikam.de")
	d.drain()
	require.Len(t, d.sent, 80)
	require.Zero(t, d.held())
}
