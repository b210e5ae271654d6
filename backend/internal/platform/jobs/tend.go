package jobs

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

const (
	channel = "vestibule_jobs"
	// What look finds besides kinds; no kind begins with "+".
	foundLeases    = "+leases"
	foundSchedules = "+schedules"
)

// look asks the database once what there is to do, and wakes whoever does it. It only reads.
func (q *Queue) look(ctx context.Context) {
	found, err := q.find(ctx)
	if err != nil {
		if ctx.Err() == nil {
			q.log.DebugContext(ctx, "due jobs cannot be looked for", "error", err)
		}
		return
	}
	if slices.Contains(found, foundLeases) || slices.Contains(found, foundSchedules) {
		if err := q.tidy(ctx); err != nil && ctx.Err() == nil {
			q.log.WarnContext(ctx, "jobs cannot be tidied", "error", err)
		}
	}
	q.mu.Lock()
	for _, name := range found {
		if k := q.kinds[name]; k != nil {
			k.due = true
		}
	}
	q.mu.Unlock()
	if len(found) > 0 {
		poke(q.wake)
	}
}

// find lists the registered kinds with due jobs, and foundLeases and foundSchedules.
func (q *Queue) find(ctx context.Context) (found []string, err error) {
	now := q.db.Now()
	var query strings.Builder
	var args []any
	q.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(q.kinds)) {
		query.WriteString(`SELECT CAST(? AS TEXT) AS what WHERE EXISTS (SELECT 1 FROM jobs WHERE state = 'waiting' AND kind = ? AND run_at <= ?) UNION ALL `)
		args = append(args, name, name, now)
	}
	for _, name := range slices.Sorted(maps.Keys(q.period)) {
		query.WriteString(`SELECT CAST(? AS TEXT) AS what WHERE NOT EXISTS (SELECT 1 FROM job_schedules WHERE kind = ? AND next_at > ? AND next_at <= ?) UNION ALL `)
		args = append(args, foundSchedules, name, now, now.Add(q.period[name]))
	}
	q.mu.Unlock()
	query.WriteString(`SELECT CAST(? AS TEXT) AS what WHERE EXISTS (SELECT 1 FROM jobs WHERE state = 'running' AND locked_until < ?)`)
	args = append(args, foundLeases, now)
	err = q.db.Read(ctx).Raw(query.String(), args...).Scan(&found).Error
	return found, err
}

// tidy takes back jobs of vanished workers and enqueues the periodic jobs whose time has come.
func (q *Queue) tidy(ctx context.Context) error {
	return q.db.InTx(ctx, func(tx *database.Tx) error {
		n, err := reclaim(tx)
		if err != nil {
			return err
		}
		if n > 0 {
			tx.AfterCommit(func() {
				q.log.WarnContext(ctx, "jobs of a vanished worker were taken back", "jobs", n)
				q.allDue()
			})
		}
		q.mu.Lock()
		periods := maps.Clone(q.period)
		q.mu.Unlock()
		for _, name := range slices.Sorted(maps.Keys(periods)) {
			mine, err := advance(tx, name, periods[name])
			if err != nil {
				return err
			}
			if mine {
				if err := q.Enqueue(tx, Job{Kind: name, Key: "every"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (q *Queue) allDue() {
	q.mu.Lock()
	for _, k := range q.kinds {
		k.due = true
	}
	q.mu.Unlock()
	poke(q.wake)
}

// extendLeases is the sign of life for everything claimed here. Jobs that were taken over meanwhile are let go of.
func (q *Queue) extendLeases(ctx context.Context) {
	q.mu.Lock()
	holds := maps.Clone(q.held)
	q.mu.Unlock()
	if len(holds) == 0 {
		return
	}
	var ours map[string]int64
	err := q.db.InTx(ctx, func(tx *database.Tx) (err error) {
		ours, err = extend(tx, q.me, slices.Sorted(maps.Keys(holds)))
		return err
	})
	if err != nil {
		q.log.WarnContext(ctx, "leases cannot be extended", "jobs", len(holds), "error", err)
		return
	}
	for id, h := range holds {
		if fence, held := ours[id]; !held || fence != h.Fence {
			q.letGo(h)
		}
	}
}

// letGo forgets a job that is no longer ours; a running handler is told by its context.
func (q *Queue) letGo(h *hold) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[h.ID] != h {
		return // finished meanwhile
	}
	delete(q.held, h.ID)
	h.lost = true
	if h.cancel != nil {
		h.cancel(ErrFenced)
		return
	}
	k := q.kinds[h.Kind]
	k.ready = slices.DeleteFunc(k.ready, func(other *hold) bool { return other == h })
	lower(k.claimed, h.lane)
}

// listen hears of jobs that other replicas cannot take, and connects again when the connection breaks.
func (q *Queue) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := q.db.Listen(ctx, channel, q.allDue, q.heard) // all due: something may have been said before
		if err == nil {
			return
		}
		q.log.DebugContext(ctx, "jobs of other replicas are not heard of; polling goes on", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(relistenAfter):
		}
	}
}

// heard reads "worker kind kind…". A kind without room here is only remembered: telling it on would never end.
func (q *Queue) heard(message string) {
	words := strings.Fields(message)
	if len(words) == 0 || words[0] == q.me {
		return
	}
	room := false
	q.mu.Lock()
	for _, name := range words[1:] {
		if k := q.kinds[name]; k != nil {
			k.due = true
			room = room || k.room() > 0
		}
	}
	q.mu.Unlock()
	if room {
		poke(q.wake)
	}
}

// tellOthers passes on the kinds that this process cannot take.
func (q *Queue) tellOthers(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.tell:
		}
		q.mu.Lock()
		kinds := slices.Sorted(maps.Keys(q.elsewhere))
		clear(q.elsewhere)
		q.mu.Unlock()
		if err := q.db.Notify(ctx, channel, strings.Join(append([]string{q.me}, kinds...), " ")); err != nil && ctx.Err() == nil {
			q.log.DebugContext(ctx, "other replicas cannot be told; they poll", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tellEvery):
		}
	}
}
