package directory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// crowd admits guests one second apart and returns their ids by display name.
func (h *house) crowd(names ...string) map[string]string {
	h.t.Helper()
	made := map[string]string{}
	for i, name := range names {
		h.clk.Advance(time.Second)
		guest, _ := h.admit(h.person(fmt.Sprintf("req_crowd%d", i), name, fmt.Sprintf("p%d@org%d.example", i, i%2)))
		made[name] = guest.ID
	}
	return made
}

func (h *house) list(f directory.GuestFilter) (names []string) {
	h.t.Helper()
	if f.Limit == 0 {
		f.Limit = 50
	}
	rows, _, err := h.Guests(h.t.Context(), f)
	require.NoError(h.t, err)
	for _, row := range rows {
		names = append(names, row.DisplayName)
	}
	return names
}

func TestGuests_SearchIsLiteralAndForgiving(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.admit(h.maria())
		h.crowd("Łukasz Wójcik", `Ann "Bo" O'Hara`, "100% Pumps_Ltd", "100x PumpsXLtd", "Near East*", "محمد علي", `back\slash`)
		for _, tc := range []struct {
			name, search string
			want         []string
		}{
			{"a part inside a word", "ndqvi", []string{"Maria Lindqvist"}},
			{"words in any order", "lindqvist maria", []string{"Maria Lindqvist"}},
			{"all words are wanted", "maria becker", nil},
			{"the organisation's name", "gmbh", []string{"Maria Lindqvist"}},
			{"a whole address, in any case", "MARIA.LINDQVIST@FABRIKAM.DE", []string{"Maria Lindqvist"}},
			{"accents do not matter", "lukasz wojcik", []string{"Łukasz Wójcik"}},
			{"nor do they when typed", "ŁUKASZ", []string{"Łukasz Wójcik"}},
			{"two letters find beginnings of words", "wo", []string{"Łukasz Wójcik"}},
			{"and no parts inside", "uk", nil},
			{"one letter does too", "ł", []string{"Maria Lindqvist", "Łukasz Wójcik"}},
			{"other scripts", "محمد", []string{"محمد علي"}},
			{"double quotes are text", `"bo"`, []string{`Ann "Bo" O'Hara`}},
			{"single quotes are text", "o'hara", []string{`Ann "Bo" O'Hara`}},
			{"no injection", `'; DROP TABLE directory_users; --`, nil},
			{"percent is no wildcard", "100%", []string{"100% Pumps_Ltd"}},
			{"underscore is no wildcard", "pumps_ltd", []string{"100% Pumps_Ltd"}},
			{"asterisk is no prefix operator", "east*", []string{"Near East*"}},
			{"and matches nothing where there is none", "maria*", nil},
			{"NEAR is a word", "NEAR", []string{"Near East*"}},
			{"AND, OR and NOT are words", "maria OR wojcik", nil},
			{"parentheses and columns are text", "near(east search_text:", nil},
			{"backslash is text", `back\slash`, []string{`back\slash`}},
			{"punctuation alone finds nobody", "%", nil},
			{"members are no guests", "becker", nil},
		} {
			t.Run(tc.name, func(t *testing.T) {
				require.ElementsMatch(t, tc.want, h.list(directory.GuestFilter{Search: tc.search}))
				n, err := h.EstimateGuests(t.Context(), directory.GuestFilter{Search: tc.search})
				require.NoError(t, err)
				require.Len(t, tc.want, n)
			})
		}
	})
}

func TestGuests_FiltersSayWhatStatesSay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		made := h.crowd("Active", "Long", "Soon", "Ended", "Disabled", "Invited", "Disabled and invited")
		h.set(made["Long"], "ends_at", clk.Now().Add(days(31)))
		h.set(made["Soon"], "ends_at", clk.Now().Add(days(30)))
		h.set(made["Ended"], "ends_at", clk.Now())
		h.set(made["Disabled"], "account_enabled", false)
		h.set(made["Invited"], "external_user_state", directory.StatePending)
		h.set(made["Disabled and invited"], "external_user_state", directory.StatePending)
		h.set(made["Disabled and invited"], "account_enabled", false)
		h.set(made["Soon"], "sponsor_id", h.sponsor.ID)

		everybody, _, err := h.Guests(t.Context(), directory.GuestFilter{Limit: 50})
		require.NoError(t, err)
		require.Len(t, everybody, 7)
		byState := map[directory.GuestState][]string{}
		for _, row := range everybody {
			state := row.State(clk.Now())
			byState[state] = append(byState[state], row.DisplayName)
		}
		require.Len(t, byState, 5, "every state occurs")
		for state, want := range byState {
			require.Equal(t, want, h.list(directory.GuestFilter{State: state}), "SQL and Go agree on %s", state)
		}

		require.Equal(t, []string{"Soon"}, h.list(directory.GuestFilter{Sponsor: h.sponsor.ID}))
		require.Empty(t, h.list(directory.GuestFilter{Sponsor: "mem_nobody"}))
		org, err := h.OrganisationByDomain(t.Context(), "org1.example")
		require.NoError(t, err)
		require.Equal(t, []string{"Invited", "Ended", "Long"}, h.list(directory.GuestFilter{Organisation: org.ID}))
		require.Equal(t, []string{"Long"}, h.list(directory.GuestFilter{Organisation: org.ID, State: directory.GuestStateActive, Search: "lo"}))
	})
}

