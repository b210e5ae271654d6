package web_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gin-gonic/gin/binding"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

func TestBind(t *testing.T) {
	t.Parallel()
	nest := func(n int) string {
		return `{"name":"x","extra":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
	}
	many := func(n int) string {
		return `{"name":"x","extra":{"a":[` + strings.TrimSuffix(strings.Repeat("1,", n), ",") + `]}}`
	}
	for _, tc := range []struct {
		name, body string
		status     int
		code       string
		errors     []string
	}{
		{"all there is", `{"name":"x","kind":"a","kids":[{"name":"y"}],"extra":{"any":[1,{"b":null}]},"when":"2026-03-01T09:00:00Z","count":-3}`, 201, "", nil},
		{"null stands for an optional field that is not there", `{"name":"x","kind":null,"kids":null}`, 201, "", nil},
		{"white space around", " \n{\"name\":\"x\"}\t", 201, "", nil},
		{"escapes, a pair of surrogates among them", `{"name":"\ud83d\ude00\\ud800"}`, 422, "fields_invalid", []string{"/name field_too_long"}},
		{"deep, but not too deep", nest(30), 201, "", nil},
		{"many, but not too many", many(1000), 201, "", nil},

		{"not JSON", `{"name":}`, 400, "json_malformed", nil},
		{"cut off", `{"name":"x"`, 400, "json_malformed", nil},
		{"something behind it", `{"name":"x"}{"name":"y"}`, 400, "json_malformed", nil},
		{"a comma too many", `{"name":"x",}`, 400, "json_malformed", nil},
		{"not a number", `{"name":"x","count":NaN}`, 400, "json_malformed", nil},
		{"a comment", `{"name":"x"/**/}`, 400, "json_malformed", nil},
		{"a byte order mark", "\ufeff{\"name\":\"x\"}", 400, "json_malformed", nil},
		{"half a character escaped", `{"name":"\ud800"}`, 400, "json_malformed", nil},
		{"the other half", `{"name":"\udc00"}`, 400, "json_malformed", nil},
		{"halves in the wrong order", `{"name":"\ude00\ud83d"}`, 400, "json_malformed", nil},
		{"not UTF-8", "{\"name\":\"\xff\"}", 400, "json_not_utf8", nil},
		{"a key twice: which one did a filter read?", `{"name":"x","name":"y"}`, 400, "json_duplicate_key", nil},
		{"twice in another case", `{"name":"x","Name":"y"}`, 400, "json_duplicate_key", nil},
		{"twice by an escape", `{"name":"x","n\u0061me":"y"}`, 400, "json_duplicate_key", nil},
		{"twice by a character that folds", `{"name":"x","extra":{"k":1,"` + "\u212a" + `":2}}`, 400, "json_duplicate_key", nil},
		{"twice further down", `{"name":"x","extra":{"a":[{"b":1,"B":2}]}}`, 400, "json_duplicate_key", nil},
		{"too deep", nest(31), 400, "json_too_deep", nil},
		{"far too deep", nest(20000), 400, "json_malformed", nil},
		{"too many items", many(1001), 400, "json_too_many_items", nil},
		{"an empty body of blanks", "   ", 400, "json_malformed", nil},

		{"unknown fields, all of them", `{"name":"x","approved":true,"kids":[{"name":"y","roles":[]}]}`, 422, "fields_invalid", []string{"/approved unknown_field", "/kids/0/roles unknown_field"}},
		{"keys match in their own case only", `{"Name":"x"}`, 422, "fields_invalid", []string{"/Name unknown_field"}},
		{"pointers are escaped", `{"name":"x","a/b~c":1}`, 422, "fields_invalid", []string{"/a~1b~0c unknown_field"}},
		{"one address, not several (T26)", `{"name":["v@x","e@y"]}`, 422, "fields_invalid", []string{"/name field_wrong_type"}},
		{"an object for a text", `{"name":{"x":1}}`, 422, "fields_invalid", []string{"/name field_wrong_type"}},
		{"a number for a text", `{"name":1}`, 422, "fields_invalid", []string{"/name field_wrong_type"}},
		{"null for what must be there", `{"name":null}`, 422, "fields_invalid", []string{"/name field_wrong_type"}},
		{"a fraction for a whole number", `{"name":"x","count":1.5}`, 422, "fields_invalid", []string{"/count field_wrong_type"}},
		{"a number beyond all bounds", `{"name":"x","count":1e999}`, 422, "fields_invalid", []string{"/count field_wrong_type"}},
		{"a text that is no time", `{"name":"x","when":"tomorrow"}`, 422, "fields_invalid", []string{"/when field_wrong_type"}},
		{"a list for the whole", `[]`, 422, "fields_invalid", []string{" field_wrong_type"}},
		{"a text for the whole", `"x"`, 422, "fields_invalid", []string{" field_wrong_type"}},
		{"nothing for the whole", `null`, 422, "fields_invalid", []string{"/name field_missing"}},
		{"an object for a list", `{"name":"x","kids":{"name":"y"}}`, 422, "fields_invalid", []string{"/kids field_wrong_type"}},
		{"rules of the contract", `{"kind":"c","kids":[{"name":"y"},{"name":"toolong"}]}`, 422, "fields_invalid", []string{"/kids/1/name field_too_long", "/kind field_not_a_choice", "/name field_missing"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := open(t).ask(t, "POST", "/api/v1/things/1", tc.body)
			require.Equal(t, tc.status, w.Code, "%s", w.Body)
			if tc.code == "" {
				return
			}
			p := problemOf(t, w)
			require.Equal(t, tc.code, p["code"])
			require.ElementsMatch(t, tc.errors, errorsOf(p))
		})
	}
}

func TestBind_noBody(t *testing.T) {
	t.Parallel()
	p := problemOf(t, open(t).ask(t, "POST", "/api/v1/things/1", ""))
	require.Equal(t, "body_missing", p["code"])
}

func TestBind_fieldSentencesAreFilled(t *testing.T) {
	t.Parallel()
	w := open(t).ask(t, "POST", "/api/v1/things/1", `{"name":"toolong"}`, "Accept-Language: de")
	require.Contains(t, w.Body.String(), `"detail":"Höchstens 5 Zeichen"`)
}

// F11: what is accepted has no doubled keys, no unknown fields, nothing behind it, and bounded depth; writing it again
// and reading that gives the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"name":"x","kind":"a","kids":[{"name":"y"}],"extra":{"a":[1,2.5e3,null,true]},"when":"2026-03-01T09:00:00Z","count":1}`,
		`{"name":"x","NAME":"y"}`, `{"name":"x"}x`, `{"userType":"Member"}`, `[[[[]]]]`, `{"name":"\ud800"}`, `{"name":"x","extra":{"` + "\u017f" + `":1,"s":2}}`,
		strings.Repeat("[", 40) + strings.Repeat("]", 40), `{"name":"x","count":1e400}`, "{\"name\":\"\xff\"}", `{"":1}`, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second thing
		if err := binding.JSON.BindBody(body, &first); err != nil {
			if _, ok := fault.From(err); !ok {
				t.Fatalf("%q: a stranger's text must not be our mistake: %v", body, err)
			}
			return
		}
		if !json.Valid(body) || depthOf(body) > 32 {
			t.Fatalf("accepted %q", body)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("accepted %q, which is no object: %v", body, err)
		}
		lower := map[string]bool{}
		for key := range members {
			if !strings.Contains(" name kind kids extra when count ", " "+key+" ") || key == "" {
				t.Fatalf("accepted the unknown key %q in %q", key, body)
			}
			if lower[strings.ToLower(key)] {
				t.Fatalf("accepted a doubled key in %q", body)
			}
			lower[strings.ToLower(key)] = true
		}
		if key := doubled(body); key != "" {
			t.Fatalf("accepted %q twice in one object: %q", key, body)
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if err := binding.JSON.BindBody(again, &second); err != nil {
			t.Fatalf("%q became %q, which is refused: %v", body, again, err)
		}
		final, err := json.Marshal(second)
		if err != nil || string(final) != string(again) {
			t.Fatalf("%q is not stable: %q, then %q", body, again, final)
		}
	})
}

// doubled is a key that stands twice in one object of a valid body, or "".
func doubled(body []byte) string {
	read := json.NewDecoder(bytes.NewReader(body))
	var open []map[string]bool // the keys of each object around; nil for a list
	for key := false; ; {
		token, err := read.Token()
		if err != nil {
			return ""
		}
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				open, key = append(open, map[string]bool{}), true
				continue
			case '[':
				open, key = append(open, nil), false
				continue
			}
			open = open[:len(open)-1]
		case string:
			if key {
				if keys := open[len(open)-1]; keys[v] {
					return v
				} else {
					keys[v], key = true, false
				}
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// depthOf counts brackets outside of strings.
func depthOf(body []byte) (deepest int) {
	depth, text := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case !text && (c == '{' || c == '['):
			depth++
			deepest = max(deepest, depth)
		case !text && (c == '}' || c == ']'):
			depth--
		}
	}
	return deepest
}
