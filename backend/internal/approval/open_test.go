package approval

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

func TestOpen_KeepsWhatWasAskedAndCallsTheApprovers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		clk.Set(at(6, "15:00")) // a Friday
		r := h.request("supplier", "maria@fabrikam.de", map[string]any{"fullName": "Maria Lindqvist", "company": "Fabrikam"})
		require.Equal(t, Pending, r.State)
		require.Equal(t, "Maria Lindqvist", r.Name)
		require.Equal(t, "Site team", r.Team)
		require.Equal(t, at(9, "15:00"), r.DueAt.UTC(), "a day later is Saturday, so Monday")
		require.Equal(t, at(20, "15:00"), r.ExpiresAt.UTC())
		require.Equal(t, []string{"a.ruiz@contoso.com", "g.group@contoso.com"}, h.approversOf(r, 1))
		require.ElementsMatch(t, []string{"approval.needed a.ruiz@contoso.com", "approval.needed g.group@contoso.com"}, h.mailed())
		require.Empty(t, h.events(r.ID), "what opens it records it: signup.submitted")
		require.Equal(t, "first_request", r.Evidence.V[len(r.Evidence.V)-1].Code)
	})
}

func TestOpen_FreezesWhoDecides(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("d.gone@contoso.com")
		h.disable("d.gone@contoso.com")
		admitted := h.request("visitor", "guest@fabrikam.de", nil)
		require.Equal(t, Active, admitted.State)
		flowsOwn, admins := []string{"a.ruiz@contoso.com", "g.group@contoso.com"}, []string{"i.vogel@contoso.com"}
		for i, tc := range []struct {
			name, slug, mail, contact string
			want                      []string
		}{
			{"a member whom the applicant named decides alone", "supplier", "", "j.becker@contoso.com", []string{"j.becker@contoso.com"}},
			{"named in capitals and with blanks around", "supplier", "", "J.Becker@CONTOSO.com", []string{"j.becker@contoso.com"}},
			{"a stranger decides nothing", "supplier", "", "x@evil.test", flowsOwn},
			{"a guest decides nothing", "supplier", "", "guest@fabrikam.de", flowsOwn},
			{"a disabled member decides nothing", "supplier", "", "d.gone@contoso.com", flowsOwn},
			{"what is no address decides nothing", "supplier", "", "Jonas Becker", flowsOwn},
			{"nobody names themselves", "supplier", "j.becker@contoso.com", "j.becker@contoso.com", flowsOwn},
			{"nor by a tag", "supplier", "j.becker+x@contoso.com", "j.becker@contoso.com", flowsOwn},
			{"nobody named", "supplier", "", "", flowsOwn},
			{"an approver who applies does not decide it", "supplier", "a.ruiz+me@contoso.com", "", []string{"g.group@contoso.com"}},
			{"a group that is empty: the administrators, so that nobody waits for nobody", "lonely", "", "", admins},
			{"the only administrator applies", "lonely", "i.vogel+x@contoso.com", "", nil},
		} {
			t.Run(tc.name, func(t *testing.T) {
				mail := tc.mail
				if mail == "" {
					mail = "a" + strconv.Itoa(i) + "@fabrikam.de"
				}
				r := h.request(tc.slug, mail, map[string]any{"contact": tc.contact})
				require.Equal(t, tc.want, h.approversOf(r, 1))
			})
		}
		r := h.request("supplier", "frozen@fabrikam.de", nil)
		h.member("n.new@contoso.com", "group:site")
		require.Equal(t, flowsOwn, h.approversOf(r, 1), "who joins the group later does not join the request")
		_, err := h.Decide(t.Context(), r.ID, h.as("n.new@contoso.com"), Given{Decision: Approve})
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestOpen_OneLiveRequestPerAddressAndFlow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		const presses = 16
		plans := make([]*Plan, presses)
		for i := range plans {
			plans[i] = h.plan("supplier", "maria@fabrikam.de", nil)
		}
		opened, fresh := make([]string, presses), make([]bool, presses)
		var barrier, done sync.WaitGroup
		barrier.Add(1)
		for i := range plans {
			done.Go(func() {
				barrier.Wait()
				err := db.InTx(context.Background(), func(tx *database.Tx) error {
					r, isFresh, err := h.Open(tx, plans[i])
					if err == nil {
						opened[i], fresh[i] = r.ID, isFresh
					}
					return err
				})
				if err != nil {
					t.Errorf("press %d: %v", i, err)
				}
			})
		}
		barrier.Done()
		done.Wait()
		made := 0
		for i := range plans {
			require.Equal(t, opened[0], opened[i], "every press is answered with the same request")
			if fresh[i] {
				made++
			}
		}
		require.Equal(t, 1, made)
		require.Equal(t, 1, h.count("requests"))
		require.Equal(t, 2, h.count("mails WHERE kind = ?", kindApprovalNeeded), "one for each approver")

		other := h.request("double", "maria@fabrikam.de", nil)
		require.NotEqual(t, opened[0], other.ID, "another flow is another matter")
		_, err := h.Decide(t.Context(), opened[0], h.as("a.ruiz@contoso.com"), Given{Decision: Deny, Reason: "no"})
		require.NoError(t, err)
		again := h.request("supplier", "maria@fabrikam.de", nil)
		require.NotEqual(t, opened[0], again.ID, "after the end one may ask again")
		require.Equal(t, "earlier_denied", again.Evidence.V[len(again.Evidence.V)-1].Code)
		require.Equal(t, "look", again.Risk)
	})
}

func TestOpen_AutomaticApprovesAtOnceByNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r := h.request("visitor", "maria@fabrikam.de", nil)
		require.Equal(t, Active, r.State)
		require.NotNil(t, r.GuestID)
		require.Nil(t, r.DecidedBy)
		require.Nil(t, r.SponsorID)
		require.Equal(t, clk.Now().AddDate(0, 0, 180), r.AccessUntil.UTC())
		require.Equal(t, []string{"approval.approved"}, h.events(r.ID))
		require.Zero(t, h.count("approval_assignments WHERE request_id = ?", r.ID), "it is in nobody's list")
		require.Equal(t, 1, h.count("directory_users WHERE user_type = ?", directory.TypeGuest))
	})
}

// stuttering gives the same references again before it goes on, as 30 random bits do once in a long while.
type stuttering struct {
	ids.Source
	references []string
}

func (s *stuttering) Reference() string {
	if len(s.references) == 0 {
		return s.Source.Reference()
	}
	first := s.references[0]
	s.references = s.references[1:]
	return first
}

func TestOpen_AReferenceThatIsTakenIsDrawnAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		taken := h.request("supplier", "maria@fabrikam.de", nil).Reference
		h.Service.ids = &stuttering{Source: h.Service.ids, references: []string{taken, taken}}
		r := h.request("supplier", "lukas@fabrikam.de", nil)
		require.NotEqual(t, taken, r.Reference)
		require.Contains(t, h.listed(h.as("a.ruiz@contoso.com"), Queue{Bucket: bucketWaiting, Search: r.Reference, Limit: 10}), r.ID)
	})
}

func TestOpen_UndoneLeavesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		p := h.plan("visitor", "a.ruiz@contoso.com", nil) // a member: AdmitGuest refuses
		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			_, _, err := h.Open(tx, p)
			return err
		})
		require.ErrorIs(t, err, directory.ErrMemberAddress)
		require.Zero(t, h.count("requests"))
		require.Zero(t, h.count("audit_events WHERE name LIKE 'approval.%'"))
		require.Zero(t, h.count("mails"))
	})
}

func TestPrepare_WritesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		before := h.count("audit_events")
		clk.Advance(time.Minute)
		h.plan("supplier", "maria@fabrikam.de", nil)
		require.Zero(t, h.count("requests"))
		require.Zero(t, h.count("mails"))
		require.Equal(t, before, h.count("audit_events"))
	})
}
