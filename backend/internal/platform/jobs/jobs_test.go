package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// patience is how long a test waits for a signal before it gives up.
const patience = 20 * time.Second

type note struct{ N int }

func newQueue(t *testing.T, db *database.DB, clk clock.Clock) *Queue {
	t.Helper()
	return New(db, clk, ids.System(clk), slog.New(slog.DiscardHandler))
}

func started(t *testing.T, q *Queue) {
	t.Helper()
	q.Start(t.Context())
	t.Cleanup(func() { require.NoError(t, q.Stop(context.Background())) })
}

func enqueue(t *testing.T, q *Queue, db *database.DB, jobs ...Job) {
	t.Helper()
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		for _, j := range jobs {
			if err := q.Enqueue(tx, j); err != nil {
				return err
			}
		}
		return nil
	}))
}

type row struct {
	ID          string
	State       string
	RunAt       time.Time
	Attempts    int
	LastError   string
	LockedUntil *time.Time
	Payload     database.JSON[note]
}

func rows(t *testing.T, db *database.DB) (out []row) {
	t.Helper()
	require.NoError(t, db.Read(t.Context()).Table("jobs").Order("id").Find(&out).Error)
	return out
}

func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("the signal did not come")
	}
	return v
}

func drain(t *testing.T, q *Queue) int {
	t.Helper()
	n, err := q.Drain(t.Context())
	require.NoError(t, err)
	return n
}

func TestEnqueue_ExistsIfAndOnlyIfTheActLasted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		var got []int
		q.Handle("test", Policy{}, func(_ context.Context, r Run) error {
			var n note
			require.NoError(t, r.Bind(&n))
			require.Equal(t, "req_1", r.About)
			require.Equal(t, 1, r.Attempt)
			got = append(got, n.N)
			return nil
		})
		undone := errors.New("undone")
		require.ErrorIs(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			require.NoError(t, q.Enqueue(tx, Job{Kind: "test", Payload: note{1}}))
			return undone
		}), undone)
		enqueue(t, q, db, Job{Kind: "test", Payload: note{2}, About: "req_1"}, Job{Kind: "test", Payload: note{3}, About: "req_1", RunAt: clk.Now().Add(time.Minute)})
		require.Equal(t, 1, drain(t, q))
		require.Equal(t, []int{2}, got)
		clk.Advance(time.Minute)
		require.Equal(t, 1, drain(t, q), "the other one was for later")
		require.Equal(t, []int{2, 3}, got)
		require.Empty(t, rows(t, db), "finished jobs are gone")
	})
}

func TestWorkers_OfTwoReplicasDoEveryJobOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		const jobs = 300
		var done [jobs]atomic.Int64
		all := make(chan struct{}, 2*jobs)
		replica := func() *Queue {
			q := newQueue(t, db, clk)
			q.Handle("test", Policy{Workers: 8}, func(_ context.Context, r Run) error {
				var n note
				if err := r.Bind(&n); err != nil {
					return err
				}
				done[n.N].Add(1)
				all <- struct{}{}
				return nil
			})
			return q
		}
		a, b := replica(), replica()
		work := make([]Job, jobs)
		for i := range work {
			work[i] = Job{Kind: "test", Payload: note{i}}
		}
		enqueue(t, a, db, work[:jobs/2]...)
		started(t, a)
		started(t, b)
		enqueue(t, a, db, work[jobs/2:jobs*3/4]...)
		enqueue(t, b, db, work[jobs*3/4:]...)
		for range jobs {
			receive(t, all)
		}
		require.NoError(t, a.Stop(t.Context()))
		require.NoError(t, b.Stop(t.Context()))
		for i := range done {
			require.EqualValues(t, 1, done[i].Load(), "job %d", i)
		}
		require.Empty(t, rows(t, db))
	})
}

