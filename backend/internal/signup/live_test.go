package signup

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// TestLive_aQuietPageEndsWithItsRight: nothing happens to the request, and the page is asked all the same whether it may
// still be here, each time it shows that it lives.
func TestLive_aQuietPageEndsWithItsRight(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		for name, end := range map[string]func(tx *database.Tx, id string) error{
			"its cookie is another's": func(tx *database.Tx, id string) error {
				return tx.Exec("UPDATE signups SET token_hash = ? WHERE id = ?", make([]byte, 32), id).Error
			},
			"it is over": func(tx *database.Tx, id string) error {
				return tx.Exec("UPDATE signups SET expires_at = created_at WHERE id = ?", id).Error
			},
			"it has to be proved again": func(tx *database.Tx, id string) error {
				return tx.Exec("UPDATE signups SET proved_at = NULL WHERE id = ?", id).Error
			},
		} {
			t.Run(name, func(t *testing.T) {
				row, r := h.sends("supplier", "p"+string('a'+rune(len(name)))+"@fabrikam.de")
				token, _ := h.cookies.Load(row.ID)
				page := &liveRequest{signups: h.Service, id: r.ID, token: token.(string), reference: r.Reference, askEvery: time.Millisecond}
				events, ended := make(chan web.Event), make(chan struct{})
				go func() {
					defer close(ended)
					page.follow(context.WithoutCancel(h.ctx), events)
				}()
				require.Equal(t, "request", (<-events).Name)
				require.False(t, page.over(h.ctx))
				h.clk.Advance(time.Minute)
				h.inTx(func(tx *database.Tx) error { return end(tx, row.ID) })
				select {
				case <-ended:
				case <-events:
					t.Error("it is told more")
				}
			})
		}
	})
}
