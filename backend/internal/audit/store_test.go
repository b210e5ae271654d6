package audit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// A timeline must cost the same after ten years: each part reads one range of an index.
func TestNewest_ReadsRangesOfIndexesOnly(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		query, args := newestQuery(Query{Targets: []string{"gst_1", "req_1"}, Subject: "abc", After: "evt_9", Limit: 25})
		plan := explain(t, db, query, args)
		if db.Dialect() == database.SQLite {
			require.Contains(t, plan, "USING COVERING INDEX audit_events_target (target=? AND id<?)")
			require.Contains(t, plan, "USING COVERING INDEX audit_events_subject (subject=? AND id<?)")
			require.NotContains(t, plan, "SCAN audit_events")
			return
		}
		require.Contains(t, plan, "using audit_events_target")
		require.Contains(t, plan, "using audit_events_subject")
		require.NotContains(t, plan, "Seq Scan on audit_events")
	})
}

// explain is the database's plan. PostgreSQL is told not to read tables in full where it can do otherwise, because it
// rightly would with so few rows.
func explain(t *testing.T, db *database.DB, query string, args []any) string {
	t.Helper()
	var lines []string
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		if tx.Dialect() == database.Postgres {
			if err := tx.Exec("SET LOCAL enable_seqscan = off").Error; err != nil {
				return err
			}
			return tx.Raw("EXPLAIN "+query, args...).Scan(&lines).Error
		}
		var steps []struct{ Detail string }
		if err := tx.Raw("EXPLAIN QUERY PLAN "+query, args...).Scan(&steps).Error; err != nil {
			return err
		}
		for _, step := range steps {
			lines = append(lines, step.Detail)
		}
		return nil
	}))
	return strings.Join(lines, "\n")
}
