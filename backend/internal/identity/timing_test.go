package identity

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/timetest"
)

// TestT24_TheTimeTellsNoAddressFromAnother: asking for a sign-in takes as long for every kind of address.
func TestT24_TheTimeTellsNoAddressFromAnother(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ended := clk.Now().Add(-time.Hour)
		h.guest("guest@fabrikam.test", nil)
		h.member("member@contoso.test")
		h.guest("ended@fabrikam.test", &ended)
		h.disable(h.guest("disabled@fabrikam.test", nil))
		waiting := h.guest("waiting@fabrikam.test", nil)
		h.inTx(func(tx *database.Tx) error {
			for i := range mailsPerMailbox { // a mailbox that has had its share, for years
				name := "mail.to" + strconv.Itoa(i) + ":throttled@fabrikam.test"
				if err := tx.Exec("INSERT INTO limit_buckets (name, full_at) VALUES (?, ?)", name, clk.Now().AddDate(10, 0, 0).UnixMicro()).Error; err != nil {
					return err
				}
			}
			return tx.Exec("UPDATE directory_users SET external_user_state = 'PendingAcceptance' WHERE id = ?", waiting.ID).Error
		})
		n := 0
		asks := func(address string) timetest.Act {
			var b *browser
			return timetest.Act{
				Name: address,
				Ready: func() {
					n++
					clk.Advance(3 * time.Hour) // budgets are full again
					b = h.browser()
					b.address = "198.18." + strconv.Itoa(n/250%250) + "." + strconv.Itoa(n%250) + ":80"
					h.forgetsOrders()
				},
				Do: func() {
					if a := b.post("/api/v1/signin", map[string]any{"email": address}); a.status != http.StatusOK {
						t.Errorf("%s: %d %s", address, a.status, a.body)
					}
				},
			}
		}
		require.NoError(t, timetest.Alike(
			asks("unknown@fabrikam.test"), asks("guest@fabrikam.test"), asks("member@contoso.test"), asks("ended@fabrikam.test"),
			asks("disabled@fabrikam.test"), asks("waiting@fabrikam.test"), asks("throttled@fabrikam.test"),
		))
	})
}
