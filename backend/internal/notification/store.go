package notification

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// State is how far a mail has come.
type State string

// The states; see doc.go.
const (
	Queued   State = "queued"
	Retrying State = "retrying"
	Sent     State = "sent"
	Failed   State = "failed"
	Dropped  State = "dropped"
)

// record is a row of mails: who is written to about what, and what came of it; never what the mail says.
type record struct {
	ID        string
	Kind      string
	Recipient string
	Address   string // canonical
	Locale    string
	About     string
	State     State
	Attempts  int
	Reason    string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName is the table's.
func (record) TableName() string { return "mails" }

// maxDeliveries bounds what one request for deliveries returns.
const maxDeliveries = 100

func insertRecord(tx *database.Tx, r *record) error {
	if err := tx.LaterInsert(r); err != nil {
		return fmt.Errorf("insert mail: %w", err)
	}
	return nil
}

// mark writes what came of an attempt.
func mark(tx *database.Tx, id string, state State, attempt int, reason string) error {
	err := tx.Later(func(db *gorm.DB) *gorm.DB {
		return db.Model(&record{}).Where("id = ?", id).
			Updates(map[string]any{"state": state, "attempts": attempt, "reason": reason, "updated_at": tx.Now})
	})
	if err != nil {
		return fmt.Errorf("mark mail %s: %w", state, err)
	}
	return nil
}

// markDoubtful writes down an attempt of which nobody knows how it ended.
func markDoubtful(tx *database.Tx, id, reason string) error {
	err := tx.Model(&record{}).Where("id = ?", id).
		Updates(map[string]any{"state": Retrying, "reason": reason, "updated_at": tx.Now}).Error
	if err != nil {
		return fmt.Errorf("mark mail in doubt: %w", err)
	}
	return nil
}

func deliveriesAbout(ctx context.Context, db *database.DB, ids []string) ([]record, error) {
	var found []record
	err := db.Read(ctx).Where("about IN ?", ids).Order("id DESC").Limit(maxDeliveries).Find(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read mails: %w", err)
	}
	return found, nil
}
