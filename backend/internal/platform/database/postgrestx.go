package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// rollbackLimit is how long undoing may take; a connection that does not answer by then is thrown away.
const rollbackLimit = time.Second

// postgresTx is one transaction on one connection. PostgreSQL is a network away, so what counts are the times we wait
// for it: statements that nobody waits for (Tx.Later) are gathered, and travel with BEGIN and COMMIT in one message
// (the pipeline mode of the protocol, PostgreSQL manual, section "Pipelining").
type postgresTx struct {
	conn    *sql.Conn
	begun   bool
	pending []later
	failed  error // of a flush; the act cannot be committed any more
	checked bool  // LaterOne: a division by zero is its word for no row
}

// later is a statement in the server's own writing, with $1, $2….
type later struct {
	sql  string
	args []any
}

var _ gorm.ConnPool = (*postgresTx)(nil)

func (db *DB) beginPostgres(ctx context.Context, tx *Tx) error {
	pool, err := db.write.DB()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	tx.pg = &postgresTx{conn: conn}
	tx.DB = db.write.Session(&gorm.Session{NewDB: true, Context: ctx})
	tx.Statement.ConnPool = tx.pg
	return nil
}

// PrepareContext, ExecContext, QueryContext and QueryRowContext send what is pending first: statements take effect in
// the order in which the act has written them.
func (p *postgresTx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.conn.PrepareContext(ctx, query)
}

// ExecContext: see PrepareContext.
func (p *postgresTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.conn.ExecContext(ctx, query, args...)
}

// QueryContext: see PrepareContext.
func (p *postgresTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext has no way to return the flush's error: after one, it asks with a context that has ended, so that the
// query never reaches the server.
func (p *postgresTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := p.flush(ctx); err != nil {
		over, cancel := context.WithCancelCause(ctx)
		cancel(err)
		ctx = over
	}
	return p.conn.QueryRowContext(ctx, query, args...)
}

// flush sends BEGIN, if that has not happened, and what is pending.
func (p *postgresTx) flush(ctx context.Context) error {
	if p.failed == nil && p.begun && len(p.pending) == 0 {
		return nil
	}
	return p.send(ctx, func(*pgx.Batch) {})
}

// send sends BEGIN if need be, what is pending, and what add adds, and waits for all of it once. After a failure it sends
// nothing any more: BEGIN may not have happened, and what came after it would last.
func (p *postgresTx) send(ctx context.Context, add func(*pgx.Batch)) error {
	if p.failed != nil {
		return p.failed
	}
	batch := &pgx.Batch{}
	if !p.begun {
		batch.Queue("begin")
	}
	for _, l := range p.pending {
		batch.Queue(l.sql, l.args...)
	}
	add(batch)
	p.begun, p.pending = true, nil
	p.failed = p.conn.Raw(func(driverConn any) error {
		conn, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("this version of pgx offers too little: %T", driverConn)
		}
		return conn.Conn().SendBatch(ctx, batch).Close()
	})
	if pg := (*pgconn.PgError)(nil); p.checked && errors.As(p.failed, &pg) && pg.Code == pgDivision {
		p.failed = ErrNoRow
	}
	return p.failed
}

// commit ends the transaction. An act that neither read nor wrote anything costs nothing.
func (p *postgresTx) commit(ctx context.Context) error {
	defer p.conn.Close() //nolint:errcheck // the pool looks after broken ones
	if !p.begun && len(p.pending) == 0 {
		return nil
	}
	if p.failed != nil {
		p.undo(ctx)
		return p.failed
	}
	err := p.send(ctx, func(b *pgx.Batch) {
		b.Queue("commit").Exec(func(done pgconn.CommandTag) error {
			if done.String() == "ROLLBACK" { // a statement failed and its error was not returned
				return pgx.ErrTxCommitRollback
			}
			return nil
		})
	})
	if err != nil {
		p.undo(ctx)
	}
	return err
}

// rollback undoes everything.
func (p *postgresTx) rollback(ctx context.Context) {
	p.undo(ctx)
	_ = p.conn.Close()
}

// undo also works for a caller who has left. If it fails, the pool sees the open transaction and drops the connection.
func (p *postgresTx) undo(ctx context.Context) {
	if !p.begun {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
	defer cancel()
	_, _ = p.conn.ExecContext(limited, "rollback")
}

// Later writes what nothing in this act waits for: build calls Create, Exec or the like, once. It takes effect before
// the act's next statement, or with its commit; if it fails, InTx returns its error. On PostgreSQL that saves a journey
// to the server; on SQLite it is done at once.
func (tx *Tx) Later(build func(db *gorm.DB) *gorm.DB) error {
	if tx.pg == nil {
		return build(tx.DB).Error
	}
	built := build(tx.Session(&gorm.Session{DryRun: true}))
	if built.Error == nil {
		tx.pg.pending = append(tx.pg.pending, later{built.Statement.SQL.String(), built.Statement.Vars})
	}
	return built.Error
}

// LaterOne is Later for an UPDATE or DELETE that has to change a row: if it changes none, the act is undone, and InTx
// returns ErrNoRow. On PostgreSQL the server has to stop by itself, because the commit travels in the same message: a
// division by zero is the plainest statement that does.
func (tx *Tx) LaterOne(query string, args ...any) error {
	if tx.pg == nil {
		done := tx.Exec(query, args...)
		if done.Error == nil && done.RowsAffected == 0 {
			return ErrNoRow
		}
		return done.Error
	}
	tx.pg.checked = true
	return tx.Later(func(db *gorm.DB) *gorm.DB {
		return db.Exec("WITH changed AS ("+query+" RETURNING 1) SELECT 1 / count(*) FROM changed", args...)
	})
}

// Texts runs a statement that returns one column of text. It is Raw and Scan, but on PostgreSQL it travels together
// with what is pending.
func (tx *Tx) Texts(query string, args ...any) (out []string, err error) {
	if tx.pg == nil {
		return out, tx.Raw(query, args...).Scan(&out).Error
	}
	built := tx.Session(&gorm.Session{DryRun: true}).Raw(query, args...)
	if built.Error != nil {
		return nil, built.Error
	}
	err = tx.pg.send(tx.Context(), func(b *pgx.Batch) {
		b.Queue(built.Statement.SQL.String(), built.Statement.Vars...).Query(func(rows pgx.Rows) error {
			out, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
	})
	return out, translate(err)
}

// One reads the one row of T that build asks for (Where, Clauses), or nil. It is Take, but on PostgreSQL it travels
// together with what is pending, BEGIN above all: an act that begins with a lock waits once.
func One[T any](tx *Tx, build func(db *gorm.DB) *gorm.DB) (*T, error) {
	var rows []*T
	if tx.pg == nil {
		err := build(tx.DB).Limit(1).Find(&rows).Error
		return first(rows), err
	}
	built := build(tx.Session(&gorm.Session{DryRun: true, QueryFields: true})).Limit(1).Find(&rows)
	if built.Error != nil {
		return nil, built.Error
	}
	err := tx.pg.send(tx.Context(), func(b *pgx.Batch) {
		b.Queue(built.Statement.SQL.String(), built.Statement.Vars...).Query(func(got pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(got, pgx.RowToAddrOfStructByName[T])
			return err
		})
	})
	return first(rows), translate(err)
}

func first[T any](rows []*T) *T {
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}
