package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

const (
	pollEvery = time.Second
	// tellEvery is the least time between two notifications of other replicas.
	tellEvery = 50 * time.Millisecond
	// relistenAfter is the wait before listening again when the connection broke.
	relistenAfter = 2 * time.Second
	// releaseLimit is how long giving jobs back at the end may take.
	releaseLimit = 5 * time.Second
)

// Start begins to work. It returns at once; the workers end with Stop, or stop claiming when ctx ends.
func (q *Queue) Start(ctx context.Context) {
	loop := q.begin(ctx)
	q.loops.Go(func() { q.dispatch(loop) })
	q.loops.Go(func() { every(loop, pollEvery, q.look) })
	q.loops.Go(func() { every(loop, leaseTime/3, q.extendLeases) })
	q.loops.Go(func() { q.listen(loop) })
	q.loops.Go(func() { q.tellOthers(loop) })
	poke(q.wake)
}

// Announce is Start for a process that works nothing off: until ctx ends it tells the other replicas what was enqueued
// here, so that they need not find it by looking.
func (q *Queue) Announce(ctx context.Context) {
	q.loops.Go(func() { q.tellOthers(ctx) })
	poke(q.tell)
}

// begin readies everything but the loops.
func (q *Queue) begin(ctx context.Context) (loop context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.base != nil {
		panic("jobs: the queue has been started already")
	}
	loop, q.stopLoops = context.WithCancel(ctx)
	q.base, q.stopWork = context.WithCancel(context.WithoutCancel(ctx)) // Stop lets handlers finish
	for _, k := range q.kinds {
		k.due = true
	}
	return loop
}

// Stop claims no more, gives back what has not begun and waits for the handlers. Those that still run when ctx ends are
// told to stop, and their jobs are given back to the other replicas; Stop then says how many.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	if q.base == nil || q.stopping {
		q.mu.Unlock()
		return nil
	}
	q.stopping = true
	q.mu.Unlock()
	q.stopLoops()
	q.loops.Wait()
	defer q.stopWork()
	q.giveBack(ctx, func(h *hold) bool { return h.cancel == nil }, release)

	finished := make(chan struct{})
	go func() { q.working.Wait(); close(finished) }()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
	}
	n := q.giveBack(ctx, func(*hold) bool { return true }, func(tx *database.Tx, r Run) error {
		return postpone(tx, r, tx.Now, "The process was stopped in the middle.")
	})
	return fmt.Errorf("jobs: %d were still running at the end and were given back", n)
}

// giveBack lets go of the chosen jobs, and says of how many.
func (q *Queue) giveBack(ctx context.Context, chosen func(*hold) bool, write func(*database.Tx, Run) error) (n int) {
	q.mu.Lock()
	var holds []*hold
	for id, h := range q.held {
		if chosen(h) {
			h.lost = true
			delete(q.held, id)
			holds = append(holds, h)
			if h.cancel != nil {
				h.cancel(errStopping)
			}
		}
	}
	q.mu.Unlock()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	for _, h := range holds {
		if err := q.db.InTx(limited, func(tx *database.Tx) error { return write(tx, h.Run) }); err != nil {
			q.log.WarnContext(ctx, "job cannot be given back; its lease will run out", "kind", h.Kind, "job", h.ID, "error", err)
		}
	}
	return len(holds)
}

// Drain works off, one by one and in this goroutine, everything that is due, and what becomes due by that at the same
// instant. It is for commands and tests, instead of Start; it says how many attempts it made.
func (q *Queue) Drain(ctx context.Context) (ran int, err error) {
	q.mu.Lock()
	if q.stopLoops != nil {
		q.mu.Unlock()
		panic("jobs: Drain is for queues that are not started")
	}
	kinds := slices.SortedFunc(maps.Values(q.kinds), func(a, b *kind) int { return strings.Compare(a.name, b.name) })
	q.mu.Unlock()
	q.base = context.WithoutCancel(ctx)
	defer func() { q.base = nil }()
	for ctx.Err() == nil {
		if err := q.tidy(ctx); err != nil {
			return ran, err
		}
		before := ran
		for _, k := range kinds {
			n, err := q.drainKind(ctx, k)
			ran += n
			if err != nil {
				return ran, err
			}
		}
		if ran == before {
			return ran, nil
		}
	}
	return ran, ctx.Err()
}

func (q *Queue) drainKind(ctx context.Context, k *kind) (ran int, err error) {
	q.mu.Lock()
	n := k.policy.Valve.room(maxAhead)
	q.mu.Unlock()
	if n <= 0 {
		return 0, nil
	}
	holds, _, err := claim(ctx, q.db, claimRequest{kind: k.name, worker: q.me, n: n, share: maxAhead})
	for _, h := range holds {
		if q.isShut(k.policy.Valve) {
			q.settle(k, h, Unbegun(errShut))
			continue
		}
		run, cancel := context.WithCancelCause(ctx)
		q.settle(k, h, q.attempt(run, k, h))
		cancel(nil)
		ran++
	}
	return ran, err
}

// every calls fn in each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, fn func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			fn(ctx)
		}
	}
}
