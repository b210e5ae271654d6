package dbtest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/migrations"
)

// Start is where every test's clock stands at first: a Sunday morning without leap day or change of clocks nearby.
var Start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// maxConns is small: many tests share one server.
const maxConns = 8

// Each runs fn twice, as parallel subtests "sqlite" and "postgres", each with a fresh migrated database and a clock that
// stands at Start.
func Each(t *testing.T, fn func(t *testing.T, db *database.DB, clk *clock.Fake)) {
	t.Helper()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			db, clk := New(t, dialect)
			fn(t, db, clk)
		})
	}
}

// New opens a fresh migrated database, which is gone after the test.
func New(t testing.TB, dialect database.Dialect) (*database.DB, *clock.Fake) {
	t.Helper()
	clk := clock.NewFake(Start)
	return Open(t, URL(t, dialect), clk), clk
}

// Open opens the database at address until the test ends; a second replica, for instance.
func Open(t testing.TB, address string, clk clock.Clock) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), database.Options{
		URL: address, Clock: clk, Logger: slog.New(slog.DiscardHandler), MaxConns: maxConns,
	})
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// URL is the address of a fresh migrated database that nobody has open.
func URL(t testing.TB, dialect database.Dialect) string {
	t.Helper()
	if dialect == database.SQLite {
		return sqliteCopy(t)
	}
	return Cluster(t).clone(t, template(t, Cluster(t)))
}

// EmptyURL is the address of a fresh database without any schema.
func EmptyURL(t testing.TB, dialect database.Dialect) string {
	t.Helper()
	if dialect == database.SQLite {
		return "sqlite://" + t.TempDir() + "/empty.db"
	}
	return Cluster(t).clone(t, "template0")
}

func migrate(ctx context.Context, address string) error {
	db, err := database.Open(ctx, database.Options{URL: address, Clock: clock.System(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, migrations.FS); err != nil {
		_ = db.Close()
		return err
	}
	return db.Close()
}
