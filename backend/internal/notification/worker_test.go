package notification_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/notification/mailtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
)

// desk is a house that sends mail, without the rooms above.
type desk struct {
	t     *testing.T
	db    *database.DB
	clk   *clock.Fake
	queue *jobs.Queue
	mail  *notification.Service

	mu       sync.Mutex
	sent     []*notification.Message
	answer   func(nth int) error // of the transport
	failures []notification.Failure
	codes    int
}

func (d *desk) Send(_ context.Context, m *notification.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent = append(d.sent, m)
	if d.answer == nil {
		return nil
	}
	return d.answer(len(d.sent))
}

func (d *desk) Close() error { return nil }

type payload struct {
	Says string `json:"says"`
}

// openDesk opens one with two kinds, test.all and test.code; transport is the desk itself unless given.
func openDesk(t *testing.T, db *database.DB, clk *clock.Fake, transport notification.Transport) *desk {
	t.Helper()
	return openDeskWith(t, db, clk, notification.Needs{Transport: transport})
}

// openDeskWith is openDesk with some needs of the test's own.
func openDeskWith(t *testing.T, db *database.DB, clk *clock.Fake, n notification.Needs) *desk {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	source := ids.NewSequence(clk)
	d := &desk{t: t, db: db, clk: clk, queue: jobs.New(db, clk, source, log)}
	if n.Transport == nil {
		n.Transport = d
	}
	if n.Log == nil {
		n.Log = log
	}
	house := mailtest.Previewer(t)
	n.DB, n.Jobs, n.IDs, n.BaseURL, n.From = db, d.queue, source, mailtest.BaseURL, house.From
	n.House = func(context.Context) (notification.House, error) { return house.House, nil }
	n.Failed = func(tx *database.Tx, f notification.Failure) error {
		d.failures = append(d.failures, f)
		return tx.Exec("UPDATE mails SET locale = 'told' WHERE id = ?", f.ID).Error // in the same transaction
	}
	d.mail = notification.New(n)
	d.mail.Compose("test.all", func(_ context.Context, o notification.Delivery) (*notification.Letter, error) {
		var p payload
		if err := o.Bind(&p); err != nil || p.Says == "" {
			return nil, err
		}
		data := sampleData()
		data.Says = p.Says
		return letter(t, o.Locale, data), nil
	})
	d.mail.Compose("test.code", func(_ context.Context, o notification.Delivery) (*notification.Letter, error) {
		d.codes++
		l := letter(t, o.Locale, sampleData())
		l.Code = "10000" + string(rune('0'+d.codes%10))
		return l, nil
	})
	return d
}

func (d *desk) order(kind, says string) {
	d.t.Helper()
	to, err := email.Parse("Reader@fabrikam.de")
	require.NoError(d.t, err)
	require.NoError(d.t, d.db.InTx(d.t.Context(), func(tx *database.Tx) error {
		return d.mail.Enqueue(tx, notification.Order{Kind: kind, To: to, Locale: "de", About: "req_1", Payload: payload{Says: says}})
	}))
}

func (d *desk) drain() {
	d.t.Helper()
	_, err := d.queue.Drain(d.t.Context())
	require.NoError(d.t, err)
}

// only is the one mail about req_1.
func (d *desk) only() notification.Record {
	d.t.Helper()
	found, err := d.mail.DeliveriesAbout(d.t.Context(), "req_1", "sgn_other")
	require.NoError(d.t, err)
	require.Len(d.t, found, 1)
	return found[0]
}

func refusal(code int, permanent bool, words string) error {
	return &notification.Refusal{Code: code, Permanent: permanent, Words: words}
}

func TestWorker_SendsWhatLastedAndNothingElse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		undone := errors.New("undone")
		require.ErrorIs(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			require.NoError(t, d.mail.Enqueue(tx, notification.Order{Kind: "test.all", To: mailtest.Previewer(t).To, Payload: payload{Says: "never"}}))
			return undone
		}), undone)
		d.order("test.all", "Guten Tag")
		require.Equal(t, notification.Queued, d.only().State)
		clk.Advance(time.Minute)
		d.drain()
		require.Len(t, d.sent, 1)
		require.Equal(t, "Reader@fabrikam.de", d.sent[0].To.String(), "to the address as the person writes it")
		require.Contains(t, d.sent[0].Text, "Guten Tag")
		require.Contains(t, d.sent[0].Text, "Warum Sie diese Mail bekommen", "in the recipient's language")
		got := d.only()
		require.Equal(t, notification.Sent, got.State)
		require.Equal(t, clk.Now(), got.At)
		d.drain()
		require.Len(t, d.sent, 1, "once is once")
	})
}

func TestWorker_DropsWhatHasNothingLeftToSay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		d.order("test.all", "")
		d.drain()
		require.Empty(t, d.sent)
		require.Equal(t, notification.Dropped, d.only().State)
		require.Empty(t, d.failures)
	})
}

func TestWorker_TakesAFinalNoForAnAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		words := "no such user\r\n\u202e evil \x00" + strings.Repeat("long ", 200)
		d.answer = func(int) error { return refusal(550, true, words) }
		d.order("test.all", "Hello")
		d.drain()
		clk.Advance(100 * time.Hour)
		d.drain()
		require.Len(t, d.sent, 1, "nobody insists")
		got := d.only()
		require.Equal(t, notification.Failed, got.State)
		require.True(t, strings.HasPrefix(got.Reason, "550 no such user evil long"), got.Reason)
		require.LessOrEqual(t, len([]rune(got.Reason)), 300)
		require.Len(t, d.failures, 1)
		require.Equal(t, notification.Failure{ID: got.ID, Kind: "test.all", About: "req_1", Address: "reader@fabrikam.de", Reason: got.Reason}, d.failures[0])
		var locale string
		require.NoError(t, db.Read(t.Context()).Raw("SELECT locale FROM mails").Scan(&locale).Error)
		require.Equal(t, "told", locale, "the audit stands or falls with the state")
	})
}

// TestWorker_Patience holds security.md R08: when a mail is tried again, and when no more.
func TestWorker_Patience(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		for _, tc := range []struct {
			kind  string
			waits []time.Duration
		}{
			{"test.code", []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 310 * time.Second}},
			{"test.all", append([]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour}, repeat(4*time.Hour, 17)...)},
		} {
			d := openDesk(t, db, clk, nil)
			d.answer = func(int) error { return refusal(451, false, "greylisted") }
			d.order(tc.kind, "Hello")
			d.drain()
			for i, wait := range tc.waits {
				require.Len(t, d.sent, i+1)
				clk.Advance(wait - time.Second)
				d.drain()
				require.Len(t, d.sent, i+1, "%s: before %s nothing is tried", tc.kind, wait)
				clk.Advance(wait/10 + 2*time.Second) // up to a tenth is added by chance
				d.drain()
			}
			require.Len(t, d.sent, len(tc.waits)+1)
			require.Len(t, d.failures, 1, "then it is given up")
			clk.Advance(100 * time.Hour)
			d.drain()
			require.Len(t, d.sent, len(tc.waits)+1)
			for _, m := range d.sent {
				require.Equal(t, d.sent[0].ID, m.ID, "every attempt has the same Message-ID")
			}
		}
	})
}

func repeat(d time.Duration, n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = d
	}
	return out
}

// TestWorker_LostAnswer: the answer to the dot is lost. The mail comes again under the same Message-ID; a code mail with
// a new code, because the first may have grown old.
func TestWorker_LostAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		d.answer = func(nth int) error {
			if nth == 1 {
				return refusal(0, false, "The connection to the mail server broke.")
			}
			return nil
		}
		d.order("test.code", "")
		d.drain()
		require.Equal(t, notification.Retrying, d.only().State)
		require.Contains(t, d.only().Reason, "broke")
		clk.Advance(time.Minute)
		d.drain()
		require.Len(t, d.sent, 2)
		require.Equal(t, d.sent[0].ID, d.sent[1].ID)
		require.NotEqual(t, d.sent[0].Text, d.sent[1].Text)
		require.Equal(t, notification.Sent, d.only().State)
		require.Empty(t, d.only().Reason)
	})
}

// Row R04: at most three deliveries, however often the answer is lost.
func TestWorker_DoubtEndsAfterThreeAttempts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		d.answer = func(nth int) error {
			if nth == 2 {
				return refusal(451, false, "greylisted") // what is known ends the doubt
			}
			return &notification.Refusal{Doubtful: true, Words: "The connection to the mail server broke."}
		}
		d.order("test.all", "Hello")
		for range 8 {
			d.drain()
			clk.Advance(5 * time.Hour)
		}
		require.Len(t, d.sent, 5, "one in doubt, one refused, three in doubt")
		require.Equal(t, notification.Failed, d.only().State)
		require.Contains(t, d.only().Reason, "may have arrived")
	})
}

func TestWorker_MistakesOfOursAreFinalAndNotTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		d.mail.Compose("test.foreign", func(context.Context, notification.Delivery) (*notification.Letter, error) {
			l := letter(t, "en", sampleData())
			l.Button = "https://evil.test/secret-of-ours"
			return l, nil
		})
		d.order("test.foreign", "")
		d.drain()
		require.Empty(t, d.sent)
		require.Equal(t, notification.Failed, d.only().State)
		require.NotContains(t, d.only().Reason, "secret-of-ours")
	})
}

func TestEnqueue_RefusesAKindThatNobodyComposes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		require.Panics(t, func() {
			_ = db.InTx(t.Context(), func(tx *database.Tx) error {
				return d.mail.Enqueue(tx, notification.Order{Kind: "test.nobody"})
			})
		})
	})
}
