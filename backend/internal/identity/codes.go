package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Codes is the one verifier of one-time codes, for every surface that takes one (security.md T27). It is safe for
// concurrent use. A caller counts the try (CountTry), then burns the code in the transaction of what it proves (Consume).
type Codes struct {
	db       *database.DB
	ids      ids.Source
	lifetime time.Duration
	secrets  secrets
	tries    *tries
	observe  func(result string) // nil unless OnResult
}

// Results that OnResult is told.
const (
	CodeMade    = "made"
	CodeRight   = "right"
	CodeWrong   = "wrong"
	CodeExpired = "expired"
	CodeLimited = "limited" // not even compared
)

// OnResult registers who is told, for metrics, what becomes of codes; once, before the first. fn must be quick.
func (c *Codes) OnResult(fn func(result string)) { c.observe = fn }

func (c *Codes) told(tx *database.Tx, result string) {
	if c.observe != nil {
		tx.AfterCommit(func() { c.observe(result) })
	}
}

// Make makes a code for the subject, and the link that travels with it, in the transaction of the hand-off to the mail
// server: its time begins now. Of the subject's codes the two newest stay valid, because mails overtake each other.
func (c *Codes) Make(tx *database.Tx, p Purpose, subjectID string) (Made, error) {
	made := Made{Code: c.ids.Digits(CodeLength), LinkToken: c.ids.Token(), ExpiresAt: tx.Now.Add(c.lifetime)}
	row := code{
		ID: c.ids.New("cod"), Purpose: p, SubjectID: subjectID, CodeMac: c.secrets.codeMAC(p, subjectID, made.Code),
		LinkHash: ids.HashToken(made.LinkToken), MadeAt: tx.Now, ExpiresAt: made.ExpiresAt,
	}
	sealed, err := c.secrets.seal(made.LinkToken, row.ID, made.Code)
	if err != nil {
		return Made{}, err
	}
	row.SealedCode = sealed
	if err := revokeCodes(tx, p, subjectID, newestAlive-1); err != nil {
		return Made{}, err
	}
	c.told(tx, CodeMade)
	return made, insertCode(tx, &row)
}

// Try is one attempt at a code.
type Try struct {
	Purpose   Purpose
	SubjectID string
	Address   string // canonical; its tries are counted over all subjects
	Device    string // the mark that the browser holds, or ""; known devices of the person have tries of their own (T29)
}

// CountTry counts a try in a transaction of its own, before anything is compared, so that no number of parallel tries
// beats the count (security.md T28). Call it first, outside of any transaction; compare only if it returns nil.
//
// It returns ErrTooManyTries with the time to wait when the subject, the address or the whole house has had its share;
// the right code is refused then as well. Writes audit "identity.code_refused", once for the tries beyond a subject's five.
func (c *Codes) CountTry(ctx context.Context, try Try) error {
	err := c.tries.count(ctx, try)
	if c.observe != nil && errors.Is(err, ErrTooManyTries) {
		c.observe(CodeLimited)
	}
	return err
}

// Consume burns the code that was typed, and its siblings, in the caller's transaction, and takes the try off the
// address's count: only wrong ones count there.
//
// It returns ErrCodeWrong; or ErrCodeExpired if the code was right and ended within the last two hours. Codes of other
// purposes and subjects are wrong, and stay as they are.
func (c *Codes) Consume(tx *database.Tx, p Purpose, subjectID, typed string) error {
	err := c.consume(tx, p, subjectID, typed)
	switch {
	case c.observe == nil:
	case err == nil:
		c.told(tx, CodeRight)
	case errors.Is(err, ErrCodeExpired): // the act is undone, and nothing runs after it
		c.observe(CodeExpired)
	case errors.Is(err, ErrCodeWrong):
		c.observe(CodeWrong)
	}
	return err
}

func (c *Codes) consume(tx *database.Tx, p Purpose, subjectID, typed string) error {
	digits, ok := digitsOf(typed)
	if !ok {
		return ErrCodeWrong
	}
	mac := c.secrets.codeMAC(p, subjectID, digits)
	burnt, err := burnCode(tx, p, subjectID, mac)
	switch {
	case err != nil:
		return err
	case burnt:
		if err := revokeCodes(tx, p, subjectID, 0); err != nil {
			return err
		}
		return c.tries.refund(tx, p, subjectID)
	}
	expired, err := endedLately(tx, p, subjectID, mac)
	switch {
	case err != nil:
		return err
	case expired != nil:
		return ErrCodeExpired.With("endedAt", expired.UTC().Format(time.RFC3339))
	default:
		return ErrCodeWrong
	}
}

// Describe says what a mailed link is worth. It changes nothing, however often it is asked (security.md T05).
func (c *Codes) Describe(ctx context.Context, linkToken string) (LinkInfo, error) {
	if linkToken == "" {
		return LinkInfo{State: LinkNone}, nil
	}
	row, err := codeByLink(c.db.Read(ctx), ids.HashToken(linkToken))
	if err != nil || row == nil {
		return LinkInfo{State: LinkNone}, err
	}
	info := LinkInfo{State: linkState(row, c.db.Now()), Purpose: row.Purpose, SubjectID: row.SubjectID, ExpiresAt: row.ExpiresAt}
	if info.State == LinkReady {
		info.Code, err = c.secrets.open(linkToken, row.ID, row.SealedCode)
	}
	return info, err
}

// ConsumeLink burns the link, and with it the subject's codes, in the caller's transaction. The caller has made sure
// that this is the browser that began. It returns ErrLinkSpent for links that are unknown, used, expired, or of another
// purpose or subject; those stay as they are.
func (c *Codes) ConsumeLink(tx *database.Tx, linkToken string, p Purpose, subjectID string) error {
	burnt, err := burnLink(tx, p, subjectID, ids.HashToken(linkToken))
	if err != nil {
		return err
	}
	if !burnt {
		return ErrLinkSpent
	}
	return revokeCodes(tx, p, subjectID, 0)
}

// Revoke ends all codes and links of the subject, as when it changes its address or is given up.
func (c *Codes) Revoke(tx *database.Tx, p Purpose, subjectID string) error {
	return revokeCodes(tx, p, subjectID, 0)
}

var errUncounted = errors.New("identity: a code was given to Consume without CountTry")

func checkLifetime(d time.Duration) (time.Duration, error) {
	if d == 0 {
		return DefaultCodeLifetime, nil
	}
	if d < minCodeLifetime || d > maxCodeLifetime {
		return 0, fmt.Errorf("identity: codes live 5 to 30 minutes, not %s", d)
	}
	return d, nil
}

// Life is how long a code may be used after its making.
func (c *Codes) Life() time.Duration { return c.lifetime }
