package signup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

func TestPassage_FromTheFirstPressToTheApps(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, old, err := h.Start(h.ctx, "supplier", "", "de", "Chrome on Android")
		require.NoError(t, err)
		require.Equal(t, StepIdentity, row.Step)
		require.Equal(t, h.clk.Now().Add(time.Hour), row.ExpiresAt.UTC())

		row, err = h.GiveEmail(h.ctx, row.ID, " Maria@Fabrikam.de ", "de")
		require.NoError(t, err)
		require.Equal(t, StepCode, row.Step)
		require.Equal(t, "maria@fabrikam.de", row.Address)
		require.Equal(t, []string{"signup.started"}, h.events(row.ID))

		code := h.newest()
		require.NotContains(t, code.text, "Maria", "nothing that was typed is mailed before proof")
		row, fresh, err := h.Prove(h.ctx, row.ID, code.code)
		require.NoError(t, err)
		require.Equal(t, StepDetails, row.Step)
		require.Equal(t, h.clk.Now().Add(draftLife), row.ExpiresAt.UTC())
		_, err = h.ByToken(h.ctx, old)
		require.ErrorIs(t, err, ErrNoSignup, "the cookie from before proof is dead: nobody planted it (session fixation)")
		held, err := h.ByToken(h.ctx, fresh)
		require.NoError(t, err)
		require.Equal(t, row.ID, held.ID)

		r, err := h.Submit(h.ctx, row.ID, answers, agreedV)
		require.NoError(t, err)
		require.Equal(t, approval.Pending, r.State)
		require.Equal(t, []string{"signup.started", "signup.proved", "signup.submitted"}, h.events(row.ID))
		require.Equal(t, "use", r.Consents.V[0].Terms)
		require.ElementsMatch(t, []string{"request.received Maria@fabrikam.de", "approval.needed a.ruiz@contoso.com"}, h.kinds())
		require.Empty(t, h.row(row.ID).Answers.V, "they are the request's now")
		require.Zero(t, h.count("directory_users WHERE user_type = 'Guest'"), "nothing exists that could sign in before approval")

		_, err = h.Approvals.Decide(h.ctx, r.ID, h.ana(), approval.Given{Decision: approval.Approve})
		require.NoError(t, err)
		require.Equal(t, []string{"request.approved Maria@fabrikam.de"}, h.kinds())
		guest, err := h.People.ByAddress(h.ctx, "maria@fabrikam.de")
		require.NoError(t, err)
		require.Equal(t, "Maria Lindqvist", guest.DisplayName)
		require.Equal(t, 1, h.count("directory_grants WHERE user_id = ? AND kind = 'app'", guest.ID))
	})
}

func TestPassage_AutomaticSendsOneMail(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		_, r := h.sends("visitor", "maria@fabrikam.de")
		require.Equal(t, approval.Active, r.State)
		require.Equal(t, []string{"request.approved maria@fabrikam.de"}, h.kinds(), "and no receipt")
	})
}

func TestStart_refuses(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		h.publish("visitor", "state: closed\n  closedReason: {en: On holiday, de: Ferien}\n  approval: {automatic: true}")
		for _, tc := range []struct {
			name, flow, reference string
			want                  error
		}{
			{"neither a flow nor a reference", "", "", ErrStartUnclear},
			{"both", "supplier", "7KQ-42M-9", ErrStartUnclear},
			{"an unknown flow", "nothing", "", flow.ErrUnknown},
			{"a closed flow", "visitor", "", flow.ErrClosed},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, _, err := h.Start(h.ctx, tc.flow, tc.reference, "en", "")
				require.ErrorIs(t, err, tc.want)
			})
		}
		require.Zero(t, h.count("signups"))
	})
}

func TestSteps_nobodySkipsOne(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) { // security.md T25
		row, _, err := h.Start(h.ctx, "supplier", "", "en", "")
		require.NoError(t, err)
		_, _, err = h.Prove(h.ctx, row.ID, "123456")
		require.ErrorIs(t, err, ErrEmailMissing)
		_, err = h.Keep(h.ctx, row.ID, answers)
		require.ErrorIs(t, err, ErrProofNeeded)
		_, err = h.Submit(h.ctx, row.ID, answers, agreedV)
		require.ErrorIs(t, err, ErrProofNeeded)
		_, err = h.GiveEmail(h.ctx, row.ID, "maria@fabrikam.de", "en")
		require.NoError(t, err)
		_, err = h.Keep(h.ctx, row.ID, answers)
		require.ErrorIs(t, err, ErrProofNeeded)
		_, err = h.Submit(h.ctx, row.ID, answers, agreedV)
		require.ErrorIs(t, err, ErrProofNeeded)
		require.Empty(t, h.row(row.ID).Answers.V, "nothing typed before proof is kept")
		_, _, err = h.Prove(h.ctx, row.ID, h.newest().code)
		require.NoError(t, err)
		_, err = h.Submit(h.ctx, row.ID, answers, agreedV)
		require.NoError(t, err)
		for name, act := range map[string]func() error{
			"keep":      func() error { _, err := h.Keep(h.ctx, row.ID, answers); return err },
			"new email": func() error { _, err := h.GiveEmail(h.ctx, row.ID, "evil@y.test", "en"); return err },
		} {
			require.ErrorIs(t, act(), ErrAlreadySent, name)
		}
	})
}

