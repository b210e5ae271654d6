package signup

import (
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Budgets of security.md §4 for a network address; they are told (429). Those of a mailbox are identity's.
var (
	startsPerAddress = limits.Budget{Burst: 10, Refill: 18 * time.Minute}
	mailsPerAddress  = limits.Budget{Burst: 20, Refill: 3 * time.Minute}
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
