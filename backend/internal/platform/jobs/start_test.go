package jobs

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestStop_FinishesWhatRunsAndGivesBackTheRest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		began, end := make(chan struct{}, 10), make(chan struct{})
		q.Handle("test", Policy{Workers: 1}, func(context.Context, Run) error { began <- struct{}{}; <-end; return nil })
		q.kinds["test"].pace = 0 // quick so far: more are claimed than run
		enqueue(t, q, db, Job{Kind: "test"}, Job{Kind: "test"}, Job{Kind: "test"})
		q.Start(t.Context())
		receive(t, began)
		stopped := make(chan error, 1)
		go func() { stopped <- q.Stop(context.Background()) }()
		receive(t, q.loopsEnded())
		close(end)
		require.NoError(t, receive(t, stopped))
		left := rows(t, db)
		require.Len(t, left, 2)
		for _, r := range left {
			require.Equal(t, "waiting", r.State)
			require.Zero(t, r.Attempts, "nothing was tried with it")
		}
		other := newQueue(t, db, clk)
		other.Handle("test", Policy{}, func(context.Context, Run) error { return nil })
		require.Equal(t, 2, drain(t, other), "another replica has them at once")
	})
}

// loopsEnded is closed when the dispatcher has claimed for the last time.
func (q *Queue) loopsEnded() <-chan struct{} {
	ended := make(chan struct{})
	go func() { q.loops.Wait(); close(ended) }()
	return ended
}

func TestStop_TellsHandlersThatDoNotEndInTime(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		began, cause := make(chan struct{}), make(chan error, 1)
		q.Handle("test", Policy{}, func(ctx context.Context, _ Run) error {
			close(began)
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return ctx.Err()
		})
		enqueue(t, q, db, Job{Kind: "test"})
		q.Start(t.Context())
		receive(t, began)
		noPatience, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorContains(t, q.Stop(noPatience), "1 were still running")
		require.ErrorIs(t, receive(t, cause), errStopping)
		q.working.Wait()
		got := rows(t, db)[0]
		require.Equal(t, "waiting", got.State)
		require.Equal(t, "The process was stopped in the middle.", got.LastError)
		require.NoError(t, q.Stop(t.Context()), "twice is once")
	})
}

func TestLanes_KeepAPoisonousReceiverFromStoppingTheOthers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		const poison, good = 60, 40
		release, done := make(chan struct{}), make(chan struct{}, good)
		var stuck, mostStuck atomic.Int64
		q.Handle("mail", Policy{Workers: 4}, func(_ context.Context, r Run) error {
			var n note
			if err := r.Bind(&n); err != nil {
				return err
			}
			if n.N == 0 {
				mostStuck.Store(max(mostStuck.Load(), stuck.Add(1)))
				<-release
				return nil
			}
			done <- struct{}{}
			return nil
		})
		var work []Job
		for range poison {
			work = append(work, Job{Kind: "mail", Queue: "poison.test"})
		}
		enqueue(t, q, db, work...)
		work = nil
		clk.Advance(1e9) // the good ones come later
		for range good {
			work = append(work, Job{Kind: "mail", Queue: "fabrikam.test", Payload: note{1}})
		}
		enqueue(t, q, db, work...)
		started(t, q)
		for range good {
			receive(t, done)
		}
		require.EqualValues(t, 1, mostStuck.Load(), "a quarter of four workers")
		close(release)
	})
}

// Much is claimed ahead for a receiver that is quick. When it begins to hang, that must not take the others' room.
func TestLanes_AReceiverThatBeginsToHangStopsNobodyElse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		const good, poison = 40, 20
		release, hung, done := make(chan struct{}), make(chan struct{}, poison), make(chan struct{}, good)
		q.Handle("mail", Policy{Workers: 4}, func(_ context.Context, r Run) error {
			var n note
			if err := r.Bind(&n); err != nil {
				return err
			}
			if n.N == 0 {
				hung <- struct{}{}
				<-release
				return nil
			}
			done <- struct{}{}
			return nil
		})
		started(t, q)
		order := func(n int, job Job) {
			work := make([]Job, n)
			for i := range work {
				work[i] = job
			}
			enqueue(t, q, db, work...)
		}
		order(good, Job{Kind: "mail", Queue: "fabrikam.test", Payload: note{1}})
		for range good {
			receive(t, done)
		}
		order(poison, Job{Kind: "mail", Queue: "poison.test"})
		receive(t, hung)
		clk.Advance(30 * time.Second)
		release <- struct{}{} // given up after half a minute; the next one hangs
		receive(t, hung)
		order(good, Job{Kind: "mail", Queue: "fabrikam.test", Payload: note{1}})
		for range good {
			receive(t, done)
		}
		close(release)
	})
}

