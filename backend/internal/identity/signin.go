package identity

import (
	"context"
	"errors"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// signinLife is how long a sign-in may be finished.
const signinLife = 60 * time.Minute

// The budgets of security.md §4 for a network address and the network around it; they are told (429).
var (
	mailsPerAddress = limits.Budget{Burst: 20, Refill: 3 * time.Minute}   // 20 an hour
	mailsPerNetwork = limits.Budget{Burst: 100, Refill: 36 * time.Second} // 100 an hour
)

// alive says whether the sign-in may go on at now.
func (s *signin) alive(now time.Time) bool { return s.FinishedAt == nil && now.Before(s.ExpiresAt) }

// pace is how often the sign-in has asked for a code.
func (s *signin) pace() Pace { return Pace{Asked: s.MailsAsked, Last: s.MailAskedAt} }

// Asked is a wish for a sign-in code.
type Asked struct {
	Email    string
	ReturnTo string // used only if it is a path of this host
	Locale   string
	// Holds is what the browser holds. With the same address again it is a resend.
	Holds Holds
}

// Holds are the tokens in a browser's cookies; "" where it has none.
type Holds struct{ Signin, Session, Device string }

// Begun is a sign-in that waits for its code.
type Begun struct {
	Token     string // a new token for the browser; empty if it keeps the one it holds
	ExpiresAt time.Time
	ResendAt  time.Time
}

// AskSignin has a mail sent to the address. It does the same for every address: nothing is looked up here. What differs
// is the mail, which is decided when it is composed, and whether it is sent at all.
//
// It returns field fault email_invalid; ErrTooSoon for the browser that has just asked; ErrTooMany for the network
// address. A mailbox that had its share gets no mail, and the answer is the same.
func (s *Service) AskSignin(ctx context.Context, in Asked) (Begun, error) {
	address, err := email.Parse(in.Email)
	if err != nil {
		return Begun{}, fault.FieldsFault(fault.Field{Pointer: "/email", Code: "email_invalid"})
	}
	var begun Begun
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := s.mayAsk(tx); err != nil {
			return err
		}
		row, token, err := s.openSignin(tx, in, address)
		if err != nil {
			return err
		}
		pace := row.pace()
		if err := pace.Ask(tx.Now); err != nil {
			return err
		}
		row.MailsAsked, row.MailAskedAt = pace.Asked, pace.Last
		if err := putSignin(tx, row); err != nil {
			return err
		}
		begun = Begun{Token: token, ExpiresAt: tx.Now.Add(s.Codes.lifetime), ResendAt: row.pace().ResendAt()}
		return s.orderCode(tx, row, address, in.Holds.Device)
	})
	return begun, err
}

// openSignin is the sign-in that the browser holds for this address, if it is of use, or else a new one.
func (s *Service) openSignin(tx *database.Tx, in Asked, address email.Address) (row *signin, token string, err error) {
	if in.Holds.Signin != "" {
		row, err = signinByToken(forUpdate(tx), ids.HashToken(in.Holds.Signin))
		if err != nil {
			return nil, "", err
		}
	}
	if row != nil && row.alive(tx.Now) && row.Address == address.Canonical() {
		spent, err := s.Codes.tries.spent(tx, PurposeSignin, row.ID)
		if err != nil {
			return nil, "", err
		}
		if !spent {
			row.ReturnTo = firstOf(safeReturnTo(in.ReturnTo), row.ReturnTo)
			return row, "", nil
		}
	}
	meta := web.MetaOf(tx.Context())
	token = s.ids.Token()
	return &signin{
		ID: s.ids.New("sin"), TokenHash: ids.HashToken(token), Mail: address.String(), Address: address.Canonical(),
		Locale: firstOf(in.Locale, meta.Locale), Origin: DescribeAgent(meta.UserAgent), ReturnTo: safeReturnTo(in.ReturnTo),
		CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(signinLife),
	}, token, nil
}

// mayAsk charges where a code is asked from: the address, and then the network around it.
func (s *Service) mayAsk(tx *database.Tx) error {
	from := web.MetaOf(tx.Context()).Address
	for _, b := range []struct {
		name   string
		budget limits.Budget
	}{{"signin.mail:" + web.AddressKey(from), mailsPerAddress}, {"signin.mail.network:" + web.NetworkKey(from), mailsPerNetwork}} {
		ok, wait, err := s.limits.Take(tx, b.name, b.budget)
		if err != nil {
			return err
		}
		if !ok {
			return ErrTooMany.RetryAfter(wait)
		}
	}
	return nil
}

// Finished is a sign-in that led to a session.
type Finished struct {
	Token     string // of the session, for the browser's cookie
	Device    string // the browser's new mark; "" if it keeps what it holds
	Principal Principal
	Next      string // a path of this host
}

