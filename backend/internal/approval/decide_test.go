package approval

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

var approve = Given{Decision: Approve}

func TestDecide_ApprovesOnceWithEverythingThatBelongsToIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r := h.request("supplier", "maria@fabrikam.de", map[string]any{"fullName": "Maria Lindqvist"})
		h.mailed()
		ana, group := h.as("a.ruiz@contoso.com"), h.as("g.group@contoso.com")
		decided, err := h.Decide(t.Context(), r.ID, ana, Given{Decision: Approve, Note: "known firm"})
		require.NoError(t, err)
		kept := h.read(r.ID)
		require.Equal(t, Active, kept.State)
		require.Equal(t, decided.GuestID, kept.GuestID)
		require.Equal(t, ana.ID, *kept.DecidedBy)
		require.Equal(t, ana.ID, *kept.SponsorID, "who approves answers for the guest")
		require.Equal(t, "known firm", kept.Note)
		require.Equal(t, clk.Now().AddDate(0, 0, 180), kept.AccessUntil.UTC())
		require.Equal(t, []string{"approval.approved"}, h.events(r.ID))
		require.Equal(t, 1, h.count("directory_users WHERE user_type = ?", directory.TypeGuest))
		require.Equal(t, 1, h.count("mails WHERE kind = ?", kindTold))

		_, err = h.Decide(t.Context(), r.ID, group, Given{Decision: Deny, Reason: "too late"})
		require.ErrorIs(t, err, ErrAlreadyDecided)
		f, _ := fault.From(err)
		require.Equal(t, "a.ruiz", f.Members()["decidedBy"], "the second is told who was first")
		require.Equal(t, Active, f.Members()["state"])
		require.Equal(t, []string{r.ID}, h.listed(group, Queue{Bucket: bucketDone, Limit: 10}), "and it has left their list")
		require.Empty(t, h.listed(group, Queue{Bucket: bucketWaiting, Limit: 10}))
		require.Equal(t, []string{"approval.approved"}, h.events(r.ID), "the second press leaves no trace")
	})
}

func TestDecide_Refuses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r := h.request("supplier", "maria@fabrikam.de", nil)
		own := h.request("supplier", "j.becker+guest@contoso.com", nil)
		ana := h.as("a.ruiz@contoso.com")
		for _, tc := range []struct {
			name, id string
			by       Decider
			given    Given
			want     error
		}{
			{"a colleague who was not asked sees nothing, not even that it is there", r.ID, h.as("j.becker@contoso.com"), approve, ErrNotFound},
			{"an administrator who was not asked neither", r.ID, h.as("i.vogel@contoso.com"), approve, ErrNotFound},
			{"an unknown id is the same answer", "req_0", ana, approve, ErrNotFound},
			{"nobody decides their own request, tag or not", own.ID, h.as("j.becker@contoso.com"), approve, ErrOwnRequest},
			{"not even to deny it", own.ID, h.as("j.becker@contoso.com"), Given{Decision: Deny, Reason: "x"}, ErrOwnRequest},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, err := h.Decide(t.Context(), tc.id, tc.by, tc.given)
				require.ErrorIs(t, err, tc.want)
			})
		}
		_, err := h.Ask(t.Context(), own.ID, h.as("j.becker@contoso.com"), "Who am I?")
		require.ErrorIs(t, err, ErrOwnRequest)
		_, err = h.Decide(t.Context(), r.ID, ana, Given{Decision: Deny, Note: "for staff"})
		requireField(t, err, "/reason", "reason_missing")
		require.Equal(t, []string{"approval.refused", "approval.refused", "approval.refused"}, h.events(own.ID), "the tries are kept (security.md T42)")
		require.Empty(t, h.events(r.ID))
		require.Zero(t, h.count("approval_decisions"))
		require.Equal(t, Pending, h.read(own.ID).State)
	})
}

func TestDecide_AKeyDecidesInItsOwnName(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r := h.request("supplier", "maria@fabrikam.de", nil)
		key := AsKey(audit.Actor{Kind: audit.KindAPIKey, ID: "key_1", Name: "nightly"})
		require.Equal(t, []string{r.ID}, h.listed(key, Queue{Bucket: bucketWaiting, Limit: 10}))
		decided, err := h.Decide(t.Context(), r.ID, key, approve)
		require.NoError(t, err)
		require.Nil(t, decided.SponsorID, "a program answers for nobody")
		require.Equal(t, "nightly", decided.DecidedByName)
		require.Equal(t, 1, h.count("audit_events WHERE target = ? AND name = 'approval.approved' AND actor_kind = 'apikey' AND actor_id = 'key_1'", r.ID))
		require.Equal(t, 1, h.count("approval_decisions WHERE channel = 'apikey'"))
	})
}

