// Package ids is the one door by which chance enters the house: identifiers, tokens, one-time codes and the
// references that people read to each other. Lint forbids crypto/rand elsewhere.
//
// Shapes:
//   - New("req") → "req_01J9Z…": prefix, "_", 26 characters of Crockford base32 (48 bits of milliseconds, 80 random
//     bits). Sorts by time of making, in byte order.
//   - Token() → 43 characters of base64url, 256 random bits. Stored only as HashToken.
//   - Reference() → "7KQ-42M-9": 30 random bits and a check character; not a secret, never proof of anything.
//
// NewSequence gives the same shapes deterministically, for tests whose golden files must not change.
package ids
