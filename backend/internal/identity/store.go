package identity

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// sweepBatch is how many rows one statement deletes: few enough that nobody waits for it.
const sweepBatch = 1000

// code is a row of identity_codes.
type code struct {
	ID         string
	Purpose    Purpose
	SubjectID  string
	CodeMac    []byte
	LinkHash   []byte
	SealedCode []byte
	MadeAt     time.Time
	ExpiresAt  time.Time
	UsedAt     *time.Time
	RevokedAt  *time.Time
}

func (code) TableName() string { return "identity_codes" }

func insertCode(tx *database.Tx, c *code) error {
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Create(c) }); err != nil {
		return fmt.Errorf("insert code: %w", err)
	}
	return nil
}

// revokeCodes ends the subject's unused codes but for the newest keep ones.
func revokeCodes(tx *database.Tx, p Purpose, subjectID string, keep int) error {
	const live = ` WHERE purpose = ? AND subject_id = ? AND used_at IS NULL AND revoked_at IS NULL`
	query, args := `UPDATE identity_codes SET revoked_at = ?`+live, []any{tx.Now, p, subjectID}
	if keep > 0 { // in the text: SQLite compiles a statement anew for every bound LIMIT
		query += ` AND id NOT IN (SELECT id FROM identity_codes` + live + ` ORDER BY made_at DESC, id DESC LIMIT ` + strconv.Itoa(keep) + `)`
		args = append(args, p, subjectID)
	}
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Exec(query, args...) }); err != nil {
		return fmt.Errorf("revoke codes: %w", err)
	}
	return nil
}

const burn = "UPDATE identity_codes SET used_at = ? WHERE used_at IS NULL AND revoked_at IS NULL AND expires_at > ? AND purpose = ? AND subject_id = ?"

// burnCode uses the code up if it is there and alive: one conditional statement, so that one caller alone gets true.
func burnCode(tx *database.Tx, p Purpose, subjectID string, mac []byte) (bool, error) {
	res := tx.Exec(burn+" AND code_mac = ?", tx.Now, tx.Now, p, subjectID, mac)
	if res.Error != nil {
		return false, fmt.Errorf("burn code: %w", res.Error)
	}
	return res.RowsAffected > 0, nil
}

func burnLink(tx *database.Tx, p Purpose, subjectID string, hash []byte) (bool, error) {
	res := tx.Exec(burn+" AND link_hash = ?", tx.Now, tx.Now, p, subjectID, hash)
	if res.Error != nil {
		return false, fmt.Errorf("burn link: %w", res.Error)
	}
	return res.RowsAffected > 0, nil
}

// endedLately is when the code ended, if it would have matched within expiredGrace; else nil.
func endedLately(tx *database.Tx, p Purpose, subjectID string, mac []byte) (*time.Time, error) {
	var rows []code
	err := tx.Where("purpose = ? AND subject_id = ? AND code_mac = ? AND used_at IS NULL AND revoked_at IS NULL AND expires_at <= ? AND expires_at > ?",
		p, subjectID, mac, tx.Now, tx.Now.Add(-expiredGrace)).Order("expires_at DESC").Limit(1).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read expired code: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0].ExpiresAt, nil
}

func codeByLink(db *gorm.DB, hash []byte) (*code, error) {
	return one[code](db.Where("link_hash = ?", hash))
}

// tryRow is a row of identity_tries.
type tryRow struct {
	Scope       string `gorm:"primaryKey"`
	ScopeID     string `gorm:"primaryKey"`
	Tries       int
	WindowStart time.Time
}

func (tryRow) TableName() string { return "identity_tries" }

// addTry adds one and tells the sum, in one statement. A window that is over begins anew; 0 means that it never ends.
func addTry(tx *database.Tx, scope, id string, window time.Duration) (n int, since time.Time, err error) {
	over := time.Time{}
	if window > 0 {
		over = tx.Now.Add(-window)
	}
	const q = `INSERT INTO identity_tries (scope, scope_id, tries, window_start) VALUES (?, ?, 1, ?)
ON CONFLICT (scope, scope_id) DO UPDATE SET
	tries = CASE WHEN identity_tries.window_start <= ? THEN 1 ELSE identity_tries.tries + 1 END,
	window_start = CASE WHEN identity_tries.window_start <= ? THEN excluded.window_start ELSE identity_tries.window_start END
RETURNING scope, scope_id, tries, window_start`
	var row tryRow
	if err := tx.Raw(q, scope, id, tx.Now, over, over).Scan(&row).Error; err != nil {
		return 0, time.Time{}, fmt.Errorf("count try: %w", err)
	}
	return row.Tries, row.WindowStart, nil
}