// TestDecide_AKeyIsOneActor: a program approves one stage of a request, as a person does; another has to approve the next.
func TestDecide_AKeyIsOneActor(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		nightly := AsKey(audit.Actor{Kind: audit.KindAPIKey, ID: "key_1", Name: "nightly"})
		daily := AsKey(audit.Actor{Kind: audit.KindAPIKey, ID: "key_2", Name: "daily"})
		r := h.request("double", "maria@fabrikam.de", nil)
		_, err := h.Decide(t.Context(), r.ID, nightly, approve)
		require.NoError(t, err)
		require.Equal(t, 1, h.count("approval_decisions WHERE approver_id = 'key_1'"))
		_, err = h.Decide(t.Context(), r.ID, nightly, approve)
		require.ErrorIs(t, err, ErrSamePerson)
		require.Equal(t, 2, h.read(r.ID).Stage)
		decided, err := h.Decide(t.Context(), r.ID, daily, approve)
		require.NoError(t, err, "another program is another actor")
		require.Equal(t, Active, decided.State)

		r = h.request("double", "lukas@fabrikam.de", nil)
		_, err = h.Decide(t.Context(), r.ID, nightly, approve)
		require.NoError(t, err)
		h.inTx(func(tx *database.Tx) error {
			return tx.Exec("UPDATE approval_decisions SET approver_id = '*' WHERE request_id = ?", r.ID).Error
		})
		_, err = h.Decide(t.Context(), r.ID, daily, approve)
		require.ErrorIs(t, err, ErrSamePerson, "a decision of before does not say which key it was")
		_, err = h.Decide(t.Context(), r.ID, nightly, Given{Decision: Deny, Reason: "on second thought"})
		require.NoError(t, err, "no may be said at any stage")
	})
}

func TestDecide_UntilWithinTheFlowsBounds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk) // at most 365 days
		ana, now := h.as("a.ruiz@contoso.com"), clk.Now()
		for i, tc := range []struct {
			name  string
			until time.Time
			fits  bool
		}{
			{"tomorrow", now.AddDate(0, 0, 1), true},
			{"the longest", now.AddDate(0, 0, 365), true},
			{"the end of the longest day, wherever the approver lives", now.AddDate(0, 0, 366), true},
			{"a day too long", now.AddDate(0, 0, 366).Add(time.Second), false},
			{"today", now.Add(time.Hour), false},
			{"this instant", now, false},
			{"yesterday", now.AddDate(0, 0, -1), false},
			{"the year 1", time.Time{}, false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				r := h.request("supplier", string(rune('a'+i))+"@fabrikam.de", nil)
				decided, err := h.Decide(t.Context(), r.ID, ana, Given{Decision: Approve, Until: &tc.until})
				if tc.fits {
					require.NoError(t, err)
					require.Equal(t, tc.until, decided.AccessUntil.UTC())
					return
				}
				requireField(t, err, "/until", "until_out_of_range")
				require.Equal(t, Pending, h.read(r.ID).State, "nothing was changed")
			})
		}
		r, far := h.request("supplier", "denied@fabrikam.de", nil), now.AddDate(9, 0, 0)
		denied, err := h.Decide(t.Context(), r.ID, ana, Given{Decision: Deny, Reason: "no", Until: &far})
		require.NoError(t, err, "an end says nothing about a denial")
		require.Nil(t, denied.AccessUntil)
	})
}

func TestDecide_TwoStagesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r := h.request("double", "maria@fabrikam.de", nil)
		ana, jonas, weber := h.as("a.ruiz@contoso.com"), h.as("j.becker@contoso.com"), h.as("s.weber@contoso.com")
		require.ElementsMatch(t, []string{"approval.needed a.ruiz@contoso.com", "approval.needed j.becker@contoso.com"}, h.mailed())
		require.Empty(t, h.listed(weber, Queue{Bucket: bucketWaiting, Limit: 10}), "their turn has not come")

		_, err := h.Decide(t.Context(), r.ID, weber, approve)
		require.ErrorIs(t, err, ErrOtherStage)
		_, err = h.Ask(t.Context(), r.ID, weber, "Who?")
		require.ErrorIs(t, err, ErrOtherStage)

		clk.Advance(time.Hour)
		passed, err := h.Decide(t.Context(), r.ID, jonas, approve)
		require.NoError(t, err)
		require.Equal(t, 2, passed.Stage)
		require.Equal(t, Pending, passed.State)
		require.Equal(t, "Security", passed.Team)
		require.Zero(t, h.count("directory_users WHERE user_type = ?", directory.TypeGuest), "half an approval is none")
		require.ElementsMatch(t, []string{"approval.needed a.ruiz@contoso.com", "approval.needed s.weber@contoso.com"}, h.mailed())

		_, err = h.Decide(t.Context(), r.ID, jonas, approve)
		require.ErrorIs(t, err, ErrOtherStage, "the first stage's approver does not decide the second")
		require.Equal(t, []string{r.ID}, h.listed(ana, Queue{Bucket: bucketWaiting, Limit: 10}), "who sits in both stages has a second turn")
		require.Equal(t, []string{r.ID}, h.listed(jonas, Queue{Bucket: bucketDone, Limit: 10}))

		decided, err := h.Decide(t.Context(), r.ID, ana, approve)
		require.NoError(t, err)
		require.Equal(t, Active, decided.State)
		require.Equal(t, []string{"approval.passed", "approval.approved"}, h.events(r.ID))
		require.Equal(t, 2, h.count("approval_decisions"))
		require.Equal(t, []string{r.ID}, h.listed(ana, Queue{Bucket: bucketDone, Limit: 10}), "once, although they had two turns")
		require.Equal(t, []string{r.ID}, h.listed(ana, Queue{Bucket: bucketDone, Limit: 1}), "also page by page")
	})
}

