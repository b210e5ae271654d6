package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Empty returns ErrNotEmpty with the first table that has a row.
func Empty(ctx context.Context, db *database.DB) error {
	conn, done, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer done()
	tables, err := tablesOf(ctx, conn, db.Dialect(), nil)
	if err != nil {
		return err
	}
	for _, t := range tables {
		var filled bool
		if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM "`+t.Name+`")`).Scan(&filled); err != nil {
			return err
		}
		if filled {
			return fmt.Errorf("%w. There are rows in %s", ErrNotEmpty, t.Name)
		}
	}
	return nil
}

// Target is where a checked backup goes: a database of exactly its schema, without rows.
type Target struct {
	DB      *database.DB
	Checked *Checked
	// Within runs in the same transaction, after the rows are in; may be nil.
	Within func(ctx context.Context, conn *sql.Conn) error
	Told   func(table string, rows int64)
}

// Load fills the database in one transaction: everything, or nothing. r is the file that was checked, from its beginning;
// a file that was changed since is ErrAltered.
func Load(ctx context.Context, t Target, r io.Reader) error {
	conn, done, err := t.DB.Unhurried(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := t.fits(ctx, conn); err != nil {
		return err
	}
	begin := []string{"BEGIN"}
	if t.DB.Dialect() == database.SQLite {
		begin = []string{"BEGIN IMMEDIATE", "PRAGMA defer_foreign_keys = ON"}
	}
	for _, statement := range begin {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	err = t.fill(ctx, conn, r)
	if err == nil && t.Within != nil {
		err = t.Within(ctx, conn)
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, undone := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, undone)
	}
	return nil
}

// fits holds the backup's tables against the database's.
func (t *Target) fits(ctx context.Context, conn *sql.Conn) error {
	here, err := tablesOf(ctx, conn, t.DB.Dialect(), t.Checked.Manifest.LeftOut)
	if err != nil {
		return err
	}
	for i := range t.Checked.Manifest.Tables {
		theirs := &t.Checked.Manifest.Tables[i]
		at := slices.IndexFunc(here, func(h Table) bool { return h.Name == theirs.Name })
		if at < 0 {
			return fmt.Errorf("%w: there is no table %q", ErrForeign, theirs.Name)
		}
		for j, column := range theirs.Columns {
			found := slices.IndexFunc(here[at].Columns, func(c Column) bool { return c.Name == column.Name })
			if found < 0 {
				return fmt.Errorf("%w: %s has no column %q", ErrForeign, theirs.Name, column.Name)
			}
			theirs.Columns[j] = here[at].Columns[found] // the kinds of this database
		}
	}
	return nil
}

// fill reads the parts in their order and hands each table over as one stream.
func (t *Target) fill(ctx context.Context, conn *sql.Conn, r io.Reader) error {
	archive := tar.NewReader(r)
	if err := header(archive); err != nil {
		return err
	}
	parts := t.Checked.Manifest.Parts
	for _, table := range t.Checked.Manifest.Tables {
		n := 0
		for n < len(parts) && parts[n].Table == table.Name {
			n++
		}
		rows := &stream{archive: archive, parts: parts[:n], columns: table.Columns}
		parts = parts[n:]
		if n == 0 {
			continue
		}
		insert := insertAll
		if t.DB.Dialect() == database.Postgres {
			insert = copyAll
		}
		if err := insert(ctx, conn, table, rows); err != nil {
			return fmt.Errorf("load %s: %w", table.Name, errors.Join(rows.err, err))
		}
		if t.Told != nil {
			t.Told(table.Name, table.Rows)
		}
	}
	return nil
}

// stream is the rows of one table; it is a pgx.CopyFromSource.
type stream struct {
	archive *tar.Reader
	parts   []Part
	columns []Column
	lines   *bufio.Scanner
	values  []any
	err     error
}

// Next goes to the next row, if there is one.
func (s *stream) Next() bool {
	for s.err == nil {
		if s.lines != nil && s.lines.Scan() {
			s.err = s.read(s.lines.Bytes())
			return s.err == nil
		}
		if len(s.parts) == 0 {
			return false
		}
		s.err = s.open()
	}
	return false
}

func (s *stream) open() error {
	p := s.parts[0]
	s.parts = s.parts[1:]
	h, err := s.archive.Next()
	if err != nil || h.Name != p.Name {
		return ErrAltered
	}
	packed, lines, err := unpack(s.archive)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(packed); hex.EncodeToString(sum[:]) != p.SHA256 {
		return ErrAltered
	}
	s.lines = bufio.NewScanner(bytes.NewReader(lines))
	s.lines.Buffer(nil, maxPart)
	return nil
}

func (s *stream) read(line []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var row []any
	if err := decoder.Decode(&row); err != nil || len(row) != len(s.columns) {
		return ErrForeign
	}
	for i, v := range row {
		var err error
		if row[i], err = native(s.columns[i].Kind, v); err != nil {
			return fmt.Errorf("column %s: %w", s.columns[i].Name, err)
		}
	}
	s.values = row
	return nil
}

// Values are the row's.
func (s *stream) Values() ([]any, error) { return s.values, s.err }

// Err is why the rows ended before their end.
func (s *stream) Err() error { return s.err }

func insertAll(ctx context.Context, conn *sql.Conn, t Table, rows *stream) error {
	marks := strings.Repeat(", ?", len(t.Columns))[2:]
	statement, err := conn.PrepareContext(ctx, `INSERT INTO "`+t.Name+`" (`+listed(t.Columns, false)+`) VALUES (`+marks+`)`)
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }()
	for rows.Next() {
		if _, err := statement.ExecContext(ctx, rows.values...); err != nil {
			return err
		}
	}
	return rows.err
}

func copyAll(ctx context.Context, conn *sql.Conn, t Table, rows *stream) error {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	err := conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.Name}, names, rows)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range t.Columns {
		if !c.identity {
			continue
		}
		_, err := conn.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence(quote_ident($1), $2), (SELECT max("`+c.Name+`") FROM "`+t.Name+`"))`, t.Name, c.Name)
		if err != nil {
			return err
		}
	}
	return nil
}
