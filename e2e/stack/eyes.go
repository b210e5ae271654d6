package stack

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// Eyes look at a house's database from outside. Tests seed through public doors only; they look here to see that
// nothing else happened.
type Eyes struct {
	db     *sql.DB
	sqlite bool
}

// Eyes opens the plan's database for looking. Close it.
func (p Plan) Eyes() (*Eyes, error) {
	if p.SQLite() {
		db, err := sql.Open("sqlite", "file:"+p.databaseFile()+"?_pragma=busy_timeout(30000)")
		return &Eyes{db: db, sqlite: true}, err
	}
	address := p.Direct
	if address == "" {
		address = p.Database
	}
	db, err := sql.Open("pgx", address)
	return &Eyes{db: db}, err
}

// databaseFile is the SQLite file: the configured one, or the only one in the data folder.
func (p Plan) databaseFile() string {
	if path, ok := strings.CutPrefix(p.Database, "sqlite://"); ok {
		return path
	}
	if found, err := filepath.Glob(filepath.Join(p.Folder, "*.db")); err == nil && len(found) == 1 {
		return found[0]
	}
	return p.File()
}

// Close ends the look.
func (e *Eyes) Close() { _ = e.db.Close() }

// Count is the number that query, with ? for arguments, returns.
func (e *Eyes) Count(ctx context.Context, query string, args ...any) (int, error) {
	var n int
	if err := e.db.QueryRowContext(ctx, e.numbered(query), args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("look into the database (%s): %w", query, err)
	}
	return n, nil
}

// Strings is the first column of query.
func (e *Eyes) Strings(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := e.db.QueryContext(ctx, e.numbered(query), args...)
	if err != nil {
		return nil, fmt.Errorf("look into the database (%s): %w", query, err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var one sql.NullString
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		out = append(out, one.String)
	}
	return out, rows.Err()
}

// Age makes time pass for some rows: it moves column back by seconds wherever where holds. A test cannot turn the
// clock of a process forward, so it turns the marks of the past back. Seconds below zero stretch what is short, such as a
// wait that is not to end while a story is told. Beside it there is only Break.
func (e *Eyes) Age(ctx context.Context, table, column string, seconds int, where string, args ...any) error {
	moved := fmt.Sprintf("%s - interval '%d seconds'", column, seconds)
	if e.sqlite {
		moved = fmt.Sprintf("strftime('%%Y-%%m-%%dT%%H:%%M:%%f', %s, '%+d seconds') || '000Z'", column, -seconds)
	}
	query := fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", table, column, moved, where)
	if _, err := e.db.ExecContext(ctx, e.numbered(query), args...); err != nil {
		return fmt.Errorf("make time pass in %s: %w", table, err)
	}
	return nil
}

// Break runs statements that break what is there, and those that mend it: for what is asked about a broken house.
func (e *Eyes) Break(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := e.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// numbered turns ? into $1, $2, … for PostgreSQL.
func (e *Eyes) numbered(query string) string {
	if e.sqlite {
		return query
	}
	parts := strings.Split(query, "?")
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}
