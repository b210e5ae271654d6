package clock

import (
	"sync"
	"time"
)

// Precision is the finest step of time that the house keeps: PostgreSQL stores microseconds.
const Precision = time.Microsecond

// Clock tells the time in UTC, cut to Precision. It is safe for concurrent use.
type Clock interface {
	Now() time.Time
}

// System is the clock of the machine.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now().UTC().Truncate(Precision) }

// Fake is a clock that stands still until a test moves it. It is safe for concurrent use.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// NewFake returns a clock that shows t, in UTC and cut to Precision.
func NewFake(t time.Time) *Fake {
	return &Fake{now: t.UTC().Truncate(Precision)}
}

// Now is the instant last set.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the clock by d; a negative d moves it back, as a corrected clock does.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d).Truncate(Precision)
}

// Set moves the clock to t.
func (f *Fake) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t.UTC().Truncate(Precision)
}
