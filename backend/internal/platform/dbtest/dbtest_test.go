package dbtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestEach_GivesEveryTestItsOwnMigratedDatabase(t *testing.T) {
	t.Parallel()
	for range 3 {
		dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
			require.Equal(t, dbtest.Start, clk.Now())
			require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
				return tx.Exec("INSERT INTO job_schedules (kind, next_at) VALUES ('only.mine', ?)", tx.Now).Error
			}), "a second test would find the row of the first")
		})
	}
}
