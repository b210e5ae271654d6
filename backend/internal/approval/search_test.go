package approval

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

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

// crowd copies a request of ana's n times, each due at the same moment, so that ids decide their order. The copies' assignments
// are written as a program of before writes them, which knows no copy of the text.
func (h *house) crowd(of *Request, n int, text string) {
	h.t.Helper()
	number := "substr('' || (100000 + n), 2)"
	multiply(h.t, h.db, "requests", "t.id = '"+of.ID+"'", n, map[string]string{
		"id": "'req_0' || " + number, "reference": "'C-' || n", "source_id": "'sgn_0' || " + number, "address": "'p' || n || '@x.y'",
		"search_text": strings.ReplaceAll(text, "{number}", number),
	})
	multiply(h.t, h.db, "approval_assignments", "t.request_id = '"+of.ID+"' AND t.approver_id <> '*'", n,
		map[string]string{"request_id": "'req_0' || " + number, "search_text": "''"})
}

// Pages of a search come from the next of the list, or from the index, as each has enough. The list is longer than is looked through.
func TestList_SearchFindsWhatIsBehind(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ana := h.as("a.ruiz@contoso.com")
		made := h.request("supplier", "maria.lindqvist@fabrikam.de", map[string]any{"fullName": "Maria Lindqvist", "company": "Fabrikam"})
		h.crowd(made, 3000, "CASE WHEN n % 700 = 5 THEN 'zog ' ELSE 'person ' END || 'no' || {number}")
		for term, want := range map[string]int{"zog": 5, "zog no02805": 1, "no029": 100, "person": 2995, "lindqvist": 1, "nobody": 0, "zo": 5, "og": 0} {
			for _, h.patience = range []patience{patient, {glanced: 100, few: 4, walked: 2500}, {glanced: 100, few: 4, walked: 200}} {
				seen := h.listed(ana, Queue{Bucket: bucketWaiting, Search: term, Limit: 40})
				require.Len(t, seen, want, term)
				require.Equal(t, slices.Compact(slices.Sorted(slices.Values(seen))), slices.Clone(seen), term)
			}
			require.Empty(t, h.listed(h.as("j.becker@contoso.com"), Queue{Bucket: bucketWaiting, Search: term, Limit: 40}))
		}
	})
}

// The queue's index has the beginning of a text. What stands behind it is found as well, near in a list and far.
func TestList_SearchFindsBehindTheCopy(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.patience = patience{glanced: 10, few: 1, walked: 20}
		ana := h.as("a.ruiz@contoso.com")
		long := strings.Repeat("Wörter und ", copied) + "Göttingen" // of two bytes each, where SQLite and PostgreSQL count characters
		first := h.request("supplier", "long@fabrikam.de", map[string]any{"fullName": long, "company": "100%_Łódź"})
		h.crowd(first, 40, "CASE WHEN n = 30 THEN 'person gottingen' ELSE 'person {number}' END")
		require.Equal(t, copied, h.count("approval_assignments WHERE request_id = ? AND approver_id = ? AND length(search_text) = ?", first.ID, ana.ID, copied)*copied)
		for term, want := range map[string][]string{
			"GÖTTINGEN": {"req_000030", first.ID}, "worter und gottingen": {first.ID}, "100%_lodz": {first.ID}, "go": {"req_000030", first.ID},
			"10": {first.ID}, "100_": nil, "ottinge": {"req_000030", first.ID},
		} {
			require.Equal(t, want, h.listed(ana, Queue{Bucket: bucketWaiting, Search: term, Limit: 1}), term)
		}
	})
}

