package email

import (
	"errors"
	"strings"
)

// MaxLength is the longest address accepted, in bytes of its stored form (RFC 5321 §4.5.3.1.3: a path of 256 octets
// less its two angle brackets).
const MaxLength = 254

// maxLocal is the longest local part, in bytes (RFC 5321 §4.5.3.1.1).
const maxLocal = 64

// ErrInvalid is returned, wrapped or bare, for every string that is not an address as this house reads them.
// It names nothing of the input, so that it may be logged.
var ErrInvalid = errors.New("not an e-mail address")

// Address is a parsed address. The zero value is not an address; only [Parse] makes one.
type Address struct {
	// Local is what stands before the "@", letter case as the person wrote it: 1–64 bytes of ASCII.
	Local string
	// Domain is what stands behind it: lower-case A-labels, at least two of them, no trailing dot.
	Domain string
}

// Parse reads s. White space around it is dropped, because people paste it; anything else that is not part of a plain
// address makes it return [ErrInvalid].
func Parse(s string) (Address, error) {
	s = strings.Trim(s, " \t\r\n")
	local, domain, found := strings.Cut(s, "@")
	if !found || strings.Contains(domain, "@") || !isLocal(local) {
		return Address{}, ErrInvalid
	}
	host, err := ParseDomain(domain)
	if err != nil {
		return Address{}, ErrInvalid
	}
	a := Address{Local: local, Domain: host}
	if len(a.String()) > MaxLength {
		return Address{}, ErrInvalid
	}
	return a, nil
}

// String is the stored form, and the one mail is sent to: the local part as written, the domain as A-labels.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	return a.Local + "@" + a.Domain
}

// Canonical is the form to compare and to index: ASCII letters of the local part in lower case, then the domain.
// Only ASCII is ever folded: Unicode folding makes one mailbox out of two (the Kelvin sign folds to "k").
func (a Address) Canonical() string {
	if a.IsZero() {
		return ""
	}
	return lowerASCII(a.Local) + "@" + a.Domain
}

// IsZero says whether a is no address.
func (a Address) IsZero() bool { return a == Address{} }

// isLocal says whether s is a dot-atom of 1–64 ASCII characters and does not pretend to be an encoded word. RFC 2047
// §5 keeps encoded words out of addresses, but mail software has been seen to decode them there.
func isLocal(s string) bool {
	if s == "" || len(s) > maxLocal || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	if strings.Contains(s, "..") || strings.Contains(s, "=?") || strings.Contains(s, "?=") {
		return false
	}
	for i := range len(s) {
		if s[i] != '.' && !isAtext(s[i]) {
			return false
		}
	}
	return true
}

// isAtext follows RFC 5322 §3.2.3.
func isAtext(c byte) bool {
	return isLetterDigit(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isLetterDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
