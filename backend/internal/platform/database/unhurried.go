package database

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
)

// Unhurried is one connection without limits on the time of its statements, for work on the whole database that happens
// beside, or instead of, serving: loading a backup. On SQLite it has the turn to write until done is called.
func (db *DB) Unhurried(ctx context.Context) (conn *sql.Conn, done func(), err error) {
	handle, release, err := db.migrationHandle()
	if err != nil {
		return nil, nil, err
	}
	if conn, err = handle.Conn(ctx); err != nil {
		release()
		return nil, nil, db.mapped(ctx, err)
	}
	return conn, func() { _ = conn.Close(); release() }, nil
}

// Snapshot is a connection in a transaction that reads one moment of the database and cannot write, while others do. done
// ends it. On SQLite the moment is kept in the write-ahead log, which grows meanwhile.
func (db *DB) Snapshot(ctx context.Context) (conn *sql.Conn, done func(), err error) {
	handle, release, begin := (*sql.DB)(nil), func() {}, "BEGIN"
	if db.pg == nil {
		handle, err = db.read.DB()
	} else {
		begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
		config := db.pg.config.Copy()
		config.RuntimeParams["statement_timeout"] = "0"
		config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
		handle = stdlib.OpenDB(*config)
		release = func() { _ = handle.Close() }
	}
	if err == nil {
		conn, err = handle.Conn(ctx)
	}
	if err != nil {
		release()
		return nil, nil, db.mapped(ctx, fmt.Errorf("open a connection for a snapshot: %w", err))
	}
	done = func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		_ = conn.Close()
		release()
	}
	if _, err = conn.ExecContext(ctx, begin); err == nil {
		var one int
		err = conn.QueryRowContext(ctx, "SELECT 1 FROM (SELECT count(*) FROM "+db.catalogue()+") AS moment").Scan(&one) // the moment is that of the first read
	}
	if err != nil {
		done()
		return nil, nil, db.mapped(ctx, fmt.Errorf("begin a snapshot: %w", err))
	}
	return conn, done, nil
}

// catalogue is a table that every database has.
func (db *DB) catalogue() string {
	if db.pg == nil {
		return "sqlite_master"
	}
	return "pg_class"
}
