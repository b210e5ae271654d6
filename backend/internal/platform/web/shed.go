package web

import (
	"context"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// maxWait is how long a request waits for a place before it is turned away; security.md R21 asks for 503 within 50 ms.
const maxWait = 40 * time.Millisecond

// streamsPerPlace is how many open event streams there may be for each place: they hold memory, but do no work.
const streamsPerPlace = 16

// shed bounds the API requests that are worked on at once. Ordinary ones may use four fifths of the places, so that
// who is in the middle of something (a code, a decision) gets through when newcomers do not.
type shed struct {
	all, ordinary, streams chan struct{}
	urgent                 map[string]struct{}
	watch                  *Watch
}

func newShed(places int, urgent []string) *shed {
	s := &shed{
		all: make(chan struct{}, places), ordinary: make(chan struct{}, max(1, places-places/5)),
		streams: make(chan struct{}, places*streamsPerPlace), urgent: map[string]struct{}{},
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
		s.watch.shedOne()
		Problem(c, errBusy)
		return
	}
	defer p.leave()
	c.Set(placeKey, p)
	c.Next()
}

// place is what one request holds.
type place struct {
	shed  *shed
	mu    sync.Mutex
	holds []chan struct{}
}

func (s *shed) take(ctx context.Context, urgent bool) (*place, bool) {
	p := &place{shed: s}
	rooms := []chan struct{}{s.ordinary, s.all}
	if urgent {
		rooms = rooms[1:]
	}
	var timer *time.Timer
	for _, room := range rooms {
		select {
		case room <- struct{}{}:
		default:
			if timer == nil {
				timer = time.NewTimer(maxWait)
				defer timer.Stop()
			}
			select {
			case room <- struct{}{}:
			case <-timer.C:
				p.leave()
				return nil, false
			case <-ctx.Done():
				p.leave()
				return nil, false
			}
		}
		p.holds = append(p.holds, room)
	}
	return p, true
}

// leave gives back what p holds; a second call does nothing.
func (p *place) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, room := range p.holds {
		<-room
	}
	p.holds = nil
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
	p.holds = []chan struct{}{p.shed.streams}
	return true
}
