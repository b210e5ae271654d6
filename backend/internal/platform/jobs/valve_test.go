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

// settled waits until cond holds.
func settled(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, patience, 5*time.Millisecond, what)
}

func TestValve_ShutGivesBackWhatHasNotBegunAndClaimsNoMore(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q, v := newQueue(t, db, clk), new(Valve)
		began, end := make(chan struct{}, 10), make(chan struct{})
		q.Handle("mail", Policy{Workers: 1, Valve: v}, func(context.Context, Run) error { began <- struct{}{}; <-end; return nil })
		other := make(chan struct{}, 10)
		q.Handle("other", Policy{}, func(context.Context, Run) error { other <- struct{}{}; return nil })
		q.kinds["mail"].pace = 0 // quick so far: more are claimed than run
		enqueue(t, q, db, Job{Kind: "mail"}, Job{Kind: "mail"}, Job{Kind: "mail"})
		started(t, q)
		receive(t, began)
		q.Turn(v, Shut)
		waiting := func(n int) func() bool {
			return func() bool {
				found := 0
				for _, r := range rows(t, db) {
					if r.State == "waiting" && r.Attempts == 0 {
						found++
					}
				}
				return found == n
			}
		}
		settled(t, "two given back as they were", waiting(2))
		end <- struct{}{} // what has begun goes on to its end
		settled(t, "one done", func() bool { return len(rows(t, db)) == 2 })
		enqueue(t, q, db, Job{Kind: "mail"}, Job{Kind: "other"})
		receive(t, other)
		require.True(t, waiting(3)(), "nothing behind the valve is claimed, and nobody else is stopped")
		require.Empty(t, began)
		q.Turn(v, Open)
		close(end)
		for range 3 {
			receive(t, began)
		}
	})
}

func TestValve_AjarLetsOneOfAllItsKindsBeginAtATime(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q, v := newQueue(t, db, clk), new(Valve)
		began, end := make(chan string, 10), make(chan struct{})
		for _, kind := range []string{"code", "mail"} {
			q.Handle(kind, Policy{Workers: 4, Valve: v}, func(context.Context, Run) error { began <- kind; <-end; return nil })
		}
		q.Turn(v, Ajar)
		enqueue(t, q, db, Job{Kind: "mail"}, Job{Kind: "code"}, Job{Kind: "mail"}, Job{Kind: "code"})
		started(t, q)
		kinds := map[string]int{}
		for range 4 {
			kinds[receive(t, began)]++
			q.look(t.Context())
			require.Empty(t, began, "the next one waits for the end of this one")
			end <- struct{}{}
		}
		require.Equal(t, map[string]int{"code": 2, "mail": 2}, kinds)
	})
}

func TestUnbegun_IsNoAttemptAndComesAgainWhenTheValveOpens(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q, v := newQueue(t, db, clk), new(Valve)
		var attempts []int
		away := true
		q.Handle("mail", Policy{Valve: v}, func(_ context.Context, r Run) error {
			attempts = append(attempts, r.Attempt)
			if away {
				q.Turn(v, Shut)
				return Unbegun(errors.New("the neighbour is away"))
			}
			return nil
		})
		enqueue(t, q, db, Job{Kind: "mail"}, Job{Kind: "mail"})
		drain(t, q)
		drain(t, q)
		require.Equal(t, []int{1}, attempts, "one has found it out, and the other was not tried")
		for _, r := range rows(t, db) {
			require.Equal(t, "waiting", r.State)
			require.Zero(t, r.Attempts)
			require.Equal(t, clk.Now(), r.RunAt.UTC(), "due as it was")
		}
		away = false
		q.Turn(v, Open)
		drain(t, q)
		require.Equal(t, []int{1, 1, 1}, attempts)
		require.Empty(t, rows(t, db))
	})
}
