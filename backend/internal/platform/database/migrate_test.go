package database_test

import (
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

const first = `-- +goose Up
CREATE TABLE things (
    id {{key}} PRIMARY KEY, name {{text}} NOT NULL, body {{json}} NOT NULL, seen {{bool}} NOT NULL, at {{time}} NOT NULL, raw {{bytes}}, n {{int}} NOT NULL
);
CREATE TABLE numbered (seq {{bigid}}, thing {{id}} NOT NULL);
-- +sqlite
CREATE TABLE only_sqlite (id {{id}});
-- +end
-- +postgres
CREATE TABLE only_postgres (id {{id}});
-- +end
`

func eachEmpty(t *testing.T, fn func(t *testing.T, address string)) {
	t.Helper()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			fn(t, dbtest.EmptyURL(t, dialect))
		})
	}
}

func TestMigrate_GoesForwardOnceAndRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, address string) {
		db := dbtest.Open(t, address, clock.System())
		one := fstest.MapFS{"0001_first.sql": {Data: []byte(first)}}
		two := fstest.MapFS{"0001_first.sql": {Data: []byte(first)}, "0002_more.sql": {Data: []byte("-- +goose Up\nALTER TABLE things ADD COLUMN more {{int}};\n")}}

		status, err := db.MigrationStatus(t.Context(), two)
		require.NoError(t, err)
		require.Len(t, status, 2)
		require.Zero(t, status[0].AppliedAt, "an empty database has nothing applied")

		require.NoError(t, db.Migrate(t.Context(), one))
		require.NoError(t, db.Migrate(t.Context(), one), "again: nothing to do")
		require.True(t, db.Read(t.Context()).Migrator().HasTable("only_"+string(db.Dialect())))
		var n int64
		require.NoError(t, db.Read(t.Context()).Table("numbered").Count(&n).Error)

		require.NoError(t, db.Migrate(t.Context(), two))
		status, err = db.MigrationStatus(t.Context(), two)
		require.NoError(t, err)
		require.Equal(t, "0002_more.sql", status[1].File)
		require.WithinDuration(t, time.Now(), status[1].AppliedAt, 5*time.Minute)

		require.ErrorContains(t, db.Migrate(t.Context(), one), "the database has schema 2 and this vestibule knows 1")
	})
}

func TestMigrate_LeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, address string) {
		db := dbtest.Open(t, address, clock.System())
		broken := fstest.MapFS{"0001_broken.sql": {Data: []byte("-- +goose Up\nCREATE TABLE half (id {{id}});\nCREATE TABLE half (id {{id}});\n")}}
		require.Error(t, db.Migrate(t.Context(), broken))
		mended := fstest.MapFS{"0001_broken.sql": {Data: []byte("-- +goose Up\nCREATE TABLE half (id {{id}});\n")}}
		require.NoError(t, db.Migrate(t.Context(), mended))
	})
}

func TestMigrate_ExplainsAMistakeInAFile(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dbtest.EmptyURL(t, database.SQLite), clock.System())
	for _, tc := range []struct{ name, sql, says string }{
		{"a type word that does not exist", "-- +goose Up\nCREATE TABLE a (id {{uuid}});", "type word {{uuid}} is not one of"},
		{"a block without end", "-- +goose Up\n-- +sqlite\nCREATE TABLE a (id TEXT);", "has no -- +end"},
		{"an end without block", "-- +goose Up\n-- +end\nCREATE TABLE a (id TEXT);", "-- +end without a block"},
		{"a block in a block", "-- +goose Up\n-- +sqlite\n-- +postgres\n-- +end", "inside a block"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.ErrorContains(t, db.Migrate(t.Context(), fstest.MapFS{"0001_a.sql": {Data: []byte(tc.sql)}}), tc.says)
		})
	}
	require.ErrorContains(t, db.Migrate(t.Context(), fstest.MapFS{"first.sql": {Data: []byte(first)}}), "must begin with a number")
	require.Error(t, db.Migrate(t.Context(), fstest.MapFS{}))
}

func TestMigrate_ReplicasStartingTogetherRunEachFileOnce(t *testing.T) {
	t.Parallel()
	address := dbtest.EmptyURL(t, database.Postgres)
	files := fstest.MapFS{"0001_first.sql": {Data: []byte(first)}}
	const replicas = 4
	results := make(chan error, replicas)
	var all sync.WaitGroup
	for range replicas {
		db := dbtest.Open(t, address, clock.System())
		all.Go(func() { results <- db.Migrate(t.Context(), files) })
	}
	all.Wait()
	for range replicas {
		require.NoError(t, <-results)
	}
}
