package identity

import (
	"context"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Whose address is tried with wrong codes is told (security.md T28).
const (
	wrongBeforeWarning = 10
	warningEvery       = 24 * time.Hour
	noteLimit          = 10 * time.Second // for writing down a wrong try whose caller may be gone
	kindWarning        = "signin.warning"
)

// warningOrder is the payload of kindWarning.
type warningOrder struct {
	Address string    `json:"address"` // canonical
	At      time.Time `json:"at"`      // of the try that was one too many
}

// NoteWrong writes down that a counted try was wrong, and at the tenth wrong one within a day has the person of the
// address warned, once a day. It costs the same whether the address is somebody's: that is asked when the mail is
// written. Tries on known devices are the person's own and warn nobody.
//
// Who hangs up meanwhile is written down all the same. Writes audit "identity.code_refused", and
// "identity.many_wrong_codes" with the warning.
func (s *Service) NoteWrong(ctx context.Context, try Try) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := s.audit.Record(tx, s.Codes.tries.about(try, "identity.code_refused", map[string]any{"why": "wrong_or_expired"})); err != nil {
			return err
		}
		many, err := s.Codes.tries.manyWrong(tx, try.Address)
		if err != nil || !many {
			return err
		}
		return s.orderWarning(tx, try)
	})
}

// manyWrong says, once within warningEvery, that the address has had its wrong tries of a day.
func (t *tries) manyWrong(tx *database.Tx, address string) (bool, error) {
	day, err := one[tryRow](tx.Where("scope = ? AND scope_id = ?", scopeDay, address))
	if err != nil || day == nil || day.Tries < wrongBeforeWarning || tx.Now.Sub(day.WindowStart) >= 24*time.Hour {
		return false, err
	}
	n, _, err := addTry(tx, scopeWarned, address, warningEvery)
	return n == 1, err
}

func (s *Service) orderWarning(tx *database.Tx, try Try) error {
	to, err := email.Parse(try.Address)
	if err != nil {
		return err
	}
	if user, err := s.people.ByAddressTx(tx, try.Address); err != nil {
		return err
	} else if user != nil { // mail goes to the address as it is kept
		if to, err = email.Parse(user.Mail); err != nil {
			return err
		}
	}
	err = s.mail.Enqueue(tx, notification.Order{
		Kind: kindWarning, To: to, About: try.SubjectID, Payload: warningOrder{Address: try.Address, At: tx.Now},
	})
	if err != nil {
		return err
	}
	return s.audit.Record(tx, s.Codes.tries.about(try, "identity.many_wrong_codes", map[string]any{"tries": wrongBeforeWarning}))
}

// composeWarning writes to the person of the address, in their language; to nobody if it is nobody's who could sign in.
func (s *Service) composeWarning(ctx context.Context, d notification.Delivery) (*notification.Letter, error) {
	var order warningOrder
	if err := d.Bind(&order); err != nil {
		return nil, err
	}
	return s.writeWarning(ctx, order)
}

func (s *Service) writeWarning(ctx context.Context, order warningOrder) (*notification.Letter, error) {
	user, err := s.people.ByAddress(ctx, order.Address)
	if err != nil || !isUsable(user, s.db.Now()) {
		return nil, err
	}
	return s.mails.warning(user.Locale, warningMail{At: order.At})
}
