package directory

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

const maxGrants = 1000

// grantsOf reads grants with the names of what was granted.
func grantsOf(db *gorm.DB, userID string) ([]Grant, error) {
	var rows []Grant
	err := db.Raw(`SELECT g.*, COALESCE(a.name, t.name, '') AS name, COALESCE(a.title, t.title, '') AS title, COALESCE(a.logo, '') AS logo
		FROM directory_grants AS g
		LEFT JOIN directory_apps AS a ON g.kind = 'app' AND a.id = g.target_id
		LEFT JOIN directory_groups AS t ON g.kind = 'group' AND t.id = g.target_id
		WHERE g.user_id = ?
		ORDER BY CASE WHEN g.ended_at IS NULL THEN 0 ELSE 1 END, g.kind, title, g.id DESC LIMIT ?`, userID, maxGrants).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	return rows, nil
}

func assignmentsOf(db *gorm.DB, userID string, now time.Time) ([]Assignment, error) {
	grants, err := list[Grant](db.Where("user_id = ? AND kind = 'app' AND ended_at IS NULL AND (until IS NULL OR until > ?)", userID, now).
		Limit(maxGrants))
	if err != nil || len(grants) == 0 {
		return nil, err
	}
	byApp := make(map[string]Grant, len(grants))
	appIDs := make([]string, 0, len(grants))
	for _, g := range grants {
		byApp[g.TargetID], appIDs = g, append(appIDs, g.TargetID)
	}
	apps, err := list[App](db.Where("id IN ?", appIDs).Order("collection, title, id"))
	if err != nil {
		return nil, err
	}
	held := make([]Assignment, 0, len(apps))
	for _, app := range apps {
		held = append(held, Assignment{App: app, Grant: byApp[app.ID]})
	}
	return held, nil
}

// liveGrant is the grant that has not been ended; its time may be over nevertheless. The caller holds the user's row.
func liveGrant(tx *database.Tx, userID, kind, targetID string) (*Grant, error) {
	var g Grant
	return found(&g, tx.Where("user_id = ? AND kind = ? AND target_id = ? AND ended_at IS NULL", userID, kind, targetID).Take(&g).Error)
}

func hasGrantOf(tx *database.Tx, userID, requestID string) (bool, error) {
	rows, err := list[Grant](tx.Where("user_id = ? AND request_id = ?", userID, requestID).Limit(1))
	return len(rows) > 0, err
}

func insertGrant(tx *database.Tx, g *Grant) error {
	if err := tx.Create(g).Error; err != nil {
		return fmt.Errorf("insert grant: %w", err)
	}
	return nil
}

func updateGrant(tx *database.Tx, id string, columns map[string]any) error {
	if err := tx.Model(&Grant{}).Where("id = ?", id).Updates(columns).Error; err != nil {
		return fmt.Errorf("update grant: %w", err)
	}
	return nil
}

// heldCount is how many live grants of a kind a person has.
type heldCount struct {
	UserID string
	Kind   string
	N      int
}

// countGrants counts the live grants of a page of people in one query.
func countGrants(db *gorm.DB, userIDs []string, now time.Time) ([]heldCount, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	var counts []heldCount
	err := db.Raw(`SELECT user_id, kind, count(*) AS n FROM directory_grants
		WHERE user_id IN ? AND ended_at IS NULL AND (until IS NULL OR until > ?) GROUP BY user_id, kind`, userIDs, now).Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("count grants: %w", err)
	}
	return counts, nil
}

// put inserts an app or a group, or changes the one of the same name, and returns what stands there now.
func put[T any](tx *database.Tx, row *T, name string, changed ...string) (*T, error) {
	err := tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "name"}}, DoUpdates: clause.AssignmentColumns(changed),
	}).Create(row).Error
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", name, err)
	}
	var stands T // not row: its new id would be one more condition
	if err := tx.Where("name = ?", name).Take(&stands).Error; err != nil {
		return nil, fmt.Errorf("put %s: %w", name, err)
	}
	return &stands, nil
}
