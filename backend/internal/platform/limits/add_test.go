package limits_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
)

func TestAdd_countsWhatHasHappenedAndTellsTheWait(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		l := limits.New(db, true)
		wide := limits.Budget{Burst: 100, Refill: time.Second}
		add := func(l *limits.Limits) (waits []time.Duration) {
			require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) (err error) {
				waits, err = l.Add(tx, limits.Charge{Name: "z:wide", Budget: wide}, limits.Charge{Name: "a:three", Budget: three})
				return err
			}))
			return waits
		}
		require.Equal(t, []time.Duration{0, 0}, add(l))
		require.Equal(t, []time.Duration{0, 0}, add(l))
		require.Equal(t, []time.Duration{0, time.Minute}, add(l), "the third was the last one")
		require.Equal(t, []time.Duration{0, 2 * time.Minute}, add(l), "what has happened is counted all the same")
		clk.Advance(90 * time.Second)
		ok, wait, err := l.Spend(t.Context(), "a:three", three)
		require.NoError(t, err)
		require.False(t, ok)
		require.Equal(t, 30*time.Second, wait, "Take and Add agree on a bucket")
		clk.Advance(time.Hour)
		require.Equal(t, []time.Duration{0, 0}, add(l))
		require.Equal(t, []time.Duration{0, 0}, add(limits.New(db, false)), "off")
	})
}
