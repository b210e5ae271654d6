package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	// VersionTable is where goose keeps which migrations ran.
	VersionTable = "goose_db_version"
	// migrationLock is the advisory lock that replicas starting together queue for; any fixed number of ours.
	migrationLock int64 = 7_384_112
)

// Migration is one file of the schema's history.
type Migration struct {
	Version   int64     // the number before the first underscore
	File      string    // "0001_init.sql"; empty for one that only the database knows
	AppliedAt time.Time // zero while it is pending
}

// Migrate brings the schema forward to the newest file of fsys. It is cheap when there is nothing to do, and N replicas
// that start together run each file once. A schema newer than fsys is refused: an old binary must not write into it.
func (db *DB) Migrate(ctx context.Context, fsys fs.FS) error {
	target, err := NewestVersion(fsys)
	if err != nil {
		return err
	}
	current, err := db.SchemaVersion(ctx)
	switch {
	case err != nil:
		return db.mapped(ctx, fmt.Errorf("read the schema's version: %w", err))
	case current > target:
		return fmt.Errorf("the database has schema %d and this vestibule knows %d: start the newer version, or restore a backup of before", current, target)
	case current == target:
		return nil
	}
	return db.mapped(ctx, db.migrateUp(ctx, fsys, target))
}

// MigrateTo brings an older schema, or none, forward to exactly version, for a backup that was made of that one.
func (db *DB) MigrateTo(ctx context.Context, fsys fs.FS, version int64) error {
	return db.mapped(ctx, db.migrateUp(ctx, fsys, version))
}

func (db *DB) migrateUp(ctx context.Context, fsys fs.FS, version int64) error {
	handle, done, err := db.migrationHandle()
	if err != nil {
		return err
	}
	defer done()
	options := []goose.ProviderOption{goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithTableName(VersionTable), goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if db.pg != nil {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 30))
		if err != nil {
			return fmt.Errorf("make the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, handle, expandedFS{fsys, db.dialect}, options...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	results, err := provider.UpTo(ctx, version)
	for _, r := range results {
		db.log.InfoContext(ctx, "schema migrated", "file", r.Source.Path, "took", r.Duration)
	}
	if partial := (*goose.PartialError)(nil); errors.As(err, &partial) && partial.Failed != nil {
		hint := ". Is this a database of Vestibule? If not, name an empty one in VESTIBULE_DATABASE_URL"
		if isAway(partial.Err) { // full, read-only or gone: there is nothing wrong with what is in it
			hint = ""
		}
		return fmt.Errorf("migrate the schema: %s failed, and nothing of it was kept%s: %w", partial.Failed.Source.Path, hint, partial.Err)
	}
	if err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

// migrationHandle is the writer on SQLite. On PostgreSQL it is a connection without limits on statements, but with one
// on locks: a migration that cannot have its lock quickly must fail rather than stop everybody behind it.
func (db *DB) migrationHandle() (handle *sql.DB, done func(), err error) {
	if db.pg == nil {
		db.turn <- struct{}{}
		return db.SQL(), func() { <-db.turn }, nil
	}
	config := db.pg.config.Copy()
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	handle = stdlib.OpenDB(*config)
	return handle, func() { _ = handle.Close() }, nil
}

// MigrationSQL is what a file of fsys says to this database: without the other's lines, in its own types.
func (db *DB) MigrationSQL(fsys fs.FS, file string) (string, error) {
	raw, err := fs.ReadFile(fsys, file)
	if err != nil {
		return "", fmt.Errorf("read the migration: %w", err)
	}
	sql, err := expand(db.dialect, file, raw)
	return string(sql), err
}

// SchemaVersion is 0 for a database without a schema.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	var version sql.NullInt64
	err := db.Read(ctx).Raw("SELECT max(version_id) FROM " + VersionTable + " WHERE is_applied").Scan(&version).Error
	if isNoTable(err) {
		return 0, nil
	}
	return version.Int64, err
}

// MigrationStatus lists the files of fsys and what the database knows of them, oldest first.
func (db *DB) MigrationStatus(ctx context.Context, fsys fs.FS) ([]Migration, error) {
	out, err := migrationFiles(fsys)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		VersionID int64
		Tstamp    time.Time
	}
	err = db.Read(ctx).Raw("SELECT version_id, tstamp FROM " + VersionTable + " WHERE is_applied AND version_id > 0").Scan(&rows).Error
	if err != nil && !isNoTable(err) {
		return nil, db.mapped(ctx, fmt.Errorf("read the schema's history: %w", err))
	}
	for _, row := range rows {
		at, found := slices.BinarySearchFunc(out, row.VersionID, func(m Migration, v int64) int { return int(m.Version - v) })
		if !found {
			out = slices.Insert(out, at, Migration{Version: row.VersionID})
		}
		out[at].AppliedAt = row.Tstamp.UTC()
	}
	return out, nil
}

// NewestVersion is the schema that fsys leads to.
func NewestVersion(fsys fs.FS) (int64, error) {
	files, err := migrationFiles(fsys)
	if err != nil {
		return 0, err
	}
	return files[len(files)-1].Version, nil
}

// migrationFiles lists "0001_name.sql" files by number; at least one.
func migrationFiles(fsys fs.FS) ([]Migration, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the migrations: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("there are no migrations to read")
	}
	out := make([]Migration, 0, len(names))
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version < 1 {
			return nil, fmt.Errorf("the migration %s must begin with a number and an underscore", name)
		}
		out = append(out, Migration{Version: version, File: name})
	}
	slices.SortFunc(out, func(a, b Migration) int { return int(a.Version - b.Version) })
	return out, nil
}

// isNoTable: the version table is missing (undefined_table; SQLite has no code of its own for it).
func isNoTable(err error) bool {
	var pg *pgconn.PgError
	return err != nil && (errors.As(err, &pg) && pg.Code == "42P01" || strings.Contains(err.Error(), "no such table: "+VersionTable))
}
