package jobs

import (
	"context"
	"maps"
	"time"
)

const (
	// leaseTime is how long a claimed job is left alone; it is extended every third of it (security.md R22: 60 s).
	leaseTime = 60 * time.Second
	// laneShare: one lane has at most a quarter of a kind's workers (security.md R06).
	laneShare = 4
	// fast is the pace below which a few jobs more than there are workers are claimed at once: then the claim itself is
	// what costs. maxAhead bounds them, and ahead of a worker lies at most about as much as it does in quickWork.
	fast      = 50 * time.Millisecond
	quickWork = 200 * time.Millisecond
	maxAhead  = 32
	slow      = time.Second
)

// capacity is how many jobs of the kind may be claimed here at the same time.
func (k *kind) capacity() int {
	if k.pace >= fast {
		return k.policy.Workers
	}
	return k.policy.Workers + min(maxAhead, int(quickWork/max(k.pace, time.Millisecond)))
}

func share(n int) int { return max(1, n/laneShare) }

// room is how many more jobs of the kind may be claimed now. Claimed ones that wait for their lane take none of it: else a
// receiver that hangs would hold up all the others with the few jobs that were claimed for it while it was quick.
func (k *kind) room() int {
	room := k.capacity() - k.running
	for _, h := range k.ready {
		if !k.stuck(h) {
			room--
		}
	}
	return k.policy.Valve.room(room)
}

// stuck says that a claimed job's lane has its share of the workers.
func (k *kind) stuck(h *hold) bool {
	return h.lane != "" && k.serving[h.lane] >= share(k.policy.Workers)
}

// dispatch is the loop that claims jobs and hands them to workers.
func (q *Queue) dispatch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
			q.round(ctx)
		}
	}
}

// round claims for every kind that may have work and room, once each.
func (q *Queue) round(ctx context.Context) {
	q.handBack(ctx)
	for _, k := range q.hungry() {
		if err := q.claimFor(ctx, k); err != nil && ctx.Err() == nil {
			q.log.WarnContext(ctx, "jobs cannot be claimed", "kind", k.name, "error", err)
		}
	}
}

// hungry lists the due kinds with room. Those without room are told to the other replicas: they may have some.
func (q *Queue) hungry() []*kind {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []*kind
	for _, k := range q.kinds {
		switch {
		case !k.due || q.stopping || k.policy.Valve.shut():
		case k.room() > 0:
			out = append(out, k)
		default:
			q.elsewhere[k.name] = true
			poke(q.tell)
		}
	}
	return out
}

// claimFor claims what k has room for. Only the dispatcher claims, so the room cannot shrink meanwhile.
func (q *Queue) claimFor(ctx context.Context, k *kind) error {
	q.mu.Lock()
	room := k.room()
	if room <= 0 { // its valve has been turned
		q.mu.Unlock()
		return nil
	}
	k.due = false // a wake-up from now on counts
	finished := k.finished
	request := claimRequest{kind: k.name, worker: q.me, n: room, share: share(k.capacity()), claimed: maps.Clone(k.claimed)}
	q.mu.Unlock()
	// Not cut off by the end: a claim whose commit is under way would be leased to nobody. Stop gives it back.
	holds, more, err := claim(context.WithoutCancel(ctx), q.db, request)
	if err != nil {
		return err // the poll will set due again
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	k.due = k.due || more
	for _, h := range holds {
		q.held[h.ID] = h
		k.claimed[h.lane]++
	}
	k.ready = append(k.ready, holds...)
	q.startReady(k)
	changed := len(holds) > 0 || k.finished != finished // else the next one who finishes wakes us
	if k.due && changed && k.room() > 0 || k.policy.Valve.shut() && len(k.ready) > 0 {
		poke(q.wake)
	}
	return nil
}

// startReady gives claimed jobs to free workers, in order, lane by lane's share. Queue.mu is held.
func (q *Queue) startReady(k *kind) {
	rest := k.ready[:0]
	for _, h := range k.ready {
		if q.stopping || k.running >= k.policy.Workers || k.stuck(h) || k.policy.Valve.room(1) <= 0 {
			rest = append(rest, h)
			continue
		}
		k.running++
		k.policy.Valve.count(1)
		k.serving[h.lane]++
		var ctx context.Context
		ctx, h.cancel = context.WithCancelCause(q.base)
		q.working.Go(func() { q.work(ctx, k, h) })
	}
	clear(k.ready[len(rest):])
	k.ready = rest
}

// worked books a finished attempt and lets the next one begin.
func (q *Queue) worked(k *kind, h *hold, took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k.pace = (3*k.pace + took) / 4
	k.running--
	k.policy.Valve.count(-1)
	k.finished++
	lower(k.serving, h.lane)
	lower(k.claimed, h.lane)
	if q.held[h.ID] == h {
		delete(q.held, h.ID)
	}
	q.startReady(k)
	inHand := k.claimed[h.lane] - k.serving[h.lane]
	if k.due && inHand <= k.policy.Workers/2 || k.policy.Valve.ajar() { // not for every single one: claims are cheaper by the handful
		poke(q.wake)
	}
}

func lower(counts map[string]int, lane string) {
	if counts[lane]--; counts[lane] <= 0 {
		delete(counts, lane)
	}
}
