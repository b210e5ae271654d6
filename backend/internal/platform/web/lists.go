package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// Bounds of ?limit=.
const (
	DefaultLimit = 25
	MaxLimit     = 100
)

// maxCursor is the longest cursor that is read, in bytes.
const maxCursor = 2048

// Limit is how many entries a page has: 1–100, 25 when p is nil. Anything else is 400 parameter_invalid.
func Limit(p *int) (int, error) {
	if p == nil {
		return DefaultLimit, nil
	}
	if *p < 1 || *p > MaxLimit {
		return 0, errParameter.With("parameter", "limit")
	}
	return *p, nil
}

// EncodeCursor makes the opaque text that continues a list: base64url of v's JSON. It is no secret and is not signed, so
// it says where to go on and never what may be seen. v must be encodable; what is not is a mistake of ours and panics.
func EncodeCursor(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("web: cursor of %T: %v", v, err))
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// DecodeCursor reads a cursor into v, strictly. What did not come from EncodeCursor is 400 cursor_invalid.
func DecodeCursor(s string, v any) error {
	if len(s) > maxCursor || strings.ContainsAny(s, "\r\n") { // the decoder would skip line breaks
		return errCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return errCursor.Because(err)
	}
	if _, err := checkJSON(raw, nil); err != nil {
		return errCursor.Because(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return errCursor.Because(err)
	}
	return nil
}

// BadParameter refuses the query parameter name, whose value is none of those it may have.
func BadParameter(name string) error { return errParameter.With("parameter", name) }
