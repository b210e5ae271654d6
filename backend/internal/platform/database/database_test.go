package database_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

type letter struct {
	Flags  []string `json:"flags"`
	Weight int      `json:"weight"`
}

type parcel struct {
	ID        string `gorm:"primaryKey"`
	Owner     string
	Open      bool
	Count     int64
	Seal      []byte
	Letter    database.JSON[letter]
	Note      *database.JSON[letter]
	CreatedAt time.Time
	ExpiresAt *time.Time
}

func (parcel) TableName() string { return "parcels" }

// withParcels makes the tests' own table, in the types that migrations use.
func withParcels(t *testing.T, db *database.DB) {
	t.Helper()
	types := map[database.Dialect][3]string{
		database.SQLite:   {"TEXT", "TIMETEXT", "BLOB"},
		database.Postgres: {"JSONB", "TIMESTAMPTZ", "BYTEA"},
	}[db.Dialect()]
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		return errors.Join(
			tx.Exec("CREATE TABLE parcels (id TEXT PRIMARY KEY, owner TEXT NOT NULL, open BOOLEAN NOT NULL, count BIGINT NOT NULL, seal "+types[2]+
				", letter "+types[0]+" NOT NULL, note "+types[0]+", created_at "+types[1]+" NOT NULL, expires_at "+types[1]+")").Error,
			tx.Exec("CREATE UNIQUE INDEX parcels_owner_open ON parcels (owner) WHERE open").Error)
	}))
}

func TestTime_IsTheSameAfterTheRoundTripAndCompares(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		withParcels(t, db)
		berlin := time.FixedZone("CET", 3600)
		at := time.Date(2026, 3, 1, 10, 30, 0, 120_000_000, berlin) // 0.12 s: trailing zeros must not be lost
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			return tx.Create(&parcel{ID: "a", Owner: "ana", CreatedAt: at, ExpiresAt: &at, Letter: database.JSON[letter]{V: letter{Flags: []string{"x"}, Weight: 3}}}).Error
		}))
		var got parcel
		require.NoError(t, db.Read(t.Context()).Take(&got, "id = ?", "a").Error)
		require.Equal(t, at.UTC(), got.CreatedAt, "UTC and to the microsecond")
		require.Equal(t, at.UTC(), *got.ExpiresAt)
		require.Equal(t, letter{Flags: []string{"x"}, Weight: 3}, got.Letter.V)
		require.Nil(t, got.Note)

		count := func(query string, args ...any) (n int64) {
			require.NoError(t, db.Read(t.Context()).Model(&parcel{}).Where(query, args...).Count(&n).Error)
			return n
		}
		require.EqualValues(t, 1, count("expires_at > ?", at.Add(-time.Microsecond)))
		require.EqualValues(t, 0, count("expires_at > ?", at), "the very instant, asked in another zone")
		require.EqualValues(t, 1, count("expires_at >= ?", at.UTC()))
		require.EqualValues(t, 0, count("expires_at < ?", at.Add(-time.Second)))
		require.EqualValues(t, 1, count("expires_at BETWEEN ? AND ?", at.Add(-time.Hour), &at), "by pointer too")

		next := at.Add(time.Hour)
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			return tx.Model(&parcel{}).Where("id = ?", "a").Updates(map[string]any{"expires_at": next, "open": true}).Error
		}))
		var newest time.Time
		require.NoError(t, db.Read(t.Context()).Raw("SELECT max(expires_at) FROM parcels").Scan(&newest).Error)
		require.Equal(t, next.UTC(), newest, "an expression has no declared type")
		require.NoError(t, db.Read(t.Context()).Take(&got, "id = ?", "a").Error)
		require.True(t, got.Open)

		var row map[string]any
		require.NoError(t, db.Read(t.Context()).Raw("SELECT created_at FROM parcels").Scan(&row).Error)
		require.Equal(t, at.UTC(), row["created_at"], "into a map as well")
	})
}

func TestText_ThatLooksLikeAnInstantStaysText(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		withParcels(t, db)
		const typed = "2026-03-01T09:00:00.100000Z"
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			return tx.Create(&parcel{ID: "a", Owner: typed, CreatedAt: tx.Now}).Error
		}))
		var got parcel
		require.NoError(t, db.Read(t.Context()).Take(&got, "owner = ?", typed).Error)
		require.Equal(t, typed, got.Owner)
	})
}

