package flow

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestT101_AFlowBringsNoPattern: whoever writes a flow cannot make the house run an expression of theirs. There is no key
// for one, whatever it is called elsewhere.
func TestT101_AFlowBringsNoPattern(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"pattern", "regex", "regexp", "match", "validation"} {
		text := strings.Replace(sound, "required: true", "required: true\n          "+key+`: "^(([a-z])+.)+[A-Z]([a-z])+$"`, 1)
		require.NotEqual(t, sound, text)
		_, mistakes := Read(File{"partner.yaml", []byte(text)})
		require.Len(t, mistakes, 1, key)
		require.Contains(t, mistakes[0].String(), "unknown key `"+key+"`")
	}
}

// TestT101_LongWordsAreJudgedQuickly: our own expressions take no longer than their input is long.
func TestT101_LongWordsAreJudgedQuickly(t *testing.T) {
	t.Parallel()
	const long, patience = 4096, time.Second // measured: below 2 ms; a machine that is busy with other things may pause
	for _, form := range []interface{ MatchString(s string) bool }{
		fieldForm, optionForm, phoneForm, hostLabel, personForm, workForm, hostLike, manyDigits, idForm, versionForm, nameForm, durationForm, slugForm,
	} {
		for _, unit := range []string{"a", "1", "a-", "a.", "aA", " ", "'", "é", "1a"} {
			began := time.Now()
			form.MatchString(strings.Repeat(unit, long/len(unit)) + "!")
			require.Less(t, time.Since(began), patience, "%v on %q", form, unit)
		}
	}
}
