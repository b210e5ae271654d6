package directory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestMembers_AreFoundByWhatTheyAre(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		guest, _ := h.admit(h.maria()) // in the group hamburg as well, but no member
		h.act(func(tx *database.Tx) error {
			_, err := h.AddMember(tx, directory.NewMember{Name: "Ana Ruiz", Mail: address(t, "a.ruiz@contoso.com")})
			return err
		})
		found := func(users []directory.User, err error) (names []string) {
			require.NoError(t, err)
			for _, u := range users {
				names = append(names, u.DisplayName)
			}
			return names
		}
		require.Equal(t, []string{"Jonas Becker"}, found(h.MembersOfGroups(t.Context(), []string{"hamburg", "nobody"})))
		require.Equal(t, []string{"Jonas Becker"}, found(h.MembersWithRole(t.Context(), "admin")))
		require.Empty(t, found(h.MembersWithRole(t.Context(), "auditor")))
		require.Equal(t, []string{"Ana Ruiz"}, found(h.MembersByMail(t.Context(), "A.Ruiz@CONTOSO.com", "maria.lindqvist@fabrikam.de", "nonsense")))
		require.Equal(t, []string{"Maria Lindqvist"}, found(h.ByIDs(t.Context(), []string{guest.ID, "gst_nobody"})))
		require.Empty(t, found(h.ByIDs(t.Context(), nil)))

		apps, err := h.AppsByName(t.Context(), []string{"tickets", "gone"})
		require.NoError(t, err)
		require.Len(t, apps, 1)
		groups, err := h.GroupsByName(t.Context(), []string{"hamburg"})
		require.NoError(t, err)
		require.Equal(t, "Hamburg site team", groups[0].Title)
	})
}

func TestAddMember_RefusesATakenAddress(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.admit(h.maria())
		for _, tc := range []struct {
			name, mail string
			want       error
		}{
			{"a colleague has it", "J.Becker@contoso.com", directory.ErrMemberAddress},
			{"a guest has it", "maria.lindqvist@fabrikam.de", directory.ErrAddressTaken},
		} {
			t.Run(tc.name, func(t *testing.T) {
				err := db.InTx(t.Context(), func(tx *database.Tx) error {
					_, err := h.AddMember(tx, directory.NewMember{Name: "Somebody", Mail: address(t, tc.mail)})
					return err
				})
				require.ErrorIs(t, err, tc.want)
			})
		}
	})
}

func TestPut_ChangesWhatHasTheNameAlready(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		before, err := h.AppsByName(t.Context(), []string{"tickets"})
		require.NoError(t, err)
		h.act(func(tx *database.Tx) error {
			app, err := h.PutApp(tx, directory.App{Name: "tickets", Title: "Tickets", LaunchURL: "https://t.contoso.com/"})
			require.Equal(t, before[0].ID, app.ID)
			return err
		})
		after, err := h.AppsByName(t.Context(), []string{"tickets"})
		require.NoError(t, err)
		require.Equal(t, "Tickets", after[0].Title)
	})
}

func TestTenant_IsUnknownUntilItIsSetUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		tenant, err := h.Tenant(t.Context())
		require.NoError(t, err)
		require.Equal(t, directory.Tenant{Name: "contoso.com"}, tenant)

		h.act(func(tx *database.Tx) error { return h.SetTenant(tx, directory.Tenant{Name: "Contoso", Demo: true}) })
		tenant, err = h.Tenant(t.Context())
		require.NoError(t, err)
		require.Equal(t, directory.Tenant{Name: "Contoso", Demo: true, SetUpAt: clk.Now()}, tenant, "seen at once where it was changed")

		set := clk.Now()
		clk.Advance(days(1))
		h.act(func(tx *database.Tx) error {
			return h.SetTenant(tx, directory.Tenant{Name: "Contoso AG", ContactEmail: "help@contoso.com"})
		})
		tenant, err = h.Tenant(t.Context())
		require.NoError(t, err)
		require.Equal(t, directory.Tenant{Name: "Contoso AG", ContactEmail: "help@contoso.com", SetUpAt: set}, tenant)
	})
}

func TestSignedIn_IsNoted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.act(func(tx *database.Tx) error { return h.SignedIn(tx, h.sponsor.ID) })
		got, err := h.ByID(t.Context(), h.sponsor.ID)
		require.NoError(t, err)
		require.Equal(t, clk.Now(), *got.LastSignInAt)
	})
}
