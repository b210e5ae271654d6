package signup

import (
	"context"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// The kinds of mail that this room orders. signup.exists has no order of its own: it is what a signup.code becomes for
// an address that has access already.
const (
	kindCode      = "signup.code"
	kindReceived  = "request.received"
	kindQuestion  = "request.question"
	kindApproved  = "request.approved"
	kindDenied    = "request.denied"
	kindExpired   = "request.expired"
	kindWithdrawn = "request.withdrawn"
)

type codeOrder struct {
	SignupID string `json:"signupId"`
}

type requestOrder struct {
	RequestID string `json:"requestId"`
	MessageID string `json:"messageId,omitempty"`
}

func (s *Service) registerMails() {
	s.Mail.Compose(kindCode, s.composeCode)
	for _, kind := range []string{kindReceived, kindQuestion, kindApproved, kindDenied, kindExpired, kindWithdrawn} {
		s.Mail.Compose(kind, s.composeAboutRequest)
	}
}

// orderCode orders the mail that proves an address, unless this mailbox has had enough for now: then nothing is sent,
// and nothing in the answer tells.
func (s *Service) orderCode(tx *database.Tx, row *signup, to email.Address) error {
	allowed, err := s.mailAllowed(tx, to)
	if err != nil || !allowed {
		return err
	}
	return s.Mail.Enqueue(tx, notification.Order{Kind: kindCode, To: to, Locale: row.Locale, About: row.ID, Payload: codeOrder{SignupID: row.ID}})
}

func (s *Service) orderReceived(tx *database.Tx, r *approval.Request) error {
	if r.State == approval.Active {
		return nil // approved by itself: one mail says it all
	}
	return s.order(tx, kindReceived, r, "")
}

func (s *Service) order(tx *database.Tx, kind string, r *approval.Request, messageID string) error {
	to, err := email.Parse(r.Mail)
	if err != nil {
		return err
	}
	return s.Mail.Enqueue(tx, notification.Order{
		Kind: kind, To: to, Locale: r.Locale, About: r.ID, Payload: requestOrder{RequestID: r.ID, MessageID: messageID},
	})
}

// composeCode makes the code at the moment the mail leaves, so that a late mail never carries a dead one. It is here,
// and only here, that a known address differs from an unknown one.
func (s *Service) composeCode(ctx context.Context, d notification.Delivery) (*notification.Letter, error) {
	var order codeOrder
	if err := d.Bind(&order); err != nil {
		return nil, err
	}
	var (
		row  *signup
		user *directory.User
		made identity.Made
	)
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		if row, err = lockSignup(tx, order.SignupID); err != nil || row.Step != StepCode || !row.alive(tx.Now) || row.Mail != d.To {
			row = nil // proved, given up, or another address meanwhile: there is nothing left to say
			return ignoreGone(err)
		}
		if user, err = s.People.ByAddressTx(tx, row.Address); err != nil || s.hasAccess(user, row, tx.Now) {
			return err
		}
		user = nil
		made, err = s.Identity.Codes.Make(tx, identity.PurposeSignup, row.ID)
		return err
	})
	if err != nil || row == nil {
		return nil, err
	}
	if user != nil {
		return s.mails.exists(d.Locale, existsMail{SigninURL: s.BaseURL + "/signin"})
	}
	return s.letterWithCode(ctx, row, made, d.Locale)
}

// hasAccess says whether the sign-up would bring nothing new: a member, or a guest who came by this flow.
func (s *Service) hasAccess(user *directory.User, row *signup, now time.Time) bool {
	if user == nil || row.FlowSlug == "" {
		return false
	}
	return !user.IsGuest() || (user.Usable(now) && user.FlowSlug == row.FlowSlug)
}

func (s *Service) letterWithCode(ctx context.Context, row *signup, made identity.Made, locale string) (*notification.Letter, error) {
	title := ""
	if row.FlowSlug != "" {
		version, err := s.Flows.Version(ctx, row.FlowSlug, row.FlowVersion)
		if err != nil {
			return nil, err
		}
		title = version.Title.In(locale)
	}
	return s.mails.code(locale, codeMail{
		Code: made.Code, FlowTitle: title, ExpiresAt: made.ExpiresAt, Link: s.BaseURL + "/l/" + made.LinkToken,
		AskedAt: *row.MailAskedAt, Origin: row.Origin,
	})
}

// composeAboutRequest writes what became of a request, as it is when the mail leaves. A mail whose news is stale, such
// as a receipt for a request that is withdrawn by now, is dropped.
func (s *Service) composeAboutRequest(ctx context.Context, d notification.Delivery) (*notification.Letter, error) {
	var order requestOrder
	if err := d.Bind(&order); err != nil {
		return nil, err
	}
	r, err := s.Approvals.ByID(ctx, order.RequestID)
	if err != nil {
		return nil, err
	}
	if d.Kind == kindReceived && !r.State.Open() {
		return nil, nil
	}
	data, err := s.requestMail(ctx, r, order.MessageID, d.Locale)
	if err != nil {
		return nil, err
	}
	return s.mails.aboutRequest(d.Kind, d.Locale, data)
}
