package signup

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
)

func TestSubmit_FieldsAtFault(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row := h.proves("supplier", "maria@fabrikam.de")
		for _, tc := range []struct {
			name     string
			answers  map[string]any
			consents []flow.Consent
			want     []string
		}{
			{"nothing: every mistake at once", nil, nil, []string{"/answers/fullName answer_missing", "/consents/use consent_missing"}},
			{"a blank name", map[string]any{"fullName": " \u00a0 "}, agreedV, []string{"/answers/fullName answer_missing"}},
			{"an option that is none", map[string]any{"fullName": "M", "why": "party"}, agreedV, []string{"/answers/why answer_choice"}},
			{"what the choice makes required", map[string]any{"fullName": "M", "why": "maintain"}, agreedV, []string{"/answers/site answer_missing"}},
			{"an answer to a hidden question", map[string]any{"fullName": "M", "why": "deliver", "site": "Hamburg"}, agreedV, []string{"/answers/site answer_not_asked"}},
			{"a question that is not asked", map[string]any{"fullName": "M", "isAdmin": true}, agreedV, []string{"/answers/isAdmin field_unknown"}},
			{"terms of an older version", answers, []flow.Consent{{Terms: "use", Version: "3"}}, []string{"/consents/use consent_version"}},
			{"terms that are none", answers, append([]flow.Consent{{Terms: "x", Version: "1"}}, agreedV...), []string{"/consents/x field_unknown"}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, err := h.Submit(h.ctx, row.ID, tc.answers, tc.consents)
				requireFields(t, err, tc.want...)
			})
		}
		require.Zero(t, h.count("requests"))
		require.Equal(t, StepDetails, h.row(row.ID).Step)
	})
}

func TestSubmit_TwiceIsOnce(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, first := h.sends("supplier", "maria@fabrikam.de")
		again, err := h.Submit(h.ctx, row.ID, map[string]any{}, nil)
		require.NoError(t, err, "pressed again: the same answer, whatever is sent along")
		require.Equal(t, first.Reference, again.Reference)
		require.Len(t, h.kinds(), 2, "one set of mails")

		other := h.proves("supplier", "lukas@fabrikam.de")
		const presses = 8
		references := make([]string, presses)
		var barrier, done sync.WaitGroup
		barrier.Add(1)
		for i := range presses {
			done.Go(func() {
				barrier.Wait()
				r, err := h.Submit(h.ctx, other.ID, answers, agreedV)
				if err != nil {
					t.Errorf("press %d: %v", i, err)
					return
				}
				references[i] = r.Reference
			})
		}
		barrier.Done()
		done.Wait()
		for _, reference := range references {
			require.Equal(t, references[0], reference)
		}
		require.Equal(t, 1, h.count("requests WHERE address = ?", "lukas@fabrikam.de"))
		require.ElementsMatch(t, []string{"request.received lukas@fabrikam.de", "approval.needed a.ruiz@contoso.com"}, h.kinds())
		require.Equal(t, []string{"signup.started", "signup.proved", "signup.submitted"}, h.events(other.ID))
	})
}

func TestSubmit_ALiveRequestOfTheAddressAnswersAsTheFirst(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		phone := h.proves("supplier", "maria@fabrikam.de")
		laptop := h.proves("supplier", "maria@fabrikam.de")
		first, err := h.Submit(h.ctx, phone.ID, answers, agreedV)
		require.NoError(t, err)
		h.mails()
		second, err := h.Submit(h.ctx, laptop.ID, answers, agreedV)
		require.NoError(t, err)
		require.Equal(t, first.ID, second.ID)
		require.Empty(t, h.mails(), "no second set of mails")
		require.Equal(t, []string{"signup.started", "signup.proved"}, h.events(laptop.ID), "nothing was submitted")

		third := h.proves("supplier", "maria@fabrikam.de")
		require.Equal(t, StepRequest, third.Step, "who proves the address now is led to the request")
		require.Equal(t, first.ID, *third.RequestID)
		elsewhere := h.proves("limited", "maria@fabrikam.de")
		require.Equal(t, StepDetails, elsewhere.Step, "another flow is another matter")
	})
}

