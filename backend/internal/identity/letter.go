package identity

import (
	"context"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// kindSigninCode is the one kind of order of a sign-in. What it becomes for an address without access, or whose access
// has ended, is decided when it is composed.
const kindSigninCode = "signin.code"

// signinOrder is the payload of kindSigninCode. Silent orders are for mailboxes that had their share: they cost as much
// as any other, and no mail comes of them.
type signinOrder struct {
	SigninID string `json:"signinId"`
	Silent   bool   `json:"silent"`
}

func (s *Service) orderCode(tx *database.Tx, row *signin, to email.Address, deviceToken string) error {
	device, err := knownDevice(tx.DB, tx.Now, deviceToken, row.Address)
	if err != nil {
		return err
	}
	var allowed bool
	if device == "" {
		allowed, err = s.MailAllowed(tx, to)
	} else { // what strangers have used up is not its person's (T29)
		allowed, err = s.mailAllowed(tx, devicePrefix+device)
	}
	if err != nil {
		return err
	}
	return s.mail.Enqueue(tx, notification.Order{
		Kind: kindSigninCode, To: to, Locale: row.Locale, About: row.ID, Payload: signinOrder{SigninID: row.ID, Silent: !allowed},
		Anonymous: device == "",
	})
}

// composeSignin writes the letter at the moment it leaves, so that a late mail never carries a dead code. It is here, and
// only here, that a known address differs from an unknown one.
func (s *Service) composeSignin(ctx context.Context, d notification.Delivery) (*notification.Letter, error) {
	var order signinOrder
	if err := d.Bind(&order); err != nil {
		return nil, err
	}
	return s.write(ctx, d.Locale, order)
}

func (s *Service) write(ctx context.Context, locale string, order signinOrder) (*notification.Letter, error) {
	if order.Silent {
		return nil, nil
	}
	var (
		row  *signin
		user *directory.User
		made Made
	)
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		row, err = signinByID(forUpdate(tx), order.SigninID)
		if err != nil || row == nil || !row.alive(tx.Now) {
			row = nil // finished or given up meanwhile: there is nothing left to say
			return err
		}
		if user, err = s.people.ByAddressTx(tx, row.Address); err != nil || !isUsable(user, tx.Now) {
			return err
		}
		made, err = s.Codes.Make(tx, PurposeSignin, row.ID)
		return err
	})
	if err != nil || row == nil {
		return nil, err
	}
	return s.letterFor(ctx, locale, row, user, made)
}

func (s *Service) letterFor(ctx context.Context, locale string, row *signin, user *directory.User, made Made) (*notification.Letter, error) {
	if made.Code != "" {
		return s.mails.code(locale, codeMail{
			Code: made.Code, ExpiresAt: made.ExpiresAt, Link: s.baseURL + "/l/" + made.LinkToken, AskedAt: *row.MailAskedAt, Origin: row.Origin,
		})
	}
	ask, err := s.askPath(ctx)
	if err != nil {
		return nil, err
	}
	if user != nil && user.ExternalUserState != directory.StatePending {
		return s.mails.ended(locale, endedMail{EndedAt: endOf(user, s.db.Now()), AskURL: s.baseURL + firstOf(ask, "/"), AskedAt: *row.MailAskedAt})
	}
	if ask == "" {
		return nil, nil // nothing can be asked for, so there is nothing to say to a stranger
	}
	return s.mails.unknown(locale, unknownMail{AskURL: s.baseURL + ask, AskedAt: *row.MailAskedAt})
}

func isUsable(user *directory.User, now time.Time) bool { return user != nil && user.Usable(now) }

// endOf is when the access ended by itself; nil if somebody ended it.
func endOf(user *directory.User, now time.Time) *time.Time {
	if user.EndsAt != nil && !user.EndsAt.After(now) {
		return user.EndsAt
	}
	return nil
}

// SigninShown is what the page behind a mailed link may show of a sign-in.
type SigninShown struct {
	SameBrowser bool   // this browser began it, and it waits for its code
	Mail        string // for the caller to mask
	Origin      string // browser and system that asked, coarse
	AskedAt     *time.Time
}

// DescribeSignin describes a sign-in to a browser that holds the sign-in token held, or "". Looking changes nothing; a
// sign-in that is not there any more gives the zero value.
func (s *Service) DescribeSignin(ctx context.Context, id, held string) (SigninShown, error) {
	row, err := signinByID(s.db.Read(ctx), id)
	if err != nil || row == nil {
		return SigninShown{}, err
	}
	mine := sameToken(row.TokenHash, held) && row.alive(s.db.Now())
	return SigninShown{SameBrowser: mine, Mail: row.Mail, Origin: row.Origin, AskedAt: row.MailAskedAt}, nil
}
