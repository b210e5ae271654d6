package email

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxDomain is the longest host name in bytes, without the root's dot (RFC 1035 §2.3.4 less length and root octets).
const maxDomain = 253

// profile maps as UTS #46 asks for a look-up, and then holds the result to what DNS and mail can carry.
var profile = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(true),
	idna.ValidateLabels(true),
	idna.BidiRule(),
	idna.VerifyDNSLength(true),
)

// ParseDomain reads a host name with at least one dot and returns it as lower-case A-labels. It returns [ErrInvalid]
// for a trailing dot, a numeric top level (an IP address is not a domain), invisible characters, and for characters
// whose mapping would turn a lookalike into plain ASCII: "ｃorp.com" is refused and never becomes "corp.com".
func ParseDomain(s string) (string, error) {
	if s == "" || len(s) > 4*maxDomain || !utf8.ValidString(s) || !visible(s) {
		return "", ErrInvalid
	}
	ascii, err := profile.ToASCII(s)
	if err != nil || len(ascii) > maxDomain || !isHost(ascii) {
		return "", ErrInvalid
	}
	unicodeForm, err := profile.ToUnicode(ascii)
	if err != nil || !keepsLetters(s, ascii, unicodeForm) {
		return "", ErrInvalid
	}
	// An A-label has exactly one spelling; punycode that decodes to something else encodes a disguise.
	if again, err := profile.ToASCII(unicodeForm); err != nil || again != ascii {
		return "", ErrInvalid
	}
	return ascii, nil
}

// visible says whether s is free of control, format, private, white-space and default-ignorable characters, which
// UTS #46 partly drops in silence.
func visible(s string) bool {
	for _, r := range s {
		if r <= unicode.MaxASCII {
			if r <= ' ' || r == 0x7f {
				return false
			}
			continue
		}
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) ||
			unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r) {
			return false
		}
	}
	return true
}

// keepsLetters says whether the mapping of s changed nothing but the case of letters: s must have as many characters
// as its mapped form, and the same ASCII ones in the same order.
func keepsLetters(s, ascii, unicodeForm string) bool {
	lowered := lowerASCII(s)
	if lowered == ascii {
		return true
	}
	if utf8.RuneCountInString(lowered) == utf8.RuneCountInString(unicodeForm) {
		return onlyASCII(lowered) == onlyASCII(unicodeForm)
	}
	return false
}

func onlyASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return -1
		}
		return r
	}, s)
}

// isHost says whether s is two or more LDH labels (RFC 5890 §2.3.1) of 1–63 bytes, the last not a number.
func isHost(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if label[i] != '-' && !isLetterDigit(label[i]) {
				return false
			}
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
