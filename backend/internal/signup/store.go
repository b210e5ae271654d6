package signup

import (
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

func insertSignup(tx *database.Tx, s *signup) error {
	if err := tx.LaterInsert(s); err != nil {
		return fmt.Errorf("insert sign-up: %w", err)
	}
	return nil
}

func saveSignup(tx *database.Tx, s *signup) error {
	if err := tx.LaterUpdate(s); err != nil {
		return fmt.Errorf("save sign-up: %w", err)
	}
	return nil
}

// signupWhere reads one sign-up, or returns ErrNoSignup.
func signupWhere(db *gorm.DB, where string, args ...any) (*signup, error) {
	var s signup
	err := db.Where(where, args...).Take(&s).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrNoSignup
	}
	if err != nil {
		return nil, fmt.Errorf("read sign-up: %w", err)
	}
	return &s, nil
}

// lockSignup reads a sign-up to change it.
func lockSignup(tx *database.Tx, where string, args ...any) (*signup, error) {
	found, err := database.One[signup](tx, func(db *gorm.DB) *gorm.DB {
		if tx.Dialect() == database.Postgres {
			db = db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
		}
		return db.Where(where, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read sign-up: %w", err)
	}
	if found == nil {
		return nil, ErrNoSignup
	}
	return found, nil
}

// keptDraft is what this address has saved last in this flow, if it is still kept, in a sign-up other than s; or nil.
func keptDraft(tx *database.Tx, s *signup) (*signup, error) {
	var kept signup
	err := tx.Where("address = ? AND flow_slug = ? AND step = ? AND id <> ? AND expires_at >= ? AND saved_at IS NOT NULL", s.Address, s.FlowSlug, StepDetails, s.ID, tx.Now).
		Order("saved_at DESC, id DESC").Take(&kept).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read kept draft: %w", err)
	}
	return &kept, nil
}

// deleteOld deletes sign-ups past their life, at most limit a call. Requests stay: they are approval's.
func deleteOld(tx *database.Tx, limit int) (int64, error) {
	old := tx.Model(&signup{}).Select("id").Where("expires_at < ?", tx.Now).Order("expires_at").Limit(limit)
	res := tx.Where("id IN (?)", old).Delete(&signup{})
	return res.RowsAffected, res.Error
}
