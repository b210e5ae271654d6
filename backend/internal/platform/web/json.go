package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"
	codec "github.com/gin-gonic/gin/codec/json"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// Bounds of a JSON body besides its bytes.
const (
	maxDepth = 32   // objects and lists inside each other
	maxItems = 1000 // entries of one list, members of one object
)

func init() { // what c.ShouldBindJSON uses, and with it every generated handler
	codec.API = strictCodec{codec.API}
	binding.Validator = validating{binding.Validator}
}

// Bind reads the body of c strictly into a T and validates its binding tags. The error is a fault: 400 for a body that
// is not sound JSON, 413, or 422 with a pointer for every field at fault. A request without body gives a fault that is
// also io.EOF.
func Bind[T any](c *gin.Context) (T, error) {
	var v T
	err := c.ShouldBindJSON(&v)
	return v, err
}

// strictCodec is gin's codec, but for reading. It is replaced there and not in package binding, whose JSON cannot be when
// gin is built without MessagePack (-tags nomsgpack), as we do: nobody speaks it here, and its code is what takes longest
// to compile.
type strictCodec struct{ codec.Core }

// NewDecoder implements codec.Core.
func (strictCodec) NewDecoder(from io.Reader) codec.Decoder { return strictDecoder{from} }

type strictDecoder struct{ from io.Reader }

// UseNumber implements codec.Decoder; what is decoded into any stays what encoding/json makes of it.
func (strictDecoder) UseNumber() {}

// DisallowUnknownFields implements codec.Decoder; they always are.
func (strictDecoder) DisallowUnknownFields() {}

// Decode implements codec.Decoder: one value, and nothing behind it.
func (d strictDecoder) Decode(into any) error {
	body, err := readBody(d.from)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return errBodyMissing.Because(io.EOF)
	}
	fields, err := checkJSON(body, reflect.TypeOf(into))
	if err != nil {
		return err
	}
	if len(fields) > 0 {
		return fault.FieldsFault(fields...)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return decodeFault(err)
	}
	return nil
}

// readBody reads all of the body; the size was bounded by the guard.
func readBody(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(from)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge.With("limit", tooLarge.Limit)
	case err != nil:
		return nil, errIncomplete.Because(err)
	}
	return body, nil
}

// decodeFault is for what the check by type let through, such as a type's own UnmarshalJSON that fails on an object.
func decodeFault(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fault.FieldsFault(fault.Field{Pointer: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Code: "field_wrong_type"})
	}
	return errMalformed.Because(err)
}

// checkJSON walks body beside the type it is meant for. It returns an error for what makes the whole body unreadable,
// and the fields that are unknown or of the wrong kind.
//
// encoding/json would match keys whatever their case, let the last of two equal keys win, and replace what is not
// UTF-8: three ways to make two readers of one body disagree.
func checkJSON(body []byte, t reflect.Type) ([]fault.Field, error) {
	if !utf8.Valid(body) {
		return nil, errNotUTF8
	}
	if !json.Valid(body) || hasLoneSurrogate(body) {
		return nil, errMalformed
	}
	w := walker{dec: json.NewDecoder(bytes.NewReader(body))}
	w.dec.UseNumber()
	err := w.value(t, "", 0)
	return w.fields, err
}

type walker struct {
	dec    *json.Decoder
	fields []fault.Field
}

func (w *walker) wrong(pointer, code string) {
	if len(w.fields) < 100 { // an answer that lists more helps nobody
		w.fields = append(w.fields, fault.Field{Pointer: pointer, Code: code})
	}
}

// value reads one value that is meant for t; nil means any.
func (w *walker) value(t reflect.Type, pointer string, depth int) error {
	tok, err := w.dec.Token()
	if err != nil {
		return errMalformed.Because(err)
	}
	delim, nested := tok.(json.Delim)
	if nested && depth >= maxDepth {
		return errTooDeep
	}
	t, nullable := target(t)
	switch {
	case nested && delim == '{':
		return w.object(t, pointer, depth+1)
	case nested:
		return w.list(t, pointer, depth+1)
	case tok == nil:
		if !nullable {
			w.wrong(pointer, "field_wrong_type")
		}
	case !fits(tok, t):
		w.wrong(pointer, "field_wrong_type")
	}
	return nil
}

func (w *walker) object(t reflect.Type, pointer string, depth int) error {
	known := w.members(t, pointer)
	seen := map[string]struct{}{}
	for w.dec.More() {
		tok, err := w.dec.Token()
		if err != nil {
			return errMalformed.Because(err)
		}
		key, _ := tok.(string)
		at := pointer + "/" + pointerEscape.Replace(key)
		folded := fold(key)
		if _, twice := seen[folded]; twice {
			return errDuplicate.With("pointer", at)
		}
		seen[folded] = struct{}{}
		if len(seen) > maxItems {
			return errTooMany.With("pointer", pointer)
		}
		child, ok := known(key)
		if !ok {
			w.wrong(at, "unknown_field")
		}
		if err := w.value(child, at, depth); err != nil {
			return err
		}
	}
	_, err := w.dec.Token() // the closing brace, which json.Valid has seen
	return err
}

// members returns how to find the type of a member of t.
func (w *walker) members(t reflect.Type, pointer string) func(key string) (reflect.Type, bool) {
	anything := func(string) (reflect.Type, bool) { return nil, true }
	switch {
	case t == nil:
		return anything
	case t.Kind() == reflect.Map:
		return func(string) (reflect.Type, bool) { return t.Elem(), true }
	case t.Kind() == reflect.Struct:
		fields := structFields(t)
		return func(key string) (reflect.Type, bool) {
			f, ok := fields[key]
			return f, ok
		}
	default:
		w.wrong(pointer, "field_wrong_type")
		return anything
	}
}

func (w *walker) list(t reflect.Type, pointer string, depth int) error {
	var elem reflect.Type
	switch {
	case t == nil:
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8, t.Kind() == reflect.Array:
		elem = t.Elem()
	default:
		w.wrong(pointer, "field_wrong_type")
	}
	for i := 0; w.dec.More(); i++ {
		if i >= maxItems {
			return errTooMany.With("pointer", pointer)
		}
		if err := w.value(elem, pointer+"/"+strconv.Itoa(i), depth); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

// pointerEscape follows RFC 6901 §3.
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// fold maps strings that encoding/json takes for the same key to one string.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// hasLoneSurrogate finds a \u escape of half a character, which encoding/json replaces in silence (RFC 8259 §8.2).
func hasLoneSurrogate(body []byte) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++
		if body[i] != 'u' {
			continue
		}
		switch first := hex4(body, i+1); {
		case first >= 0xdc00 && first <= 0xdfff:
			return true
		case first >= 0xd800 && first <= 0xdbff:
			low := -1
			if i+6 < len(body) && body[i+5] == '\\' && body[i+6] == 'u' {
				low = hex4(body, i+7)
			}
			if low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 10
		}
	}
	return false
}

// hex4 reads four hexadecimal digits at i; -1 when they are not there.
func hex4(b []byte, i int) int {
	if i+4 > len(b) {
		return -1
	}
	n, err := strconv.ParseUint(string(b[i:i+4]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}
