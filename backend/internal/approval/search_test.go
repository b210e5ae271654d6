package approval

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// multiply copies the row of table about a request n times, with the columns of set computed from a number.
func multiply(t *testing.T, db *database.DB, table, where string, n int, set map[string]string) {
	t.Helper()
	rows, err := db.Read(t.Context()).Raw("SELECT * FROM " + table + " WHERE 1 = 0").Rows()
	require.NoError(t, err)
	columns, err := rows.Columns()
	require.NoError(t, err)
	require.NoError(t, rows.Close())
	columns = slices.DeleteFunc(columns, func(c string) bool { return c == "seq" })
	var values []string
	for _, c := range columns {
		value, own := set[c]
		if !own {
			value = "t." + c
		}
		values = append(values, value)
	}
	conn, done, err := db.Unhurried(t.Context())
	require.NoError(t, err)
	defer done()
	_, err = conn.ExecContext(t.Context(), fmt.Sprintf("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) INSERT INTO %s (%s) SELECT %s FROM %s AS t CROSS JOIN s WHERE %s",
		n, table, strings.Join(columns, ", "), strings.Join(values, ", "), table, where))
	require.NoError(t, err)
}

// Pages of a search come from the next of the list, or from the index, as each has enough. The list is longer than walked.
func TestList_SearchFindsWhatIsBehind(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ana := h.as("a.ruiz@contoso.com")
		made := h.request("supplier", "maria.lindqvist@fabrikam.de", map[string]any{"fullName": "Maria Lindqvist", "company": "Fabrikam"})
		number := "substr('' || (100000 + n), 2)"
		multiply(t, db, "requests", "t.id = '"+made.ID+"'", 3000, map[string]string{
			"id": "'req_0' || " + number, "reference": "'C-' || n", "source_id": "'sgn_0' || " + number, "address": "'p' || n || '@x.y'",
			"search_text": "CASE WHEN n % 700 = 5 THEN 'zog ' ELSE 'person ' END || 'no' || " + number,
		})
		multiply(t, db, "approval_assignments", "t.request_id = '"+made.ID+"'", 3000, map[string]string{"request_id": "'req_0' || " + number})
		for term, want := range map[string]int{"zog": 5, "zog no02805": 1, "no029": 100, "person": 2995, "lindqvist": 1, "nobody": 0, "zo": 5, "og": 0} {
			var seen, inOrder []string
			for q := (Queue{Bucket: bucketWaiting, Search: term, Limit: 40}); ; {
				rows, next, err := h.List(t.Context(), ana, q)
				require.NoError(t, err)
				for _, r := range rows {
					seen = append(seen, r.ID)
				}
				if q.After = next; next == nil {
					break
				}
			}
			require.Len(t, seen, want, term)
			inOrder = slices.Compact(slices.Sorted(slices.Values(seen))) // all are due at the same moment, so that ids decide
			require.Equal(t, inOrder, slices.Clone(seen), term)
			others, _, err := h.List(t.Context(), h.as("j.becker@contoso.com"), Queue{Bucket: bucketWaiting, Search: term, Limit: 40})
			require.NoError(t, err)
			require.Empty(t, others)
		}
	})
}