func TestIsUnique_NamesWhatClashed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		withParcels(t, db)
		add := func(id, owner string, open bool) error {
			return db.InTx(t.Context(), func(tx *database.Tx) error {
				return tx.Create(&parcel{ID: id, Owner: owner, Open: open, CreatedAt: tx.Now}).Error
			})
		}
		require.NoError(t, add("a", "ana", true))

		same := add("a", "bo", true)
		require.True(t, database.IsUnique(same))
		require.True(t, database.IsUniqueOn(same, "parcels_pkey", "parcels.id"))
		require.False(t, database.IsUniqueOn(same, "parcels_owner_open", "parcels.owner"))

		owned := add("b", "ana", true)
		require.True(t, database.IsUniqueOn(owned, "parcels_owner_open", "parcels.owner"))
		require.False(t, database.IsUniqueOn(owned, "parcels_pkey", "parcels.id"))

		require.NoError(t, add("c", "ana", false), "the index is partial")
		require.False(t, database.IsUnique(nil))
		require.False(t, database.IsUnique(errors.New("UNIQUE constraint failed")), "only the database may say so")
	})
}

func TestInTx_IsAllOrNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		withParcels(t, db)
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "kept")
		var told []string

		require.NoError(t, db.InTx(ctx, func(tx *database.Tx) error {
			require.Equal(t, clk.Now(), tx.Now)
			require.Equal(t, "kept", tx.Context().Value(key{}), "values pass through")
			require.Equal(t, db.Dialect(), tx.Dialect())
			tx.AfterCommit(func() { told = append(told, "first") })
			tx.AfterCommit(func() { told = append(told, "second") })
			require.NoError(t, tx.Create(&parcel{ID: "a", CreatedAt: tx.Now}).Error)
			var seen int64
			require.NoError(t, db.Read(tx.Context()).Model(&parcel{}).Count(&seen).Error)
			require.EqualValues(t, 1, seen, "a neighbour's read sees what the act has written")
			require.NoError(t, db.Read(ctx).Model(&parcel{}).Count(&seen).Error)
			require.Zero(t, seen, "nobody else does")
			require.Empty(t, told)
			return nil
		}))
		require.Equal(t, []string{"first", "second"}, told)

		boom := errors.New("boom")
		require.ErrorIs(t, db.InTx(ctx, func(tx *database.Tx) error {
			tx.AfterCommit(func() { told = append(told, "never") })
			require.NoError(t, tx.Create(&parcel{ID: "b", Owner: "b", CreatedAt: tx.Now}).Error)
			return boom
		}), boom)
		require.Panics(t, func() {
			_ = db.InTx(ctx, func(tx *database.Tx) error {
				tx.AfterCommit(func() { told = append(told, "never") })
				require.NoError(t, tx.Create(&parcel{ID: "c", Owner: "c", CreatedAt: tx.Now}).Error)
				panic("a mistake")
			})
		})
		require.Len(t, told, 2)
		var n int64
		require.NoError(t, db.Read(ctx).Model(&parcel{}).Count(&n).Error)
		require.EqualValues(t, 1, n)

		require.PanicsWithValue(t, "database.InTx inside InTx: the outer act would not cover this one. Pass tx down to a function that takes *database.Tx.", func() {
			_ = db.InTx(ctx, func(tx *database.Tx) error { return db.InTx(tx.Context(), func(*database.Tx) error { return nil }) })
		})
		require.NoError(t, db.InTx(ctx, func(tx *database.Tx) error { return tx.Create(&parcel{ID: "d", Owner: "d", CreatedAt: tx.Now}).Error }),
			"the writer is free again after all that")
	})
}

func TestInTx_ManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		withParcels(t, db)
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			return tx.Create(&parcel{ID: "sum", CreatedAt: tx.Now}).Error
		}))
		const writers, times = 12, 10
		var all sync.WaitGroup
		failed := make(chan error, writers*times)
		for range writers {
			all.Go(func() {
				for range times {
					failed <- db.InTx(t.Context(), func(tx *database.Tx) error {
						return tx.Exec("UPDATE parcels SET count = count + 1 WHERE id = 'sum'").Error
					})
				}
			})
		}
		all.Wait()
		close(failed)
		for err := range failed {
			require.NoError(t, err)
		}
		var got parcel
		require.NoError(t, db.Read(t.Context()).Take(&got).Error)
		require.EqualValues(t, writers*times, got.Count)
	})
}

