package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Purpose is what a one-time code proves an address for. It is part of every key: a code of one purpose is nothing to
// another (security.md T06, T31).
type Purpose string

// The purposes.
const (
	PurposeSignup Purpose = "signup"
	PurposeSignin Purpose = "signin"
)

// CodeLength is how many digits a code has (settled.md §3).
const CodeLength = 6

// Bounds of how long a code may be used, counted from its making, which is the hand-off to the mail server (settled.md §3).
const (
	DefaultCodeLifetime = 10 * time.Minute
	minCodeLifetime     = 5 * time.Minute
	maxCodeLifetime     = 30 * time.Minute
)

const (
	// newestAlive is how many codes of one subject are valid: mails overtake each other.
	newestAlive = 2
	// expiredGrace is how long after its end a right code is called expired; later it is merely wrong.
	expiredGrace = 2 * time.Hour
	// codeKept is how long a code's row stays after its end, so that the link can say that it is over.
	codeKept = 24 * time.Hour
)

// Made is a fresh code, in the clear: for the letter that is being composed and nothing else.
type Made struct {
	Code      string
	LinkToken string
	ExpiresAt time.Time
}

// What a mailed link is worth.
const (
	LinkNone    = "none"
	LinkReady   = "ready"
	LinkExpired = "expired"
	LinkUsed    = "used"
)

// LinkInfo describes a mailed link.
type LinkInfo struct {
	State     string // LinkNone, LinkReady, LinkExpired or LinkUsed
	Purpose   Purpose
	SubjectID string
	Code      string // only while LinkReady
	ExpiresAt time.Time
}

// linkState is what a link is worth at now. A code that was used, or pushed aside by a newer one, is used up.
func linkState(c *code, now time.Time) string {
	switch {
	case c == nil:
		return LinkNone
	case c.UsedAt != nil || c.RevokedAt != nil:
		return LinkUsed
	case !c.ExpiresAt.After(now):
		return LinkExpired
	default:
		return LinkReady
	}
}

// digitsOf reads a typed code: digits of any script become 0–9; spaces, dashes and the invisible marks that travel with
// copied text fall away. What is left is no code unless it has CodeLength digits and nothing else; then ok is false.
func digitsOf(typed string) (digits string, ok bool) {
	var b strings.Builder
	for i, r := range typed {
		if i >= 64 {
			return "", false
		}
		switch {
		case unicode.Is(unicode.Nd, r):
			b.WriteByte(byte('0' + digitValue(r)))
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r):
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == CodeLength
}

// digitValue is the value of a decimal digit of any script. Every run of them in Unicode begins with a zero (§4.6).
func digitValue(r rune) int {
	for _, run := range unicode.Nd.R16 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return int(r-rune(run.Lo)) % 10
		}
	}
	for _, run := range unicode.Nd.R32 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return int(r-rune(run.Lo)) % 10
		}
	}
	return 0
}

// secrets makes and opens what is kept of codes.
type secrets struct {
	mac  []byte // keys code_mac
	link []byte // salts the keys that seal codes
	// successor keys the tokens that browsers get for their proof
	successor []byte
}

// codeMAC is what is stored of a code. Whoever has only the database cannot test guesses: the key is elsewhere (T33).
func (k secrets) codeMAC(p Purpose, subjectID, digits string) []byte {
	mac := hmac.New(sha256.New, k.mac)
	for _, part := range []string{string(p), subjectID, digits} { // no part holds a zero byte
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return mac.Sum(nil)
}

// seal encrypts digits so that only the link's token opens them, on the row they were sealed for.
func (k secrets) seal(token, rowID, digits string) ([]byte, error) {
	aead, err := k.box(token)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, []byte(digits), []byte(rowID)), nil
}

func (k secrets) open(token, rowID string, sealed []byte) (string, error) {
	aead, err := k.box(token)
	if err != nil {
		return "", err
	}
	digits, err := aead.Open(nil, nil, sealed, []byte(rowID))
	if err != nil {
		return "", fmt.Errorf("open sealed code of %s: %w", rowID, err)
	}
	return string(digits), nil
}

func (k secrets) box(token string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(token), k.link, "identity.link", 32)
	if err != nil {
		return nil, fmt.Errorf("derive link key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive link key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
