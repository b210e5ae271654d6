package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// AgainWithin is how long after a proof the same code, typed again in the same browser, is the same press: somebody
// pressed twice, or the answer was lost on its way.
const AgainWithin = 10 * time.Second

// Successor is the token that takes the place of token once subjectID is proved. It is the same for both of two presses
// from one browser, so that both answers hand over the same cookie. Nobody can make it without our key: who planted or
// saw the old token has nothing of the new one (security.md T34).
func (c *Codes) Successor(token, subjectID string) string {
	mac := hmac.New(sha256.New, c.secrets.successor)
	mac.Write([]byte(subjectID))
	mac.Write([]byte{0})
	mac.Write([]byte(token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// JustUsed says whether the typed code is the one that proved the subject within AgainWithin; if so, it takes the try
// off the counts, as Consume does. The try has been counted (CountTry): this compares a code.
func (c *Codes) JustUsed(tx *database.Tx, p Purpose, subjectID, typed string) (bool, error) {
	digits, ok := digitsOf(typed)
	if !ok {
		return false, nil
	}
	var n int64
	err := tx.Model(&code{}).Where("purpose = ? AND subject_id = ? AND code_mac = ? AND used_at > ?",
		p, subjectID, c.secrets.codeMAC(p, subjectID, digits), tx.Now.Add(-AgainWithin)).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("read used code: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	return true, c.tries.refund(tx, p, subjectID)
}

// finishedLately says whether a second press may still belong to the first.
func (s *signin) finishedLately(now time.Time) bool {
	return s.FinishedAt != nil && now.Sub(*s.FinishedAt) < AgainWithin
}

// pressedTwice answers the second of two presses like the first: with the session that the first one made. It returns
// ErrSigninGone unless this browser has just finished the sign-in with this code, and the session is alive.
func (s *Service) pressedTwice(ctx context.Context, signinID, code string, holds Holds) (done Finished, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		row, err := signinByID(tx.DB, signinID)
		if err != nil {
			return err
		}
		if row == nil || !row.finishedLately(tx.Now) {
			return ErrSigninGone
		}
		if same, err := s.Codes.JustUsed(tx, PurposeSignin, row.ID, code); err != nil || !same {
			return firstError(err, ErrSigninGone)
		}
		token := s.Codes.Successor(holds.Signin, row.ID)
		found, err := seatByToken(tx.DB, ids.HashToken(token))
		if err != nil || found == nil || !found.alive(tx.Now) {
			return firstError(err, ErrSigninGone)
		}
		p := found.principal()
		done = Finished{Token: token, Principal: p, Next: firstOf(row.ReturnTo, firstPage(p))}
		return nil
	})
	return done, err
}

func firstError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
