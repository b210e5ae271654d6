package ids_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func TestShapes_AreTheSameForChanceAndForTests(t *testing.T) {
	t.Parallel()
	clk := clock.NewFake(start)
	for name, src := range map[string]ids.Source{"system": ids.System(clk), "sequence": ids.NewSequence(clk)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Regexp(t, regexp.MustCompile(`^req_[0-9A-HJKMNP-TV-Z]{26}$`), src.New("req"))
			require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`), src.Token())
			require.Regexp(t, regexp.MustCompile(`^[0-9]{6}$`), src.Digits(6))
			require.Regexp(t, regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]$`), src.Reference())
			require.Len(t, src.Bytes(70), 70)
			require.NotEqual(t, src.New("req"), src.New("req"))
			require.NotEqual(t, src.Token(), src.Token())
			require.Len(t, ids.HashToken(src.Token()), 32)
		})
	}
}

func TestMayBeToken_TakesOnlyTheForm(t *testing.T) {
	t.Parallel()
	token := ids.System(clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))).Token()
	require.True(t, ids.MayBeToken(token))
	for _, other := range []string{"", token[1:], token + "A", token[:42] + "=", token[:42] + ";", token[:21] + "\n" + token[21:], token[:42] + "\u212A", `";` + token[2:]} {
		require.False(t, ids.MayBeToken(other), "%q", other)
	}
}

func TestNew_SortsByTimeOfMaking(t *testing.T) {
	t.Parallel()
	clk := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	src := ids.System(clk)
	last := ""
	for range 2000 {
		clk.Advance(7777 * time.Second)
		id := src.New("req")
		require.Greater(t, id, last)
		last = id
	}
}

func TestSequence_TellsTheSameStoryTwice(t *testing.T) {
	t.Parallel()
	a, b := ids.NewSequence(clock.NewFake(start)), ids.NewSequence(clock.NewFake(start))
	for range 20 {
		require.Equal(t, a.New("gst"), b.New("gst"))
		require.Equal(t, a.Token(), b.Token())
		require.Equal(t, a.Digits(8), b.Digits(8))
		require.Equal(t, a.Reference(), b.Reference())
	}
}

func TestDigits_AreUniform(t *testing.T) {
	t.Parallel()
	digits := ids.System(clock.System()).Digits(100_000)
	for d := '0'; d <= '9'; d++ {
		n := strings.Count(digits, string(d))
		require.InDelta(t, 10_000, n, 600, "digit %c: six standard deviations are 570", d)
	}
}

func TestParseReference_ReadsWhatPeopleType(t *testing.T) {
	t.Parallel()
	ref := referenceWith(t, "01")
	for _, tc := range []struct{ name, typed string }{
		{"as written", ref},
		{"without dashes", strings.ReplaceAll(ref, "-", "")},
		{"in lower case with spaces", strings.ToLower(strings.ReplaceAll(ref, "-", " "))},
		{"letter O for zero", strings.ReplaceAll(ref, "0", "O")},
		{"letter I for one", strings.ReplaceAll(ref, "1", "I")},
		{"small L for one", strings.ReplaceAll(ref, "1", "l")},
		{"full-width digits of a Japanese keyboard", strings.NewReplacer("0", "０", "1", "１").Replace(ref)},
		{"with space around, as pasted", "  " + ref + " "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, ok := ids.ParseReference(tc.typed)
			require.True(t, ok)
			require.Equal(t, ref, got)
		})
	}
	for _, bad := range []string{"", "7", ref + "0", ref[:8], "UUU-UUU-U", "7KQ_42M_9", "7K\x00-42M-9"} {
		_, ok := ids.ParseReference(bad)
		require.False(t, ok, "%q", bad)
	}
}

// Any one wrong character and any two swapped neighbours are noticed: tried exhaustively around 300 references.
func TestParseReference_NoticesEveryWrongCharacterAndEverySwap(t *testing.T) {
	t.Parallel()
	src := ids.NewSequence(clock.NewFake(start))
	for range 300 {
		plain := strings.ReplaceAll(src.Reference(), "-", "")
		_, ok := ids.ParseReference(plain)
		require.True(t, ok, plain)
		for i := range plain {
			for _, c := range alphabet {
				wrong := plain[:i] + string(c) + plain[i+1:]
				_, ok := ids.ParseReference(wrong)
				require.Equal(t, wrong == plain, ok, "%s typed as %s", plain, wrong)
			}
			if i+1 < len(plain) {
				swapped := plain[:i] + plain[i+1:i+2] + plain[i:i+1] + plain[i+2:]
				_, ok := ids.ParseReference(swapped)
				require.Equal(t, swapped == plain, ok, "%s typed as %s", plain, swapped)
			}
		}
	}
}

func referenceWith(t *testing.T, chars string) string {
	t.Helper()
	src := ids.NewSequence(clock.NewFake(start))
	for range 10_000 {
		ref := src.Reference()
		if strings.Contains(ref, chars[:1]) && strings.Contains(ref, chars[1:]) {
			return ref
		}
	}
	t.Fatal("no such reference in 10,000")
	return ""
}
