package identity

import (
	"strconv"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
)

// mailsAnHour is how many codes one sign-up or sign-in may ask for (settled.md §3).
const mailsAnHour = 5

// resendWaits are the waits before the second, third and every later code (settled.md §3).
var resendWaits = []time.Duration{30 * time.Second, 60 * time.Second, 120 * time.Second}

// Pace is how often one browser has asked for a code, and when it may ask again. Asked counts within the hour.
type Pace struct {
	Asked int
	Last  *time.Time
}

// ResendAt is when the next code may be asked for; the zero time means now.
func (p Pace) ResendAt() time.Time {
	switch {
	case p.Last == nil || p.Asked == 0:
		return time.Time{}
	case p.Asked >= mailsAnHour:
		return p.Last.Add(time.Hour)
	default:
		return p.Last.Add(resendWaits[min(p.Asked, len(resendWaits))-1])
	}
}

// Ask counts one more code at now, or returns ErrTooSoon. An hour after the fifth the count begins anew.
func (p *Pace) Ask(now time.Time) error {
	if wait := p.ResendAt().Sub(now); wait > 0 {
		return ErrTooSoon.With("seconds", strconv.Itoa(int((wait+time.Second-1)/time.Second))).RetryAfter(wait)
	}
	if p.Asked >= mailsAnHour {
		p.Asked = 0
	}
	p.Asked++
	p.Last = &now
	return nil
}

// mailsPerMailbox are the budgets of security.md §4 for mails that strangers ask for. They are silent, because the
// answer must not tell one address from another; a mailbox has one set for all codes, whatever room they are of.
var mailsPerMailbox = []limits.Budget{
	{Burst: 3, Refill: 200 * time.Second}, // 3 in 10 minutes
	{Burst: 6, Refill: 10 * time.Minute},  // 6 an hour
	{Burst: 12, Refill: 2 * time.Hour},    // 12 a day
}

// MailAllowed says whether this mailbox may have one more mail that a stranger asked for. A wish that one budget refuses
// charges none of them: who presses twelve times in a minute must not keep the owner out for hours.
func (s *Service) MailAllowed(tx *database.Tx, to email.Address) (bool, error) {
	return s.mailAllowed(tx, to.Canonical())
}

func (s *Service) mailAllowed(tx *database.Tx, who string) (bool, error) {
	var charges []limits.Charge
	for i, budget := range mailsPerMailbox {
		charges = append(charges, limits.Charge{Name: "mail.to" + strconv.Itoa(i) + ":" + who, Budget: budget})
	}
	ok, _, err := s.limits.TakeAll(tx, charges...)
	return ok, err
}
