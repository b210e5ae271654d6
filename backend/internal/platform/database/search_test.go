package database

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRareTrigrams(t *testing.T) {
	t.Parallel()
	sample := []string{"  maria  lindblad  maria@company1.example", "  ann  bloomqvist  ann@company77.example"}
	for len(sample) < sampledTexts/2 {
		sample = append(sample, sample...)
	}
	for _, tc := range []struct {
		name  string
		terms []string
		want  []string
	}{
		{"those that share a character at most", []string{"kazimir"}, []string{"kaz", "zim", "mir"}},
		{"none that many have", []string{"lindenqvist"}, []string{"nqv", "nde", "enq"}},
		{"one that many have, if there is no other", []string{"maria"}, []string{"mar"}},
		{"neighbours if there are no others", []string{"company9.example"}, []string{"ny9", "y9."}},
		{"the rarer of two words", []string{"maria", "zog"}, []string{"zog"}},
		{"none twice", []string{"zoz", "zoz"}, []string{"zoz"}},
		{"one letter where a word begins", []string{"  q"}, []string{"  q"}},
		{"of punctuation, the words beside it", []string{"a--bc"}, []string{"-bc"}},
		{"only punctuation", []string{"%_%"}, []string{"%_%"}},
		{"other scripts", []string{"محمد"}, []string{"محم", "حمد"}},
		{"too short for any", []string{"ab"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, rareTrigrams(tc.terms, sample))
		})
	}
	require.Equal(t, []string{"qvi", "enq", "ind"}, rareTrigrams([]string{"lindenqvist"}, nil), "in an empty house the characters tell")
}

func TestTrigrams_AreLiteral(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"a""b" AND "ar("`, FTSQuery([]string{`a"b`, "ar("}))
	condition, args := LikeTrigrams("x.search_text", []string{"b_d", `e\f`})
	require.Equal(t, "x.search_text LIKE ? AND x.search_text LIKE ?", condition)
	require.Equal(t, []any{`%b\_d%`, `%e\\f%`}, args)
}
