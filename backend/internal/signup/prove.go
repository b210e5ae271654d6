package signup

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Typed is a code that was typed, and what the browser holds.
type Typed struct {
	Code   string
	Token  string // of the sign-up, from its cookie
	Device string // the mark of a known device, or ""
}

// Prove exchanges the mailed code for proof of the address, in the browser that began. Tries are counted before
// comparing. The new token replaces the browser's old one; it is "" if the browser keeps what it has. The same press
// within identity.AgainWithin gets the same answer: the second of two comes with the old cookie.
//
// It returns identity's faults for codes, ErrNoSignup for other browsers, and flow's fault while the flow is closed: then
// no try is counted and the code is not used up, so that who was on the way goes on where they were if it opens again.
// Writes audit "signup.proved", or identity's
// "identity.code_refused" for every code that was compared in vain.
func (s *Service) Prove(ctx context.Context, id string, typed Typed) (*signup, string, error) {
	row, err := s.byID(ctx, id)
	if err != nil {
		return nil, "", err
	}
	fresh := s.Identity.Codes.Successor(typed.Token, row.ID)
	held := row.heldBy(typed.Token)
	switch {
	case held && row.proved():
		return row, "", nil // pressed again, after the first answer
	case !held && !(row.proved() && row.heldBy(fresh)):
		return nil, "", ErrNoSignup
	case row.Address == "":
		return nil, "", ErrEmailMissing
	}
	if err := s.stillOpen(ctx, row); err != nil {
		return nil, "", err
	}
	try := identity.Try{Purpose: identity.PurposeSignup, SubjectID: row.ID, Address: row.Address, Device: typed.Device}
	if err := s.Identity.Codes.CountTry(ctx, try); err != nil {
		return nil, "", err
	}
	err = ErrNoSignup
	if held {
		row, err = s.prove(ctx, id, fresh, func(tx *database.Tx) error {
			return s.Identity.Codes.Consume(tx, identity.PurposeSignup, id, typed.Code)
		})
	}
	if again := err; again != nil && !errors.Is(again, identity.ErrCodeExpired) {
		if row, err = s.pressedTwice(ctx, id, fresh, typed.Code); errors.Is(err, errFirstPress) {
			err = again
		}
	}
	if errors.Is(err, identity.ErrCodeWrong) || errors.Is(err, identity.ErrCodeExpired) || !held && errors.Is(err, ErrNoSignup) {
		err = errors.Join(err, s.Identity.NoteWrong(ctx, try))
	}
	if err != nil {
		return nil, "", err
	}
	return row, fresh, nil
}

// prove burns the code or link by consume, and moves the sign-up on to its fresh token in the same transaction.
func (s *Service) prove(ctx context.Context, id, fresh string, consume func(tx *database.Tx) error) (proved *signup, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		row, err := s.open(tx, id)
		if err != nil {
			return err
		}
		if err := s.stillOpen(tx.Context(), row); err != nil {
			return err
		}
		if err := consume(tx); err != nil {
			return err
		}
		now := tx.Now
		row.ProvedAt, row.Step, row.TokenHash, row.ExpiresAt = &now, StepDetails, ids.HashToken(fresh), now.Add(draftLife)
		if err := s.goOnWhereLeft(tx, row); err != nil {
			return err
		}
		proved = row
		if err := saveSignup(tx, row); err != nil {
			return err
		}
		return s.record(tx, "signup.proved", row, nil)
	})
	return proved, err
}

// errFirstPress says that no press of this browser has just proved the sign-up with this code.
var errFirstPress = errors.New("signup: nothing was pressed before")

// pressedTwice is the sign-up that this browser has just proved with this code. It changes nothing but the counts, which
// get the try back. A wrong code, which is what it mostly is, costs one read and waits for nobody.
func (s *Service) pressedTwice(ctx context.Context, id, fresh, code string) (found *signup, err error) {
	if row, err := s.byID(ctx, id); err != nil || !row.proved() {
		return nil, errFirstPress
	}
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		row, err := lockSignup(tx, "id = ?", id)
		if err != nil {
			return err
		}
		if !row.alive(tx.Now) || !row.proved() || !row.heldBy(fresh) {
			return errFirstPress
		}
		same, err := s.Identity.Codes.JustUsed(tx, identity.PurposeSignup, id, code)
		if err == nil && !same {
			err = errFirstPress
		}
		found = row
		return err
	})
	return found, err
}

// heldBy compares in constant time the token of a browser's cookie with what is stored of ours.
func (r *signup) heldBy(token string) bool {
	return token != "" && subtle.ConstantTimeCompare(r.TokenHash, ids.HashToken(token)) == 1
}
