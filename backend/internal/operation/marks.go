package operation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Names of marks.
const (
	MarkBackup     = "backup"    // the last backup that was finished
	MarkRestored   = "restored"  // this database came from a backup
	MarkUnfinished = "restoring" // a restore has begun and not ended: nobody may serve from here
)

// Mark is something that the house remembers of its own upkeep.
type Mark struct {
	Name string `gorm:"primaryKey"`
	At   time.Time
	Note string
}

// TableName is the table's.
func (Mark) TableName() string { return "operation_marks" }

// PutMark writes a mark over an older one of the same name.
func PutMark(tx *database.Tx, m Mark) error {
	if err := tx.Save(&m).Error; err != nil {
		return fmt.Errorf("write the mark %s: %w", m.Name, err)
	}
	return nil
}

// PutUnfinished writes MarkUnfinished by hand, for the transaction of a restore, which is none of database.InTx.
func PutUnfinished(ctx context.Context, conn *sql.Conn, dialect database.Dialect, at time.Time) error {
	values := "(?, ?, '')"
	if dialect == database.Postgres {
		values = "($1, $2, '')"
	}
	if _, err := conn.ExecContext(ctx, "INSERT INTO operation_marks (name, at, note) VALUES "+values, MarkUnfinished, at); err != nil {
		return fmt.Errorf("write the mark %s: %w", MarkUnfinished, err)
	}
	return nil
}

// DropMark takes a mark away.
func DropMark(tx *database.Tx, name string) error {
	if err := tx.Delete(&Mark{Name: name}).Error; err != nil {
		return fmt.Errorf("drop the mark %s: %w", name, err)
	}
	return nil
}

// FindMark is nil where there is none.
func FindMark(ctx context.Context, db *database.DB, name string) (*Mark, error) {
	var m Mark
	err := db.Read(ctx).Where("name = ?", name).Take(&m).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the mark %s: %w", name, err)
	}
	return &m, nil
}
