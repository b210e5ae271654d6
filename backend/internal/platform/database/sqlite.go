package database

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

const (
	sqliteReaders = 4
	// sqliteKept is how many compiled statements a connection keeps.
	sqliteKept = 256
)

// openSQLite opens one connection that writes and a few that cannot. WAL lets them work at the same time;
// synchronous=FULL means that an answered commit survives a power cut (security.md R02).
func (db *DB) openSQLite(ctx context.Context, o Options) error {
	path, err := sqlitePath(o.URL)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the database: %w: give it to the user that runs Vestibule, or name another one in VESTIBULE_DATA_DIR or VESTIBULE_DATABASE_URL", err)
	}
	if !o.Shared {
		unlock, err := lockFile(path + ".lock")
		if err != nil {
			return err
		}
		db.closers = append(db.closers, unlock)
	}
	if err := touch(path); err != nil {
		return err
	}
	db.dialect = SQLite
	db.turn = make(chan struct{}, 1)
	if db.write, err = db.openSQLitePool(o, path, 1, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	}); err != nil {
		return fmt.Errorf("open the database %s: %w", path, err)
	}
	if db.read, err = db.openSQLitePool(o, path, sqliteReaders, url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(1)", "foreign_keys(1)"},
	}); err != nil {
		return fmt.Errorf("open the database %s for reading: %w", path, err)
	}
	return nil
}

func (db *DB) openSQLitePool(o Options, path string, conns int, params url.Values) (*gorm.DB, error) {
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: params.Encode()}).String()
	connector, err := newSQLiteConnector(dsn, conns == 1)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	db.closers = append(db.closers, pool.Close)
	return openGorm(sqliteDialector{gormsqlite.New(gormsqlite.Config{DriverName: "sqlite", Conn: pool}).(*gormsqlite.Dialector)}, o)
}

// sqliteDialector is GORM's, with our translation of errors.
type sqliteDialector struct{ *gormsqlite.Dialector }

func (sqliteDialector) Translate(err error) error { return translate(err) }

var _ gorm.ErrorTranslator = sqliteDialector{}

// sqlitePath reads "sqlite:///abs/file.db", "sqlite://rel/file.db" and "sqlite:rel/file.db".
func sqlitePath(address string) (string, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(address, "sqlite:"), "//")
	path, _, _ = strings.Cut(path, "?")
	if path == "" || strings.HasSuffix(path, "/") || strings.HasPrefix(path, ":memory:") {
		return "", fmt.Errorf("the database address %q names no file: write sqlite:///path/to/file.db", address)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the database file %q: %w", path, err)
	}
	return abs, nil
}

// touch makes the file if it is missing, readable by nobody else: it holds people's data.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the database file: %w", err)
	}
	return f.Close()
}
