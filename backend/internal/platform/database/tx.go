package database

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

const (
	// actLimit is how long one act on PostgreSQL may take, waiting for a connection included (security.md R12: requests
	// end within 6 s when the server hangs). The server's own limits are shorter and normally answer first.
	actLimit = 5500 * time.Millisecond
	// turnLimit is how long a writer on SQLite waits for its turn.
	turnLimit = 5 * time.Second
	// maxTries of an act that the database asks to run again (serialization failure, deadlock).
	maxTries = 3
)

type txKey struct{}

// Tx is a running transaction and the handle to write in it.
type Tx struct {
	*gorm.DB
	// Now is the one instant of everything in this act.
	Now time.Time

	db    *DB
	pg    *postgresTx // nil on SQLite
	after []func()
}

// Context carries the values of the caller's context and marks the transaction; pass it to neighbours' reads.
func (tx *Tx) Context() context.Context { return tx.Statement.Context }

// Dialect tells which database it is, for the few statements that need to know.
func (tx *Tx) Dialect() Dialect { return tx.db.dialect }

// AfterCommit runs fn after the commit, in the order of calls, and never if the act is undone. fn must be quick and
// must not fail: what has to happen is a job.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

func txOf(ctx context.Context) *Tx {
	tx, _ := ctx.Value(txKey{}).(*Tx)
	return tx
}

// InTx runs fn in a transaction: all of it lasts if fn returns nil, and none of it otherwise. It is the only way to
// write. fn may run up to three times if the database asks for it, so its effects outside of tx belong in AfterCommit.
//
// It returns fn's error, or ErrUnavailable when the database is away. A transaction inside a transaction is a
// mistake and panics: pass tx down instead.
func (db *DB) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	if outer := txOf(ctx); outer != nil && outer.db == db {
		panic("database.InTx inside InTx: the outer act would not cover this one. Pass tx down to a function that takes *database.Tx.")
	}
	tx, err := db.tries(ctx, fn)
	if err != nil {
		return db.mapped(ctx, err)
	}
	for _, after := range tx.after {
		after()
	}
	return nil
}

func (db *DB) tries(ctx context.Context, fn func(tx *Tx) error) (tx *Tx, err error) {
	done, err := db.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	for range maxTries {
		if tx, err = db.once(ctx, fn); !wantsRetry(err) {
			break
		}
	}
	return tx, err
}

// takeTurn waits until this is the writer, on SQLite. database/sql would serve waiters in random order, and the
// unlucky ones would wait many times longer than the others.
func (db *DB) takeTurn(ctx context.Context) (done func(), err error) {
	if db.turn == nil {
		return func() {}, nil
	}
	release := func() { <-db.turn }
	select {
	case db.turn <- struct{}{}:
		return release, nil
	default:
	}
	began := time.Now() //nolint:forbidigo // the machine's clock measures a wait
	defer func() { db.waits.add(time.Since(began)) }()
	limit := time.NewTimer(turnLimit)
	defer limit.Stop()
	select {
	case db.turn <- struct{}{}:
		return release, nil
	case <-limit.C:
		return nil, unavailable(fmt.Errorf("no turn to write within %s", turnLimit))
	case <-ctx.Done():
		return nil, db.mapped(ctx, ctx.Err())
	}
}

// once runs fn in one transaction. A panic in fn undoes it and goes on.
func (db *DB) once(ctx context.Context, fn func(tx *Tx) error) (*Tx, error) {
	if db.pg != nil {
		limited, cancel := context.WithTimeout(ctx, actLimit)
		defer cancel()
		ctx = limited
	}
	tx, err := db.begin(ctx)
	if err != nil {
		return nil, err
	}
	ended := false
	defer func() {
		if !ended {
			tx.rollback()
		}
	}()
	if err := fn(tx); err != nil {
		return nil, err
	}
	ended = true
	if err := tx.commit(); err != nil {
		return nil, err
	}
	return tx, nil
}

func (db *DB) begin(ctx context.Context) (*Tx, error) {
	tx := &Tx{Now: db.Now(), db: db}
	ctx = context.WithValue(ctx, txKey{}, tx)
	if db.pg != nil {
		return tx, db.beginPostgres(ctx, tx)
	}
	tx.DB = db.write.WithContext(ctx).Begin()
	return tx, tx.Error
}

func (tx *Tx) commit() error {
	if tx.pg != nil {
		return tx.pg.commit(tx.Context())
	}
	return tx.Commit().Error
}

func (tx *Tx) rollback() {
	if tx.pg != nil {
		tx.pg.rollback(tx.Context())
		return
	}
	tx.Rollback()
}

// Now is the instant that an act beginning now would have.
func (db *DB) Now() time.Time {
	now := db.clock.Now()
	if db.pg != nil {
		now = now.Add(time.Duration(db.pg.ahead.Load()))
	}
	return now
}
