package backup

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// searchRow is the column by which SQLite's search index knows a row (migrations, "seq"). It means nothing elsewhere, and
// is given anew when rows are loaded.
const searchRow = "seq"

// queries are what differs between the databases when they are asked about themselves. Columns of both answers: name,
// type, and whether the database numbers it by itself.
type queries struct{ tables, columns, references string }

var ask = map[database.Dialect]queries{
	database.SQLite: {
		tables:     `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
		columns:    `SELECT name, lower(type), 0 FROM pragma_table_info(?) ORDER BY cid`,
		references: `SELECT "table" FROM pragma_foreign_key_list(?)`,
	},
	database.Postgres: {
		tables: `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name`,
		columns: `SELECT column_name, data_type, CASE WHEN is_identity = 'YES' THEN 1 ELSE 0 END FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,
		references: `SELECT DISTINCT confrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND conrelid = quote_ident($1)::regclass`,
	},
}

// kinds are the types that the migrations write (database/expand.go), as the databases name them.
var kinds = map[string]string{
	"text": kindText, "jsonb": kindJSON, "timetext": kindTime, "timestamp with time zone": kindTime, "blob": kindBytes, "bytea": kindBytes,
	"boolean": kindBool, "integer": kindInt, "bigint": kindInt,
}

// tablesOf lists the tables of the house, without those of leaveOut and goose's own, each after those it refers to.
func tablesOf(ctx context.Context, conn *sql.Conn, dialect database.Dialect, leaveOut []string) ([]Table, error) {
	names, err := texts(ctx, conn, ask[dialect].tables)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	var found []Table
	refers := map[string][]string{}
	for _, name := range names {
		if name == database.VersionTable || slices.Contains(leaveOut, name) {
			continue
		}
		t := Table{Name: name}
		if t.Columns, err = columnsOf(ctx, conn, dialect, name); err != nil {
			return nil, fmt.Errorf("read the columns of %s: %w", name, err)
		}
		if refers[name], err = texts(ctx, conn, ask[dialect].references, name); err != nil {
			return nil, fmt.Errorf("read what %s refers to: %w", name, err)
		}
		found = append(found, t)
	}
	return inOrder(found, refers), nil
}

// inOrder puts every table after those it refers to. A circle would keep its order by name; the schema has none.
func inOrder(tables []Table, refers map[string][]string) (out []Table) {
	placed := map[string]bool{}
	var place func(t Table)
	place = func(t Table) {
		if placed[t.Name] {
			return
		}
		placed[t.Name] = true
		for _, other := range tables {
			if slices.Contains(refers[t.Name], other.Name) {
				place(other)
			}
		}
		out = append(out, t)
	}
	for _, t := range tables {
		place(t)
	}
	return out
}

func columnsOf(ctx context.Context, conn *sql.Conn, dialect database.Dialect, table string) ([]Column, error) {
	rows, err := conn.QueryContext(ctx, ask[dialect].columns, table)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []Column
	for rows.Next() {
		var name, declared string
		var numbered int
		if err := rows.Scan(&name, &declared, &numbered); err != nil {
			return nil, err
		}
		if name == searchRow {
			continue
		}
		kind, known := kinds[declared]
		if !known {
			return nil, fmt.Errorf("the column %s has the type %q, which a backup cannot hold", name, declared)
		}
		out = append(out, Column{Name: name, Kind: kind, identity: numbered == 1})
	}
	return out, rows.Err()
}

func texts(ctx context.Context, conn *sql.Conn, query string, args ...any) (out []string, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, strings.Trim(s, `"`))
	}
	return out, rows.Err()
}

// listed is the columns' names for a statement. They come from the database itself; quoting is for words like "end".
func listed(columns []Column, cast bool) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = `"` + c.Name + `"`
		if cast && c.Kind == kindJSON {
			names[i] += "::text"
		}
	}
	return strings.Join(names, ", ")
}
