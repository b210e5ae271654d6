package jobs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// TestHeldBack_isNoAttempt: a job whose turn has not come is given back as often as it takes; it keeps all its attempts,
// staff see that it waits and why, and then it runs.
func TestHeldBack_isNoAttempt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		var attempts []int
		turn := 6
		q.Handle("test", Policy{MaxAttempts: 2, Backoff: func(int) time.Duration { return time.Second }}, func(_ context.Context, r Run) error {
			attempts = append(attempts, r.Attempt)
			switch turn--; {
			case turn > 1:
				return HeldBack(errors.New("Held back for now."), time.Minute)
			case turn == 1:
				return errors.New("a failure")
			}
			return nil
		})
		held := func() int64 {
			n, err := q.Held(t.Context())
			require.NoError(t, err)
			return n
		}
		enqueue(t, q, db, Job{Kind: "test"})
		require.Zero(t, held(), "new work is not held")
		for range 4 {
			drain(t, q)
			require.EqualValues(t, 1, held())
			require.Equal(t, "waiting", rows(t, db)[0].State)
			require.Equal(t, "Held back for now.", rows(t, db)[0].LastError)
			require.Zero(t, rows(t, db)[0].Attempts)
			clk.Advance(time.Minute)
		}
		drain(t, q)
		require.Zero(t, held(), "a failure is no holding back")
		clk.Advance(time.Minute)
		drain(t, q)
		require.Empty(t, rows(t, db), "done with the last of two attempts")
		require.Equal(t, []int{1, 1, 1, 1, 1, 2}, attempts)
	})
}
