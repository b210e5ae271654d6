package database

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// The driver modernc.org/sqlite writes time as Go prints it, which neither sorts nor reads back from a text column. The
// connections below stand in front of it: they write and read stampLayout, and they keep compiled statements.

type sqliteConnector struct {
	driver.Connector
	writes bool
}

// newSQLiteConnector makes connections to dsn; writes says that they are the writer's.
func newSQLiteConnector(dsn string, writes writer) (driver.Connector, error) {
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sqliteConnector{inner, bool(writes)}, nil
}

func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(sqliteInner)
	if !ok {
		return nil, fmt.Errorf("this version of modernc.org/sqlite offers too little: %T", conn)
	}
	return &sqliteConn{sqliteInner: inner, writes: c.writes, kept: map[string]*sqliteStmt{}}, nil
}

type sqliteInner interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteConn struct {
	sqliteInner
	writes bool
	kept   map[string]*sqliteStmt
}

// writer says whether a connection is the one that writes.
type writer bool

// calm takes the end away from the context of a statement that writes, unless it has come. The driver starts a goroutine
// for each statement that somebody might give up, to interrupt it; a crowd of them kept new requests from being read for
// seconds (security.md R21). An act's statements are short, and between two of them database/sql ends the transaction of
// who has gone. Reads may be long, and stay as they are.
func (c *sqliteConn) calm(ctx context.Context) context.Context {
	if c.writes && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// BeginTx begins a transaction; see calm.
func (c *sqliteConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.sqliteInner.BeginTx(c.calm(ctx), o)
}

type sqliteStmt struct {
	driver.Stmt
	busy bool // its rows are still open
}

// CheckNamedValue writes time as stampLayout and leaves the rest to the default rules.
func (c *sqliteConn) CheckNamedValue(nv *driver.NamedValue) error {
	v, err := driver.DefaultParameterConverter.ConvertValue(nv.Value)
	if err != nil {
		return err
	}
	if t, ok := v.(time.Time); ok {
		if v, err = formatStamp(t); err != nil {
			return err
		}
	}
	nv.Value = v
	return nil
}

func (c *sqliteConn) Close() error {
	c.forget()
	return c.sqliteInner.Close()
}

func (c *sqliteConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	ctx = c.calm(ctx)
	s, err := c.compiled(ctx, query)
	if err != nil || s == nil {
		if err != nil {
			return nil, err
		}
		return c.sqliteInner.ExecContext(ctx, query, args)
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (c *sqliteConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	ctx = c.calm(ctx)
	s, err := c.compiled(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		rows, err := c.sqliteInner.QueryContext(ctx, query, args)
		return newSQLiteRows(rows, nil), err
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return newSQLiteRows(rows, s), nil
}

// compiled returns query's kept statement, or nil if it is not one to keep or its rows are still being read.
func (c *sqliteConn) compiled(ctx context.Context, query string) (*sqliteStmt, error) {
	if s, ok := c.kept[query]; ok {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if !worthKeeping(query) {
		return nil, nil
	}
	if len(c.kept) >= sqliteKept {
		c.forget()
	}
	stmt, err := c.sqliteInner.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &sqliteStmt{Stmt: stmt}
	c.kept[query] = s
	return s, nil
}

// forget drops the kept statements that nobody reads from.
func (c *sqliteConn) forget() {
	for query, s := range c.kept {
		if !s.busy {
			_ = s.Close()
			delete(c.kept, query)
		}
	}
}

func worthKeeping(query string) bool {
	const longest = 4096
	for _, word := range []string{"SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "} {
		if strings.HasPrefix(query, word) {
			return len(query) < longest
		}
	}
	return false
}
