package database

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"gorm.io/gorm/schema"
)

// forms are the statements for the rows of a type, by its reflect.Type: GORM makes them anew for every row, which is a tenth
// of what a sign-up costs the house.
var (
	forms   sync.Map
	schemas sync.Map // GORM's own cache
)

// form is how rows of one type are written.
type form struct {
	columns        []*schema.Field // all that are kept, the primary key last
	insert, update map[Dialect]string
}

// LaterInsert is Later for a new row: row points to a struct with a table, whose every field is written as it stands. A
// type with fields that the database or GORM fills in is refused.
func (tx *Tx) LaterInsert(row any) error {
	f, err := formOf(row)
	if err != nil {
		return err
	}
	return tx.later(f.insert[tx.Dialect()], f.values(tx, row))
}

// LaterUpdate is Later for all columns of the row that has row's primary key. Where there is none, nothing is written.
func (tx *Tx) LaterUpdate(row any) error {
	f, err := formOf(row)
	if err != nil {
		return err
	}
	return tx.later(f.update[tx.Dialect()], f.values(tx, row))
}

func (tx *Tx) later(sql string, args []any) error {
	if tx.pg != nil {
		tx.pg.pending = append(tx.pg.pending, later{sql, args})
		return nil
	}
	_, err := tx.Statement.ConnPool.ExecContext(tx.Context(), sql, args...)
	return translate(err)
}

func (f *form) values(tx *Tx, row any) []any {
	args, v := make([]any, len(f.columns)), reflect.ValueOf(row).Elem()
	for i, field := range f.columns {
		args[i], _ = field.ValueOf(tx.Context(), v)
	}
	return args
}

func formOf(row any) (*form, error) {
	kind := reflect.TypeOf(row)
	if known, ok := forms.Load(kind); ok {
		return known.(*form), nil
	}
	parsed, err := schema.Parse(row, &schemas, schema.NamingStrategy{})
	if err != nil {
		return nil, fmt.Errorf("read the fields of %s: %w", kind, err)
	}
	f, err := makeForm(parsed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	forms.Store(kind, f)
	return f, nil
}

func makeForm(of *schema.Schema) (*form, error) {
	key := of.PrioritizedPrimaryField
	if key == nil || key.AutoIncrement || len(of.PrimaryFields) != 1 {
		return nil, fmt.Errorf("rows are written by one primary key that the house makes")
	}
	f := &form{insert: map[Dialect]string{}, update: map[Dialect]string{}}
	for _, field := range of.Fields {
		if field.DBName == "" || field == key {
			continue
		}
		if field.HasDefaultValue || field.AutoIncrement || !field.Creatable || !field.Updatable {
			return nil, fmt.Errorf("field %s is not written as it stands", field.Name)
		}
		f.columns = append(f.columns, field)
	}
	f.columns = append(f.columns, key)
	for dialect, mark := range map[Dialect]func(i int) string{
		SQLite: func(int) string { return "?" }, Postgres: func(i int) string { return "$" + strconv.Itoa(i+1) },
	} {
		var names, marks, sets []string
		for i, field := range f.columns {
			names, marks = append(names, `"`+field.DBName+`"`), append(marks, mark(i))
			sets = append(sets, names[i]+" = "+marks[i])
		}
		last := len(sets) - 1
		f.insert[dialect] = fmt.Sprintf(`INSERT INTO "%s" (%s) VALUES (%s)`, of.Table, strings.Join(names, ", "), strings.Join(marks, ", "))
		f.update[dialect] = fmt.Sprintf(`UPDATE "%s" SET %s WHERE %s`, of.Table, strings.Join(sets[:last], ", "), sets[last])
	}
	return f, nil
}
