package approval

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

var applicantActor = audit.Actor{Kind: audit.KindApplicant, ID: "sgn_1"}

func TestAskAndReply_TheClockStandsMeanwhile(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		clk.Set(at(3, "09:00"))
		r, ana := h.request("supplier", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com")
		h.mailed()
		_, err := h.Reply(t.Context(), r.ID, applicantActor, "Hello?")
		require.ErrorIs(t, err, ErrNothingAsked)

		clk.Advance(20 * time.Hour) // 4 hours are left
		asked, err := h.Ask(t.Context(), r.ID, ana, " Which order\r\nis it? \x00")
		require.NoError(t, err)
		require.Equal(t, NeedsInfo, asked.State)
		require.Equal(t, clk.Now().Add(askedPatience), asked.ExpiresAt.UTC(), "an asked applicant has two weeks at least")
		require.Equal(t, []string{r.ID}, h.listed(ana, Queue{Bucket: bucketAsked, Limit: 10}))
		require.Empty(t, h.listed(ana, Queue{Bucket: bucketWaiting, Limit: 10}))
		require.Equal(t, 1, h.count("mails WHERE kind = ?", kindTold), "the applicant is told")
		_, err = h.Ask(t.Context(), r.ID, h.as("g.group@contoso.com"), "And who are you?")
		require.ErrorIs(t, err, ErrAlreadyAsked)

		clk.Advance(72 * time.Hour)
		answered, err := h.Reply(t.Context(), r.ID, applicantActor, "Order 12.")
		require.NoError(t, err)
		require.Equal(t, Pending, answered.State)
		require.Nil(t, answered.PausedAt)
		require.Equal(t, clk.Now().Add(4*time.Hour), answered.DueAt.UTC(), "the clock goes on where it stood")
		require.Equal(t, []string{r.ID}, h.listed(ana, Queue{Bucket: bucketWaiting, Limit: 10}))
		require.ElementsMatch(t, []string{"approval.needed a.ruiz@contoso.com", "approval.needed g.group@contoso.com"}, h.mailed(), "the approvers are called again")
		_, err = h.Reply(t.Context(), r.ID, applicantActor, "And another thing")
		require.ErrorIs(t, err, ErrNothingAsked)

		_, err = h.Decide(t.Context(), r.ID, ana, Given{Decision: Approve, Seen: asked.Version})
		require.ErrorIs(t, err, ErrChanged, "the answer came after the page was opened: what you see is what you decide (T44)")
		require.Equal(t, Pending, h.read(r.ID).State)

		thread, err := h.Messages(t.Context(), r.ID)
		require.NoError(t, err)
		require.Len(t, thread, 2)
		require.Equal(t, "Which order\nis it?", thread[0].Body)
		require.Equal(t, "team", thread[0].AuthorKind)
		require.Equal(t, []string{"approval.asked", "approval.answered"}, h.events(r.ID))
	})
}

func TestAsk_DecidedWithoutWaitingForTheAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r, ana := h.request("supplier", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com")
		_, err := h.Ask(t.Context(), r.ID, ana, "Which order?")
		require.NoError(t, err)
		require.Empty(t, h.mailed(), "a call to approvers that has become stale does not leave")
		decided, err := h.Decide(t.Context(), r.ID, ana, approve)
		require.NoError(t, err)
		require.Nil(t, decided.PausedAt)
		_, err = h.Reply(t.Context(), r.ID, applicantActor, "Order 12")
		require.ErrorIs(t, err, ErrNothingAsked)
	})
}

