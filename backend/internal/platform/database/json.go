package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON is a column that holds a T as JSON ({{json}} in migrations): jsonb on PostgreSQL, text on SQLite.
// A column that may be NULL is a *JSON[T].
type JSON[T any] struct{ V T }

// Value is the JSON text.
func (j JSON[T]) Value() (driver.Value, error) {
	raw, err := json.Marshal(j.V)
	if err != nil {
		return nil, fmt.Errorf("write JSON column: %w", err)
	}
	return string(raw), nil
}

// Scan reads JSON text; NULL gives the zero T.
func (j *JSON[T]) Scan(src any) error {
	var zero T
	j.V = zero
	var raw []byte
	switch s := src.(type) {
	case nil:
		return nil
	case string:
		raw = []byte(s)
	case []byte:
		raw = s
	default:
		return fmt.Errorf("read JSON column: cannot read %T", src)
	}
	if err := json.Unmarshal(raw, &j.V); err != nil {
		return fmt.Errorf("read JSON column: %w", err)
	}
	return nil
}

// MarshalJSON writes V alone.
func (j JSON[T]) MarshalJSON() ([]byte, error) { return json.Marshal(j.V) }

// UnmarshalJSON reads V alone.
func (j *JSON[T]) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &j.V) }

// GormDataType keeps GORM from looking into T.
func (JSON[T]) GormDataType() string { return "json" }