func takeBackTry(tx *database.Tx, scope, id string) error {
	const q = "UPDATE identity_tries SET tries = tries - 1 WHERE scope = ? AND scope_id = ? AND tries > 0"
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Exec(q, scope, id) }); err != nil {
		return fmt.Errorf("take back try: %w", err)
	}
	return nil
}

func putTry(tx *database.Tx, row tryRow) error {
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row) }); err != nil {
		return fmt.Errorf("put tries: %w", err)
	}
	return nil
}

func lockTry(tx *database.Tx, scope, id string) (*tryRow, error) {
	return one[tryRow](forUpdate(tx).Where("scope = ? AND scope_id = ?", scope, id))
}

// payerOfTries is the address or device for which the subject's last try was counted.
func payerOfTries(tx *database.Tx, scope string) (payer string, found bool, err error) {
	row, err := one[tryRow](tx.Where("scope = ?", scope).Order("window_start DESC"))
	if err != nil || row == nil {
		return "", false, err
	}
	return row.ScopeID, true, nil
}

// signin is a row of identity_signins.
type signin struct {
	ID          string
	TokenHash   []byte
	Mail        string // written to
	Address     string // canonical, compared
	Locale      string
	Origin      string // browser and system, coarse
	ReturnTo    string // a path of this host, checked; or empty
	MailsAsked  int
	MailAskedAt *time.Time
	FinishedAt  *time.Time
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

func (signin) TableName() string { return "identity_signins" }

func putSignin(tx *database.Tx, s *signin) error {
	if err := tx.Save(s).Error; err != nil {
		return fmt.Errorf("put sign-in: %w", err)
	}
	return nil
}

func signinByToken(db *gorm.DB, hash []byte) (*signin, error) {
	return one[signin](db.Where("token_hash = ?", hash))
}

func signinByID(db *gorm.DB, id string) (*signin, error) { return one[signin](db.Where("id = ?", id)) }

// forUpdate takes what it reads until the end of the act; SQLite has one writer anyway.
func forUpdate(tx *database.Tx) *gorm.DB {
	if tx.Dialect() == database.Postgres {
		return tx.Clauses(clause.Locking{Strength: "UPDATE"})
	}
	return tx.DB
}

// one reads the first row, or nil if there is none.
func one[T any](q *gorm.DB) (*T, error) {
	var row T
	err := q.Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", row, err)
	}
	return &row, nil
}

// session is a row of identity_sessions.
type session struct {
	ID          string
	TokenHash   []byte
	UserID      string
	Method      string
	Address     string
	UserAgent   string
	CreatedAt   time.Time
	SeenAt      time.Time
	IdleSeconds int
	ExpiresAt   time.Time
	EndedAt     *time.Time
}

func (session) TableName() string { return "identity_sessions" }

func insertSession(tx *database.Tx, s *session) error {
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Create(s) }); err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// endSessions ends those that match the condition and tells how many there were.
func endSessions(tx *database.Tx, where string, arg any) (int64, error) {
	res := tx.Exec("UPDATE identity_sessions SET ended_at = ? WHERE ended_at IS NULL AND "+where+" = ?", tx.Now, arg)
	if res.Error != nil {
		return 0, fmt.Errorf("end session: %w", res.Error)
	}
	return res.RowsAffected, nil
}

func touchSession(tx *database.Tx, id string, before time.Time) error {
	err := tx.Exec("UPDATE identity_sessions SET seen_at = ? WHERE id = ? AND seen_at <= ?", tx.Now, id, before).Error
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// sweepable are the tables that forget: key column, column of time, how long after it.
var sweepable = []struct {
	table, column string
	key           string
	kept          time.Duration
}{
	{"identity_codes", "expires_at", "id", codeKept},
	{"identity_signins", "expires_at", "id", codeKept},
	{"identity_sessions", "expires_at", "id", 24 * time.Hour},
	{"identity_tries", "window_start", "scope, scope_id", 7 * 24 * time.Hour},
	{"identity_devices", "expires_at", "id", 0},
}

// sweepTable deletes one batch of what ended before, and tells how many rows.
func sweepTable(tx *database.Tx, table, key, column string, before time.Time) (int64, error) {
	res := tx.Exec(fmt.Sprintf("DELETE FROM %[1]s WHERE (%[2]s) IN (SELECT %[2]s FROM %[1]s WHERE %[3]s < ? LIMIT ?) AND %[3]s < ?", table, key, column),
		before, sweepBatch, before)
	if res.Error != nil {
		return 0, fmt.Errorf("sweep %s: %w", table, res.Error)
	}
	return res.RowsAffected, nil
}
