package identity

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Budgets of tries (security.md §4). At 20 wrong tries a day and address, a guess hits with 2·10⁻⁵.
const (
	triesPerSubject = 5    // in all
	triesAnHour     = 10   // per address, over all subjects
	triesADay       = 20   // per address, over all subjects; one more after each cool-down
	triesOfHouse    = 1000 // wrong ones an hour, over all addresses

	triesOfDeviceAnHour = 5  // per known device, beside those of the address
	triesOfDeviceADay   = 10 // per known device, beside those of the address
)

const (
	firstCoolDown   = time.Hour
	longestCoolDown = 24 * time.Hour
	// restartAdvice is how long a person whose sign-in or sign-up has used its tries is asked to wait before a new one.
	restartAdvice = time.Minute
)

// Scopes of identity_tries. Those of an address count for a known device too, under its own key. A row of scopeOf ties a
// subject to the address or device that its tries were counted for; its scope is scopeOf followed by the subject.
const (
	scopeSubject = "subject"
	scopeOf      = "of:"
	scopeHour    = "address.hour"
	scopeDay     = "address.day"
	scopePause   = "address.pause" // tries: how many cool-downs in a row; window_start: when the last one began
	scopeHouse   = "house"
	scopeWarned  = "address.warned" // tries: wrong ones since the warning; window_start: when it was ordered
)

// share is who pays for a try: the address, whoever types, or the person's known device.
type share struct {
	key          string
	anHour, aDay int
	known        bool
}

const devicePrefix = "device:" // no address begins so: a colon needs quotes there, and we take none

func ofAddress(address string) share {
	return share{key: address, anHour: triesAnHour, aDay: triesADay}
}

func ofDevice(id string) share {
	return share{key: devicePrefix + id, anHour: triesOfDeviceAnHour, aDay: triesOfDeviceADay, known: true}
}

func subjectKey(p Purpose, subjectID string) string { return string(p) + ":" + subjectID }

// coolDown is how long the n-th cool-down in a row lasts: 1, 2, 4, 8, 16, 24, 24 … hours.
func coolDown(n int) time.Duration {
	if n > 5 {
		return longestCoolDown
	}
	return firstCoolDown << (max(n, 1) - 1)
}

// pausedUntil is the end of a cool-down; the zero time if there was none.
func pausedUntil(pause *tryRow) time.Time {
	if pause == nil {
		return time.Time{}
	}
	return pause.WindowStart.Add(coolDown(pause.Tries))
}

// nextPause is the number of the cool-down that begins now: a day of peace after the last one starts the row anew.
func nextPause(last *tryRow, now time.Time) int {
	if last == nil || now.Sub(pausedUntil(last)) > longestCoolDown {
		return 1
	}
	return last.Tries + 1
}

// tries counts attempts at codes. All counting is by one statement each that adds and tells, so that it holds for any
// number of callers and replicas; rows are always taken in the same order, so that callers never block each other.
type tries struct {
	db    *database.DB
	audit *audit.Log
	log   *slog.Logger
}

// count is Codes.CountTry. It fails closed: if it cannot count, nothing is compared (security.md T100).
func (t *tries) count(ctx context.Context, try Try) error {
	var verdict error
	err := t.db.InTx(ctx, func(tx *database.Tx) (err error) {
		verdict, err = t.countTx(tx, try)
		return err
	})
	if err != nil {
		return err
	}
	return verdict
}

// countTx returns the verdict apart from the error, because a refusal must be committed like anything else.
func (t *tries) countTx(tx *database.Tx, try Try) (verdict, err error) {
	key := subjectKey(try.Purpose, try.SubjectID)
	n, _, err := addTry(tx, scopeSubject, key, 0)
	if err != nil {
		return nil, err
	}
	if n > triesPerSubject {
		return tooManyTries(tx.Now, tx.Now.Add(restartAdvice)), t.tell(tx, try, n == triesPerSubject+1)
	}
	payer, err := t.shareOf(tx, try)
	if err != nil {
		return nil, err
	}
	if err := putTry(tx, tryRow{Scope: scopeOf + key, ScopeID: payer.key, WindowStart: tx.Now}); err != nil {
		return nil, err
	}
	until, began, err := countShare(tx, payer)
	switch {
	case err != nil:
		return nil, err
	case began:
		return tooManyTries(tx.Now, until), errors.Join(t.tellPause(tx, try, payer, until), t.tell(tx, try, true))
	case !until.IsZero():
		return tooManyTries(tx.Now, until), t.tell(tx, try, true)
	case payer.known:
		return nil, nil // strangers who use up the house's tries do not lock out whom we know (T29)
	}
	return t.countHouse(tx, try)
}

