package approval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

const (
	kindApprovalNeeded = "approval.needed"
	// linkLife is how long a decide link finds its request (security.md §4: deep links 30 d).
	linkLife = 30 * 24 * time.Hour
)

// neededOrder is what a mail to an approver is made from at hand-off. It holds no secret.
type neededOrder struct {
	RequestID  string `json:"requestId"`
	Stage      int    `json:"stage"`
	ApproverID string `json:"approverId"`
}

func (s *Service) orderApprovalNeeded(tx *database.Tx, r *Request, to directory.User) error {
	address, err := email.Parse(to.Mail)
	if err != nil {
		return fmt.Errorf("approver %s has no address to write to: %w", to.ID, err)
	}
	return s.mail.Enqueue(tx, notification.Order{
		Kind: kindApprovalNeeded, To: address, Locale: to.Locale, About: r.ID,
		Payload: neededOrder{RequestID: r.ID, Stage: r.Stage, ApproverID: to.ID},
	})
}

// composeApprovalNeeded writes the mail when it leaves: as the request is then, and not at all if it no longer waits.
func (s *Service) composeApprovalNeeded(ctx context.Context, d notification.Delivery) (*notification.Letter, error) {
	var order neededOrder
	if err := d.Bind(&order); err != nil {
		return nil, err
	}
	r, err := s.ByID(ctx, order.RequestID)
	if err != nil {
		return nil, err
	}
	if r.Stage != order.Stage || r.State != Pending || r.lapsed(s.clock.Now()) {
		return nil, nil
	}
	approver, err := s.people.ByID(ctx, order.ApproverID)
	if err != nil || approver == nil || !approver.Usable(s.clock.Now()) {
		return nil, err
	}
	token, err := s.makeLink(ctx, r.ID, approver.ID)
	if err != nil {
		return nil, err
	}
	data, err := s.neededMail(ctx, r, approver, d.Locale)
	if err != nil {
		return nil, err
	}
	data.DecideURL = s.baseURL + "/decide/" + token
	return s.mails.needed(d.Locale, data)
}

func (s *Service) makeLink(ctx context.Context, requestID, approverID string) (string, error) {
	token := s.ids.Token()
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		return insertLink(tx, &link{TokenHash: ids.HashToken(token), RequestID: requestID, ApproverID: approverID, ExpiresAt: tx.Now.Add(linkLife)})
	})
	return token, err
}

// DropOldLinks deletes decide links that no longer find anything, at most 1,000 a call.
func (s *Service) DropOldLinks(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		old := tx.Model(&link{}).Select("token_hash").Where("expires_at < ?", tx.Now).Limit(1000)
		return errors.Join(tx.Where("token_hash IN (?)", old).Delete(&link{}).Error)
	})
}

// neededMail is what the mail says, in the approver's language.
func (s *Service) neededMail(ctx context.Context, r *Request, approver *directory.User, locale string) (neededMail, error) {
	version, err := s.flows.Version(ctx, r.FlowSlug, r.FlowVersion)
	if err != nil {
		return neededMail{}, err
	}
	shown, err := s.flows.Shown(ctx, version, locale)
	if err != nil {
		return neededMail{}, err
	}
	facts := r.Evidence.V
	if fact, ok := s.namedFact(version.NamedSponsor(r.Answers.V), *approver); ok {
		facts = append([]Fact{fact}, facts...)
	}
	data := neededMail{
		RequestID: r.ID, Name: r.Name, Mail: r.Mail, JobTitle: r.JobTitle, Company: r.Organisation, Purpose: r.Purpose,
		FlowTitle: shown.Title, EndsAfter: r.EndsAfterDays, Evidence: evidenceLines(facts), DueAt: r.DueAt, Reference: r.Reference,
	}
	for _, g := range shown.Grants {
		data.Grants = append(data.Grants, g.Name)
	}
	return data, nil
}
