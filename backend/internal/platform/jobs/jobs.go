package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Job is work to be done after the act.
type Job struct {
	// Kind names the handler, such as "mail.send".
	Kind string
	// Key, if set, keeps the job unique while it is live: with a waiting job of the same kind and key, that one stays and
	// takes over this payload; with a running one, the job runs once more afterwards.
	Key string
	// Payload is written as JSON and read by Run.Bind. No secrets.
	Payload any
	// RunAt is the earliest instant; zero means now.
	RunAt time.Time
	// Queue is the job's lane, if it has one: jobs for the same receiver, such as "mail:fabrikam.de".
	Queue string
	// About is what staff read in the list of dead jobs, such as "req_01J9…".
	About string
}

// Handler does a job. ctx ends when the job's time is up, when its lease is lost or when the process must stop. A nil
// error finishes the job; Final ends it as dead, Later names the time of the next attempt, and any other error leaves
// that to the kind's Policy.
type Handler func(ctx context.Context, run Run) error

// Policy says how a kind is worked off. Zero values mean the defaults.
type Policy struct {
	MaxAttempts int                             // how often it is tried before it is dead; default 10
	Backoff     func(attempt int) time.Duration // the wait after the attempt-th failure (from 1); default DefaultBackoff
	Timeout     time.Duration                   // how long one attempt may take; default 2 minutes
	Workers     int                             // how many run at once in this process; default 4
	Valve       *Valve                          // bounds it further, with the other kinds that have the same; may be nil
}

// DefaultBackoff waits 10 s, 20 s, 40 s … up to an hour. Up to a tenth is added by chance to every wait, so that jobs
// that failed together do not come back together.
func DefaultBackoff(attempt int) time.Duration {
	const first, last = 10 * time.Second, time.Hour
	return min(first<<min(max(attempt-1, 0), 16), last)
}

func (p Policy) withDefaults() Policy {
	if p.MaxAttempts <= 0 {
		p.MaxAttempts = 10
	}
	if p.Backoff == nil {
		p.Backoff = DefaultBackoff
	}
	if p.Timeout <= 0 {
		p.Timeout = 2 * time.Minute
	}
	if p.Workers <= 0 {
		p.Workers = 4
	}
	return p
}

// Queue hands out and works off jobs. Handle, OnDead and Every come first, Start after them. It is safe for concurrent
// use.
type Queue struct {
	db  *database.DB
	clk clock.Clock
	ids ids.Source
	log *slog.Logger
	// around begins a span for an attempt; nil unless Around
	around func(ctx context.Context, kind string, attempt int) (context.Context, func(error))
	me     string // names this queue in leases and notifications

	mu        sync.Mutex
	kinds     map[string]*kind
	period    map[string]time.Duration
	held      map[string]*hold // by job id: claimed here
	elsewhere map[string]bool  // kinds to tell other replicas about
	stopping  bool
	working   sync.WaitGroup

	wake      chan struct{}   // the dispatcher looks at due kinds
	tell      chan struct{}   // the notifier looks at elsewhere
	base      context.Context // of all handlers; nil until Start
	stopWork  context.CancelFunc
	stopLoops context.CancelFunc
	loops     sync.WaitGroup
}

// kind is a handler and what is going on with it. Queue.mu guards it.
type kind struct {
	name     string
	policy   Policy
	handler  Handler
	onDead   func(tx *database.Tx, run Run, cause error) error
	due      bool    // there may be jobs to claim
	ready    []*hold // claimed, but no worker is free for them
	running  int
	finished int            // attempts so far
	serving  map[string]int // running, by lane
	claimed  map[string]int // running or ready, by lane
	pace     time.Duration  // how long attempts took lately
}

// New returns a queue on db. All arguments are needed.
func New(db *database.DB, clk clock.Clock, source ids.Source, log *slog.Logger) *Queue {
	if db == nil || clk == nil || source == nil || log == nil {
		panic("jobs.New needs a database, a clock, ids and a logger")
	}
	return &Queue{
		db: db, clk: clk, ids: source, log: log, me: source.New("wrk"),
		kinds: map[string]*kind{}, period: map[string]time.Duration{}, held: map[string]*hold{}, elsewhere: map[string]bool{},
		wake: make(chan struct{}, 1), tell: make(chan struct{}, 1),
	}
}

// Around registers what begins before every attempt and is told of its end, for traces; before Start, once.
func (q *Queue) Around(fn func(ctx context.Context, kind string, attempt int) (context.Context, func(error))) {
	q.around = fn
}

// Handle registers the handler of a kind. It panics if there is one already.
func (q *Queue) Handle(name string, p Policy, h Handler) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if name == "" || h == nil || q.kinds[name] != nil {
		panic(fmt.Sprintf("jobs: the kind %q needs a name and exactly one handler", name))
	}
	q.kinds[name] = &kind{name: name, policy: p.withDefaults(), handler: h, serving: map[string]int{}, claimed: map[string]int{}, pace: slow}
}

// OnDead registers what happens, in the same transaction, when a job of a registered kind dies: telling a person,
// moving a state. If fn fails, the job is not dead yet and is tried again.
func (q *Queue) OnDead(name string, fn func(tx *database.Tx, run Run, cause error) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.kinds[name]
	if k == nil || k.onDead != nil {
		panic(fmt.Sprintf("jobs: OnDead of %q comes once and after Handle", name))
	}
	k.onDead = fn
}

// Every registers a periodic job: fn runs once per interval across all replicas, first at the very first start. A run
// that takes longer than the interval is not overtaken. Three attempts, an hour at most.
func (q *Queue) Every(name string, interval time.Duration, fn Handler) {
	if interval < time.Second {
		panic(fmt.Sprintf("jobs: the interval of %q must be at least a second", name))
	}
	q.Handle(name, Policy{MaxAttempts: 3, Workers: 1, Timeout: min(interval, time.Hour)}, fn)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.period[name] = interval
}

// Enqueue adds a job in tx and wakes the workers when tx has lasted. It is cheap: one insert.
func (q *Queue) Enqueue(tx *database.Tx, j Job) error {
	if j.Kind == "" {
		panic("jobs: a job needs a kind")
	}
	payload, err := json.Marshal(j.Payload)
	if err != nil {
		return fmt.Errorf("write the payload of %s: %w", j.Kind, err)
	}
	if j.RunAt.IsZero() {
		j.RunAt = tx.Now
	}
	if err := insert(tx, q.ids.New("job"), j, string(payload)); err != nil {
		return fmt.Errorf("enqueue %s: %w", j.Kind, err)
	}
	if !j.RunAt.After(tx.Now) {
		tx.AfterCommit(func() { q.wakeFor(j.Kind, j.Queue) })
	}
	return nil
}

// wakeFor says that there is work of a kind: here if the kind is worked off here, and otherwise to the other replicas.
// A lane that has its share here need not be looked at now: the next of its jobs that ends looks.
func (q *Queue) wakeFor(name, lane string) {
	q.mu.Lock()
	k := q.kinds[name]
	here := k != nil && q.base != nil && !q.stopping
	busy := here && lane != "" && k.claimed[lane] >= share(k.capacity())
	if here {
		k.due = true
	} else {
		q.elsewhere[name] = true
	}
	q.mu.Unlock()
	switch {
	case busy:
	case here:
		poke(q.wake)
	default:
		poke(q.tell)
	}
}

// poke leaves at most one message in ch and never waits.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