func TestLife_sixtyMinutesBeforeProof(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, token := h.begins("supplier", "maria@fabrikam.de")
		h.clk.Set(row.ExpiresAt)
		_, err := h.ByToken(h.ctx, token)
		require.NoError(t, err, "the last instant still counts")
		h.clk.Advance(time.Microsecond)
		_, err = h.ByToken(h.ctx, token)
		require.ErrorIs(t, err, ErrNoSignup)
		_, err = h.GiveEmail(h.ctx, row.ID, "maria@fabrikam.de", "en")
		require.ErrorIs(t, err, ErrNoSignup)
		_, _, err = h.Prove(h.ctx, row.ID, "123456")
		require.ErrorIs(t, err, ErrNoSignup)
		require.Empty(t, h.kinds(), "its code is not mailed any more")
		require.NoError(t, h.DeleteOld(h.ctx))
		require.Zero(t, h.count("signups"))
	})
}

func TestComeBack_byReference(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		_, mine := h.sends("supplier", "maria@fabrikam.de")
		_, foreign := h.sends("supplier", "lukas@fabrikam.de")
		h.mails()
		for _, tc := range []struct {
			name, reference string
			shown           bool
		}{
			{"one's own", mine.Reference, true},
			{"one's own, as it is read out", " " + mine.Reference[:3] + mine.Reference[4:7] + mine.Reference[8:] + " ", true},
			{"somebody else's", foreign.Reference, false},
			{"nobody's", ids.System(h.clk).Reference(), false},
			{"no reference at all", "hello", false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				row, _, err := h.Start(h.ctx, "", tc.reference, "en", "")
				require.NoError(t, err, "before proof all are the same")
				require.Equal(t, StepIdentity, row.Step)
				row, err = h.GiveEmail(h.ctx, row.ID, "maria@fabrikam.de", "en")
				require.NoError(t, err)
				require.Equal(t, StepCode, row.Step)
				code := h.newest()
				require.Equal(t, "signup.code", code.kind)
				row, _, err = h.Prove(h.ctx, row.ID, code.code)
				require.NoError(t, err)
				require.Equal(t, StepRequest, row.Step)
				require.Equal(t, tc.shown, row.RequestID != nil)
				_, err = h.mine(h.ctx, row, foreign.Reference)
				require.ErrorIs(t, err, ErrRequestUnknown, "nothing opens another's request")
				found, err := h.mine(h.ctx, row, mine.Reference)
				require.NoError(t, err, "proof of the address opens one's own, whatever one came for")
				require.Equal(t, mine.ID, found.ID)
			})
		}
	})
}

func TestRequest_onlyTheProvenAddressSeesIt(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, r := h.sends("supplier", "maria@fabrikam.de")
		unproved, _ := h.begins("supplier", "maria@fabrikam.de")
		_, err := h.mine(h.ctx, unproved, r.Reference)
		require.ErrorIs(t, err, ErrRequestUnknown, "typing an address proves nothing")
		_, err = h.Withdraw(h.ctx, unproved, r.Reference)
		require.ErrorIs(t, err, ErrRequestUnknown)
		_, err = h.Reply(h.ctx, unproved, r.Reference, "hi")
		require.ErrorIs(t, err, ErrRequestUnknown)
		withdrawn, err := h.Withdraw(h.ctx, h.row(row.ID), r.Reference)
		require.NoError(t, err)
		require.Equal(t, approval.Withdrawn, withdrawn.State)
	})
}

func TestView_isOverWhenItsTimeIs(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		_, r := h.sends("supplier", "maria@fabrikam.de")
		view, err := h.view(h.ctx, r)
		require.NoError(t, err)
		require.Equal(t, RequestStatePending, view.State)
		require.True(t, view.CanWithdraw)
		require.Equal(t, RequestStepStateCurrent, view.Steps[1].State)
		h.clk.Set(r.ExpiresAt.Add(time.Microsecond)) // no sweep has come by
		view, err = h.view(h.ctx, r)
		require.NoError(t, err)
		require.Equal(t, RequestStateExpired, view.State)
		require.False(t, view.CanWithdraw, "no button that would be refused")
		require.Equal(t, RequestStepStateStopped, view.Steps[1].State)
		require.Equal(t, r.ExpiresAt.UTC(), view.Steps[1].At.UTC())
	})
}

func TestView_tellsAReasonOnlyWhenItIsShared(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		for mail, share := range map[string]bool{"maria@fabrikam.de": true, "lukas@fabrikam.de": false} {
			_, r := h.sends("supplier", mail)
			h.mails()
			r, err := h.Approvals.Decide(h.ctx, r.ID, h.ana(), approval.Given{Decision: approval.Deny, Reason: "We know no such order", ShareReason: share, Note: "odd"})
			require.NoError(t, err)
			view, err := h.view(h.ctx, r)
			require.NoError(t, err)
			require.Equal(t, share, view.Reason != nil)
			told := h.newest()
			require.Equal(t, "request.denied", told.kind)
			if share {
				require.Contains(t, told.text, "We know no such order")
			} else {
				require.NotContains(t, told.text, "order")
			}
			require.NotContains(t, told.text, "a.ruiz", "no member is named to strangers")
		}
	})
}

func TestDecide_AMemberBehindTheAddress(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		_, r := h.sends("supplier", "new.hire@contoso.com")
		h.mails()
		h.member("new.hire@contoso.com")
		_, err := h.Approvals.Decide(h.ctx, r.ID, h.ana(), approval.Given{Decision: approval.Approve})
		require.ErrorIs(t, err, directory.ErrMemberAddress, "the sponsor reads why, and nothing breaks")
		require.Empty(t, h.kinds())
		require.Zero(t, h.count("directory_users WHERE user_type = 'Guest'"))

		row := h.proves("visitor", "second.hire@contoso.com")
		h.member("second.hire@contoso.com")
		_, err = h.Submit(h.ctx, row.ID, answers, agreedV)
		require.ErrorIs(t, err, directory.ErrMemberAddress, "where the flow decides, the applicant reads it")
		require.Equal(t, StepDetails, h.row(row.ID).Step, "and nothing was sent")
	})
}
