package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/migrations"
)

// start builds a house on some ground and brings its schema up to date, as serve does.
func start(t *testing.T, url string, more ...string) error {
	t.Helper()
	h, err := Build(t.Context(), Options{Config: settings(t, url, more...), Logger: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		return err
	}
	defer h.Close()
	return h.Migrate(t.Context())
}

// TestBadGround: what a house may be put on. Each case says what is wrong and how to mend it, and leaves things as they are.
func TestBadGround(t *testing.T) {
	t.Parallel()
	t.Run("a data folder that nobody can make", func(t *testing.T) {
		t.Parallel()
		taken := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(taken, []byte("mine"), 0o600))
		for _, more := range [][]string{
			{"VESTIBULE_SECRET_KEY=", "VESTIBULE_DATABASE_URL=", "VESTIBULE_DATA_DIR=" + taken},
			{"VESTIBULE_DATABASE_URL=", "VESTIBULE_DATA_DIR=" + taken},
		} {
			require.ErrorContains(t, start(t, "", more...), "VESTIBULE_DATA_DIR")
		}
		kept, err := os.ReadFile(taken)
		require.NoError(t, err)
		require.Equal(t, "mine", string(kept))
	})
	t.Run("a SQLite file that another process has open", func(t *testing.T) {
		t.Parallel()
		url := dbtest.URL(t, database.SQLite)
		dbtest.Open(t, url, clock.System())
		require.ErrorContains(t, start(t, url), "stop it first, or use PostgreSQL to run several")
	})
	t.Run("a file that is no database", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "letter.db")
		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("Dear operator, ", 100)), 0o600))
		require.ErrorContains(t, start(t, "sqlite://"+path), "not a database")
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(kept), "Dear operator"))
	})
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run("a newer schema, "+string(dialect), func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t, dialect)
			db := dbtest.Open(t, url, clock.System())
			require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
				return tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, TRUE)").Error
			}))
			require.NoError(t, db.Close())
			require.ErrorContains(t, start(t, url), "start the newer version, or restore a backup of before")
		})
		t.Run("an older schema is brought up to date, "+string(dialect), func(t *testing.T) {
			t.Parallel()
			url := dbtest.EmptyURL(t, dialect)
			db := dbtest.Open(t, url, clock.System())
			require.NoError(t, db.MigrateTo(t.Context(), migrations.FS, 2))
			require.NoError(t, db.Close())

			// A look and a dry run say what would happen, and nothing does.
			cfg := settings(t, url)
			h, err := Look(t.Context(), cfg, "test")
			require.NoError(t, err)
			var would, status strings.Builder
			require.NoError(t, h.PrintPending(t.Context(), &would))
			require.Contains(t, would.String(), "CREATE TABLE operation_marks")
			require.NotContains(t, would.String(), "CREATE TABLE directory_users")
			require.NotContains(t, would.String(), "{{")
			require.NoError(t, h.PrintMigrations(t.Context(), &status))
			require.Contains(t, status.String(), "waiting")
			schema, err := h.DB.SchemaVersion(t.Context())
			require.NoError(t, err)
			require.Equal(t, int64(2), schema)
			h.Close()

			require.NoError(t, start(t, url))
			require.NoError(t, start(t, url), "and once more is nothing")
		})
		t.Run("tables of somebody else, "+string(dialect), func(t *testing.T) {
			t.Parallel()
			url := dbtest.EmptyURL(t, dialect)
			db := dbtest.Open(t, url, clock.System())
			require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
				return tx.Exec("CREATE TABLE requests (mine TEXT)").Error
			}))
			require.NoError(t, db.Close())
			require.ErrorContains(t, start(t, url), "0001_house.sql")
			db = dbtest.Open(t, url, clock.System())
			schema, err := db.SchemaVersion(t.Context())
			require.NoError(t, err)
			require.Zero(t, schema, "nothing is left half-way")
			require.Error(t, db.Read(t.Context()).Exec("SELECT 1 FROM directory_users").Error)
		})
	}
	t.Run("a PostgreSQL that only reads", func(t *testing.T) {
		t.Parallel()
		url := dbtest.EmptyURL(t, database.Postgres)
		joint := "?"
		if strings.Contains(url, "?") {
			joint = "&"
		}
		err := start(t, url+joint+"default_transaction_read_only=on")
		require.ErrorIs(t, err, database.ErrUnavailable, "it is waited for: a standby becomes a primary")
		require.ErrorContains(t, err, "read-only")
	})
	t.Run("looking makes nothing", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		cfg := settings(t, "", "VESTIBULE_DATABASE_URL=", "VESTIBULE_SECRET_KEY=", "VESTIBULE_DATA_DIR="+dir)
		_, err := Look(t.Context(), cfg, "test")
		require.ErrorIs(t, err, ErrNoDatabase)
		require.NotEmpty(t, Examine(t.Context(), cfg, "test"))
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}