func TestGuests_PagesStayStableWhileGuestsArrive(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		want := make([]string, 23)
		for i := range want {
			want[i] = fmt.Sprintf("Guest %02d", i)
		}
		h.crowd(want...)
		for _, search := range []string{"", "guest"} {
			t.Run("search "+search, func(t *testing.T) {
				var seen []string
				f := directory.GuestFilter{Search: search, Limit: 5}
				for page := 0; ; page++ {
					rows, hasMore, err := h.Guests(t.Context(), f)
					require.NoError(t, err)
					for _, row := range rows {
						seen = append(seen, row.DisplayName)
					}
					if !hasMore {
						break
					}
					f.After = rows[len(rows)-1].ID
					clk.Advance(time.Second)
					id := fmt.Sprintf("req_late_%s%d", search, page)
					h.admit(h.person(id, "Late guest", id+"@late.example"))
				}
				late := 0
				for len(seen) > 0 && seen[0] == "Late guest" { // the second search begins after the first one's arrivals
					seen, late = seen[1:], late+1
				}
				require.Len(t, seen, 23)
				for i, name := range seen {
					require.Equal(t, want[22-i], name)
				}
				require.True(t, search != "" || late == 0, "who arrives while one pages is not on later pages")
			})
		}
	})
}

func TestGuests_CountWhatHoldsNow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.admit(h.maria())
		h.admit(h.person("req_2", "Lukas Brandt", "lukas@fabrikam.de"))
		rows, hasMore, err := h.Guests(t.Context(), directory.GuestFilter{Search: "fabrikam", Limit: 2})
		require.NoError(t, err)
		require.False(t, hasMore)
		for _, row := range rows {
			require.Equal(t, "Fabrikam GmbH", row.Organisation.Name)
			if row.DisplayName == "Maria Lindqvist" {
				require.Equal(t, []int{2, 1}, []int{row.Apps, row.Groups})
				require.Equal(t, "Jonas Becker", row.Sponsor.DisplayName)
			} else {
				require.Equal(t, []int{0, 0}, []int{row.Apps, row.Groups})
				require.Nil(t, row.Sponsor)
			}
		}
		clk.Advance(days(400))
		rows, _, err = h.Guests(t.Context(), directory.GuestFilter{Search: "maria", Limit: 2})
		require.NoError(t, err)
		require.Equal(t, []int{0, 0}, []int{rows[0].Apps, rows[0].Groups}, "a grant whose time is over counts no more")

		n, err := h.EstimateGuests(t.Context(), directory.GuestFilter{})
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

func TestNames_ArePagedByNameThenID(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		for i, name := range []string{"Adatum", "Fabrikam", "Fabrikam", "Northwind"} { // two companies of one name
			request := h.person(fmt.Sprintf("req_%d", i), "Somebody", fmt.Sprintf("x@d%d.example", i))
			request.Organisation, request.SponsorID = name, h.sponsor.ID
			h.admit(request)
		}
		var seen []string
		page := directory.NamePage{Limit: 1}
		for {
			rows, hasMore, err := h.Organisations(t.Context(), page)
			require.NoError(t, err)
			seen = append(seen, rows[0].Name)
			if !hasMore {
				break
			}
			page.AfterName, page.AfterID = rows[0].Name, rows[0].Id
		}
		require.Equal(t, []string{"Adatum", "Fabrikam", "Fabrikam", "Northwind"}, seen)

		sponsors, hasMore, err := h.Sponsors(t.Context(), directory.NamePage{Limit: 10})
		require.NoError(t, err)
		require.False(t, hasMore)
		require.Equal(t, []directory.Named{{Id: h.sponsor.ID, Name: "Jonas Becker"}}, sponsors)
	})
}
