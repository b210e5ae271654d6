package directory_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestAdmitGuest_MakesTheGuestOfTheReference(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		made, grants := h.admit(h.maria())
		require.Len(t, grants, 3)

		got, err := h.ByAddress(t.Context(), "maria.lindqvist@fabrikam.de")
		require.NoError(t, err)
		require.Equal(t, made.ID, got.ID)
		require.Regexp(t, `^gst_`, got.ID)
		require.True(t, got.IsGuest())
		require.True(t, got.Usable(clk.Now()))
		require.Equal(t, "maria.lindqvist_fabrikam.de#EXT#@contoso.com", got.UserPrincipalName)
		require.Equal(t, directory.CreatedBySelfServiceSignUp, got.CreationType)
		require.Equal(t, directory.StateAccepted, got.ExternalUserState)
		require.Equal(t, "Maria Lindqvist", got.DisplayName)
		require.Equal(t, "Maria.Lindqvist@fabrikam.de", got.Mail, "mail goes where it was typed to")
		require.Equal(t, h.sponsor.ID, *got.SponsorID)
		require.Equal(t, []directory.Attribute{{Name: "project", Label: "Project", Value: "Hall 3"}}, got.Attributes.V)
		require.Equal(t, clk.Now().AddDate(0, 6, 0), *got.EndsAt)

		org, err := h.OrganisationByDomain(t.Context(), "fabrikam.de")
		require.NoError(t, err)
		require.Equal(t, "Fabrikam GmbH", org.Name)
		require.Equal(t, org.ID, *got.OrganisationID)

		require.Equal(t, []string{
			"directory.guest_admitted", "directory.grant_added", "directory.grant_added", "directory.grant_added",
		}, h.events(got.ID))
	})
}

func TestAdmitGuest_OnceUnderSixteenCallers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		request := h.maria()
		var together sync.WaitGroup
		found := make([]string, 16)
		for i := range found {
			together.Go(func() {
				err := db.InTx(t.Context(), func(tx *database.Tx) error {
					guest, grants, err := h.AdmitGuest(tx, request)
					if err == nil && len(grants) == 3 {
						found[i] = guest.ID
					}
					return err
				})
				if err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		together.Wait()
		for _, id := range found {
			require.Equal(t, found[0], id, "every caller sees the one guest, with all three grants")
		}
		require.NotEmpty(t, found[0])
		require.Len(t, h.events(found[0]), 4, "one admission and three grants")
		var guests, grants, identities int64
		require.NoError(t, db.Read(t.Context()).Model(&directory.User{}).Where("user_type = 'Guest'").Count(&guests).Error)
		require.NoError(t, db.Read(t.Context()).Model(&directory.Grant{}).Where("user_id = ?", found[0]).Count(&grants).Error)
		require.NoError(t, db.Read(t.Context()).Model(&directory.Identity{}).Count(&identities).Error)
		require.Equal(t, []int64{1, 3, 1}, []int64{guests, grants, identities})
	})
}

func TestAdmitGuest_SixteenRequestsOfOnePersonMakeOneGuest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		var together sync.WaitGroup
		for i := range 16 {
			request := h.maria()
			request.RequestID = string(rune('a'+i)) + "_request"
			together.Go(func() {
				err := db.InTx(t.Context(), func(tx *database.Tx) error {
					_, _, err := h.AdmitGuest(tx, request)
					return err
				})
				if err != nil {
					t.Errorf("request %s: %v", request.RequestID, err)
				}
			})
		}
		together.Wait()
		var guests, grants int64
		require.NoError(t, db.Read(t.Context()).Model(&directory.User{}).Where("user_type = 'Guest'").Count(&guests).Error)
		require.NoError(t, db.Read(t.Context()).Model(&directory.Grant{}).Where("user_id <> ?", h.sponsor.ID).Count(&grants).Error)
		require.Equal(t, []int64{1, 3}, []int64{guests, grants})
	})
}

func TestAdmitGuest_TakenPrincipalNameGetsASuffix(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		first, _ := h.admit(h.maria())
		// Marriage: the address changed, the name stays. Then a new colleague gets the old address.
		h.set(first.ID, "address", "maria.olsson@fabrikam.de")

		request := h.maria()
		request.RequestID = "req_other_maria"
		second, _ := h.admit(request)
		require.NotEqual(t, first.ID, second.ID)
		require.Regexp(t, `^maria\.lindqvist_fabrikam\.de_\d{4}#EXT#@contoso\.com$`, second.UserPrincipalName)
	})
}

func TestAdmitGuest_SecondRequestAddsAndExtends(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		first := h.maria()
		first.Apps, first.Groups, first.JobTitle = []string{"drawings"}, nil, ""
		guest, _ := h.admit(first)

		clk.Advance(days(30))
		second := h.maria()
		second.RequestID, second.DisplayName, second.Apps = "req_second", "M. Lindqvist", []string{"drawings", "tickets"}
		second.Attributes = append(second.Attributes, directory.Attribute{Name: "hall", Value: "4"})
		for range 3 { // pressed twice, and once more by a job that did not know
			again, grants := h.admit(second)
			require.Equal(t, guest.ID, again.ID)
			require.Len(t, grants, 3)
		}

		got, err := h.ByID(t.Context(), guest.ID)
		require.NoError(t, err)
		require.Equal(t, *second.EndsAt, *got.EndsAt)
		require.Equal(t, "Maria Lindqvist", got.DisplayName, "what stands is not overwritten")
		require.Equal(t, "Site engineer", got.JobTitle, "what was empty is filled")
		require.Len(t, got.Attributes.V, 2)
		require.Equal(t, guest.UserPrincipalName, got.UserPrincipalName)
		require.Equal(t, []string{
			"directory.guest_admitted", "directory.grant_added",
			"directory.guest_extended", "directory.guest_updated",
			"directory.grant_extended", "directory.grant_added", "directory.grant_added",
		}, h.events(guest.ID))
	})
}