func TestDecide_TheSamePersonDecidesAStageOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r, ana := h.request("double", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com")
		_, err := h.Decide(t.Context(), r.ID, ana, approve)
		require.NoError(t, err)
		_, err = h.Decide(t.Context(), r.ID, ana, approve)
		require.ErrorIs(t, err, ErrSamePerson, "four eyes are two people (security.md T47)")
		require.Equal(t, 2, h.read(r.ID).Stage)
		_, err = h.Decide(t.Context(), r.ID, ana, Given{Decision: Deny, Reason: "on second thought"})
		require.NoError(t, err, "but they may change their mind to no")
		require.Equal(t, Denied, h.read(r.ID).State)
	})
}

func TestDecide_DenyAtTheFirstStageEndsIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r, ana, weber := h.request("double", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com"), h.as("s.weber@contoso.com")
		_, err := h.Decide(t.Context(), r.ID, ana, Given{Decision: Deny, Reason: "unknown firm", ShareReason: true})
		require.NoError(t, err)
		require.Empty(t, h.listed(weber, Queue{Bucket: bucketWaiting, Limit: 10}))
		_, err = h.Decide(t.Context(), r.ID, weber, approve)
		require.ErrorIs(t, err, ErrAlreadyDecided)
		require.Equal(t, []string{"approval.denied"}, h.events(r.ID))
	})
}

func TestDecide_AnEndThatHasPassedBetweenTheStages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r, tomorrow := h.request("double", "maria@fabrikam.de", nil), clk.Now().AddDate(0, 0, 1)
		_, err := h.Decide(t.Context(), r.ID, h.as("j.becker@contoso.com"), Given{Decision: Approve, Until: &tomorrow})
		require.NoError(t, err)
		clk.Advance(48 * time.Hour)
		weber := h.as("s.weber@contoso.com")
		_, err = h.Decide(t.Context(), r.ID, weber, approve)
		requireField(t, err, "/until", "until_out_of_range")
		later := clk.Now().AddDate(0, 0, 7)
		decided, err := h.Decide(t.Context(), r.ID, weber, Given{Decision: Approve, Until: &later})
		require.NoError(t, err, "the second stage chooses another day")
		require.Equal(t, later, decided.AccessUntil.UTC())
	})
}

func TestDecide_AMemberBehindTheAddressIsRefusedInWords(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r := h.request("supplier", "new.hire@contoso.com", nil)
		h.member("new.hire@contoso.com") // between the request and its decision
		_, err := h.Decide(t.Context(), r.ID, h.as("a.ruiz@contoso.com"), approve)
		require.ErrorIs(t, err, directory.ErrMemberAddress)
		require.Equal(t, Pending, h.read(r.ID).State, "the decision is undone")
		require.Zero(t, h.count("approval_decisions"))
		require.Empty(t, h.events(r.ID))
		_, err = h.Decide(t.Context(), r.ID, h.as("a.ruiz@contoso.com"), Given{Decision: Deny, Reason: "one of ours"})
		require.NoError(t, err, "it can still be denied")
	})
}

func TestOnDecided_nobodyAnswersForTheSource(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	delete(h.openers, "test")
	r := h.request("supplier", "maria@fabrikam.de", nil)
	require.Panics(t, func() { _, _ = h.Decide(t.Context(), r.ID, h.as("a.ruiz@contoso.com"), approve) }, "a mistake of the wiring is loud")
	require.Equal(t, Pending, h.read(r.ID).State)
}
