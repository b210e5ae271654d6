package signup

import (
	"context"
	"errors"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Keep stores answers as a draft; nil removes one. It returns field faults, ErrProofNeeded, ErrAlreadySent.
// A closed flow's draft is kept too; see stillOpen.
func (s *Service) Keep(ctx context.Context, id string, answers map[string]any) (*signup, error) {
	var kept *signup
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		row, err := s.openProved(tx, id)
		if err != nil {
			return err
		}
		version, err := s.Flows.Version(tx.Context(), row.FlowSlug, row.FlowVersion)
		if err != nil {
			return err
		}
		merged := map[string]any{}
		for _, given := range []map[string]any{row.Answers.V, answers} {
			for name, value := range given {
				merged[name] = value
			}
		}
		clean, fields := version.Speaking(web.MetaOf(ctx).Locale).CheckDraft(merged)
		if len(fields) > 0 {
			return fault.FieldsFault(fields...)
		}
		now := tx.Now
		row.Answers.V, row.SavedAt, row.ExpiresAt = clean, &now, now.Add(draftLife)
		kept = row
		return saveSignup(tx, row)
	})
	return kept, err
}

// Submit sends the request. Everything is checked again by the sign-up's own version of the flow; closing the flow and
// its domain rules are read as they are now. A second submit, or a live request of the address, answers as the first.
//
// It returns field faults by pointer, ErrProofNeeded, ErrFull, and flow's fault when it is closed. Writes audit
// "signup.submitted"; the mails are ordered in the same transaction.
func (s *Service) Submit(ctx context.Context, id string, answers map[string]any, consents []flow.Consent) (*approval.Request, error) {
	row, err := s.byID(ctx, id)
	if err != nil {
		return nil, err
	}
	if row.RequestID != nil {
		return s.Approvals.ByID(ctx, *row.RequestID)
	}
	plan, err := s.prepare(ctx, row, answers, consents)
	if err != nil {
		return nil, err
	}
	var sent *approval.Request
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		row, err := s.openProved(tx, id)
		if err != nil {
			return err
		}
		live, err := s.Approvals.LiveTx(tx, row.FlowSlug, row.Address)
		if err != nil {
			return err
		}
		if live == nil { // a live request takes no further place
			if err := s.room(tx, row); err != nil {
				return err
			}
		}
		r, fresh, err := s.Approvals.Open(tx, plan)
		if err != nil {
			return err
		}
		row.sent(r.ID, tx.Now)
		row.Answers.V = map[string]any{} // they are the request's now
		sent = r
		if err := saveSignup(tx, row); err != nil || !fresh {
			return err
		}
		if err := s.record(tx, "signup.submitted", row, map[string]any{"reference": r.Reference, "request": r.ID}); err != nil {
			return err
		}
		return s.orderReceived(tx, r)
	})
	if errors.Is(err, ErrAlreadySent) { // pressed twice at the same instant: the other press has sent it
		return s.Submit(ctx, id, answers, consents)
	}
	return sent, err
}

// prepare reads and applies pure rules; it writes nothing.
func (s *Service) prepare(ctx context.Context, row *signup, answers map[string]any, consents []flow.Consent) (*approval.Plan, error) {
	if !row.proved() {
		return nil, ErrProofNeeded
	}
	address, err := email.Parse(row.Mail)
	if err != nil {
		return nil, err
	}
	if err := s.accepts(ctx, row, address); err != nil {
		return nil, err
	}
	version, err := s.Flows.Version(ctx, row.FlowSlug, row.FlowVersion)
	if err != nil {
		return nil, err
	}
	clean, fields := version.Speaking(web.MetaOf(ctx).Locale).CheckFinal(answers, consents)
	if len(fields) > 0 {
		return nil, fault.FieldsFault(fields...)
	}
	return s.Approvals.Prepare(ctx, approval.Opening{
		Source: "signup", SourceID: row.ID, Flow: version, Mail: address, ProvedAt: *row.ProvedAt, Locale: row.Locale,
		Answers: clean, Consents: agreed(version, consents, row.Locale, s.Clock.Now()),
	})
}

func agreed(version *flow.Version, consents []flow.Consent, locale string, at time.Time) []approval.Consent {
	var kept []approval.Consent
	for _, terms := range version.Terms {
		for _, c := range consents {
			if c.Terms == terms.ID {
				kept = append(kept, approval.Consent{Terms: terms.ID, Title: terms.Title.In(locale, version.Default()), Version: terms.Version, At: at})
			}
		}
	}
	return kept
}

// room refuses when the flow's day is full. Submissions of one flow wait for each other here, so that the last place is
// given once.
func (s *Service) room(tx *database.Tx, row *signup) error {
	version, err := s.Flows.Version(tx.Context(), row.FlowSlug, row.FlowVersion)
	if err != nil || version.Limits.MaxRequestsPerDay == 0 {
		return err
	}
	n, err := s.Approvals.SubmittedSince(tx, row.FlowSlug, tx.Now.Add(-24*time.Hour), version.Limits.MaxRequestsPerDay)
	if err == nil && n >= version.Limits.MaxRequestsPerDay {
		return ErrFull
	}
	return err
}