func TestAdmitGuest_AfterTheEndBeginsNewGrants(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		guest, before := h.admit(h.maria())
		clk.Advance(days(400))
		request := h.maria()
		request.RequestID = "req_next_year"
		_, after := h.admit(request)
		require.NotEqual(t, before[0].ID, after[0].ID, "the old grant stays as it was: history")

		all, err := h.GrantsOf(t.Context(), guest.ID)
		require.NoError(t, err)
		require.Len(t, all, 6)
		require.True(t, all[0].Live(clk.Now()))
		require.Equal(t, before[0].Until, all[5].EndedAt)
		got, err := h.ByID(t.Context(), guest.ID)
		require.NoError(t, err)
		require.True(t, got.Usable(clk.Now()))
	})
}

func TestAdmitGuest_InvitedPersonIsAccepted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		guest, _ := h.admit(h.person("req_1", "Lukas Brandt", "lukas@fabrikam.de"))
		h.set(guest.ID, "external_user_state", directory.StatePending)
		again, _ := h.admit(h.person("req_2", "Lukas Brandt", "lukas@fabrikam.de"))
		require.Equal(t, directory.StateAccepted, again.ExternalUserState)
		require.Equal(t, []string{"directory.guest_admitted", "directory.guest_accepted"}, h.events(guest.ID))
	})
}

func TestAdmitGuest_DisabledStaysDisabled(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		guest, _ := h.admit(h.maria())
		h.set(guest.ID, "account_enabled", false)
		request := h.maria()
		request.RequestID = "req_second"
		again, _ := h.admit(request)
		require.False(t, again.AccountEnabled, "who was shut out is let in again by a person, not by a form")
	})
}

func TestAdmitGuest_Refusals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		guest, _ := h.admit(h.person("req_guest", "Chiara Romano", "chiara@northwind.example"))
		for _, tc := range []struct {
			name   string
			change func(*directory.Admission)
			want   error
		}{
			{"a member's address, in any case", func(a *directory.Admission) { a.Mail = address(t, "J.Becker@contoso.com") }, directory.ErrMemberAddress},
			{"a sponsor nobody knows", func(a *directory.Admission) { a.SponsorID = "mem_nobody" }, directory.ErrSponsorUnknown},
			{"a guest cannot answer for a guest", func(a *directory.Admission) { a.SponsorID = guest.ID }, directory.ErrSponsorUnknown},
		} {
			t.Run(tc.name, func(t *testing.T) {
				request := h.maria()
				tc.change(&request)
				err := db.InTx(t.Context(), func(tx *database.Tx) error {
					_, _, err := h.AdmitGuest(tx, request)
					return err
				})
				require.ErrorIs(t, err, tc.want)
			})
		}
		member, err := h.ByAddress(t.Context(), "j.becker@contoso.com")
		require.NoError(t, err)
		require.False(t, member.IsGuest())
	})
}

func TestAdmitGuest_UnknownGrantsAreLeftOutAndRecorded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		request := h.maria()
		request.Apps = []string{"drawings", "gone", "drawings"}
		guest, grants := h.admit(request)
		require.Len(t, grants, 2)
		require.Equal(t, []string{
			"directory.guest_admitted", "directory.grant_missing", "directory.grant_added", "directory.grant_added",
		}, h.events(guest.ID))
	})
}

func TestOrganisations_ComeWithTheirFirstGuest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.admit(h.maria())
		colleague := h.person("req_2", "Lukas Brandt", "lukas@fabrikam.de")
		colleague.Organisation = "FABRIKAM"
		lukas, _ := h.admit(colleague)
		private, _ := h.admit(h.person("req_3", "Yuki Tanaka", "yuki@gmail.com"))
		nameless, _ := h.admit(h.person("req_4", "Chiara Romano", "chiara@northwind.example"))

		org, err := h.OrganisationOf(t.Context(), *lukas)
		require.NoError(t, err)
		require.Equal(t, "Fabrikam GmbH", org.Name, "the first guest named it")
		require.Nil(t, private.OrganisationID, "a private mailbox tells of no employer")
		org, err = h.OrganisationOf(t.Context(), *nameless)
		require.NoError(t, err)
		require.Equal(t, "northwind.example", org.Name)

		n, err := h.ColleaguesActive(t.Context(), "fabrikam.de")
		require.NoError(t, err)
		require.Equal(t, 2, n)
		h.set(lukas.ID, "account_enabled", false)
		n, err = h.ColleaguesActive(t.Context(), "fabrikam.de")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = h.ColleaguesActive(t.Context(), "gmail.com")
		require.NoError(t, err)
		require.Zero(t, n)
	})
}
