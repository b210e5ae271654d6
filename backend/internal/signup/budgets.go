package signup

import (
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// budget is one of security.md §4, told to whoever has used it up (429): they depend on where a call comes from or on
// the domain of an address, never on whether the address is known. Those of a mailbox are identity's, and silent.
type budget struct {
	name string
	limits.Budget
}

// Networks are allowed more than one address, because an office stands behind each.
var (
	startsOfAddress = budget{"signup.start:", limits.Budget{Burst: 10, Refill: 18 * time.Minute}}          // 10 in 3 hours
	startsOfNetwork = budget{"signup.start.network:", limits.Budget{Burst: 50, Refill: 216 * time.Second}} // 50 in 3 hours
	mailsOfAddress  = budget{"signup.mail:", limits.Budget{Burst: 20, Refill: 3 * time.Minute}}            // 20 an hour
	mailsOfNetwork  = budget{"signup.mail.network:", limits.Budget{Burst: 100, Refill: 36 * time.Second}}  // 100 an hour
	proofsOfDomain  = []budget{
		{"signup.domain.hour:", limits.Budget{Burst: 30, Refill: 2 * time.Minute}},   // 30 an hour
		{"signup.domain.day:", limits.Budget{Burst: 100, Refill: 864 * time.Second}}, // 100 a day
	}
)

// personalShare is how much more of a mail provider's domain is let through than of a company's.
const personalShare = 5

// mayStart charges where a sign-up begins from.
func (s *Service) mayStart(tx *database.Tx) error {
	from := web.MetaOf(tx.Context()).Address
	return s.charge(tx, startsOfAddress.of(web.AddressKey(from)), startsOfNetwork.of(web.NetworkKey(from)))
}

// mayAsk charges where a code is asked from, and, when the address is new to the sign-up, the address's domain in this
// flow.
func (s *Service) mayAsk(tx *database.Tx, row *signup, to email.Address) error {
	from := web.MetaOf(tx.Context()).Address
	charges := []limits.Charge{mailsOfAddress.of(web.AddressKey(from)), mailsOfNetwork.of(web.NetworkKey(from))}
	if row.Address != to.Canonical() {
		for _, b := range proofsOfDomain {
			if directory.PersonalDomain(to.Domain) {
				b.Burst, b.Refill = b.Burst*personalShare, b.Refill/personalShare
			}
			charges = append(charges, b.of(row.FlowSlug+":"+to.Domain))
		}
	}
	return s.charge(tx, charges...)
}

func (b budget) of(key string) limits.Charge {
	return limits.Charge{Name: b.name + key, Budget: b.Budget}
}

func (s *Service) charge(tx *database.Tx, charges ...limits.Charge) error {
	ok, wait, err := s.limits.TakeAll(tx, charges...)
	if err == nil && !ok {
		return identity.ErrTooMany.RetryAfter(wait)
	}
	return err
}
