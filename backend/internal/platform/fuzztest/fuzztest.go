// Package fuzztest lets a fuzzer drive a model-based test: the bytes that it varies are read as throws of dice, so that
// the same test runs from a seed, from a fuzzer and from a crash that was kept.
//
// Neighbours: dbtest (a database that lasts for all runs of one fuzzing process).
package fuzztest

// Dice say what happens next. *rand.Rand from math/rand/v2 is one, Tape another.
type Dice interface {
	// IntN is a number from 0 to n-1; n is positive.
	IntN(n int) int
}

// Tape is a series of throws that was written down. It gives 0 when it has been read to its end.
type Tape struct {
	rest []byte
}

// NewTape reads throws from b.
func NewTape(b []byte) *Tape { return &Tape{rest: b} }

// IntN reads one byte for n up to 256, and as many as n needs for more.
func (t *Tape) IntN(n int) int {
	value := 0
	for most := n - 1; most > 0; most >>= 8 {
		if len(t.rest) == 0 {
			break
		}
		value, t.rest = value<<8|int(t.rest[0]), t.rest[1:]
	}
	return value % n
}

// Ended says whether everything has been read.
func (t *Tape) Ended() bool { return len(t.rest) == 0 }
