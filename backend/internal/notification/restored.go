package notification

import (
	"fmt"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// heldAfterRestore is what staff read beside a mail that a restored backup was about to send.
const heldAfterRestore = "Held after a restore: it may have left before. Start it again if it has not."

// Restored is for the transaction that ends a restore: what was waiting to be sent when the backup was made may have been
// sent since, so nothing of it leaves by itself (security.md R19). Mails are held for a person's decision among the
// stopped work; codes are dropped, because what they prove is over. It says how many are held.
func (s *Service) Restored(tx *database.Tx) (held int64, err error) {
	if err := s.needs.Jobs.Drop(tx, jobCode, jobStranger); err != nil {
		return 0, err
	}
	if held, err = s.needs.Jobs.Hold(tx, heldAfterRestore, jobMail); err != nil {
		return 0, err
	}
	err = tx.Exec(`UPDATE mails SET state = CASE WHEN kind LIKE '%.code' THEN ? ELSE ? END, reason = ?, updated_at = ? WHERE state IN ?`,
		Dropped, Failed, heldAfterRestore, tx.Now, []State{Queued, Retrying}).Error
	if err != nil {
		return 0, fmt.Errorf("hold mails: %w", err)
	}
	return held, nil
}
