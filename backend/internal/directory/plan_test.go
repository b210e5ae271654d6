package directory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// crowdSize is enough for PostgreSQL to prefer an index, and quick to insert.
const crowdSize = 20_000

// A list of a million people must not read a million rows: every page and every search is led
// by an index, whatever the filter.
func TestGuestsPage_IsLedByAnIndex(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		insertCrowd(t, db)
		for _, tc := range []struct {
			name             string
			filter           GuestFilter
			sqlite, postgres string
			byWalk           bool // PostgreSQL finds a page of them among the newest, and looks no further
		}{
			{"the plain page", GuestFilter{}, "INDEX directory_users_type (user_type=?)", "Index Scan Backward using directory_users_", false},
			{"a later page", GuestFilter{After: "gst_00010000"}, "INDEX directory_users_type (user_type=? AND id<?)", "Index Scan Backward using directory_users_", false},
			{"a rare name", GuestFilter{Search: "zz00017"}, "SCAN s VIRTUAL TABLE INDEX", "directory_guest_texts_search", false},
			{"a rare name, a later page", GuestFilter{Search: "zz00017", After: "gst_00010000"}, "SCAN s VIRTUAL TABLE INDEX", "directory_guest_texts_search", false},
			{"two words", GuestFilter{Search: "person zz00017"}, "SCAN s VIRTUAL TABLE INDEX", "directory_guest_texts_search", false},
			{"two letters that begin few words", GuestFilter{Search: "qx"}, "SCAN s VIRTUAL TABLE INDEX", "directory_guest_texts_search", false},
			{"one letter that begins few words", GuestFilter{Search: "q"}, "SCAN s VIRTUAL TABLE INDEX", "directory_guest_texts_search", false},
			{"a word that everybody has", GuestFilter{Search: "person"}, "SCAN s VIRTUAL TABLE INDEX", "Index Scan Backward using directory_guest_texts_pkey", true},
			{"an organisation", GuestFilter{Organisation: "org_7"}, "INDEX directory_users_organisation (organisation_id=?)", "directory_users_organisation", false},
			{"a sponsor", GuestFilter{Sponsor: "mem_1"}, "INDEX directory_users_sponsor (sponsor_id=?)", "Index Scan", false},
			{"who ends soon", GuestFilter{State: GuestStateEndsSoon}, "INDEX directory_users_ends (user_type=? AND ends_at>? AND ends_at<?)", "directory_users_ends", false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				tc.filter.Limit = 25
				words, _, err := searchFor(db.Read(t.Context()), tc.filter)
				require.NoError(t, err)
				pages := guestsPages(db.Dialect(), tc.filter, words, db.Now())
				plan := explain(t, db, pages[len(pages)-1])
				if tc.byWalk && len(pages) > 1 {
					plan = explain(t, db, pages[0])
				}
				want := tc.postgres
				if db.Dialect() == database.SQLite {
					want = tc.sqlite
				}
				require.Contains(t, plan, want)
				require.NotContains(t, plan, "Seq Scan")
				require.NotRegexp(t, `SCAN (u|directory_users)\b`, plan)
				if db.Dialect() == database.SQLite && (tc.filter.Organisation != "" || tc.filter.Sponsor != "") {
					require.Contains(t, explain(t, db, countQuery(guestsWhere(db.Dialect(), tc.filter, words, db.Now()))), want, "counting too")
				}
			})
		}
	})
}

func TestEstimateGuests_StopsCounting(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		insertCrowd(t, db)
		all, err := estimateGuests(db.Read(t.Context()), db.Dialect(), GuestFilter{}, db.Now())
		require.NoError(t, err)
		require.InDelta(t, crowdSize, all, crowdSize/10)
		few, err := estimateGuests(db.Read(t.Context()), db.Dialect(), GuestFilter{Search: "zz00017"}, db.Now())
		require.NoError(t, err)
		require.Equal(t, 1, few)
		many, err := estimateGuests(db.Read(t.Context()), db.Dialect(), GuestFilter{Search: "person"}, db.Now())
		require.NoError(t, err)
		require.GreaterOrEqual(t, many, maxCounted)
	})
}