func TestSubmit_TheDayIsFull(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) { // security.md T97
		const people, places = 20, 5
		rows := make([]*signup, people)
		for i := range rows {
			rows[i] = h.proves("limited", fmt.Sprintf("p%d@fabrikam.de", i))
		}
		results := make([]error, people)
		var barrier, done sync.WaitGroup
		barrier.Add(1)
		for i, row := range rows {
			done.Go(func() {
				barrier.Wait()
				_, results[i] = h.Submit(context.WithoutCancel(h.ctx), row.ID, answers, agreedV)
			})
		}
		barrier.Done()
		done.Wait()
		sent, winner := 0, ""
		for i, err := range results {
			if err == nil {
				sent, winner = sent+1, rows[i].Address
				continue
			}
			require.ErrorIs(t, err, ErrFull)
		}
		require.Equal(t, places, sent)
		require.Equal(t, places, h.count("requests WHERE flow_slug = 'limited'"))
		h.sends("supplier", "p0@fabrikam.de") // another flow is not full

		h.clk.Advance(24 * time.Hour)
		again := h.proves("limited", "late@fabrikam.de")
		_, err := h.Submit(h.ctx, again.ID, answers, agreedV)
		require.ErrorIs(t, err, ErrFull, "24 hours are 24 hours")
		h.clk.Advance(time.Microsecond)
		_, err = h.Submit(h.ctx, again.ID, answers, agreedV)
		require.NoError(t, err)
		require.NotEmpty(t, winner)
	})
}

func TestSubmit_FullButTheAddressHasItsPlace(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		laptop := h.proves("limited", "p0@fabrikam.de")
		var first *approval.Request
		for i := range 5 {
			_, r := h.sends("limited", fmt.Sprintf("p%d@fabrikam.de", i))
			if i == 0 {
				first = r
			}
		}
		again, err := h.Submit(h.ctx, laptop.ID, answers, agreedV)
		require.NoError(t, err, "a live request takes no second place")
		require.Equal(t, first.ID, again.ID)
	})
}

func TestSubmit_TheFlowHasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row := h.proves("supplier", "maria@fabrikam.de")
		h.publish("supplier", staged, `version: "4"`, `version: "5"`)
		r, err := h.Submit(h.ctx, row.ID, answers, agreedV)
		require.NoError(t, err, "a running sign-up stays on its version")
		require.Equal(t, 1, r.FlowVersion)
		require.Equal(t, "4", r.Consents.V[0].Version)

		fresh := h.proves("supplier", "lukas@fabrikam.de")
		_, err = h.Submit(h.ctx, fresh.ID, answers, agreedV)
		requireFields(t, err, "/consents/use consent_version")

		h.publish("supplier", staged, "[mailinator.com,", "[fabrikam.de, mailinator.com,")
		_, err = h.Submit(h.ctx, fresh.ID, answers, []flow.Consent{{Terms: "use", Version: "5"}})
		requireFields(t, err, "/email email_domain_not_accepted")

		h.publish("supplier", "state: closed\n  closedReason: {en: On holiday, de: Ferien}\n  "+staged)
		_, err = h.Submit(h.ctx, fresh.ID, answers, []flow.Consent{{Terms: "use", Version: "5"}})
		require.ErrorIs(t, err, flow.ErrClosed, "closing is at once, for running sign-ups too")
		_, err = h.GiveEmail(h.ctx, fresh.ID, "other@x.test", "en")
		require.ErrorIs(t, err, flow.ErrClosed)
		require.Equal(t, 1, h.count("requests"))
	})
}

