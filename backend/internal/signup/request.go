package signup

import (
	"context"

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