// shareOf is the known device's share if there is one, at the price of one look-up, or else the address's.
func (t *tries) shareOf(tx *database.Tx, try Try) (share, error) {
	id, err := knownDevice(tx.DB, tx.Now, try.Device, try.Address)
	if err != nil || id == "" {
		return ofAddress(try.Address), err
	}
	return ofDevice(id), nil
}

// countShare counts for the payer over all subjects, or says until when it takes no tries; began, that this try was the
// one too many. A refused try does not count: the cool-down does.
func countShare(tx *database.Tx, payer share) (until time.Time, began bool, err error) {
	pause, err := lockTry(tx, scopePause, payer.key)
	if err != nil {
		return time.Time{}, false, err
	}
	if until := pausedUntil(pause); until.After(tx.Now) {
		return until, false, nil
	}
	hour, _, err := addTry(tx, scopeHour, payer.key, time.Hour)
	if err != nil {
		return time.Time{}, false, err
	}
	day, dayBegan, err := addTry(tx, scopeDay, payer.key, 24*time.Hour)
	if err != nil || hour <= payer.anHour && day <= payer.aDay {
		return time.Time{}, false, err
	}
	begun := tryRow{Scope: scopePause, ScopeID: payer.key, Tries: nextPause(pause, tx.Now), WindowStart: tx.Now}
	for _, row := range []tryRow{
		begun,
		{Scope: scopeHour, ScopeID: payer.key, WindowStart: tx.Now},
		{Scope: scopeDay, ScopeID: payer.key, Tries: min(day-1, payer.aDay-1), WindowStart: dayBegan},
	} {
		if err := putTry(tx, row); err != nil {
			return time.Time{}, false, err
		}
	}
	return pausedUntil(&begun), true, nil
}

func (t *tries) countHouse(tx *database.Tx, try Try) (verdict, err error) {
	n, since, err := addTry(tx, scopeHouse, "", time.Hour)
	if err != nil || n <= triesOfHouse {
		return nil, err
	}
	if n == triesOfHouse+1 {
		t.log.WarnContext(tx.Context(), "typing codes is closed but for known devices: too many wrong codes within an hour", "until", since.Add(time.Hour))
	}
	return tooManyTries(tx.Now, since.Add(time.Hour)), t.tell(tx, try, true)
}

// refund takes the try that turned out right off the counts of who paid and of the house; the subject's stays.
func (t *tries) refund(tx *database.Tx, p Purpose, subjectID string) error {
	payer, found, err := payerOfTries(tx, scopeOf+subjectKey(p, subjectID))
	if err != nil {
		return err
	}
	if !found {
		return errUncounted
	}
	for _, scope := range []string{scopeHour, scopeDay} {
		if err := takeBackTry(tx, scope, payer); err != nil {
			return err
		}
	}
	if strings.HasPrefix(payer, devicePrefix) {
		return nil
	}
	return takeBackTry(tx, scopeHouse, "")
}

// spent says whether the subject has used its tries.
func (t *tries) spent(tx *database.Tx, p Purpose, subjectID string) (bool, error) {
	row, err := lockTry(tx, scopeSubject, subjectKey(p, subjectID))
	return err == nil && row != nil && row.Tries >= triesPerSubject, err
}

// tell writes the refusal into the audit, in the transaction that counts the try. A subject's tries beyond the sixth are
// told by the first of them, so that hammering at one sign-up does not fill the audit.
func (t *tries) tell(tx *database.Tx, try Try, first bool) error {
	if !first {
		return nil
	}
	return t.audit.Record(tx, t.about(try, "identity.code_refused", map[string]any{"why": "too_many_tries"}))
}

// about is the event of a try that was refused; its target, a sign-up or a sign-in, says what the code was for.
func (t *tries) about(try Try, name string, data map[string]any) audit.Event {
	return audit.Event{
		Name: name, Result: audit.Refused, Actor: audit.Actor{Kind: audit.KindApplicant}, Target: try.SubjectID,
		Subject: t.audit.Subject(try.Address), Data: data,
	}
}

// tellPause writes the beginning of a cool-down into the audit, once for each.
func (t *tries) tellPause(tx *database.Tx, try Try, payer share, until time.Time) error {
	return t.audit.Record(tx, t.about(try, "identity.codes_paused", map[string]any{
		"until": until.UTC().Format(time.RFC3339), "knownDevice": payer.known,
	}))
}

func tooManyTries(now, until time.Time) error {
	return ErrTooManyTries.With("clock", until.UTC().Format("15:04")+" UTC").With("until", until.UTC().Format(time.RFC3339)).RetryAfter(until.Sub(now))
}
