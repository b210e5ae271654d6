package signup

import (
	"context"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
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

// codeOrder is the payload of kindCode. Silent orders are for mailboxes that had their share: they cost as much as any
// other, so that no time tells, and no mail comes of them.
type codeOrder struct {
	SignupID string `json:"signupId"`
	Silent   bool   `json:"silent"`
}

type requestOrder struct {
	RequestID string `json:"requestId"`
}

func (s *Service) registerMails() {
	s.Mail.Compose(kindCode, s.composeCode)
	for _, kind := range []string{kindReceived, kindQuestion, kindApproved, kindDenied, kindExpired, kindWithdrawn} {
		s.Mail.Compose(kind, s.composeAboutRequest)
	}
}

// orderCode orders the mail that proves an address. If this mailbox has had enough for now, nothing is sent, and neither
// the answer nor its time tells.
func (s *Service) orderCode(tx *database.Tx, row *signup) error {
	to, err := email.Parse(row.Mail) // as it was given first: other capitals are the same mailbox
	if err != nil {
		return err
	}
	allowed, err := s.Identity.MailAllowed(tx, to)
	if err != nil {
		return err
	}
	return s.Mail.Enqueue(tx, notification.Order{
		Kind: kindCode, To: to, Locale: row.Locale, About: row.ID, Payload: codeOrder{SignupID: row.ID, Silent: !allowed}, Anonymous: true,
	})
}

func (s *Service) orderReceived(tx *database.Tx, r *approval.Request) error {
	if r.State == approval.Active {
		return nil // approved by itself: one mail says it all
	}
	return s.order(tx, kindReceived, r)
}

func (s *Service) order(tx *database.Tx, kind string, r *approval.Request) error {
	to, err := email.Parse(r.Mail)
	if err != nil {
		return err
	}
	return s.Mail.Enqueue(tx, notification.Order{
		Kind: kind, To: to, Locale: r.Locale, About: r.ID, Payload: requestOrder{RequestID: r.ID},
	})
}

// composeCode makes the code at the moment the mail leaves, so that a late mail never carries a dead one. It is here,
// and only here, that a known address differs from an unknown one.
func (s *Service) composeCode(ctx context.Context, d notification.Delivery) (*notification.Letter, error) {
	var order codeOrder
	if err := d.Bind(&order); err != nil || order.Silent {
		return nil, err
	}
	var (
		row  *signup
		user *directory.User
		made identity.Made
	)
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		if row, err = lockSignup(tx, "id = ?", order.SignupID); err != nil || row.Step != StepCode || !row.alive(tx.Now) || row.Mail != d.To {
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
		title = version.Title.In(locale, version.Default())
	}
	return s.mails.code(locale, codeMail{
		Code: made.Code, FlowTitle: title, ExpiresAt: made.ExpiresAt, Link: s.BaseURL + "/l/" + made.LinkToken,
		AskedAt: *row.MailAskedAt, Origin: row.Origin,
	})
}

// composeAboutRequest writes what became of a request, as it is when the mail leaves. A mail whose news is stale, such
// as a receipt for a request that is withdrawn by now, or a question that is answered, is dropped.
func (s *Service) composeAboutRequest(ctx context.Context, d notification.Delivery) (*notification.Letter, error) {
	var order requestOrder
	if err := d.Bind(&order); err != nil {
		return nil, err
	}
	r, err := s.Approvals.ByID(ctx, order.RequestID)
	if err != nil {
		return nil, err
	}
	if d.Kind == kindReceived && !r.State.Open() || d.Kind == kindQuestion && r.State != approval.NeedsInfo {
		return nil, nil
	}
	data, err := s.requestMail(ctx, r, d.Locale)
	if err != nil {
		return nil, err
	}
	return s.mails.aboutRequest(d.Kind, d.Locale, data)
}

// requestMail is what the mails about a request say, in the applicant's language. Each kind shows a part of it.
func (s *Service) requestMail(ctx context.Context, r *approval.Request, locale string) (requestMail, error) {
	version, err := s.Flows.Version(ctx, r.FlowSlug, r.FlowVersion)
	if err != nil {
		return requestMail{}, err
	}
	shown, err := s.Flows.Shown(ctx, version, locale)
	if err != nil {
		return requestMail{}, err
	}
	data := requestMail{
		RequestID: r.ID, Reference: r.Reference, FlowTitle: shown.Title, Team: teamOf(version, r, locale), GivenName: r.GivenName,
		StatusURL: s.BaseURL + statusPath(r.Reference), DueAt: r.DueAt, AnswerBy: r.ExpiresAt, AppsURL: s.BaseURL + "/apps",
		Until: r.AccessUntil, DecidedAt: r.DecidedAt, AgainURL: s.BaseURL + "/join/" + r.FlowSlug,
	}
	for _, g := range shown.Grants {
		if g.Kind == flow.GrantShownKind("app") {
			data.Apps = append(data.Apps, g.Name)
		}
	}
	if r.ReasonShared {
		data.Reason = r.Reason
	}
	messages, err := s.Approvals.Messages(ctx, r.ID)
	for _, m := range messages {
		if m.AuthorKind == "team" {
			data.Question = m.Body // the newest question is the open one
		}
	}
	return data, err
}
