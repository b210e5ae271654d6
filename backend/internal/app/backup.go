package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/backup"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/config"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/migrations"
)

// neverBackedUp are tables that a backup leaves out: what may not live again after a restore (sessions, codes, links,
// known devices, answers kept for repeats; security.md R19), what shows codes (the built-in mailbox), and what the house
// makes anew by itself.
var neverBackedUp = []string{
	"identity_sessions", "identity_signins", "identity_codes", "identity_setup", "identity_devices", "approval_links",
	"idempotency_keys", "mailbox_messages", "limit_buckets", "job_schedules", "directory_guest_texts",
}

// ErrUnfinished refuses to serve from a database that a restore has left half-way.
var ErrUnfinished = errors.New("a restore into this database was interrupted before its end: restore again, into an empty database")

// Backup writes the database into a new file at path, readable by its owner only. The file is there whole, or not at all.
// The schema stays as it is, also an older one: a backup comes before an upgrade.
func (h *House) Backup(ctx context.Context, path string, told func(table string, rows int64)) (*backup.Manifest, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is there already, and a backup never overwrites: name another file", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return nil, fmt.Errorf("the backup cannot be written: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	source := backup.Source{
		DB: h.DB, Keys: h.keys, ID: h.IDs.New("bak"), MadeAt: h.DB.Now(), Program: h.version, LeaveOut: neverBackedUp, Told: told,
	}
	made, err := backup.Write(ctx, source, file)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Link(file.Name(), path) // unlike a rename, this never replaces a file
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("the backup was not made: %w", err)
	}
	return made, h.noteBackup(ctx, made)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// noteBackup remembers when the last backup was made, for health. A schema from before the marks has no place for that.
func (h *House) noteBackup(ctx context.Context, made *backup.Manifest) error {
	if made.Schema < firstWithMarks {
		return nil
	}
	return h.DB.InTx(ctx, func(tx *database.Tx) error {
		if err := operation.PutMark(tx, operation.Mark{Name: operation.MarkBackup, At: made.MadeAt, Note: made.ID}); err != nil {
			return err
		}
		return h.Audit.Record(tx, audit.Event{Name: "operation.backed_up", Target: made.ID, Data: map[string]any{"rows": made.Rows(), "schema": made.Schema}})
	})
}

// firstWithMarks is the first schema that has operation_marks.
const firstWithMarks = 5

// CheckBackup reads a whole backup without a database. With keys it also holds it against them.
func CheckBackup(path string, keys *secret.Keys) (*backup.Checked, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the backup cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	checked, err := backup.Check(file)
	if err != nil || keys == nil {
		return checked, err
	}
	return checked, checked.Opens(*keys)
}

// ExistingKeys are the configured master keys; unlike Build it makes none.
func ExistingKeys(cfg *config.Config) (secret.Keys, error) {
	if !cfg.SecretKey.IsZero() {
		return secret.NewKeys(cfg.SecretKey)
	}
	return secret.Load(cfg.DataDir)
}

// Restoration is what a restore needs and what it says.
type Restoration struct {
	Config  *config.Config
	Logger  *slog.Logger
	Clock   clock.Clock // the system's if nil
	Version string
	Path    string
	Told    func(table string, rows int64)
}

// Restored says what came of it.
type Restored struct {
	Manifest backup.Manifest
	Held     int64 // mails that wait for a person's decision
	LiveKeys int   // API keys that are alive, as they were when the backup was made
}

// Restore loads a backup into the configured database, which must be empty, and sees to it that history does not play
// again: sessions, codes and links of before are dead, and no mail of before leaves by itself (security.md R19).
//
// Everything that can be refused is refused before anything is written: a file that is no backup, cut, altered or of a
// newer version, another master key, a database that is not empty or in use.
func Restore(ctx context.Context, r Restoration) (*Restored, error) {
	keys, err := ExistingKeys(r.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w. There is no key here yet (%s)", backup.ErrOtherKey, filepath.Join(r.Config.DataDir, secret.FileName))
	}
	if err != nil {
		return nil, err
	}
	checked, err := CheckBackup(r.Path, &keys)
	if err != nil {
		return nil, err
	}
	newest, err := database.NewestVersion(migrations.FS)
	if err != nil {
		return nil, err
	}
	if checked.Manifest.Schema > newest {
		return nil, fmt.Errorf("%w (its schema is %d, and this version knows %d)", backup.ErrNewer, checked.Manifest.Schema, newest)
	}
	if err := r.load(ctx, checked); err != nil {
		return nil, err
	}
	return r.finish(ctx, checked)
}

func (r Restoration) load(ctx context.Context, checked *backup.Checked) error {
	clk := r.Clock
	if clk == nil {
		clk = clock.System()
	}
	db, err := database.Open(ctx, database.Options{URL: r.Config.DatabaseURL.Reveal(), Clock: clk, Logger: r.Logger})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := backup.Empty(ctx, db); err != nil {
		return err
	}
	current, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if current > checked.Manifest.Schema {
		return fmt.Errorf("%w. It has no rows, but schema %d already, and the backup has %d", backup.ErrNotEmpty, current, checked.Manifest.Schema)
	}
	if err := db.MigrateTo(ctx, migrations.FS, checked.Manifest.Schema); err != nil {
		return err
	}
	file, err := os.Open(r.Path)
	if err != nil {
		return fmt.Errorf("the backup cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	return backup.Load(ctx, backup.Target{DB: db, Checked: checked, Told: r.Told, Within: func(ctx context.Context, conn *sql.Conn) error {
		if checked.Manifest.Schema < firstWithMarks {
			return nil
		}
		return operation.PutUnfinished(ctx, conn, db.Dialect(), clk.Now())
	}}, file)
}

// finish brings the schema up to date, and ends what may not go on, in one act of the rooms.
func (r Restoration) finish(ctx context.Context, checked *backup.Checked) (*Restored, error) {
	h, err := Build(ctx, Options{Config: r.Config, Logger: r.Logger, Version: r.Version, Clock: r.Clock})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if err := h.DB.Migrate(ctx, migrations.FS); err != nil {
		return nil, err
	}
	out := &Restored{Manifest: checked.Manifest}
	return out, h.DB.InTx(ctx, func(tx *database.Tx) (err error) {
		if out.Held, err = h.Mail.Restored(tx); err != nil {
			return err
		}
		if err := h.Signups.Restored(tx); err != nil {
			return err
		}
		keys, err := h.Identity.APIKeys(tx.Context())
		if err != nil {
			return err
		}
		out.LiveKeys = 0
		for _, k := range keys {
			if k.RevokedAt == nil {
				out.LiveKeys++
			}
		}
		if err := operation.DropMark(tx, operation.MarkUnfinished); err != nil {
			return err
		}
		m := checked.Manifest
		if err := operation.PutMark(tx, operation.Mark{Name: operation.MarkRestored, At: tx.Now, Note: m.ID}); err != nil {
			return err
		}
		return h.Audit.Record(tx, audit.Event{Name: "operation.restored", Target: m.ID, Data: map[string]any{"madeAt": m.MadeAt, "rows": m.Rows(), "heldMails": out.Held}})
	})
}

// whole refuses a database that a restore has left half-way.
func (h *House) whole(ctx context.Context) error {
	mark, err := operation.FindMark(ctx, h.DB, operation.MarkUnfinished)
	if err == nil && mark != nil {
		return ErrUnfinished
	}
	return err
}
