package ids

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// Sequence is a Source for tests: the n-th call always gives the same answer, in the same shapes as System's.
type Sequence struct {
	source
	mu sync.Mutex
	n  uint64
}

// NewSequence returns a Sequence at its beginning. Only tests use it: everything it makes can be guessed.
func NewSequence(clk clock.Clock) *Sequence {
	s := &Sequence{}
	s.source = source{now: clk.Now, fill: s.next}
	return s
}

// next fills b from SHA-256 over a counter: different at every call, the same in every run.
func (s *Sequence) next(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	var seed [16]byte
	binary.BigEndian.PutUint64(seed[:8], s.n)
	for block := uint64(0); len(b) > 0; block++ {
		binary.BigEndian.PutUint64(seed[8:], block)
		sum := sha256.Sum256(seed[:])
		b = b[copy(b, sum[:]):]
	}
}
