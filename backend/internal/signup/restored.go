package signup

import (
	"fmt"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Restored is for the transaction that ends a restore: no browser holds a sign-up any longer. Drafts stay, and whoever
// proves their address again goes on with theirs.
func (s *Service) Restored(tx *database.Tx) error {
	nobody := "randomblob(32)"
	if tx.Dialect() == database.Postgres {
		nobody = "sha256(convert_to(gen_random_uuid()::text || id, 'UTF8'))"
	}
	if err := tx.Exec("UPDATE signups SET token_hash = " + nobody).Error; err != nil {
		return fmt.Errorf("forget the browsers of sign-ups: %w", err)
	}
	return nil
}
