package signup

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/timetest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// TestT24_GivingAnAddressTakesAsLongForEveryone: a member's, a guest's, an applicant's and an unknown address, guests
// whose access has ended or was taken away, and a mailbox that gets no more mails for now.
func TestT24_GivingAnAddressTakesAsLongForEveryone(t *testing.T) {
	t.Parallel()
	each(t, true, func(t *testing.T, h *house) {
		h.sends("visitor", "guest@fabrikam.de") // approved by itself
		h.sends("supplier", "pending@fabrikam.de")
		h.sends("visitor", "ended@fabrikam.de")
		h.sends("visitor", "disabled@fabrikam.de")
		h.inTx(disableGuest("disabled@fabrikam.de"))
		h.inTx(func(tx *database.Tx) error {
			for i := range 3 { // the budgets of a mailbox; this one's are used up for years
				name := "mail.to" + strconv.Itoa(i) + ":throttled@fabrikam.de"
				if err := tx.Exec("INSERT INTO limit_buckets (name, full_at) VALUES (?, ?)", name, h.clk.Now().AddDate(10, 0, 0).UnixMicro()).Error; err != nil {
					return err
				}
			}
			return tx.Exec("UPDATE directory_users SET ends_at = ? WHERE address = 'ended@fabrikam.de'", h.clk.Now().Add(-time.Hour)).Error
		})
		n := 0
		gives := func(address string) timetest.Act {
			var by Holder
			ctx := h.ctx
			return timetest.Act{
				Name: address,
				Ready: func() {
					n++
					h.clk.Advance(3 * time.Hour) // budgets are full again
					ctx = web.WithMeta(h.ctx, web.Meta{Address: "198.18." + strconv.Itoa(n/250%250) + "." + strconv.Itoa(n%250), Locale: "en"})
					row, token, err := h.Service.Start(ctx, "supplier", "", "en", "")
					require.NoError(t, err)
					by = HolderOf(row.ID, token)
				},
				Do: func() {
					if _, err := h.Service.GiveEmail(ctx, by, address, "en"); err != nil {
						t.Errorf("%s: %v", address, err)
					}
				},
			}
		}
		require.NoError(t, timetest.Alike(
			gives("unknown@fabrikam.de"), gives("guest@fabrikam.de"), gives("pending@fabrikam.de"), gives("a.ruiz@contoso.com"),
			gives("ended@fabrikam.de"), gives("disabled@fabrikam.de"), gives("throttled@fabrikam.de"),
		))
	})
}