// insertCrowd writes many guests with the databases' own means.
func insertCrowd(t *testing.T, db *database.DB) {
	t.Helper()
	series, number := fmt.Sprintf("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d)", crowdSize), "printf('%08d', n)"
	if db.Dialect() == database.Postgres {
		series, number = fmt.Sprintf("WITH s AS (SELECT n FROM generate_series(1, %d) AS n)", crowdSize), "lpad(n::text, 8, '0')"
	}
	statements := []string{
		`INSERT INTO directory_users (id, user_type, user_principal_name, display_name, mail, address, attributes, roles, account_enabled, created_at, updated_at)
			VALUES ('mem_1', 'Member', 'm', 'M', 'm@x.y', 'm@x.y', '[]', '[]', TRUE, '2026-03-01T09:00:00.000000Z', '2026-03-01T09:00:00.000000Z')`,
		series + ` INSERT INTO directory_organisations (id, name, domain, created_at)
			SELECT 'org_' || n, 'O' || n, 'o' || n, '2026-03-01T09:00:00.000000Z' FROM s WHERE n <= 200`,
		series + ` INSERT INTO directory_users (id, user_type, user_principal_name, display_name, mail, address, attributes, roles,
				account_enabled, external_user_state, organisation_id, sponsor_id, ends_at, search_text, created_at, updated_at)
			SELECT 'gst_' || ` + number + `, 'Guest', 'g' || n, 'P', 'p', 'p' || n, '[]', '[]', TRUE, 'Accepted', 'org_' || (n % 200 + 1), 'mem_1',
				CASE WHEN n % 500 = 0 THEN '2026-03-10T09:00:00.000000Z' ELSE '2027-03-10T09:00:00.000000Z' END{{time}},
				'  person  zz' || substr(` + number + `, 4) || CASE WHEN n = 77 THEN '  qxyz' ELSE '' END,
				'2026-03-01T09:00:00.000000Z', '2026-03-01T09:00:00.000000Z' FROM s`,
		"ANALYZE directory_users", "ANALYZE directory_guest_texts", // as autovacuum does
	}
	cast := ""
	if db.Dialect() == database.Postgres {
		cast = "::timestamptz"
		statements[1] = strings.Replace(statements[1], "'2026-03-01T09:00:00.000000Z'", "'2026-03-01T09:00:00.000000Z'::timestamptz", 1)
		statements[2] = strings.ReplaceAll(statements[2], "'2026-03-01T09:00:00.000000Z'", "'2026-03-01T09:00:00.000000Z'::timestamptz")
		statements[2] = strings.ReplaceAll(statements[2], "'[]'", "'[]'::jsonb")
	} else {
		statements = statements[:3] // as in a house that nobody tunes
	}
	conn, done, err := db.Unhurried(t.Context()) // an act has 5.5 s, and the machine may be busy
	require.NoError(t, err)
	defer done()
	for _, statement := range statements {
		_, err := conn.ExecContext(t.Context(), strings.ReplaceAll(statement, "{{time}}", cast))
		require.NoError(t, err, statement)
	}
}

func explain(t *testing.T, db *database.DB, s statement) string {
	t.Helper()
	var lines []string
	if db.Dialect() == database.Postgres {
		require.NoError(t, db.Read(t.Context()).Raw("EXPLAIN "+s.String(), s.args...).Scan(&lines).Error)
		return strings.Join(lines, "\n")
	}
	var steps []struct{ Detail string }
	require.NoError(t, db.Read(t.Context()).Raw("EXPLAIN QUERY PLAN "+s.String(), s.args...).Scan(&steps).Error)
	for _, step := range steps {
		lines = append(lines, step.Detail)
	}
	return strings.Join(lines, "\n")
}
