package signup

import (
	"context"
	"errors"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Decide does what a sign-up's request has come to, in the transaction that moves it: an approved one admits the guest,
// and each end is told to the applicant. app registers it with approval.OnDecided.
func (s *Service) Decide(tx *database.Tx, r *approval.Request) error {
	switch r.State {
	case approval.Approved:
		return s.admit(tx, r)
	case approval.NeedsInfo:
		return s.order(tx, kindQuestion, r)
	case approval.Denied:
		return s.order(tx, kindDenied, r)
	case approval.Expired:
		return s.order(tx, kindExpired, r)
	case approval.Withdrawn:
		return s.order(tx, kindWithdrawn, r)
	}
	return nil
}

// admit makes the guest, once, with exactly what the flow grants. Until this line nothing exists that could sign in.
func (s *Service) admit(tx *database.Tx, r *approval.Request) error {
	version, err := s.Flows.Version(tx.Context(), r.FlowSlug, r.FlowVersion)
	if err != nil {
		return err
	}
	address, err := email.Parse(r.Mail)
	if err != nil {
		return err
	}
	profile := version.Profile.Read(r.Answers.V)
	guest, _, err := s.People.AdmitGuest(tx, directory.Admission{
		RequestID: r.ID, Mail: address, DisplayName: profile.DisplayName(), GivenName: profile.GivenName, Surname: profile.Surname,
		Organisation: profile.Organisation, JobTitle: profile.JobTitle, Phone: profile.Phone, Country: profile.Country,
		Locale: r.Locale, SponsorID: deref(r.SponsorID), FlowSlug: r.FlowSlug, FlowTitle: r.FlowTitle,
		Attributes: attributes(version.Answered(r.Answers.V, r.Locale)), EndsAt: r.AccessUntil,
		Apps: version.Grants.Apps, Groups: version.Grants.Groups,
	})
	if err != nil {
		return err
	}
	r.GuestID = &guest.ID
	return s.order(tx, kindApproved, r)
}

// mine is the request with this reference, if the sign-up's address is the one it was sent for; else
// ErrRequestUnknown, whether it exists or not.
func (s *Service) mine(ctx context.Context, row *signup, reference string) (*approval.Request, error) {
	r, err := s.Approvals.ByReference(ctx, reference)
	if err != nil || !row.proved() || r.Address != row.Address {
		if err == nil || isUnknown(err) {
			return nil, ErrRequestUnknown
		}
		return nil, err
	}
	return r, nil
}

// Withdraw takes the applicant's own request back.
func (s *Service) Withdraw(ctx context.Context, row *signup, reference string) (*approval.Request, error) {
	r, err := s.mine(ctx, row, reference)
	if err != nil {
		return nil, err
	}
	return s.Approvals.Withdraw(ctx, r.ID, row.actor())
}

// Reply answers an approver's question.
func (s *Service) Reply(ctx context.Context, row *signup, reference, text string) (*approval.Request, error) {
	r, err := s.mine(ctx, row, reference)
	if err != nil {
		return nil, err
	}
	return s.Approvals.Reply(ctx, r.ID, row.actor(), text)
}

func (s *signup) actor() audit.Actor { return audit.Actor{Kind: "applicant", ID: s.ID} }

// goOnWhereLeft ties the sign-up to the live request of this address, or brings back the draft it kept.
func (s *Service) goOnWhereLeft(tx *database.Tx, row *signup) error {
	if row.AskedReference != "" || row.FlowSlug == "" {
		return s.comeBack(tx, row)
	}
	live, err := s.Approvals.LiveTx(tx, row.FlowSlug, row.Address)
	if err != nil {
		return err
	}
	if live != nil {
		row.sent(live.ID, tx.Now)
		return nil
	}
	kept, err := keptDraft(tx, row)
	if err != nil || kept == nil {
		return err
	}
	version, err := s.Flows.Version(tx.Context(), row.FlowSlug, row.FlowVersion)
	if err != nil {
		return err
	}
	clean, _ := version.CheckDraft(kept.Answers.V) // what the present version no longer asks falls away
	row.Answers.V, row.SavedAt = clean, kept.SavedAt
	return nil
}

// comeBack opens the status page of the named request, if it is this address's.
func (s *Service) comeBack(tx *database.Tx, row *signup) error {
	r, err := s.Approvals.ByReferenceTx(tx, row.AskedReference)
	if errors.Is(err, approval.ErrNotFound) || (err == nil && r.Address != row.Address) {
		row.Step = StepRequest // proven, with nothing to show: the status page says so
		return nil
	}
	if err != nil {
		return err
	}
	row.sent(r.ID, tx.Now)
	return nil
}

func (s *signup) sent(requestID string, now time.Time) {
	s.RequestID, s.Step, s.ExpiresAt = &requestID, StepRequest, now.Add(sentLife)
}