func TestKinds_DoNotTakeEachOthersWorkers(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	q := newQueue(t, db, clk)
	release, done := make(chan struct{}), make(chan struct{})
	q.Handle("stuck", Policy{Workers: 2}, func(context.Context, Run) error { <-release; return nil })
	q.Handle("quick", Policy{}, func(context.Context, Run) error { close(done); return nil })
	enqueue(t, q, db, Job{Kind: "stuck"}, Job{Kind: "stuck"}, Job{Kind: "stuck"}, Job{Kind: "stuck"})
	started(t, q)
	enqueue(t, q, db, Job{Kind: "quick"})
	receive(t, done)
	close(release)
}

func TestCommit_WakesAnotherReplicaWithoutPolling(t *testing.T) {
	t.Parallel()
	t.Run("from a replica that works off other kinds", func(t *testing.T) {
		t.Parallel()
		wakesAnother(t, func(front *Queue) {
			started(t, front)
		})
	})
	t.Run("from one that works nothing off", func(t *testing.T) {
		t.Parallel()
		wakesAnother(t, func(front *Queue) {
			front.Handle("test", Policy{}, func(context.Context, Run) error { panic("not here") })
			front.Announce(t.Context())
		})
	})
}

// wakesAnother enqueues in front, once it is opened, a job that back has to hear of, for it does not look by itself.
func wakesAnother(t *testing.T, open func(front *Queue)) {
	t.Helper()
	address := dbtest.URL(t, database.Postgres)
	clk := clock.NewFake(dbtest.Start)
	front, back := newQueue(t, dbtest.Open(t, address, clk), clk), newQueue(t, dbtest.Open(t, address, clk), clk)
	done := make(chan struct{})
	back.Handle("test", Policy{}, func(context.Context, Run) error { close(done); return nil })
	listening := make(chan struct{})
	loop := back.begin(t.Context()) // everything but the poll
	back.kinds["test"].due = false
	back.loops.Go(func() { back.dispatch(loop) })
	back.loops.Go(func() { _ = back.db.Listen(loop, channel, func() { close(listening) }, back.heard) })
	receive(t, listening)
	open(front)
	enqueue(t, front, front.db, Job{Kind: "test"})
	receive(t, done)
	require.NoError(t, back.Stop(t.Context()))
}

func TestLook_FindsWhatNobodySaid(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q, silent := newQueue(t, db, clk), newQueue(t, db, clk)
		done := make(chan struct{}, 2)
		q.Handle("test", Policy{}, func(context.Context, Run) error { done <- struct{}{}; return nil })
		q.Every("sweep", leaseTime, func(context.Context, Run) error { done <- struct{}{}; return nil })
		loop := q.begin(t.Context())
		q.loops.Go(func() { q.dispatch(loop) })
		enqueue(t, silent, db, Job{Kind: "test"})
		q.kinds["test"].due = false
		q.look(t.Context())
		receive(t, done)
		receive(t, done)
		require.NoError(t, q.Stop(t.Context()))
	})
}

func TestRegistration_IsCheckedAtStart(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	q := newQueue(t, db, clk)
	nothing := func(context.Context, Run) error { return nil }
	q.Handle("a", Policy{}, nothing)
	require.Panics(t, func() { q.Handle("a", Policy{}, nothing) }, "two handlers")
	require.Panics(t, func() { q.OnDead("b", nil) }, "no such kind")
	require.Panics(t, func() { q.Every("c", 0, nothing) }, "no interval")
	require.Panics(t, func() { New(nil, clk, nil, nil) })
	require.NoError(t, q.Stop(t.Context()), "never started")
}

func TestLanes_AreSeenBehindALongQueueOfAFullOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		var work []Job
		for range headOfLine + 5 {
			work = append(work, Job{Kind: "mail", Queue: "tarpit.test"})
		}
		enqueue(t, q, db, work...)
		clk.Advance(1e9)
		enqueue(t, q, db, Job{Kind: "mail", Queue: "fabrikam.test"}, Job{Kind: "mail", Queue: "northwind.test"})
		request := claimRequest{kind: "mail", worker: "w", n: 4, share: 1, claimed: map[string]int{"tarpit.test": 1}}
		holds, more, err := claim(t.Context(), db, request)
		require.NoError(t, err)
		require.True(t, more)
		require.Len(t, holds, 2)
		require.ElementsMatch(t, []string{"fabrikam.test", "northwind.test"}, []string{holds[0].lane, holds[1].lane})
	})
}
