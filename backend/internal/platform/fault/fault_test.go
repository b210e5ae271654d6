package fault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

var (
	errExpired = fault.New(fault.Gone, "test_link_expired", "This link worked until {time}. Ask for a new one.")
	errOther   = fault.New(fault.Conflict, "test_other", "Load the page again.")
)

func TestFault_CopiesAreStillTheSameFault(t *testing.T) {
	t.Parallel()
	cause := errors.New("row 7 is old")
	err := fmt.Errorf("redeem: %w", errExpired.Because(cause).With("time", "14:32").RetryAfter(time.Minute))

	require.ErrorIs(t, err, errExpired)
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, errOther)

	f, ok := fault.From(err)
	require.True(t, ok)
	require.Equal(t, fault.Gone, f.Kind())
	require.Equal(t, "test_link_expired", f.Code())
	require.Equal(t, time.Minute, f.Wait())
	require.Equal(t, "This link worked until 14:32. Ask for a new one.", f.Sentence("en"))
	require.NotContains(t, f.Sentence("en"), "row 7", "the cause is for the log only")
	require.Empty(t, errExpired.Members(), "the declared fault is never changed")

	_, ok = fault.From(cause)
	require.False(t, ok)
}

func TestNew_RefusesATakenCode(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { fault.New(fault.Gone, "test_other", "Something else.") })
	require.Panics(t, func() { fault.New(fault.Gone, "", "No code.") })
	fault.DefineField("test_answer_missing", "Answer “{label}”")
	require.NotPanics(t, func() { fault.DefineField("test_answer_missing", "Answer “{label}”") })
	require.Panics(t, func() { fault.DefineField("test_answer_missing", "Another sentence") })
	require.Panics(t, func() { fault.DefineField("test_other", "Load the page again.") })
}

func TestFieldsFault_ListsFieldsOrIsNil(t *testing.T) {
	t.Parallel()
	require.NoError(t, fault.FieldsFault())
	f, ok := fault.From(fault.FieldsFault(fault.Field{Pointer: "/email", Code: "test_field", Params: map[string]string{"label": "E-mail"}}))
	require.True(t, ok)
	require.Equal(t, fault.Fields, f.Kind())
	require.Equal(t, fault.CodeFields, f.Code())
	require.Equal(t, "/email", f.Fields()[0].Pointer)
}

func TestSentence_FindsTheClosestLanguage(t *testing.T) {
	t.Parallel()
	fault.DefineField("test_closest", "Enter {label}")
	require.NoError(t, fault.Load(fstest.MapFS{
		"m/pt.json":    {Data: []byte(`{"test_closest":"Introduza {label}"}`)},
		"m/pt-BR.json": {Data: []byte(`{"test_closest":"Informe {label}"}`)},
	}, "m"))
	for _, tc := range []struct{ name, lang, want string }{
		{"exact language", "pt", "Introduza nome"},
		{"region has its own words", "pt-BR", "Informe nome"},
		{"region without its own words falls back to its language", "pt-PT", "Introduza nome"},
		{"unknown language falls back to English", "tlh", "Enter nome"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, fault.Sentence(tc.lang, "test_closest", map[string]string{"label": "nome"}))
		})
	}
	require.Equal(t, "no_such_code", fault.Sentence("de", "no_such_code", nil))
	require.Error(t, fault.Load(fstest.MapFS{"m/xx.json": {Data: []byte(`[`)}}, "m"))
}

var line = regexp.MustCompile(`(?m)^  "([a-z0-9_.]+)": `)

// One code per line and sorted: two rooms that add codes at the same time do not collide, and a reader finds them.
func TestMessages_AreSortedOnePerLineAndSpeakOfTheSameCodes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("messages/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var first []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var sentences map[string]string
		require.NoError(t, json.Unmarshal(raw, &sentences), file)
		var codes []string
		for _, m := range line.FindAllStringSubmatch(string(raw), -1) {
			codes = append(codes, m[1])
		}
		require.Len(t, codes, len(sentences), "%s: one code per line, none twice", file)
		require.True(t, slices.IsSorted(codes), "%s: sort the codes", file)
		if first == nil {
			first = codes
		}
		require.Equal(t, first, codes, "%s speaks of other codes than %s", file, files[0])
	}
}
