package approval

import (
	"strconv"
	"strings"
	"unicode"
)

// plainText drops what has no place in a message: control characters but line feeds, and characters that turn the
// direction of what follows. Around the text, blank and invisible characters go too: what nobody can read is no reason.
func plainText(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

func itoa(n int) string { return strconv.Itoa(n) }
