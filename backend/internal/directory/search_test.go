package directory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// Pages come from the newest texts or from the index, as each has enough: together they are what a plain look at every
// guest finds, in the same order, each once. The crowd is larger than newestTexts.
func TestGuestsSearch_PagesAreWhatIsThere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		insertCrowd(t, db)
		for _, tc := range []struct {
			name   string
			filter GuestFilter
			want   int
		}{
			{"the newest only", GuestFilter{Search: "zz199"}, 100},
			{"the oldest only", GuestFilter{Search: "zz000"}, 99},
			{"one of the newest, and more behind", GuestFilter{Search: "0003"}, 12},
			{"here and there", GuestFilter{Search: "777"}, 38},
			{"two words", GuestFilter{Search: "777 zz1"}, 19},
			{"a word that everybody has, and a state of few", GuestFilter{Search: "person", State: GuestStateEndsSoon}, 40},
			{"few of both", GuestFilter{Search: "500", State: GuestStateEndsSoon}, 22},
			{"of a company", GuestFilter{Search: "person zz0", Organisation: "org_7"}, 50},
			{"of a sponsor", GuestFilter{Search: "777", Sponsor: "mem_1"}, 38},
			{"nobody", GuestFilter{Search: "zz777777"}, 0},
		} {
			t.Run(tc.name, func(t *testing.T) {
				plain := statement{}
				plain.add("SELECT u.id FROM directory_users AS u WHERE u.user_type = 'Guest'")
				terms, _ := searchTerms(tc.filter.Search)
				plain.containing(db.Dialect(), search{terms: terms})
				stateWhere(&plain, tc.filter.State, db.Now())
				if tc.filter.Organisation != "" {
					plain.add("AND u.organisation_id = ?", tc.filter.Organisation)
				}
				plain.add("ORDER BY u.id DESC")
				var want, seen []string
				require.NoError(t, db.Read(t.Context()).Raw(plain.String(), plain.args...).Scan(&want).Error)
				require.Len(t, want, tc.want)

				for tc.filter.Limit = 7; ; {
					page, err := listGuests(db.Read(t.Context()), db.Dialect(), tc.filter, db.Now())
					require.NoError(t, err)
					for _, u := range page[:min(len(page), tc.filter.Limit)] {
						seen = append(seen, u.ID)
					}
					if len(page) <= tc.filter.Limit {
						break
					}
					tc.filter.After = seen[len(seen)-1]
				}
				require.Equal(t, want, seen)
				tc.filter.After = ""
				n, err := estimateGuests(db.Read(t.Context()), db.Dialect(), tc.filter, db.Now())
				require.NoError(t, err)
				require.Equal(t, tc.want, n)
			})
		}
	})
}

// What guests are found by follows them, and members are not among it.
func TestGuestsSearch_FollowsTheGuests(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		insertCrowd(t, db)
		found := func(search string) int {
			page, err := listGuests(db.Read(t.Context()), db.Dialect(), GuestFilter{Search: search, Limit: 5}, db.Now())
			require.NoError(t, err)
			return len(page)
		}
		change := func(statement string) {
			require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return tx.Exec(statement).Error }))
		}
		require.Equal(t, 1, found("zz00017"))
		change("UPDATE directory_users SET search_text = '  renamed' WHERE id = 'gst_00000017'")
		require.Equal(t, []int{0, 1}, []int{found("zz00017"), found("renamed")})
		change("UPDATE directory_users SET search_text = '  renamed' WHERE id = 'mem_1'")
		require.Equal(t, 1, found("renamed"))
		change("DELETE FROM directory_users WHERE id = 'gst_00000017'")
		require.Equal(t, 0, found("renamed"))
	})
}
