package secret

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// minMaster is the least length of a master key in characters. Thirty-two characters of base64 carry 192 bits.
const minMaster = 32

// minDistinct is the least number of different characters in a master key; 32 random characters of hexadecimal show
// fewer than 8 with a chance below 1 in 10⁷.
const minDistinct = 8

// derivedBytes is the length of every derived key: AES-256 and HMAC-SHA256 both take it.
const derivedBytes = 32

// Errors of [NewKeys]. They name nothing of the key.
var (
	ErrKeyShort  = errors.New("the secret key is shorter than 32 characters; make one with: openssl rand -base64 32")
	ErrKeySample = errors.New("the secret key is a sample or repeats itself; make one with: openssl rand -base64 32")
)

// samples are words that stand in sample files, ours included, and in no random key.
var samples = []string{
	"changeme", "change-me", "change_me", "replace-me", "replaceme", "replace_me", "example", "sample", "insecure",
	"password", "secretkey", "secret-key", "secret_key", "your-secret", "0123456789", "abcdefghij",
}

// Keys derives keys from the installation's master key. The zero value derives nothing: Derive panics.
type Keys struct {
	master String
}

// NewKeys takes the master key: at least 32 characters, at least 8 different ones, and not a sample.
// It returns [ErrKeyShort] or [ErrKeySample].
func NewKeys(master String) (Keys, error) {
	text := strings.TrimSpace(master.Reveal())
	if len(text) < minMaster {
		return Keys{}, ErrKeyShort
	}
	if isSample(text) {
		return Keys{}, ErrKeySample
	}
	return Keys{master: New(text)}, nil
}

func isSample(text string) bool {
	lower := strings.ToLower(text)
	for _, word := range samples {
		if strings.Contains(lower, word) {
			return true
		}
	}
	distinct := map[rune]struct{}{}
	for _, r := range text {
		distinct[r] = struct{}{}
	}
	return len(distinct) < minDistinct
}

// Derive returns 32 bytes that belong to purpose alone, the same on every replica and after every restart. Purposes
// are constants of the room that uses them, such as "identity.code"; two rooms never share one. It panics on an empty
// purpose and on zero Keys, which are mistakes of wiring.
func (k Keys) Derive(purpose string) []byte {
	if k.master.IsZero() || purpose == "" {
		panic("secret: derive needs a master key and a purpose")
	}
	key, err := hkdf.Key(sha256.New, []byte(k.master.Reveal()), []byte("vestibule/v1"), purpose, derivedBytes)
	if err != nil { // RFC 5869 §2.3: only a length above 255 hashes can fail
		panic(fmt.Sprintf("secret: derive %q: %v", purpose, err))
	}
	return key
}
