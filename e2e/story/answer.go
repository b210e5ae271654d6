package story

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Answer is what came back.
type Answer struct {
	t            *testing.T
	lang         string
	method, path string
	Status       int
	Header       http.Header
	Body         []byte
}

func (a Answer) String() string {
	body := a.Body
	if len(body) > 600 {
		body = body[:600]
	}
	return a.method + " " + a.path + " → " + strconv.Itoa(a.Status) + " " + string(body)
}

// Is asserts the status.
func (a Answer) Is(status int) Answer {
	a.t.Helper()
	require.Equal(a.t, status, a.Status, "%s", a)
	return a
}

// Value finds a value by a path like data.0.id; missing is nil.
func (a Answer) Value(path string) any {
	a.t.Helper()
	var v any
	require.NoError(a.t, json.Unmarshal(a.Body, &v), "%s", a)
	if path == "" {
		return v
	}
	for _, part := range strings.Split(path, ".") {
		switch c := v.(type) {
		case map[string]any:
			v = c[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n >= len(c) {
				return nil
			}
			v = c[n]
		default:
			return nil
		}
	}
	return v
}

// Text is the string at path; anything else fails the story.
func (a Answer) Text(path string) string {
	a.t.Helper()
	s, ok := a.Value(path).(string)
	require.True(a.t, ok, "no text at %s in %s", path, a)
	return s
}

// List is the array at path.
func (a Answer) List(path string) []any {
	a.t.Helper()
	l, ok := a.Value(path).([]any)
	require.True(a.t, ok, "no list at %s in %s", path, a)
	return l
}

// Refused asserts a problem with this status and code, that its sentence is for a person in the language asked for,
// and returns it.
func (a Answer) Refused(status int, code string) Answer {
	a.t.Helper()
	a.Is(status)
	require.Equal(a.t, code, a.Text("code"), "%s", a)
	a.SpeaksToPeople(a.Text("detail"))
	return a
}

// IsOneOf asserts that the status is one of these.
func (a Answer) IsOneOf(statuses ...int) Answer {
	a.t.Helper()
	require.Contains(a.t, statuses, a.Status, "%s", a)
	return a
}

// Field asserts that a 422 names this pointer with this code.
func (a Answer) Field(pointer, code string) Answer {
	a.t.Helper()
	a.Refused(http.StatusUnprocessableEntity, "fields_invalid")
	for _, one := range a.List("errors") {
		e := one.(map[string]any)
		if e["pointer"] == pointer {
			require.Equal(a.t, code, e["code"], "%s", a)
			a.SpeaksToPeople(e["detail"].(string))
			return a
		}
	}
	a.t.Fatalf("no error at %s in %s", pointer, a)
	return a
}

// SpeaksToPeople asserts that a sentence is one, and in German when German was asked for.
func (a Answer) SpeaksToPeople(sentence string) {
	a.t.Helper()
	require.NotEmpty(a.t, sentence, "%s", a)
	for _, inner := range []string{"sql", "panic", "goroutine", "nil pointer", "pq:", "gorm", "%!", "{", "EOF"} {
		require.NotContains(a.t, sentence, inner, "an internal word for a person: %s", a)
	}
	if strings.HasPrefix(a.lang, "de") {
		require.NotRegexp(a.t, `\b(the|your|you|and|this|again|with|of|is)\b`, strings.ToLower(sentence), "English where German was asked for: %s", a)
	}
}