func TestAskAndReply_Texts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r, ana := h.request("supplier", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com")
		_, err := h.Ask(t.Context(), r.ID, ana, " \u200b\n")
		requireField(t, err, "/text", "text_missing")
		_, err = h.Ask(t.Context(), r.ID, ana, strings.Repeat("é", maxQuestion+1))
		requireField(t, err, "/text", "text_too_long")
		require.Equal(t, Pending, h.read(r.ID).State)
		_, err = h.Ask(t.Context(), r.ID, ana, strings.Repeat("é", maxQuestion))
		require.NoError(t, err)
		_, err = h.Reply(t.Context(), r.ID, applicantActor, strings.Repeat("é", maxReply+1))
		requireField(t, err, "/text", "text_too_long")
	})
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r, ana := h.request("supplier", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com")
		withdrawn, err := h.Withdraw(t.Context(), r.ID, applicantActor)
		require.NoError(t, err)
		require.Equal(t, Withdrawn, withdrawn.State)
		require.Equal(t, []string{"approval.withdrawn"}, h.events(r.ID))
		require.Empty(t, h.mailed(), "approvers are not called to what is gone, and the test's letter is empty")
		_, err = h.Withdraw(t.Context(), r.ID, applicantActor)
		require.ErrorIs(t, err, ErrClosed, "once")
		_, err = h.Decide(t.Context(), r.ID, ana, approve)
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, []string{r.ID}, h.listed(ana, Queue{Bucket: bucketDone, Limit: 10}))
		_, err = h.Withdraw(t.Context(), "req_0", applicantActor)
		require.ErrorIs(t, err, ErrNotFound)

		decided := h.request("supplier", "lukas@fabrikam.de", nil)
		_, err = h.Decide(t.Context(), decided.ID, ana, Given{Decision: Deny, Reason: "no"})
		require.NoError(t, err)
		_, err = h.Withdraw(t.Context(), decided.ID, applicantActor)
		require.ErrorIs(t, err, ErrAlreadyDecided)
	})
}

func TestExpireLapsed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		first, ana := h.request("supplier", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com")
		endless := h.request("lonely", "maria@fabrikam.de", nil)
		clk.Set(*first.ExpiresAt)
		h.sweep(0, "the last instant still counts")
		clk.Advance(time.Microsecond)
		later := h.request("supplier", "lukas@fabrikam.de", nil)

		_, err := h.Decide(t.Context(), first.ID, ana, approve)
		require.ErrorIs(t, err, ErrClosed, "over before the sweep has come by")
		_, err = h.Withdraw(t.Context(), first.ID, applicantActor)
		require.ErrorIs(t, err, ErrClosed)
		_, err = h.Ask(t.Context(), first.ID, ana, "Still there?")
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, Pending, h.read(first.ID).State)

		h.sweep(1, "the one that has lapsed")
		require.Equal(t, Expired, h.read(first.ID).State)
		require.Equal(t, Pending, h.read(later.ID).State)
		require.Equal(t, Pending, h.read(endless.ID).State, "a flow without an end")
		require.Equal(t, []string{"approval.expired"}, h.events(first.ID))
		h.sweep(0, "once")
		require.Equal(t, []string{"approval.expired"}, h.events(first.ID))
		require.NotNil(t, h.request("supplier", "maria@fabrikam.de", nil), "and the address may ask again")
	})
}

func (h *house) sweep(want int, why string) {
	h.t.Helper()
	n, err := h.ExpireLapsed(context.Background())
	require.NoError(h.t, err)
	require.Equal(h.t, want, n, why)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	r, other := h.request("supplier", "maria@fabrikam.de", nil), h.request("supplier", "lukas@fabrikam.de", nil)
	changes, stop := h.Watch(r.ID)
	second, stopSecond := h.Watch(r.ID)
	_, err := h.Withdraw(t.Context(), other.ID, applicantActor)
	require.NoError(t, err)
	require.Empty(t, changes, "another request is not this one")
	_, err = h.Ask(t.Context(), r.ID, h.as("a.ruiz@contoso.com"), "Why?")
	require.NoError(t, err)
	_, err = h.Reply(t.Context(), r.ID, applicantActor, "Because.")
	require.NoError(t, err)
	require.Len(t, changes, 1, "two changes, one signal: a page that has not looked yet needs no second")
	<-changes
	require.Len(t, second, 1, "each page has its own")
	stop()
	_, err = h.Decide(t.Context(), r.ID, h.as("s.weber@contoso.com"), approve)
	require.ErrorIs(t, err, ErrNotFound)
	require.Empty(t, changes)
	<-second
	_, err = h.Withdraw(t.Context(), r.ID, applicantActor)
	require.NoError(t, err)
	require.Empty(t, changes, "after stop nothing comes")
	require.Len(t, second, 1)
	stopSecond()
	require.Empty(t, h.watch.byReq, "nothing is left of pages that have gone")
}
