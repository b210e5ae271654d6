package web

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// How long a request waits for a place before it is turned away. Security.md R21 asks for a 503 within 50 ms; who is in
// the middle of something waits longer rather than begin anew.
const (
	maxWait    = 20 * time.Millisecond
	urgentWait = time.Second
	// shedAlert is how often an operator is told that requests are turned away. A line for each would cost more than the
	// answers, at the moment when there is least to spare.
	shedAlert = 10 * time.Second
)

const (
	// streamsPerPlace is how many open event streams there may be for each place: they hold memory, but do no work.
	streamsPerPlace = 16
	// queuedPerPlace is how many urgent requests may wait for each place.
	queuedPerPlace = 16
)

// shed bounds the API requests that are worked on at once: to [pressure.places], which is less than the bound that was
// set while the machine cannot keep up. An urgent request goes first, so that who is in the middle of something (a code,
// a decision) gets through when newcomers do not. One place in five is their own; one in sixteen is the newcomers', so
// that whoever sends urgent requests for no purpose does not shut the door.
type shed struct {
	streams  chan struct{}
	contract Contract
	watch    *Watch
	log      *slog.Logger
	refuse   func(c *gin.Context, waited time.Duration)

	mu       sync.Mutex
	pressure pressure
	taken    int // places in use
	newcomer int // of them by ordinary requests
	queue    map[bool][]*waiter
	left     time.Time     // when an ordinary request gave back its place last
	pace     time.Duration // how often one does while all places are taken, lately
	refused  int           // since told
	told     time.Time
}

// waiter is a request that waits for a place. shed.mu guards it.
type waiter struct {
	ready chan struct{} // closed when it has a place
	has   bool
	since time.Time // when it got it
}

func newShed(places int, contract Contract) *shed {
	return &shed{
		pressure: newPressure(places), streams: make(chan struct{}, places*streamsPerPlace),
		contract: contract, queue: map[bool][]*waiter{},
	}
}

const placeKey = "vestibule.web.place"

func (s *shed) middleware(c *gin.Context) {
	if path := c.Request.URL.Path; !isAPI(path) || path == "/livez" || path == "/readyz" {
		return
	}
	urgent := s.contract[c.Request.Method+" "+c.FullPath()].Urgent
	came := wall.Now()
	p, ok := s.take(c.Request.Context(), urgent)
	if !ok {
		s.turnAway(c, came)
		return
	}
	defer p.leave()
	c.Set(placeKey, p)
	c.Next()
}

// turnAway answers 503 with as little work as possible.
func (s *shed) turnAway(c *gin.Context, came time.Time) {
	s.watch.shedOne()
	c.Abort()
	now := wall.Now()
	s.refuse(c, now.Sub(came))
	s.mu.Lock()
	s.refused++
	refused, places, due := s.refused, s.pressure.places, now.Sub(s.told) >= shedAlert
	if due {
		s.refused, s.told = 0, now
	}
	s.mu.Unlock()
	if due && s.log != nil {
		s.log.WarnContext(c.Request.Context(), "requests are turned away: more come than can be worked on", "requests", refused, "places", places)
	}
}

// place is what one request holds.
type place struct {
	mu      sync.Mutex
	shed    *shed
	release func() // nil when nothing is held any more
}

// take waits for a place, and says whether there was one in time.
func (s *shed) take(ctx context.Context, urgent bool) (*place, bool) {
	p := &place{shed: s, release: func() { s.free(urgent) }}
	s.mu.Lock()
	if s.room(urgent) {
		s.occupy(urgent)
		s.mu.Unlock()
		return p, true
	}
	wait := maxWait
	switch {
	case urgent && len(s.queue[true]) < s.pressure.most*queuedPerPlace:
		wait = urgentWait
	case urgent, time.Duration(len(s.queue[false])+1)*s.pace > maxWait: // whoever waits now would not be served in time
		s.mu.Unlock()
		return nil, false
	}
	w := &waiter{ready: make(chan struct{})}
	s.queue[urgent] = append(s.queue[urgent], w)
	s.mu.Unlock()
	return p, s.wait(ctx, w, urgent, wait)
}

// wait ends with a place, or with none when time is up or the client has gone. How late it goes on after either is what
// the pressure is told by.
func (s *shed) wait(ctx context.Context, w *waiter, urgent bool, limit time.Duration) bool {
	due := wall.Now().Add(limit)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.ready:
	case <-timer.C:
	case <-ctx.Done():
		due = time.Time{}
	}
	now := wall.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.has {
		due = w.since
	} else {
		s.queue[urgent] = slices.DeleteFunc(s.queue[urgent], func(other *waiter) bool { return other == w })
	}
	if !due.IsZero() && s.pressure.feels(now.Sub(due), now) {
		s.hand(now)
	}
	return w.has
}

// room says whether there is a place right now. shed.mu is held.
func (s *shed) room(urgent bool) bool {
	places := s.pressure.places
	kept, door := places/5, max(1, places/16) // for the urgent, and for newcomers whoever waits
	switch {
	case s.taken >= places:
		return false
	case urgent:
		return s.newcomer >= door || places-s.taken > door-s.newcomer || len(s.queue[false]) == 0
	default:
		return s.newcomer < door && kept > 0 || s.newcomer < places-kept && len(s.queue[true]) == 0
	}
}

func (s *shed) occupy(urgent bool) {
	s.taken++
	if !urgent {
		s.newcomer++
	}
}

// free gives a place back and hands on what there is.
func (s *shed) free(urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := wall.Now()
	if !urgent {
		s.measure(s.taken >= s.pressure.places || s.newcomer >= s.pressure.places-s.pressure.places/5, now)
		s.newcomer--
	}
	s.taken--
	s.hand(now)
}

// hand gives places that are free to who waits: first to the urgent, then in the order of coming. shed.mu is held.
func (s *shed) hand(now time.Time) {
	for _, kind := range []bool{true, false} {
		for len(s.queue[kind]) > 0 && s.room(kind) {
			w := s.queue[kind][0]
			s.queue[kind] = s.queue[kind][1:]
			s.occupy(kind)
			w.has, w.since = true, now
			close(w.ready)
		}
	}
}

// measure takes note that an ordinary request leaves, while all places are taken or not. shed.mu is held.
func (s *shed) measure(full bool, now time.Time) {
	if full {
		s.pace = (7*s.pace + min(now.Sub(s.left), maxWait)) / 8
	}
	s.left = now
}

// leave gives back what p holds; a second call does nothing.
func (p *place) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.release != nil {
		p.release()
		p.release = nil
	}
}

// stream changes the place of a request for that of an open stream; false when there are too many streams.
func (p *place) stream() bool {
	select {
	case p.shed.streams <- struct{}{}:
	default:
		return false
	}
	p.leave()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release = func() { <-p.shed.streams }
	return true
}
