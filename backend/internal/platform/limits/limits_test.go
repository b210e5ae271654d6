package limits_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
)

var three = limits.Budget{Burst: 3, Refill: time.Minute}

func TestTake_AllowsABurstAndThenOneAfterEachRefill(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		l := limits.New(db, true)
		type answer struct {
			ok   bool
			wait time.Duration
		}
		take := func() answer {
			ok, wait, err := l.Spend(t.Context(), "code:ana", three)
			require.NoError(t, err)
			return answer{ok, wait}
		}
		for _, step := range []struct {
			name  string
			after time.Duration
			want  answer
		}{
			{"first of the burst", 0, answer{true, 0}},
			{"second", 0, answer{true, 0}},
			{"third", 0, answer{true, 0}},
			{"the bucket is empty", 0, answer{false, time.Minute}},
			{"asking too early does not make the wait longer", 20 * time.Second, answer{false, 40 * time.Second}},
			{"a microsecond too early", 40*time.Second - time.Microsecond, answer{false, time.Microsecond}},
			{"one has come back", time.Microsecond, answer{true, 0}},
			{"and only one", 0, answer{false, time.Minute}},
			{"a long rest fills it", time.Hour, answer{true, 0}},
			{"but not beyond the burst", 0, answer{true, 0}},
			{"third after the rest", 0, answer{true, 0}},
			{"fourth after the rest", 0, answer{false, time.Minute}},
		} {
			clk.Advance(step.after)
			require.Equal(t, step.want, take(), step.name)
		}
		ok, _, err := l.Spend(t.Context(), "code:bo", three)
		require.NoError(t, err)
		require.True(t, ok, "another name has its own budget")

		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return l.Refund(tx, "code:ana") }))
		require.Equal(t, answer{true, 0}, take(), "refunded")
	})
}

func TestTake_BelongsToTheAct(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		l, undone := limits.New(db, true), errors.New("undone")
		one := limits.Budget{Burst: 1, Refill: time.Hour}
		require.ErrorIs(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			ok, _, err := l.Take(tx, "x", one)
			require.NoError(t, err)
			require.True(t, ok)
			return undone
		}), undone)
		ok, _, err := l.Spend(t.Context(), "x", one)
		require.NoError(t, err)
		require.True(t, ok, "the act was undone, so its token is back")
	})
}

func TestTakeAll_TakesOfEveryBucketOrOfNone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		l := limits.New(db, true)
		mailbox := limits.Charge{Name: "mailbox", Budget: limits.Budget{Burst: 2, Refill: time.Minute}}
		network := limits.Charge{Name: "network", Budget: limits.Budget{Burst: 3, Refill: time.Hour}}
		other := limits.Charge{Name: "another mailbox", Budget: mailbox.Budget}
		for _, step := range []struct {
			name    string
			after   time.Duration
			charges []limits.Charge
			ok      bool
			wait    time.Duration
		}{
			{"nothing is always there", 0, nil, true, 0},
			{"one of both", 0, []limits.Charge{network, mailbox}, true, 0},
			{"in any order", 0, []limits.Charge{mailbox, network}, true, 0},
			{"the mailbox is empty", 0, []limits.Charge{network, mailbox}, false, time.Minute},
			{"the network was not charged for that: its third is there", 0, []limits.Charge{other, network}, true, 0},
			{"both are empty: the longer wait counts", 0, []limits.Charge{mailbox, network}, false, time.Hour},
			{"the network is empty, and the other mailbox not charged", 0, []limits.Charge{other, network}, false, time.Hour},
			{"so its second is there", 0, []limits.Charge{other}, true, 0},
			{"a minute gives the mailbox one", time.Minute, []limits.Charge{mailbox}, true, 0},
			{"an hour gives each one", time.Hour, []limits.Charge{mailbox, network, other}, true, 0},
		} {
			clk.Advance(step.after)
			var ok bool
			var wait time.Duration
			require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) (err error) {
				ok, wait, err = l.TakeAll(tx, step.charges...)
				return err
			}), step.name)
			require.Equal(t, step.ok, ok, step.name)
			require.InDelta(t, step.wait, wait, float64(time.Microsecond), step.name)
		}
	})
}

func TestTake_TwoReplicasNeverShareTheLastToken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		replicas := []*limits.Limits{limits.New(db, true), limits.New(db, true)}
		var taken atomic.Int64
		var all sync.WaitGroup
		failures := make(chan error, 40)
		for i := range 40 {
			all.Go(func() {
				ok, _, err := replicas[i%2].Spend(t.Context(), "house", limits.Budget{Burst: 7, Refill: time.Hour})
				if ok {
					taken.Add(1)
				}
				failures <- err
			})
		}
		all.Wait()
		for range 40 {
			require.NoError(t, <-failures)
		}
		require.EqualValues(t, 7, taken.Load())
	})
}

func TestOff_AllowsEverythingAndWritesNothing(t *testing.T) {
	t.Parallel()
	db, _ := dbtest.New(t, database.SQLite)
	l := limits.New(db, false)
	for range 10 {
		ok, wait, err := l.Spend(t.Context(), "x", limits.Budget{Burst: 1, Refill: time.Hour})
		require.NoError(t, err)
		require.True(t, ok)
		require.Zero(t, wait)
	}
	var rows int64
	require.NoError(t, db.Read(t.Context()).Table("limit_buckets").Count(&rows).Error)
	require.Zero(t, rows)
	require.Panics(t, func() { _, _, _ = l.Spend(t.Context(), "x", limits.Budget{}) }, "a budget of nothing is a mistake")
}

func TestSweep_DeletesOnlyFullBuckets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		l := limits.New(db, true)
		for _, name := range []string{"a", "b"} {
			_, _, err := l.Spend(t.Context(), name, three)
			require.NoError(t, err)
		}
		clk.Advance(30 * time.Second)
		_, _, err := l.Spend(t.Context(), "b", three)
		require.NoError(t, err)
		clk.Advance(45 * time.Second)
		deleted, err := l.Sweep(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, deleted, "b is not full yet")
	})
}
