package notification

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
)

const (
	// firstKnock is how soon after the line broke the server is asked again; the wait doubles up to lastKnock, so that a
	// backlog goes on at most that long after the server is back. A server that says no for good (5xx: a wrong password, a
	// closed account) is asked no more than once in refusedKnock, or it would shut us out.
	firstKnock   = time.Second
	lastKnock    = 10 * time.Second
	refusedKnock = time.Minute
	// cutsToBreak: mails to so many domains, one after the other and without an answer to any between them, have to be cut
	// off before it is taken for the server's fault. One recipient whose mail makes it hang up stops nobody else's.
	cutsToBreak = 3
	// lineAlert is how often an operator is told that the line broke.
	lineAlert = time.Minute
)

// line is what this process knows of the way to the mail server. While it is down no mail is begun: nothing is composed,
// dialled or written for any, and no attempt is counted. The server is knocked at, with growing waits, and when it opens,
// one mail goes ahead; the others follow as soon as that one has been answered, whatever the answer.
//
//	up ──not reached, or three cut off──▶ down ──knock──▶ trying ──answered──▶ up
//	                                       ▲                │
//	                                       └──cut off───────┘
type line struct {
	jobs  *jobs.Queue
	valve *jobs.Valve
	log   *slog.Logger
	knock func(ctx context.Context) error // nil: the next mail knocks
	now   func() time.Time

	mu       sync.Mutex
	state    lineState
	since    time.Time // when it broke; zero while it is up
	why      string
	wait     time.Duration // before the next knock
	answered time.Time     // the last answer to a mail
	cuts     map[string]struct{}
	told     time.Time
}

type lineState int

const (
	lineUp lineState = iota
	lineDown
	lineTrying
)

// knocker is a transport that can be asked for a connection without a mail.
type knocker interface {
	Knock(ctx context.Context) error
}

func newLine(n Needs) *line {
	l := &line{jobs: n.Jobs, valve: new(jobs.Valve), log: n.Log, now: n.DB.Now, cuts: map[string]struct{}{}}
	if k, ok := n.Transport.(knocker); ok {
		l.knock = k.Knock
	}
	return l
}

// isDown says that no mail is to be begun. What was claimed a moment before the line broke asks.
func (l *line) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == lineDown
}

// ended hears how a hand-over to domain, begun at the instant began, has ended. Unbegun says that nothing was learnt about
// the mail: it goes back as it was.
func (l *line) ended(domain string, began time.Time, err error) (unbegun bool) {
	r := (*Refusal)(nil)
	errors.As(err, &r)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil && r == nil: // it never came to a hand-over
	case r != nil && r.Unreached:
		if l.answered.After(began) {
			return false // the server lets nobody else in, and works: this mail waits like any that is refused
		}
		l.breaks(r)
		return true
	case r != nil && r.Cut:
		l.cuts[domain] = struct{}{}
		if l.state == lineTrying || len(l.cuts) >= cutsToBreak {
			l.breaks(r)
		}
	case r != nil && r.Code == 0: // it was too slow for this mail: that stops nobody else
		if l.state == lineTrying {
			l.mends()
		}
	default:
		l.answered = l.now()
		clear(l.cuts)
		l.mends()
	}
	return false
}

// breaks stops all mail until a knock is answered. l.mu is held.
func (l *line) breaks(r *Refusal) {
	l.why = r.Error()
	switch l.state {
	case lineDown:
		return
	case lineUp:
		l.since, l.wait = l.now(), firstKnock
		if l.since.Sub(l.told) >= lineAlert {
			l.told = l.since
			l.log.Warn("mail waits: the mail server does not take it", "reason", l.why)
		}
	default:
		l.grow(r)
	}
	l.state = lineDown
	l.jobs.Turn(l.valve, jobs.Shut)
	l.knockLater()
}

// mends lets everything go on. l.mu is held.
func (l *line) mends() {
	if l.state == lineUp {
		return
	}
	l.log.Info("mail leaves again", "down", l.now().Sub(l.since).Round(time.Millisecond).String())
	l.state, l.since, l.why = lineUp, time.Time{}, ""
	l.jobs.Turn(l.valve, jobs.Open)
}

func (l *line) grow(r *Refusal) {
	most := lastKnock
	if r != nil && r.Code >= 500 {
		most = refusedKnock
	}
	l.wait = min(2*l.wait, most)
}

// knockLater knocks after the wait and up to a fifth more, so that replicas do not knock together. l.mu is held.
func (l *line) knockLater() {
	time.AfterFunc(l.wait+rand.N(l.wait/5), l.knocks)
}

// knocks asks the server for a connection, and lets one mail go ahead when it gives one.
func (l *line) knocks() {
	var err error
	if l.knock != nil {
		ctx, cancel := context.WithTimeout(context.Background(), DialLimit+CommandLimit)
		err = l.knock(ctx)
		cancel()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state != lineDown, errors.Is(err, errClosed): // a mail was answered meanwhile, or the house closes
	case err == nil:
		l.state = lineTrying
		l.jobs.Turn(l.valve, jobs.Ajar)
	default:
		r := (*Refusal)(nil)
		if errors.As(err, &r) {
			l.why = r.Error()
		}
		l.grow(r)
		l.knockLater()
	}
}

// Waiting says since when this process sends no mail because the server takes none, and the reason; zero while it does.
// It is for staff and metrics.
func (s *Service) Waiting() (since time.Time, why string) {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	return s.line.since, s.line.why
}
