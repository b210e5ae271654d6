package ids

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// alphabet is Crockford's base32: digits and capitals without I, L, O and U. Its byte order is its value order,
// so that encoded times sort.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	idBytes    = 16 // 48 bits of milliseconds, 80 random bits
	idChars    = 26 // 128 bits in groups of five
	tokenBytes = 32
)

// Source makes identifiers. It is safe for concurrent use.
type Source interface {
	// New returns prefix + "_" + 26 characters that sort by time of making. Not a secret.
	New(prefix string) string
	// Token returns a secret of 256 random bits as 43 characters of base64url.
	Token() string
	// Digits returns n uniformly random decimal digits, leading zeros included.
	Digits(n int) string
	// Reference returns a request's human reference, such as "7KQ-42M-9".
	Reference() string
	// Bytes returns n random bytes.
	Bytes(n int) []byte
}

// System draws from the operating system's generator. It panics if that fails, as crypto/rand does: nothing
// sensible can follow.
func System(clk clock.Clock) Source { return source{now: clk.Now, fill: readRandom} }

func readRandom(b []byte) { _, _ = rand.Read(b) } // never fails since Go 1.24: it ends the process instead

// HashToken is what is stored of a token: its SHA-256. A token has 256 random bits, so no salt or stretching is needed.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// MayBeToken says whether s has the form of what Token makes.
func MayBeToken(s string) bool {
	decoded, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(decoded) == tokenBytes && !strings.ContainsAny(s, "\r\n") // which the decoder skips
}

// source shapes what fill delivers.
type source struct {
	now  func() time.Time
	fill func([]byte)
}

func (s source) Bytes(n int) []byte {
	b := make([]byte, n)
	s.fill(b)
	return b
}

func (s source) New(prefix string) string {
	var raw [idBytes]byte
	s.fill(raw[6:])
	ms := uint64(s.now().UnixMilli())
	binary.BigEndian.PutUint16(raw[0:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(raw[2:6], uint32(ms))
	return prefix + "_" + encodeID(raw)
}

func (s source) Token() string {
	return base64.RawURLEncoding.EncodeToString(s.Bytes(tokenBytes))
}

func (s source) Digits(n int) string {
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range s.Bytes(n) {
			if b < 250 && len(out) < n { // 250 = 25·10: dropping the rest keeps every digit equally likely
				out = append(out, '0'+b%10)
			}
		}
	}
	return string(out)
}

func (s source) Reference() string {
	var values [referenceRandom]byte
	s.fill(values[:])
	for i := range values {
		values[i] &= 31 // 256 is a multiple of 32: still uniform
	}
	return formatReference(values)
}

// encodeID writes 128 bits as 26 characters, most significant first; the first character carries 3 bits.
func encodeID(raw [idBytes]byte) string {
	hi, lo := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	var out [idChars]byte
	for i := idChars - 1; i >= 0; i-- {
		out[i] = alphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}
