package backup

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// Format is the number of the file's format. A reader refuses newer ones.
const Format = 1

// Names of entries.
const (
	nameHeader   = "vestibule-backup"
	nameManifest = "manifest.json"
	nameMAC      = "manifest.mac"
)

const (
	// partRows and partBytes bound a part: it is held in memory while it is written and read.
	partRows  = 10_000
	partBytes = 4 << 20
	// maxPart is the largest part, unpacked, that a reader takes; one row may be larger than partBytes.
	maxPart = 64 << 20
	// maxManifest bounds the manifest: 100 bytes a part, and a part holds up to 4 MiB.
	maxManifest = 64 << 20
)

// Why a file, or a database, is refused. Each says what to do.
var (
	ErrNotBackup = errors.New("this file is no backup of Vestibule: give the file that `vestibule backup create` has written")
	ErrCut       = errors.New("the backup is cut off: its end is missing. Copy it again from where it was made, or take another one")
	ErrAltered   = errors.New("the backup was altered or damaged after it was made. Copy it again from where it was made, or take another one")
	ErrNewer     = errors.New("the backup was made by a newer version of Vestibule: restore it with that version or a later one")
	ErrOtherKey  = errors.New("the backup belongs to another secret key: put the key of the portal it was made in (secret.key, or VESTIBULE_SECRET_KEY) in place, and try again")
	ErrNotEmpty  = errors.New("the database is not empty, and a restore never overwrites: name an empty one in VESTIBULE_DATABASE_URL, or move the old one away first")
	ErrForeign   = errors.New("the backup's tables are not those of its schema: it was not made by a released Vestibule")
)

// Manifest says what is in a backup.
type Manifest struct {
	Format      int       `json:"format"`
	ID          string    `json:"id"` // names this backup in the audit and in the answer of restore
	MadeAt      time.Time `json:"madeAt"`
	Program     string    `json:"program"` // the version of Vestibule that wrote it
	Dialect     string    `json:"dialect"` // of the database it was made from
	Schema      int64     `json:"schema"`
	Fingerprint string    `json:"keyFingerprint"`
	LeftOut     []string  `json:"leftOut"` // tables that are not in it
	Tables      []Table   `json:"tables"`
	Parts       []Part    `json:"parts"`
}

// Table is one table, with its columns in the order of the values of a row.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	Rows    int64    `json:"rows"`
}

// Column is a name and one of the kinds of values.go.
type Column struct {
	Name string `json:"name"`
	Kind string `json:"kind"`

	identity bool // PostgreSQL: its sequence must be moved behind what is loaded
}

// Part is one entry with rows.
type Part struct {
	Name   string `json:"name"`
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // of the packed bytes, in hexadecimal
}

// Rows counts the rows of all tables.
func (m *Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// Fingerprint tells one master key from another and says nothing about either.
func Fingerprint(keys secret.Keys) string {
	return hex.EncodeToString(keys.Derive("backup.fingerprint")[:8])
}

// Opens says whether the backup belongs to these keys, and whether its manifest is as it was written under them: ErrOtherKey
// or ErrAltered otherwise.
func (c *Checked) Opens(keys secret.Keys) error {
	if c.Manifest.Fingerprint != Fingerprint(keys) {
		return fmt.Errorf("%w. Fingerprint of the backup's key: %s; of the key here: %s", ErrOtherKey, c.Manifest.Fingerprint, Fingerprint(keys))
	}
	if !hmac.Equal(c.mac, seal(keys, c.raw)) {
		return ErrAltered
	}
	return nil
}

func seal(keys secret.Keys, manifest []byte) []byte {
	mac := hmac.New(sha256.New, keys.Derive("backup.manifest"))
	mac.Write(manifest)
	return mac.Sum(nil)
}
