package signup

import (
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Budgets of security.md §4. Those of a network address are told (429); those of a mail address are silent, because
// the answer must not tell one address from another.
var (
	startsPerAddress = limits.Budget{Burst: 10, Refill: 18 * time.Minute}
	mailsPerAddress  = limits.Budget{Burst: 20, Refill: 3 * time.Minute}
	mailsPerMailbox  = []limits.Budget{
		{Burst: 3, Refill: 200 * time.Second}, // 3 in 10 minutes
		{Burst: 6, Refill: 10 * time.Minute},  // 6 an hour
		{Burst: 12, Refill: 2 * time.Hour},    // 12 a day
	}
)

func (s *Service) mayStart(tx *database.Tx) error {
	return s.told(tx, "signup.start:", startsPerAddress)
}

func (s *Service) told(tx *database.Tx, prefix string, budget limits.Budget) error {
	key := prefix + web.AddressKey(web.MetaOf(tx.Context()).Address)
	ok, wait, err := s.limits.Take(tx, key, budget)
	if err != nil {
		return err
	}
	if !ok {
		return identity.ErrTooMany.RetryAfter(wait)
	}
	return nil
}

// mailAllowed says whether this mailbox may have one more mail that a stranger asked for. The three budgets are all
// charged, so that asking costs the same whatever the answer.
func (s *Service) mailAllowed(tx *database.Tx, to email.Address) (bool, error) {
	allowed := true
	for i, budget := range mailsPerMailbox {
		ok, _, err := s.limits.Take(tx, "mail.to"+string(rune('0'+i))+":"+to.Canonical(), budget)
		if err != nil {
			return false, err
		}
		allowed = allowed && ok
	}
	return allowed, nil
}
