package web

import "time"

// How the number of places follows the machine. A goroutine that could go on and does not is late. A 503 that is late when
// it is read and again when it is written, and has waited maxWait in between, is near the 50 ms of R21.
const (
	late = 15 * time.Millisecond
	// seldom is one in how many may be late.
	seldom = 100
	// judged is how many waits are looked at, and judgedFor how long at least, before places are added or taken away.
	judged    = 2 * seldom
	judgedFor = 50 * time.Millisecond
	// leastPlaces are kept whatever happens: enough to keep processors and disk busy.
	leastPlaces = 16
)

// pressure is how many requests are worked on at once. More than the machine can run make each other wait, and those who
// are turned away with them: while more than one in a hundred of those who could go on gets a processor late, places
// are taken away by quarters; otherwise they come back by sixteenths (additive increase and multiplicative
// decrease, as in TCP's control of congestion, RFC 5681 §3.1). Only who waits for a place tells of it, so a house that is
// not full is never held back.
type pressure struct {
	most, places int
	seen, tardy  int
	began        time.Time // of this judgement
}

func newPressure(most int) pressure { return pressure{most: most, places: most} }

// feels is told how late somebody went on, and says whether the number of places has grown.
func (p *pressure) feels(by time.Duration, now time.Time) (more bool) {
	if p.began.IsZero() {
		p.began = now
	}
	p.seen++
	if by > late {
		p.tardy++
	}
	if p.seen < judged || now.Sub(p.began) < judgedFor {
		return false
	}
	before := p.places
	if p.tardy*seldom > p.seen {
		p.places = max(min(leastPlaces, p.most), p.places*3/4)
	} else {
		p.places = min(p.most, p.places+max(1, p.places/16))
	}
	p.seen, p.tardy, p.began = 0, 0, now
	return p.places > before
}
