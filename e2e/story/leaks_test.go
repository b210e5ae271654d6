package story

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLeaks(t *testing.T) {
	t.Parallel()
	const code, token, key = "482913", "pT5vX0bq2rK9wZc7Lm4Yd8Ns1Hf6Gj3A-_", "with.dots=and more"
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", `{"msg":"request","path":"/l"}`, nil},
		{"a token as a value", `{"x":"` + token + `"}`, []string{token}},
		{"within a longer word", "vst_" + token + "x", []string{token}},
		{"at the end", "/l/" + token, []string{token}},
		{"but not a part of it", token[:20] + " " + token[20:], nil},
		{"a secret that is no word", "say " + key + "!", []string{key}},
		{"a code as a value", `{"n":"482913"}`, []string{code}},
		{"as a word", "typed 482913 twice", []string{code}},
		{"in a query", "?a=482913&b", []string{code}},
		{"at the end of a path", `"/code/482913"`, []string{code}},
		{"where it is called one", "code 482913.", []string{code}},
		{"also with something behind it", "code=4829131", []string{code}},
		{"within a time", `"time":"2026-12-01T03:16:19.482913Z"`, nil},
		{"as a number", `"bytes":482913,`, nil},
		{"within a longer word", `"req_482913"`, nil},
		{"twice is once, and both are found", token + ` "482913" ` + token, []string{code, token}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, leaks(tc.text, []string{code, token, key, "another-" + token}))
		})
	}
}
