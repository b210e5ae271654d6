package database_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// A restart of the server ends every connection. Calls in flight may fail, only with ErrUnavailable, and the pool mends
// itself without help.
func TestPostgres_SurvivesTheEndOfEveryConnection(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t, database.Postgres)
	db := dbtest.Open(t, address, clock.System())
	admin, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { _ = admin.Close(t.Context()) }()
	one := func() error {
		return db.InTx(t.Context(), func(tx *database.Tx) error { return tx.Raw("SELECT 1").Scan(new(int)).Error })
	}
	for range 5 {
		var busy sync.WaitGroup
		for range 4 {
			busy.Go(func() {
				if err := one(); err != nil && !errors.Is(err, database.ErrUnavailable) {
					t.Error(err)
				}
			})
		}
		_, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		require.NoError(t, err)
		busy.Wait()
		require.Eventually(t, func() bool { return one() == nil }, 10*time.Second, 10*time.Millisecond)
	}
}

// A server that is reachable but says nothing must not hold a caller for longer than a request may take.
func TestPostgres_ThatHangsIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }() // listens, never answers
		}
	}()
	db := dbtest.Open(t, "postgres://nobody@"+listener.Addr().String()+"/none?sslmode=disable", clock.System())
	began := time.Now()
	require.ErrorIs(t, db.Ping(t.Context()), database.ErrUnavailable)
	require.ErrorIs(t, db.InTx(t.Context(), func(*database.Tx) error { return nil }), database.ErrUnavailable)
	require.Less(t, time.Since(began), 2*6*time.Second)
}
