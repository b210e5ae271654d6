package stack

import (
	"context"
	"fmt"
	"time"
)

// Hold keeps everybody from writing until release is called: on SQLite by being the writer, on PostgreSQL by locks on
// tables (of a house's own names, such as "mails, jobs").
func (e *Eyes) Hold(ctx context.Context, tables string) (release func(), err error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("hold the database: %w", err)
	}
	statements := []string{"BEGIN", "LOCK TABLE " + tables + " IN EXCLUSIVE MODE"}
	if e.sqlite {
		statements = []string{"BEGIN IMMEDIATE"}
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("hold the database: %w", err)
		}
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		_ = conn.Close()
	}, nil
}

// Forget makes PostgreSQL forget what waits for a Hold: a server finishes what was sent to it, also for a house that has died
// since. On SQLite nothing outlives the house.
func (e *Eyes) Forget(ctx context.Context) error {
	if e.sqlite {
		return nil
	}
	_, err := e.db.ExecContext(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
	if err != nil {
		return fmt.Errorf("forget who waits: %w", err)
	}
	return nil
}

// Blink makes the eyes keep no connection: each look makes its own, so that none is of before a fault.
func (e *Eyes) Blink() { e.db.SetMaxIdleConns(0) }

// DueIn is how long it is until column, a moment, of the first row of from ("table WHERE …", with ? for arguments).
func (e *Eyes) DueIn(ctx context.Context, column, from string, args ...any) (time.Duration, error) {
	seconds := "CAST(extract(epoch FROM " + column + ") AS bigint)"
	if e.sqlite {
		seconds = "CAST(strftime('%s', " + column + ") AS INTEGER)"
	}
	at, err := e.Count(ctx, "SELECT "+seconds+" FROM "+from, args...)
	return time.Until(time.Unix(int64(at), 0)), err
}
