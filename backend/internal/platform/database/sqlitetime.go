package database

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
)

const (
	// stampLayout has one width, so that text order is time order; 6 digits are what PostgreSQL keeps.
	stampLayout = "2006-01-02T15:04:05.000000Z"
	// stampType is {{time}} on SQLite: a name with TEXT affinity (sqlite.org/datatype3.html §3.1) that tells us apart.
	stampType = "TIMETEXT"
)

func formatStamp(t time.Time) (string, error) {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return "", fmt.Errorf("the year %d does not fit into a time column", y)
	}
	return t.Format(stampLayout), nil
}

// parseStamp reads exactly what formatStamp writes.
func parseStamp(s string) (time.Time, bool) {
	if len(s) != len(stampLayout) || s[4] != '-' || s[10] != 'T' || s[19] != '.' || s[26] != 'Z' {
		return time.Time{}, false
	}
	t, err := time.Parse(stampLayout, s)
	return t, err == nil
}

type sqliteInnerRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeScanType
}

// sqliteRows turns stamps back into time.Time. Expressions such as max(created_at) have no declared type; of those, a
// text of exactly the stamp's form is taken for one.
type sqliteRows struct {
	sqliteInnerRows
	stamps []bool
	from   *sqliteStmt
}

func newSQLiteRows(rows driver.Rows, from *sqliteStmt) driver.Rows {
	inner, ok := rows.(sqliteInnerRows)
	if !ok {
		return rows
	}
	stamps := make([]bool, len(inner.Columns()))
	for i := range stamps {
		declared := inner.ColumnTypeDatabaseTypeName(i)
		stamps[i] = declared == stampType || declared == ""
	}
	return &sqliteRows{inner, stamps, from}
}

func (r *sqliteRows) Next(dest []driver.Value) error {
	if err := r.sqliteInnerRows.Next(dest); err != nil {
		return err
	}
	for i, stamp := range r.stamps {
		if s, ok := dest[i].(string); ok && stamp {
			if t, ok := parseStamp(s); ok {
				dest[i] = t
			}
		}
	}
	return nil
}

func (r *sqliteRows) Close() error {
	err := r.sqliteInnerRows.Close()
	if r.from != nil {
		r.from.busy = false
	}
	return err
}

// ColumnTypeScanType tells those who scan into a map what they get.
func (r *sqliteRows) ColumnTypeScanType(i int) reflect.Type {
	if r.ColumnTypeDatabaseTypeName(i) == stampType {
		return reflect.TypeFor[time.Time]()
	}
	return r.sqliteInnerRows.ColumnTypeScanType(i)
}