// Two acts lock two rows in opposite order; PostgreSQL ends one of them, and InTx runs that one again.
func TestInTx_RunsAgainAfterADeadlock(t *testing.T) {
	t.Parallel()
	db, _ := dbtest.New(t, database.Postgres)
	withParcels(t, db)
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		return errors.Join(tx.Create(&parcel{ID: "a", Owner: "a", CreatedAt: tx.Now}).Error, tx.Create(&parcel{ID: "b", Owner: "b", CreatedAt: tx.Now}).Error)
	}))
	var tries sync.Map
	meet := make(chan struct{}, 2)
	both := func(first, second string) error {
		n := 0
		return db.InTx(t.Context(), func(tx *database.Tx) error {
			n++
			tries.Store(first, n)
			add := func(id string) error { return tx.Exec("UPDATE parcels SET count = count + 1 WHERE id = ?", id).Error }
			// Looked for at once, and waited for until it is there: on a busy machine the second comes late.
			for _, setting := range []string{"SET LOCAL deadlock_timeout = 20", "SET LOCAL lock_timeout = 0"} {
				if err := tx.Exec(setting).Error; err != nil {
					return err
				}
			}
			if err := add(first); err != nil {
				return err
			}
			if n == 1 { // wait until the other one has its first row
				meet <- struct{}{}
				for len(meet) < 2 {
					if err := tx.Exec("SELECT pg_sleep(0.01)").Error; err != nil {
						return err
					}
				}
			}
			return add(second)
		})
	}
	result := make(chan error, 1)
	go func() { result <- both("a", "b") }()
	require.NoError(t, both("b", "a"))
	require.NoError(t, <-result)
	a, _ := tries.Load("a")
	b, _ := tries.Load("b")
	require.GreaterOrEqual(t, a.(int)+b.(int), 3, "one of them ran again")
	var rows []parcel
	require.NoError(t, db.Read(t.Context()).Find(&rows).Error)
	require.EqualValues(t, 2, rows[0].Count)
	require.EqualValues(t, 2, rows[1].Count)
}

func TestOpen_WithPostgresDownFailsKindlyAndRecovers(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), database.Options{
		URL: "postgres://nobody@127.0.0.1:1/none", Clock: clock.System(), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err, "the portal starts before its database")
	defer func() { require.NoError(t, db.Close()) }()
	for name, err := range map[string]error{
		"ping": db.Ping(t.Context()),
		"read": db.Read(t.Context()).Raw("SELECT 1").Scan(new(int)).Error,
		"act":  db.InTx(t.Context(), func(*database.Tx) error { return nil }),
	} {
		f, ok := fault.From(err)
		require.True(t, ok, "%s: %v", name, err)
		require.ErrorIs(t, f, database.ErrUnavailable)
		require.Equal(t, 5*time.Second, f.Wait())
	}
}

func TestOpen_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	taken := dbtest.URL(t, database.SQLite)
	dbtest.Open(t, taken, clock.System())
	for _, tc := range []struct{ name, url, says string }{
		{"a second process on one file would count limits on its own", taken, "stop it first, or use PostgreSQL"},
		{"another product", "mysql://root@localhost/x", "write sqlite:///path/to/file.db or postgres://"},
		{"no file named", "sqlite://", "names no file"},
		{"memory is no place for people's requests", "sqlite::memory:", "names no file"},
		{"an unreadable address; its password is not repeated", "postgres://user:hunter2@host:port/db", "cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := database.Open(t.Context(), database.Options{URL: tc.url, Clock: clock.System(), Logger: slog.New(slog.DiscardHandler)})
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestRead_CannotWriteOnSQLite(t *testing.T) {
	t.Parallel()
	db, _ := dbtest.New(t, database.SQLite)
	require.Error(t, db.Read(t.Context()).Exec("DELETE FROM jobs").Error)
}

func TestSQLite_KeepsItsPromisesInEveryConnection(t *testing.T) {
	t.Parallel()
	db, _ := dbtest.New(t, database.SQLite)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return tx.Raw("PRAGMA " + pragma).Scan(&got).Error }))
		require.Equal(t, want, got, pragma)
	}
}

func TestPostgres_HasLimitsOnEveryStatement(t *testing.T) {
	t.Parallel()
	db, _ := dbtest.New(t, database.Postgres)
	for setting, want := range map[string]string{"statement_timeout": "5s", "lock_timeout": "2s", "TimeZone": "UTC", "application_name": "vestibule"} {
		var got string
		require.NoError(t, db.Read(t.Context()).Raw("SHOW "+setting).Scan(&got).Error)
		require.Equal(t, want, got, setting)
	}
	err := db.InTx(t.Context(), func(tx *database.Tx) error {
		return tx.Exec("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)").Error
	})
	require.Error(t, err)
}

func TestPostgres_FollowsTheServersClockIfAsked(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t, database.Postgres)
	late := clock.NewFake(clock.System().Now().Add(-2 * time.Minute)) // a replica whose clock is two minutes late
	db, err := database.Open(t.Context(), database.Options{URL: address, Clock: late, Logger: slog.New(slog.DiscardHandler), FollowServer: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.Ping(t.Context()))
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		require.WithinDuration(t, clock.System().Now(), tx.Now, 20*time.Second)
		return nil
	}))
}

func TestListen_HearsOtherReplicas(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t, database.Postgres)
	here, there := dbtest.Open(t, address, clock.System()), dbtest.Open(t, address, clock.System())
	ctx, stop := context.WithCancel(t.Context())
	ready, heard, ended := make(chan struct{}), make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- here.Listen(ctx, "test_channel", func() { close(ready) }, func(p string) { heard <- p })
	}()
	<-ready
	require.NoError(t, there.Notify(t.Context(), "test_channel", "hello"))
	require.Equal(t, "hello", <-heard)
	stop()
	require.NoError(t, <-ended)
}
