package database_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// PostgreSQL plans a statement anew five times before it keeps a plan, if that is not dearer. For a page it keeps one only
// when it is told the page's size.
func TestLimit_LetsPostgreSQLKeepItsPlan(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		if db.Dialect() == database.SQLite { // it plans once
			return
		}
		withParcels(t, db)
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { // one connection
			require.NoError(t, tx.Exec(`INSERT INTO parcels (id, owner, open, count, letter, created_at)
				SELECT 'p' || lpad(n::text, 6, '0'), 'ana', FALSE, n, '{}', now() FROM generate_series(1, 5000) AS n`).Error)
			require.NoError(t, tx.Exec("ANALYZE parcels").Error)
			for range 10 {
				var page []parcel
				require.NoError(t, tx.Where("id > ?", "p000100").Order("id").Limit(11).Find(&page).Error)
				require.Len(t, page, 11)
			}
			var kept int
			require.NoError(t, tx.Raw("SELECT coalesce(sum(generic_plans), 0) FROM pg_prepared_statements WHERE statement LIKE '%ORDER BY id LIMIT%'").Scan(&kept).Error)
			require.GreaterOrEqual(t, kept, 4)
			return nil
		}))
	})
}
