package backup

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// Kinds of columns.
const (
	kindText  = "text"
	kindJSON  = "json" // on SQLite text, which it is kept as
	kindTime  = "time"
	kindBytes = "bytes"
	kindBool  = "bool"
	kindInt   = "int"
)

// plain turns what a driver returns into what JSON can say.
func plain(kind string, v any) (any, error) {
	switch got := v.(type) {
	case nil:
		return nil, nil
	case time.Time:
		if kind == kindTime {
			return got.UTC().Format(time.RFC3339Nano), nil
		}
	case bool:
		if kind == kindBool {
			return got, nil
		}
	case int64:
		if kind == kindBool {
			return got != 0, nil
		}
		if kind == kindInt {
			return got, nil
		}
	case []byte:
		if kind == kindBytes {
			return base64.StdEncoding.EncodeToString(got), nil
		}
		return text(kind, string(got))
	case string:
		return text(kind, got)
	}
	return nil, fmt.Errorf("a value of type %T in a column of kind %s", v, kind)
}

func text(kind, s string) (any, error) {
	switch {
	case kind == kindBytes: // SQLite keeps an empty blob as it was given
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	case kind != kindText && kind != kindJSON:
		return nil, fmt.Errorf("a text in a column of kind %s", kind)
	case !utf8.ValidString(s):
		return nil, fmt.Errorf("a text that is no UTF-8")
	}
	return s, nil
}

// native turns a value of a backup into what both drivers take for a column of kind.
func native(kind string, v any) (any, error) {
	switch got := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if kind == kindBool {
			return got, nil
		}
	case json.Number:
		if kind == kindInt {
			return got.Int64()
		}
	case string:
		switch kind {
		case kindText, kindJSON:
			return got, nil
		case kindBytes:
			return base64.StdEncoding.DecodeString(got)
		case kindTime:
			return time.Parse(time.RFC3339Nano, got)
		}
	}
	return nil, fmt.Errorf("%w: a %T in a column of kind %s", ErrForeign, v, kind)
}