// TestProve_AClosedFlowLetsNobodyFurther: closing is read again where an address is proved, by code and by link. It costs
// no try and no code, and nothing typed: when the flow opens again, the person goes on (security.md T25).
func TestProve_AClosedFlowLetsNobodyFurther(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		const shut = "state: closed\n  closedReason: {en: On holiday, de: Ferien}\n  "
		proved := h.proves("supplier", "lukas@fabrikam.de")
		row, token := h.begins("supplier", "maria@fabrikam.de")
		sent := h.newest()
		h.publish("supplier", shut+staged)
		before := h.row(row.ID)
		for range 6 {
			_, _, err := h.Prove(h.ctx, row.ID, sent.code)
			require.ErrorIs(t, err, flow.ErrClosed)
		}
		_, _, err := h.pressLink(h.ctx, sent.link, token)
		require.ErrorIs(t, err, flow.ErrClosed)
		require.Equal(t, before, h.row(row.ID))
		require.Equal(t, []string{"signup.started"}, h.events(row.ID))
		kept, err := h.Keep(h.ctx, proved.ID, answers)
		require.NoError(t, err, "what is typed is kept")
		require.Equal(t, StepDetails, kept.Step)
		_, err = h.Submit(h.ctx, proved.ID, answers, agreedV)
		require.ErrorIs(t, err, flow.ErrClosed)

		h.publish("supplier", staged)
		_, _, err = h.Prove(h.ctx, row.ID, sent.code)
		require.NoError(t, err, "the code of before")
		_, err = h.Submit(h.ctx, proved.ID, h.row(proved.ID).Answers.V, agreedV)
		require.NoError(t, err, "the answers of before")
	})
}

func TestKeep_MergesAndRemoves(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row := h.proves("supplier", "maria@fabrikam.de")
		keep := func(given, want map[string]any) {
			t.Helper()
			kept, err := h.Keep(h.ctx, row.ID, given)
			require.NoError(t, err)
			require.Equal(t, want, kept.Answers.V)
			require.Equal(t, want, h.row(row.ID).Answers.V)
		}
		keep(map[string]any{"fullName": "Maria"}, map[string]any{"fullName": "Maria"})
		keep(map[string]any{"why": "maintain", "site": "Hamburg"}, map[string]any{"fullName": "Maria", "why": "maintain", "site": "Hamburg"})
		keep(map[string]any{"fullName": nil}, map[string]any{"why": "maintain", "site": "Hamburg"})
		keep(map[string]any{"why": "deliver"}, map[string]any{"why": "deliver"}) // what is hidden now falls away
		_, err := h.Keep(h.ctx, row.ID, map[string]any{"isAdmin": true})
		requireFields(t, err, "/answers/isAdmin field_unknown")
		keep(map[string]any{}, map[string]any{"why": "deliver"})
		h.clk.Advance(6 * 24 * time.Hour)
		keep(map[string]any{}, map[string]any{"why": "deliver"})
		require.Equal(t, h.clk.Now().Add(draftLife), h.row(row.ID).ExpiresAt.UTC(), "each time it is kept for 7 days")
	})
}

func TestDraft_IsBroughtBackToTheSameAddressOnly(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row := h.proves("supplier", "maria@fabrikam.de")
		kept := map[string]any{"fullName": "Maria", "why": "deliver"}
		empty := h.proves("supplier", "maria@fabrikam.de") // another tab, begun before anything was kept
		require.Empty(t, empty.Answers.V)
		_, err := h.Keep(h.ctx, row.ID, kept)
		require.NoError(t, err)

		require.Empty(t, h.proves("supplier", "lukas@fabrikam.de").Answers.V, "not to a colleague")
		require.Empty(t, h.proves("supplier", "maria+x@fabrikam.de").Answers.V, "not to a tag: it is another address")
		require.Empty(t, h.proves("limited", "maria@fabrikam.de").Answers.V, "not to another flow")
		waiting, _ := h.begins("supplier", "maria@fabrikam.de")
		require.Empty(t, waiting.Answers.V, "not before proof")
		h.mails()
		back := h.proves("supplier", "Maria@Fabrikam.de")
		require.Equal(t, kept, back.Answers.V, "the newest that was kept, not the newest tab")
		require.NotNil(t, back.SavedAt)

		h.clk.Advance(draftLife + time.Microsecond)
		require.Empty(t, h.proves("supplier", "maria@fabrikam.de").Answers.V, "7 days")
	})
}

func TestDraft_FitsThePresentVersion(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row := h.proves("supplier", "maria@fabrikam.de")
		_, err := h.Keep(h.ctx, row.ID, map[string]any{"fullName": "Maria", "why": "deliver"})
		require.NoError(t, err)
		h.publish("supplier", staged, "{value: deliver, label: {en: Deliver, de: Liefern}}", "{value: other, label: {en: Other, de: Anderes}}")
		require.Equal(t, map[string]any{"fullName": "Maria"}, h.proves("supplier", "maria@fabrikam.de").Answers.V, "what is no answer any more falls away")
	})
}
