package directory

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// What this room refuses.
var (
	// ErrGuestUnknown is also the answer for people who are no guests.
	ErrGuestUnknown = fault.New(fault.NotFound, "guest_unknown", "There is no such guest. Go back to the list of guests.")
	// ErrMemberAddress refuses to make a guest, or another member, of an address that a member has.
	ErrMemberAddress = fault.New(fault.Conflict, "directory_member_address",
		"This address belongs to somebody of the company. Sign in with it as a member.")
	// ErrAddressTaken refuses a member whose address a guest has.
	ErrAddressTaken = fault.New(fault.Conflict, "directory_address_taken",
		"Somebody in the directory has this address already. Use another one.")
	// ErrSponsorUnknown refuses an admission whose sponsor is no member.
	ErrSponsorUnknown = fault.New(fault.Conflict, "directory_sponsor_unknown",
		"The sponsor is no member of the company any more. Choose another one.")
	// ErrFilter refuses a filter of the list that has no such value.
	ErrFilter = fault.New(fault.Invalid, "guests_filter_invalid", "The list of guests has no such choice for “{parameter}”.")
)

func init() {
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
}