// Whoever writes, the queue is searched in what the requests say: a program of before that knows no copy, and one that
// changes or empties a text.
func TestList_SearchFollowsTheText(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ana := h.as("a.ruiz@contoso.com")
		r := h.request("double", "maria@fabrikam.de", map[string]any{"fullName": "Maria", "company": "Fabrikam"})
		same := func(because string) {
			t.Helper()
			require.Zero(t, h.count("approval_assignments AS a JOIN requests AS r ON r.id = a.request_id WHERE a.search_text <> substr(r.search_text, 1, ?)", copied), because)
		}
		find := func(term string) []string {
			return h.listed(ana, Queue{Bucket: bucketWaiting, Search: term, Limit: 10})
		}
		set := func(statement string, args ...any) {
			t.Helper()
			h.inTx(func(tx *database.Tx) error { return tx.Exec(statement, args...).Error })
		}
		same("as it is opened")
		require.Positive(t, h.count("approval_assignments WHERE search_text LIKE 'maria%'"))
		set("UPDATE requests SET search_text = ? WHERE id = ?", strings.Repeat("ñ", copied)+" somebody else", r.ID)
		same("as the text changes")
		require.Empty(t, find("maria"))
		require.Equal(t, []string{r.ID}, find("somebody"))
		set("UPDATE requests SET search_text = '' WHERE id = ?", r.ID)
		same("as the text goes")
		require.Empty(t, find("somebody"))
		set("UPDATE requests SET search_text = 'maria again' WHERE id = ?", r.ID)
		set("INSERT INTO approval_assignments (request_id, stage, approver_id, bucket, sort_at, flow_slug) VALUES (?, 3, 'usr_old', 'waiting', ?, 'double')", r.ID, db.Now())
		same("as a program of before writes")
		require.Equal(t, 1, h.count("approval_assignments WHERE approver_id = 'usr_old' AND search_text = 'maria again'"))
		for _, by := range []Decider{h.as("j.becker@contoso.com"), h.as("s.weber@contoso.com")} {
			_, err := h.Decide(t.Context(), r.ID, by, Given{Decision: Approve})
			require.NoError(t, err)
		}
		same("as it is decided")
		require.Equal(t, []string{r.ID}, h.listed(ana, Queue{Bucket: bucketDone, Search: "again", Limit: 1}), "once, for an approver of both stages")
		require.Empty(t, find("again"))
	})
}

// A search reads the queue's index alone, in the list's order, and a request only when its copy has matched.
func TestList_SearchReadsTheIndexAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ana := h.as("a.ruiz@contoso.com")
		h.crowd(h.request("supplier", "maria@fabrikam.de", nil), 5000, "'person {number}'")
		conn, done, err := db.Unhurried(t.Context())
		require.NoError(t, err)
		defer done()
		if db.Dialect() == database.Postgres { // as its housekeeping does
			_, err := conn.ExecContext(t.Context(), "VACUUM (ANALYZE) approval_assignments, requests")
			require.NoError(t, err)
		}
		for _, bucket := range []string{bucketWaiting, bucketDone} {
			for _, term := range []string{"person", "nobody", "zz"} {
				q := Queue{Bucket: bucket, Search: term, Limit: 50}
				read := db.Read(t.Context())
				plan := h.planOf(q.page(h.match(term).among(read.Table("(?) AS a", q.walk(read, ana.ID, patient.walked)))))
				if db.Dialect() == database.SQLite {
					require.Contains(t, plan, "SEARCH a USING COVERING INDEX approval_assignments_queue (approver_id=? AND bucket=?)")
					require.NotContains(t, plan, "TEMP B-TREE")
					continue
				}
				require.Regexp(t, `Index Only Scan (Backward )?using approval_assignments_queue`, plan)
				require.NotRegexp(t, "Seq Scan|Sort", plan)
			}
		}
	})
}

// planOf is how the database would find what query asks for.
func (h *house) planOf(query *gorm.DB) string {
	h.t.Helper()
	var lines []string
	if h.db.Dialect() == database.Postgres {
		require.NoError(h.t, h.db.Read(h.t.Context()).Raw("EXPLAIN ?", query).Scan(&lines).Error)
		return strings.Join(lines, "\n")
	}
	var steps []struct{ Detail string }
	require.NoError(h.t, h.db.Read(h.t.Context()).Raw("EXPLAIN QUERY PLAN ?", query).Scan(&steps).Error)
	for _, step := range steps {
		lines = append(lines, step.Detail)
	}
	return strings.Join(lines, "\n")
}
