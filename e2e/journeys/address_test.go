package journeys

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestEveryKnownAddressGetsItsOwnMail(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		guest := tn.Guest(t, "guest")
		guest.Begins(story.Visitors)
		guest.Gives(guest.Address).Is(http.StatusAccepted)
		l := guest.Letter()
		require.NotEmpty(t, l.Text)
		stranger := tn.Visitor(t, "stranger")
		stranger.SignsInInVain()
	})
}

// Rows T16 and T17 (second identifiers, change of address) have no door yet: that there is none is row T50's to show.
func TestGuestWhoseAccessEndedLearnsItAfterProofOnly(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		open := lukas.Copied()
		open.SignsIn().Is(http.StatusOK)
		tn.Ages(t, "directory_users", "ends_at", 3*24*3600, "address = ?", lukas.Address)
		open.Get("/api/v1/me").Is(http.StatusUnauthorized)
		lukas.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		l := lukas.Letter()
		code := story.SixDigits.FindString(l.Text)
		if code == "" {
			return // the mail itself tells, which is after proof as well: only the mailbox's owner reads it
		}
		lukas.Speaks("de").Post("/api/v1/signin/code", map[string]any{"code": code}).Refused(http.StatusForbidden, "access_ended")
	})
}
