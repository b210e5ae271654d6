package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestDeath_ComesWithTheLastAttemptOrAtOnce(t *testing.T) {
	t.Parallel()
	refused := errors.New("550 no such mailbox")
	for _, tc := range []struct {
		name     string
		err      error
		panics   bool
		attempts int
		reason   string
	}{
		{"an ordinary error is tried as often as the policy says", refused, false, 3, "550 no such mailbox"},
		{"a final error is not tried again", Final(refused), false, 1, "550 no such mailbox"},
		{"asking for later does not go on for ever", Later(refused, time.Second), false, 3, "550 no such mailbox"},
		{"a panic is a failed attempt, not the end of the process", nil, true, 3, "The handler made a mistake; the log has its stack."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
				q := newQueue(t, db, clk)
				attempts, buried := 0, 0
				q.Handle("test", Policy{MaxAttempts: 3}, func(context.Context, Run) error {
					attempts++
					if tc.panics {
						panic("a mistake")
					}
					return tc.err
				})
				q.OnDead("test", func(tx *database.Tx, r Run, cause error) error {
					buried++
					require.Equal(t, "req_1", r.About)
					require.Equal(t, tc.reason, cause.Error())
					return tx.Exec("INSERT INTO job_schedules (kind, next_at) VALUES ('buried', ?)", tx.Now).Error
				})
				enqueue(t, q, db, Job{Kind: "test", About: "req_1"})
				for range 5 {
					drain(t, q)
					clk.Advance(time.Hour)
				}
				require.Equal(t, tc.attempts, attempts)
				require.Equal(t, 1, buried)

				dead, err := q.Dead(t.Context(), "", 10)
				require.NoError(t, err)
				require.Len(t, dead, 1)
				require.Equal(t, tc.reason, dead[0].LastError)
				require.Equal(t, tc.attempts, dead[0].Attempts)
				health, err := q.Health(t.Context())
				require.NoError(t, err)
				require.Equal(t, []KindHealth{{Kind: "test", Dead: 1}}, health)
			})
		})
	}
}

func TestDeath_WaitsForWhoMustBeTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		told := 0
		q.Handle("test", Policy{MaxAttempts: 1}, func(context.Context, Run) error { return errors.New("no") })
		q.OnDead("test", func(*database.Tx, Run, error) error {
			if told++; told == 1 {
				return errors.New("cannot be told now")
			}
			return nil
		})
		enqueue(t, q, db, Job{Kind: "test"})
		drain(t, q)
		require.Equal(t, "waiting", rows(t, db)[0].State, "death and telling are one act")
		clk.Advance(afterUndertaker)
		drain(t, q)
		require.Equal(t, "dead", rows(t, db)[0].State)
	})
}

func TestDeath_OfAJobThatKillsItsWorkers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		q.Handle("test", Policy{MaxAttempts: 2}, func(context.Context, Run) error { t.Error("must not run a third time"); return nil })
		enqueue(t, q, db, Job{Kind: "test"})
		for range 2 { // claimed by processes that die of it
			holds, _, err := claim(t.Context(), db, claimRequest{kind: "test", worker: "gone", n: 1, share: 1})
			require.NoError(t, err)
			require.Len(t, holds, 1)
			clk.Advance(leaseTime + time.Second)
			require.NoError(t, q.tidy(t.Context()))
		}
		drain(t, q)
		require.Equal(t, "dead", rows(t, db)[0].State)
		require.Equal(t, errVanished.Error(), rows(t, db)[0].LastError)
	})
}

func TestRetry_GivesADeadJobAllItsAttemptsAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		outcome := Final(errors.New("no"))
		q.Handle("test", Policy{}, func(context.Context, Run) error { return outcome })
		retry := func(id string) error {
			return db.InTx(t.Context(), func(tx *database.Tx) error { return q.Retry(tx, id) })
		}
		enqueue(t, q, db, Job{Kind: "test", Key: "k"})
		drain(t, q)
		id := rows(t, db)[0].ID

		enqueue(t, q, db, Job{Kind: "test", Key: "k"})
		require.ErrorIs(t, retry(id), ErrNotDead, "a newer one with its key is live")
		drain(t, q)
		dead, err := q.Dead(t.Context(), "", 10)
		require.NoError(t, err)
		require.Len(t, dead, 1, "the newer death has replaced the older one")
		require.NotEqual(t, id, dead[0].ID)

		outcome = nil
		require.ErrorIs(t, retry("job_none"), ErrNotDead)
		require.NoError(t, retry(dead[0].ID))
		require.ErrorIs(t, retry(dead[0].ID), ErrNotDead, "pressed twice")
		require.Equal(t, 1, drain(t, q))
		require.Empty(t, rows(t, db))
	})
}

func TestDead_IsAPage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		q := newQueue(t, db, clk)
		q.Handle("test", Policy{}, func(context.Context, Run) error { return Final(errors.New("no")) })
		for range 5 {
			enqueue(t, q, db, Job{Kind: "test"})
			clk.Advance(time.Second)
		}
		drain(t, q)
		var seen []string
		after := ""
		for range 3 {
			page, err := q.Dead(t.Context(), after, 2)
			require.NoError(t, err)
			for _, j := range page {
				seen = append(seen, j.ID)
			}
			after = page[len(page)-1].ID
		}
		require.Len(t, seen, 5)
		for i := 1; i < len(seen); i++ {
			require.Less(t, seen[i], seen[i-1], "newest first")
		}
	})
}

func TestReason_IsShortAndNamesNobody(t *testing.T) {
	t.Parallel()
	require.Equal(t, "550 5.1.1 <(address)>: unknown", reason(errors.New("550 5.1.1 <maria@fabrikam.test>: unknown")))
	long := reason(errors.New(strings.Repeat("ä", 400)))
	require.LessOrEqual(t, len(long), maxReason+len("…"))
	require.True(t, strings.HasSuffix(long, "ä…"), "cut between characters")
}