// FinishSignin exchanges the mailed code for a session, in the browser that began; the session it held before ends.
// Tries are counted before comparing. The same press within AgainWithin gets the same session.
//
// It returns ErrSigninGone, Codes' faults, and ErrAccessEnded, after proof only, for people who may not come in. Writes
// audit "identity.signed_in", "identity.signin_refused" or "identity.code_refused".
func (s *Service) FinishSignin(ctx context.Context, code string, holds Holds) (Finished, error) {
	row, err := s.heldSignin(ctx, holds.Signin)
	if err != nil {
		return Finished{}, err
	}
	if now := s.db.Now(); !row.alive(now) && !row.finishedLately(now) {
		return Finished{}, ErrSigninGone
	}
	try := Try{Purpose: PurposeSignin, SubjectID: row.ID, Address: row.Address, Device: holds.Device}
	if err := s.Codes.CountTry(ctx, try); err != nil {
		return Finished{}, err
	}
	done, err := s.finish(ctx, finishing{signinID: row.ID, method: methodCode, holds: holds, consume: func(tx *database.Tx) error {
		return s.Codes.Consume(tx, PurposeSignin, row.ID, code)
	}})
	switch {
	case errors.Is(err, ErrSigninGone):
		if done, err = s.pressedTwice(ctx, row.ID, code, holds); errors.Is(err, ErrSigninGone) {
			err = errors.Join(err, s.NoteWrong(ctx, try))
		}
	case errors.Is(err, ErrCodeWrong), errors.Is(err, ErrCodeExpired):
		return Finished{}, errors.Join(err, s.NoteWrong(ctx, try))
	}
	return done, err
}

// finishByLink is FinishSignin by the mailed link, in the browser that began; elsewhere it returns ErrOtherBrowser.
//
// Whose browser it is is read first: the press that uses the link up also ends the sign-in, and whoever comes just after
// it is told that the link is used, not that they are somebody else.
func (s *Service) finishByLink(ctx context.Context, linkToken string, holds Holds) (Finished, error) {
	row, gone := s.heldSignin(ctx, holds.Signin)
	if gone != nil && !errors.Is(gone, ErrSigninGone) {
		return Finished{}, gone
	}
	info, err := s.Codes.Describe(ctx, linkToken)
	if err != nil {
		return Finished{}, err
	}
	if info.State != LinkReady || info.Purpose != PurposeSignin {
		return Finished{}, ErrLinkSpent
	}
	if gone != nil || row.ID != info.SubjectID || !row.alive(s.db.Now()) {
		return Finished{}, ErrOtherBrowser
	}
	done, err := s.finish(ctx, finishing{signinID: row.ID, method: methodLink, holds: holds, consume: func(tx *database.Tx) error {
		return s.Codes.ConsumeLink(tx, linkToken, PurposeSignin, row.ID)
	}})
	if errors.Is(err, ErrSigninGone) {
		err = ErrLinkSpent
	}
	return done, err
}

type finishing struct {
	signinID, method string
	holds            Holds
	consume          func(tx *database.Tx) error
}

// finish burns the proof and seats the person, in one transaction. A proof that leads nowhere is burnt as well.
func (s *Service) finish(ctx context.Context, f finishing) (done Finished, err error) {
	var refused error
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		done, refused = Finished{}, nil
		row, err := signinByID(forUpdate(tx), f.signinID)
		if err != nil {
			return err
		}
		if row == nil || !row.alive(tx.Now) {
			return ErrSigninGone
		}
		if err := f.consume(tx); err != nil {
			return err
		}
		now := tx.Now
		row.FinishedAt = &now
		if err := putSignin(tx, row); err != nil {
			return err
		}
		done, refused, err = s.seat(tx, row, f)
		return err
	})
	if err == nil {
		err = refused
	}
	return done, err
}

// seat gives the person a session; refused says why they get none although they proved the address.
func (s *Service) seat(tx *database.Tx, row *signin, f finishing) (done Finished, refused, err error) {
	user, err := s.people.ByAddressTx(tx, row.Address)
	if err != nil {
		return Finished{}, nil, err
	}
	event := audit.Event{Name: "identity.signed_in", Target: row.ID, Subject: s.audit.Subject(row.Address), Data: map[string]any{"method": f.method}}
	if user == nil || !user.Usable(tx.Now) {
		ended := ErrAccessEnded
		if user != nil && user.EndsAt != nil && !user.EndsAt.After(tx.Now) {
			ended = ended.With("endedAt", user.EndsAt.UTC().Format(time.RFC3339))
		}
		event.Name, event.Result, event.Actor = "identity.signin_refused", audit.Refused, audit.Actor{Kind: audit.KindApplicant}
		if user != nil {
			event.Target = user.ID
		}
		return Finished{}, ended, s.audit.Record(tx, event)
	}
	token := s.Codes.Successor(f.holds.Signin, row.ID)
	p, err := s.newSession(tx, user, f.method, tokens{fresh: token, old: f.holds.Session})
	if err != nil {
		return Finished{}, nil, err
	}
	mark, err := s.rememberDevice(tx, user, f.holds.Device)
	if err != nil {
		return Finished{}, nil, err
	}
	if err := s.people.SignedIn(tx, user.ID); err != nil {
		return Finished{}, nil, err
	}
	event.Target, event.Actor = user.ID, p.Actor()
	return Finished{Token: token, Device: mark, Principal: p, Next: firstOf(row.ReturnTo, firstPage(p))}, nil, s.audit.Record(tx, event)
}

// heldSignin is the sign-in that a browser's cookie stands for, alive or not, or ErrSigninGone.
func (s *Service) heldSignin(ctx context.Context, token string) (*signin, error) {
	if token == "" {
		return nil, ErrSigninGone
	}
	row, err := signinByToken(s.db.Read(ctx), ids.HashToken(token))
	if err == nil && row == nil {
		return nil, ErrSigninGone
	}
	return row, err
}

// firstPage is where a person begins.
func firstPage(p Principal) string {
	if p.Kind == KindGuest {
		return "/apps"
	}
	return "/inbox"
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
