package database

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// Dialect names the database at hand.
type Dialect string

// The two databases.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DefaultMaxConns is how many PostgreSQL connections one process uses if Options.MaxConns is 0.
const DefaultMaxConns = 16

// Options of Open. Clock and Logger are needed.
type Options struct {
	// URL is "sqlite:///path/file.db" (or "sqlite:relative.db") or "postgres://…" as libpq reads it, several hosts and
	// target_session_attrs included.
	URL    string
	Clock  clock.Clock
	Logger *slog.Logger
	// MaxConns bounds PostgreSQL connections, 1–500; 0 means DefaultMaxConns. SQLite has one writer and four readers.
	MaxConns int
	// FollowServer makes tx.Now the time of the PostgreSQL server, so that replicas with wrong clocks agree. It measures
	// the difference at every new connection and Ping. SQLite ignores it: there is only one process.
	FollowServer bool
	// Shared is for a short visit to a SQLite file that a running server may have claimed, such as a command line tool:
	// the file is not claimed, and writers wait for each other. PostgreSQL ignores it.
	Shared bool
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	clock   clock.Clock
	log     *slog.Logger
	write   *gorm.DB
	read    *gorm.DB
	waits   waits
	turn    chan struct{} // SQLite: whose turn it is to write, first come, first served; nil on PostgreSQL
	closers []func() error
	pg      *postgresServer // nil on SQLite
}

// Open readies the database named by o.URL. PostgreSQL need not be up: calls fail with ErrUnavailable until it is.
// A SQLite file is made if it is missing; one that another process has open is refused.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Clock == nil || o.Logger == nil {
		panic("database.Open needs Options.Clock and Options.Logger")
	}
	db := &DB{clock: o.Clock, log: o.Logger}
	var err error
	switch {
	case strings.HasPrefix(o.URL, "sqlite:"):
		err = db.openSQLite(ctx, o)
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		err = db.openPostgres(ctx, o)
	default:
		scheme, _, _ := strings.Cut(o.URL, ":")
		err = fmt.Errorf("the database address starts with %q: write sqlite:///path/to/file.db or postgres://user@host/name", scheme+":")
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// Dialect tells which database it is.
func (db *DB) Dialect() Dialect { return db.dialect }

// Close waits for running queries and lets go of connections and of the SQLite lock.
func (db *DB) Close() error {
	var first error
	for i := len(db.closers) - 1; i >= 0; i-- {
		if err := db.closers[i](); err != nil && first == nil {
			first = err
		}
	}
	db.closers = nil
	return first
}

// Ping asks for a sign of life: nil, or ErrUnavailable with the cause.
func (db *DB) Ping(ctx context.Context) error {
	if db.pg != nil {
		return db.mapped(ctx, db.pg.measure(ctx))
	}
	var one int
	return db.mapped(ctx, db.Read(ctx).Raw("SELECT 1").Scan(&one).Error)
}

// Read returns a handle for queries, never for writes. Inside InTx (ctx from tx.Context) it is the transaction's own
// handle, so that a neighbour's read sees what the act has written so far.
func (db *DB) Read(ctx context.Context) *gorm.DB {
	if tx := txOf(ctx); tx != nil && tx.db == db {
		return tx.DB
	}
	return db.read.WithContext(ctx)
}

// SQL is the plain handle for writing, for tools that need one (migrations, backup); rooms use InTx.
func (db *DB) SQL() *sql.DB {
	handle, err := db.write.DB()
	if err != nil {
		panic(err) // gorm always has the handle it was opened with
	}
	return handle
}

func openGorm(dialector gorm.Dialector, o Options) (*gorm.DB, error) {
	db, err := gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true, // InTx opens them
		DisableAutomaticPing:   true, // the database may come up after us
		TranslateError:         true, // see translate in errors.go
		Logger:                 newGormLog(o.Logger),
		NowFunc:                o.Clock.Now,
	})
	if err != nil {
		return nil, err
	}
	// Rows, and Scan that is built on it, would keep the driver's error: GORM translates everywhere else.
	return db, db.Callback().Row().After("gorm:row").Register("vestibule:translate", func(db *gorm.DB) {
		if db.Error != nil {
			db.Error = translate(db.Error)
		}
	})
}
