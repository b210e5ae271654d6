package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// boxVersion is the first byte of every sealed value: AES-256-GCM with a random nonce (NIST SP 800-38D §8.2.2), which
// is sound for 2³² values per key.
const boxVersion = 1

// ErrSealed is returned by [Box.Open] for everything that was not sealed by the same key and purpose, with the same
// associated data, or was changed since. It does not say which.
var ErrSealed = errors.New("the sealed value cannot be opened")

// Box seals values at rest with a key of its own.
type Box struct {
	aead cipher.AEAD
}

// Box returns the box of purpose; see [Keys.Derive] for purposes.
func (k Keys) Box(purpose string) Box {
	block, err := aes.NewCipher(k.Derive(purpose))
	if err != nil {
		panic(fmt.Sprintf("secret: box %q: %v", purpose, err)) // the key always has 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(fmt.Sprintf("secret: box %q: %v", purpose, err))
	}
	return Box{aead: aead}
}

// Seal encrypts plain. bound is not part of the result, but Open needs the same: bind the row's id, so that a sealed
// value cannot be moved to another row.
func (b Box) Seal(plain, bound []byte) []byte {
	out := make([]byte, 1, 1+len(plain)+b.aead.Overhead())
	out[0] = boxVersion
	return b.aead.Seal(out, nil, plain, b.bind(bound))
}

// Open returns what was sealed, or [ErrSealed].
func (b Box) Open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != boxVersion {
		return nil, ErrSealed
	}
	plain, err := b.aead.Open(nil, nil, sealed[1:], b.bind(bound))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// bind puts the version under the seal too, so that a later format cannot be read as this one.
func (b Box) bind(bound []byte) []byte {
	return append([]byte{boxVersion}, bound...)
}
