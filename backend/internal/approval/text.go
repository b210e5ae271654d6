package approval

import (
	"strconv"
	"strings"
	"unicode"
)

// plainText drops what has no place in a message: control characters but line feeds, and characters that turn the
// direction of what follows.
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
	return strings.TrimSpace(s)
}

func itoa(n int) string { return strconv.Itoa(n) }
