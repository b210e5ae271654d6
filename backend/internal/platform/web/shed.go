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
	maxWait    = 40 * time.Millisecond
	urgentWait = time.Second
	// shedAlert is how often an operator is told that requests are turned away. A line for each would cost more than the
	// answers, at the moment when there is least to spare.
	shedAlert = 10 * time.Second
)

// streamsPerPlace is how many open event streams there may be for each place: they hold memory, but do no work.
const streamsPerPlace = 16

// shed bounds the API requests that are worked on at once. Ordinary ones may use four fifths of the places, and get none
// while an urgent one waits, so that who is in the middle of something (a code, a decision) gets through when newcomers
// do not.
type shed struct {
	places, ordinary int // the bounds
	streams          chan struct{}
	urgent           map[string]struct{}
	watch            *Watch
	log              *slog.Logger

	mu       sync.Mutex
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
}

func newShed(places int, urgent []string) *shed {
	s := &shed{
		places: places, ordinary: max(1, places-places/5), streams: make(chan struct{}, places*streamsPerPlace),
		urgent: map[string]struct{}{}, queue: map[bool][]*waiter{},
	}
	for _, route := range urgent {
		s.urgent[route] = struct{}{}
	}
	return s
}

const placeKey = "vestibule.web.place"

func (s *shed) middleware(c *gin.Context) {
	if path := c.Request.URL.Path; !isAPI(path) || path == "/livez" || path == "/readyz" {
		return
	}
	_, urgent := s.urgent[c.Request.Method+" "+c.FullPath()]
	p, ok := s.take(c.Request.Context(), urgent)
	if !ok {
		s.turnAway(c)
		return
	}
	defer p.leave()
	c.Set(placeKey, p)
	c.Next()
}

// shedKey marks a request that was turned away, for finish.
const shedKey = "vestibule.web.shed"

// turnAway answers 503 with as little work as possible.
func (s *shed) turnAway(c *gin.Context) {
	s.watch.shedOne()
	c.Abort()
	c.Set(shedKey, true)
	writeProblem(c, errBusy)
	now := wall.Now()
	s.mu.Lock()
	s.refused++
	refused, due := s.refused, now.Sub(s.told) >= shedAlert
	if due {
		s.refused, s.told = 0, now
	}
	s.mu.Unlock()
	if due && s.log != nil {
		s.log.WarnContext(c.Request.Context(), "requests are turned away: more come than can be worked on", "requests", refused, "places", s.places)
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
	case urgent && len(s.queue[true]) < s.places*streamsPerPlace:
		wait = urgentWait
	case urgent, len(s.queue[true]) > 0, time.Duration(len(s.queue[false])+1)*s.pace > maxWait: // whoever waits now would not be served in time
		s.mu.Unlock()
		return nil, false
	}
	w := &waiter{ready: make(chan struct{})}
	s.queue[urgent] = append(s.queue[urgent], w)
	s.mu.Unlock()
	return p, s.wait(ctx, w, urgent, wait)
}

// wait ends with a place, or with none when time is up or the client has gone.
func (s *shed) wait(ctx context.Context, w *waiter, urgent bool, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.ready:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.has {
		s.queue[urgent] = slices.DeleteFunc(s.queue[urgent], func(other *waiter) bool { return other == w })
	}
	return w.has
}

// room says whether there is a place right now. shed.mu is held.
func (s *shed) room(urgent bool) bool {
	if urgent {
		return s.taken < s.places
	}
	return s.taken < s.places && s.newcomer < s.ordinary && len(s.queue[true]) == 0
}

func (s *shed) occupy(urgent bool) {
	s.taken++
	if !urgent {
		s.newcomer++
	}
}

// free gives a place back and hands on what there is: first to the urgent, then in the order of coming.
func (s *shed) free(urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if !urgent {
		s.measure(s.newcomer == s.ordinary || s.taken+1 == s.places)
		s.newcomer--
	}
	for _, kind := range []bool{true, false} {
		for len(s.queue[kind]) > 0 && s.room(kind) {
			w := s.queue[kind][0]
			s.queue[kind] = s.queue[kind][1:]
			s.occupy(kind)
			w.has = true
			close(w.ready)
		}
	}
}

// measure takes note that an ordinary request leaves, while all places are taken or not. shed.mu is held.
func (s *shed) measure(full bool) {
	now := wall.Now()
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