func TestLease_OfAVanishedWorkerIsTakenOverAndTheZombieIsFenced(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		zombie, healthy := newQueue(t, db, clk), newQueue(t, db, clk)
		began, wakeUp, fenced := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		var cause error
		zombie.Handle("test", Policy{}, func(ctx context.Context, r Run) error {
			close(began)
			<-wakeUp
			cause = context.Cause(ctx)
			err := db.InTx(context.WithoutCancel(ctx), func(tx *database.Tx) error { return r.Done(tx) })
			fenced <- err
			return err
		})
		var attempts []int
		healthy.Handle("test", Policy{}, func(_ context.Context, r Run) error {
			attempts = append(attempts, r.Attempt)
			return nil
		})
		zombie.begin(t.Context()) // no loops: a stopped process does not extend its leases
		enqueue(t, zombie, db, Job{Kind: "test"})
		zombie.round(t.Context())
		receive(t, began)

		clk.Advance(leaseTime)
		require.Zero(t, drain(t, healthy), "the lease still holds in its last instant")
		clk.Advance(time.Microsecond)
		require.Equal(t, 1, drain(t, healthy))
		require.Equal(t, []int{2}, attempts, "the zombie's attempt counts")

		zombie.extendLeases(t.Context())
		close(wakeUp)
		require.ErrorIs(t, receive(t, fenced), ErrFenced)
		require.ErrorIs(t, cause, ErrFenced, "its context told it")
		require.NoError(t, zombie.Stop(t.Context()))
		require.Empty(t, rows(t, db))
	})
}

func TestLease_IsExtendedForLongJobs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q, other := newQueue(t, db, clk), newQueue(t, db, clk)
		began, end := make(chan struct{}), make(chan struct{})
		q.Handle("test", Policy{}, func(context.Context, Run) error { close(began); <-end; return nil })
		other.Handle("test", Policy{}, func(context.Context, Run) error { t.Error("taken over"); return nil })
		q.begin(t.Context())
		enqueue(t, q, db, Job{Kind: "test"})
		q.round(t.Context())
		receive(t, began)
		for range 5 {
			clk.Advance(leaseTime / 2)
			q.extendLeases(t.Context())
			require.Zero(t, drain(t, other))
		}
		close(end)
		require.NoError(t, q.Stop(t.Context()))
		require.Empty(t, rows(t, db))
	})
}

func TestFailure_ComesBackWhenItShould(t *testing.T) {
	t.Parallel()
	boom := errors.New("mailbox ana@fabrikam.test is full")
	for _, tc := range []struct {
		name   string
		err    error
		least  time.Duration
		most   time.Duration
		reason string
	}{
		{"an ordinary error waits for the policy's back-off and up to a tenth more", boom, time.Minute, 66 * time.Second, "mailbox (address) is full"},
		{"a handler that knows better names the time", Later(boom, 310*time.Second), 310 * time.Second, 310 * time.Second, "mailbox (address) is full"},
		{"wrapped, it still does", fmt.Errorf("send: %w", Later(boom, time.Second)), time.Second, time.Second, "send: mailbox (address) is full"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
				q := newQueue(t, db, clk)
				outcome := tc.err
				q.Handle("test", Policy{Backoff: func(int) time.Duration { return time.Minute }}, func(context.Context, Run) error { return outcome })
				enqueue(t, q, db, Job{Kind: "test"})
				require.Equal(t, 1, drain(t, q))
				got := rows(t, db)[0]
				require.Equal(t, "waiting", got.State)
				require.Equal(t, tc.reason, got.LastError)
				require.Nil(t, got.LockedUntil)
				require.GreaterOrEqual(t, got.RunAt, clk.Now().Add(tc.least))
				require.LessOrEqual(t, got.RunAt, clk.Now().Add(tc.most))
				outcome = nil
				clk.Advance(tc.least - time.Microsecond)
				require.Zero(t, drain(t, q))
				clk.Advance(tc.most - tc.least + time.Microsecond)
				require.Equal(t, 1, drain(t, q))
			})
		})
	}
}

