package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// dialect is how a database writes what the generated rows are made of; n is the row's number.
type dialect struct{ series, padded, later string }

var dialects = map[string]dialect{
	sqlite: {
		series: "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s)",
		padded: "printf('%026d', n)",
		later:  "strftime('%Y-%m-%dT%H:%M:%f', 'now', '+' || n || ' seconds') || '000Z'",
	},
	postgres: {
		series: "(SELECT n FROM generate_series(1::bigint, %d) AS n)",
		padded: "lpad(n::text, 26, '0')",
		later:  "now() + n * interval '1 second'",
	},
}

// crowd makes rows by the thousand straight in the tables of a closed house. Every row is a copy of one that the demo
// made, but for the columns that tell rows apart, so that it is as long as a real one.
type crowd struct {
	*sql.DB
	kind string
	dialect
}

// multiply adds n copies of the row of table that where finds, with the columns of set computed from n and from the row w
// of the table of names.
func (c crowd) multiply(ctx context.Context, table, where string, n int, set map[string]string) error {
	rows, err := c.QueryContext(ctx, "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		return err
	}
	columns, err := rows.Columns()
	if err := errors.Join(err, rows.Close()); err != nil {
		return err
	}
	var names, values []string
	for _, column := range columns {
		if column == "seq" { // SQLite numbers them
			continue
		}
		value, own := set[column]
		if !own {
			value = "t." + column
		}
		names, values = append(names, column), append(values, value)
	}
	statement := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(values, ", ") +
		" FROM (SELECT * FROM " + table + " WHERE " + where + " LIMIT 1) AS t CROSS JOIN " + fmt.Sprintf(c.series, n) +
		" AS s JOIN bench_names AS w ON w.i = s.n * 7919 % " + fmt.Sprint(len(givenNames)*len(surnames))
	// 7919 is a prime: it deals the names out as people come, and not all those of one name one after the other.
	made, err := c.ExecContext(ctx, statement)
	if err != nil {
		return fmt.Errorf("make rows of %s: %w", table, err)
	}
	if got, err := made.RowsAffected(); err != nil || got != int64(n) {
		return fmt.Errorf("made %d rows of %s instead of %d: %w", got, table, n, err)
	}
	return nil
}

var givenNames = strings.Fields(`Maria Lukas Aylin Sofia Jonas Amira Pierre Elena Tomasz Ingrid Noah Chiara Mateo Freya Omar Hana
	Viktor Leila Bjorn Ana Kenji Priya Samuel Yasmin Nils Rosa Emil Zara Hugo Mina Anton Clara Felix Nora Ivan Lena Karim Ada Oscar Ruth`)

// surnames are made of syllables: enough that each is rare among a million people.
var surnames = func() (out []string) {
	for _, a := range strings.Fields("Lind Berg Fal Hol Kast Mar Nor Ost Pet Rosen Sal Tor Ul Vest Wal Zim") {
		for _, b := range strings.Fields("en er in ov am el ak ir") {
			for _, c := range strings.Fields("qvist berg mann stad ski holm son feld") {
				out = append(out, a+b+c)
			}
		}
	}
	return out
}()

// name makes the table of names: one row for each pair.
func (c crowd) name(ctx context.Context) error {
	if _, err := c.ExecContext(ctx, "CREATE TABLE bench_names (i INTEGER PRIMARY KEY, given TEXT NOT NULL, surname TEXT NOT NULL)"); err != nil {
		return err
	}
	i := 0
	for _, given := range givenNames {
		var values []string
		for _, surname := range surnames {
			values = append(values, fmt.Sprintf("(%d, '%s', '%s')", i, given, surname))
			i++
		}
		if _, err := c.ExecContext(ctx, "INSERT INTO bench_names VALUES "+strings.Join(values, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// withoutSearch does work while the indexes of the search are away: they are quicker made at the end, at once.
func (c crowd) withoutSearch(ctx context.Context, work func() error) error {
	find, drop := "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '%USING gin%'", "DROP INDEX "
	if c.kind == sqlite {
		find, drop = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%_fts%'", "DROP TRIGGER "
	}
	found, err := c.pairs(ctx, find)
	if err != nil {
		return err
	}
	for _, one := range found {
		if _, err := c.ExecContext(ctx, drop+one[0]); err != nil {
			return err
		}
	}
	if err := work(); err != nil {
		return err
	}
	for _, one := range found {
		if _, err := c.ExecContext(ctx, one[1]); err != nil {
			return err
		}
	}
	if c.kind == postgres {
		return nil
	}
	tables, err := c.pairs(ctx, "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING fts5%'")
	for _, one := range tables {
		if _, err := c.ExecContext(ctx, "INSERT INTO "+one[0]+"("+one[0]+") VALUES ('rebuild')"); err != nil {
			return err
		}
	}
	return err
}

func (c crowd) pairs(ctx context.Context, query string) (out [][2]string, err error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one [2]string
		if err := rows.Scan(&one[0], &one[1]); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}
