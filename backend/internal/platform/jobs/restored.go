package jobs

import (
	"fmt"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Hold ends all live jobs of the kinds as dead without running them, in tx: staff see them with why, and may start each
// again. Nothing else is told (OnDead does not run). It says how many there were.
func (q *Queue) Hold(tx *database.Tx, why string, kinds ...string) (int64, error) {
	res := tx.Exec(`UPDATE jobs SET state = 'dead', dead_at = ?, last_error = ?, again = FALSE, held = FALSE, locked_by = NULL, locked_until = NULL, fence = fence + 1
WHERE kind IN ? AND state <> 'dead'`, tx.Now, why, kinds)
	if res.Error != nil {
		return 0, fmt.Errorf("hold jobs: %w", res.Error)
	}
	return res.RowsAffected, nil
}

// Drop deletes all jobs of the kinds, dead ones too, in tx.
func (q *Queue) Drop(tx *database.Tx, kinds ...string) error {
	if err := tx.Exec("DELETE FROM jobs WHERE kind IN ?", kinds).Error; err != nil {
		return fmt.Errorf("drop jobs: %w", err)
	}
	return nil
}
