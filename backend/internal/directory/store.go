package directory

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// found turns "no such row" into nil.
func found[T any](row *T, err error) (*T, error) {
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read directory: %w", err)
	}
	return row, nil
}

// list runs query for rows of T.
func list[T any](query *gorm.DB) ([]T, error) {
	var rows []T
	if err := query.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	return rows, nil
}

func findUser(db *gorm.DB, where string, arg any) (*User, error) {
	var u User
	return found(&u, db.Where(where, arg).Take(&u).Error)
}

// lockUser reads a person to change them. On SQLite the writer is alone anyway.
func lockUser(tx *database.Tx, where string, arg any) (*User, error) {
	query := tx.Where(where, arg)
	if tx.Dialect() == database.Postgres {
		query = query.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	var u User
	return found(&u, query.Take(&u).Error)
}

func usersByID(db *gorm.DB, userIDs []string) ([]User, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	return list[User](db.Where("id IN ?", userIDs).Order("id"))
}

func membersByAddress(db *gorm.DB, canonical []string) ([]User, error) {
	if len(canonical) == 0 {
		return nil, nil
	}
	return list[User](db.Where("address IN ? AND user_type = 'Member'", canonical).Order("id"))
}

func membersOfGroups(db *gorm.DB, names []string, now time.Time) ([]User, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return list[User](db.Where(`user_type = 'Member' AND id IN (
		SELECT g.user_id FROM directory_grants AS g JOIN directory_groups AS t ON t.id = g.target_id
		WHERE g.kind = 'group' AND t.name IN ? AND g.ended_at IS NULL AND (g.until IS NULL OR g.until > ?))`, names, now).
		Order("id"))
}

func membersWithRole(db *gorm.DB, dialect database.Dialect, role string) ([]User, error) {
	has := "EXISTS (SELECT 1 FROM json_each(directory_users.roles) AS r WHERE r.value = ?)"
	if dialect == database.Postgres {
		has = "jsonb_exists(roles, ?)"
	}
	return list[User](db.Where("user_type = 'Member' AND "+has, role).Order("id"))
}

// insertUser returns false, and writes nothing, if the address, the principal name or the request has a person already.
func insertUser(tx *database.Tx, u *User) (bool, error) {
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(u)
	if res.Error != nil {
		return false, fmt.Errorf("insert user: %w", res.Error)
	}
	return res.RowsAffected == 1, nil
}

func updateUser(tx *database.Tx, id string, columns map[string]any) error {
	columns["updated_at"] = tx.Now
	if err := tx.Model(&User{}).Where("id = ?", id).Updates(columns).Error; err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return nil
}

func saveUser(tx *database.Tx, u *User) error {
	u.UpdatedAt = tx.Now
	if err := tx.Select("*").Where("id = ?", u.ID).Updates(u).Error; err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return nil
}

func insertIdentity(tx *database.Tx, i *Identity) error {
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(i).Error; err != nil {
		return fmt.Errorf("insert identity: %w", err)
	}
	return nil
}

func identitiesOf(db *gorm.DB, userID string) ([]Identity, error) {
	return list[Identity](db.Where("user_id = ?", userID).Order("id").Limit(100))
}

func findOrganisation(db *gorm.DB, where string, arg any) (*Organisation, error) {
	var o Organisation
	return found(&o, db.Where(where, arg).Take(&o).Error)
}

func organisationsByID(db *gorm.DB, orgIDs []string) ([]Organisation, error) {
	if len(orgIDs) == 0 {
		return nil, nil
	}
	return list[Organisation](db.Where("id IN ?", orgIDs))
}

// insertOrganisation writes nothing if the domain has an organisation already.
func insertOrganisation(tx *database.Tx, o *Organisation) error {
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(o).Error; err != nil {
		return fmt.Errorf("insert organisation: %w", err)
	}
	return nil
}

func countActive(db *gorm.DB, organisationID string, now time.Time) (int, error) {
	var n int
	err := db.Raw(`SELECT count(*) FROM (SELECT 1 FROM directory_users
		WHERE organisation_id = ? AND user_type = 'Guest' AND account_enabled AND external_user_state <> 'PendingAcceptance'
		AND (ends_at IS NULL OR ends_at > ?) LIMIT ?) AS counted`, organisationID, now, maxColleagues).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count guests of an organisation: %w", err)
	}
	return n, nil
}

func byName[T any](db *gorm.DB, names []string) ([]T, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return list[T](db.Where("name IN ?", names).Order("name"))
}

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