func TestDefaultBackoff_DoublesUpToAnHour(t *testing.T) {
	t.Parallel()
	require.Equal(t, 10*time.Second, DefaultBackoff(1))
	require.Equal(t, 40*time.Second, DefaultBackoff(3))
	require.Equal(t, time.Hour, DefaultBackoff(10))
	require.Equal(t, time.Hour, DefaultBackoff(1000))
}

func TestKey_IsUniqueWhileLive(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		var got []int
		var meanwhile func()
		q.Handle("test", Policy{}, func(_ context.Context, r Run) error {
			var n note
			require.NoError(t, r.Bind(&n))
			got = append(got, n.N)
			if meanwhile != nil {
				meanwhile()
			}
			return nil
		})
		q.Handle("other", Policy{}, func(context.Context, Run) error { return nil })
		enqueue(t, q, db, Job{Kind: "test", Key: "gst_1", Payload: note{1}}, Job{Kind: "test", Key: "gst_1", Payload: note{2}}, Job{Kind: "other", Key: "gst_1"})
		require.Len(t, rows(t, db), 2, "one per kind and key")
		require.Equal(t, 2, drain(t, q))
		require.Equal(t, []int{2}, got, "the newer payload counts")

		meanwhile = func() {
			meanwhile = nil
			enqueue(t, q, db, Job{Kind: "test", Key: "gst_1", Payload: note{4}})
		}
		enqueue(t, q, db, Job{Kind: "test", Key: "gst_1", Payload: note{3}})
		require.Equal(t, 2, drain(t, q), "asked for while it ran: once more")
		require.Equal(t, []int{2, 3, 4}, got)
		require.Empty(t, rows(t, db))
	})
}

func TestDone_FinishesTogetherWithTheHandlersOwnWrites(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		undone, runs := errors.New("undone"), 0
		q.Handle("test", Policy{}, func(ctx context.Context, r Run) error {
			runs++
			return db.InTx(ctx, func(tx *database.Tx) error {
				if err := r.Done(tx); err != nil {
					return err
				}
				if runs == 1 {
					return undone
				}
				return tx.Exec("INSERT INTO job_schedules (kind, next_at) VALUES ('mark', ?)", tx.Now).Error
			})
		})
		enqueue(t, q, db, Job{Kind: "test"})
		require.Equal(t, 1, drain(t, q))
		require.Equal(t, "waiting", rows(t, db)[0].State, "undone together")
		clk.Advance(time.Hour)
		require.Equal(t, 1, drain(t, q))
		require.Empty(t, rows(t, db))
	})
}

func TestEvery_RunsOncePerIntervalAcrossReplicas(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		runs := 0
		var replicas [2]*Queue
		for i := range replicas {
			replicas[i] = newQueue(t, db, clk)
			replicas[i].Every("sweep", time.Hour, func(context.Context, Run) error { runs++; return nil })
		}
		total := func() int {
			for _, q := range replicas {
				drain(t, q)
			}
			return runs
		}
		require.Equal(t, 1, total(), "at the first start")
		clk.Advance(59 * time.Minute)
		require.Equal(t, 1, total())
		clk.Advance(time.Minute)
		require.Equal(t, 2, total())
		clk.Advance(10 * time.Hour)
		require.Equal(t, 3, total(), "a long stop is not made up for: no storm")
		clk.Advance(-5 * time.Hour)
		require.Equal(t, 4, total(), "a clock put back by hours does not stop it")
		require.Equal(t, 4, total())
	})
}

func TestConcurrentClaims_NeverShareAJob(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		work := make([]Job, 100)
		for i := range work {
			work[i] = Job{Kind: "test"}
		}
		enqueue(t, q, db, work...)
		var mu sync.Mutex
		seen := map[string]int{}
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for more := true; more; {
					holds, again, err := claim(t.Context(), db, claimRequest{kind: "test", worker: fmt.Sprint(worker), n: 5, share: 5})
					if err != nil {
						t.Error(err)
					}
					more = again
					mu.Lock()
					for _, h := range holds {
						seen[h.ID]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for id, n := range seen {
			require.Equal(t, 1, n, id)
		}
		require.Len(t, seen, len(work))
	})
}
