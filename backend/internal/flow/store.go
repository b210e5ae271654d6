package flow

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// flowRow points to the published version of a flow.
type flowRow struct {
	ID          string
	Slug        string
	Version     int
	CreatedAt   time.Time
	PublishedAt time.Time
}

// TableName of the model.
func (flowRow) TableName() string { return "flows" }

// versionRow is one version; there is no code that changes one.
type versionRow struct {
	ID          string
	FlowID      string
	Version     int
	Definition  database.JSON[Definition]
	Digest      string
	PublishedBy string
	PublishedAt time.Time
}

// TableName of the model.
func (versionRow) TableName() string { return "flow_versions" }

// publishedNumber reads which version is published; ErrUnknown if there is no such flow.
func publishedNumber(db *gorm.DB, slug string) (int, error) {
	var numbers []int
	if err := db.Model(&flowRow{}).Where("slug = ?", slug).Limit(1).Pluck("version", &numbers).Error; err != nil {
		return 0, fmt.Errorf("read published version: %w", err)
	}
	if len(numbers) == 0 {
		return 0, ErrUnknown
	}
	return numbers[0], nil
}

// versionOf reads a version; ErrUnknown if there is none.
func versionOf(db *gorm.DB, slug string, number int) (*Version, error) {
	var row versionRow
	err := db.Joins("JOIN flows ON flows.id = flow_versions.flow_id").
		Where("flows.slug = ? AND flow_versions.version = ?", slug, number).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("read flow version: %w", err)
	}
	return row.version(slug), nil
}

func (row versionRow) version(slug string) *Version {
	return &Version{
		Slug: slug, Number: row.Version, Definition: row.Definition.V, Digest: row.Digest,
		PublishedBy: row.PublishedBy, PublishedAt: row.PublishedAt,
	}
}

// listed is a line of the list of flows.
type listed struct {
	flow    flowRow
	version versionRow
}

// newest reads up to limit flows with an id below after (empty for all), newest first.
func newest(db *gorm.DB, after string, limit int) ([]listed, error) {
	var flows []flowRow
	query := db.Order("id DESC").Limit(limit)
	if after != "" {
		query = query.Where("id < ?", after)
	}
	if err := query.Find(&flows).Error; err != nil {
		return nil, fmt.Errorf("list flows: %w", err)
	}
	out := make([]listed, len(flows))
	for i, f := range flows {
		out[i].flow = f
		if err := db.Where("flow_id = ? AND version = ?", f.ID, f.Version).Take(&out[i].version).Error; err != nil {
			return nil, fmt.Errorf("list flows: %w", err)
		}
	}
	return out, nil
}

// locked reads a flow for changing it, nil if there is none. On PostgreSQL others who would change it wait; on SQLite
// there is one writer.
func locked(tx *database.Tx, slug string) (*flowRow, error) {
	query := tx.Where("slug = ?", slug)
	if tx.Dialect() == database.Postgres {
		query = query.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	var row flowRow
	err := query.Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read flow: %w", err)
	}
	return &row, nil
}

// insertFlow makes a flow; ErrChanged if somebody made it at the same moment.
func insertFlow(tx *database.Tx, row *flowRow) error {
	if err := tx.Create(row).Error; err != nil {
		if database.IsUniqueOn(err, "flows_slug", "flows.slug") {
			return ErrChanged.Because(err)
		}
		return fmt.Errorf("insert flow: %w", err)
	}
	return nil
}

func insertVersion(tx *database.Tx, row *versionRow) error {
	if err := tx.Create(row).Error; err != nil {
		if database.IsUniqueOn(err, "flow_versions_number", "flow_versions.flow_id") {
			return ErrChanged.Because(err)
		}
		return fmt.Errorf("insert flow version: %w", err)
	}
	return nil
}

// publish points the flow to its version number.
func publish(tx *database.Tx, row *flowRow, number int) error {
	err := tx.Model(&flowRow{}).Where("id = ?", row.ID).Updates(map[string]any{"version": number, "published_at": tx.Now}).Error
	if err != nil {
		return fmt.Errorf("publish flow version: %w", err)
	}
	return nil
}
