package jobs

import (
	"context"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Valve is shared by kinds that stand or fall with one neighbour, such as the mail server (Policy.Valve). The zero value is
// open. Each process has its own: another replica may reach a neighbour that this one does not.
type Valve struct {
	setting Setting // Queue.mu guards it, and begun
	begun   int     // attempts that run, of all its kinds
}

// Setting is how much may begin.
type Setting int

// The settings of a valve.
const (
	Open Setting = iota // as many as there are workers
	Ajar                // one at a time, of all kinds together
	Shut                // none; what was claimed and has not begun is given back
)

// Turn sets the valve. It never waits: what has begun goes on, and what is to be given back is given back soon.
func (q *Queue) Turn(v *Valve, to Setting) {
	q.mu.Lock()
	v.setting = to
	for _, k := range q.kinds {
		if k.policy.Valve == v {
			k.due = true // nobody has looked while it was shut
		}
	}
	q.mu.Unlock()
	poke(q.wake)
}

// room is how many more may begin; claims are for as many, so that nothing lies claimed behind a valve.
func (v *Valve) room(asked int) int {
	switch {
	case v == nil || v.setting == Open:
		return asked
	case v.setting == Shut:
		return 0
	default:
		return min(asked, 1-v.begun)
	}
}

func (v *Valve) count(n int) {
	if v != nil {
		v.begun += n
	}
}

// ajar says that the end of one attempt is what the next one of any kind waits for.
func (v *Valve) ajar() bool { return v != nil && v.setting == Ajar }

func (v *Valve) shut() bool { return v != nil && v.setting == Shut }

func (q *Queue) isShut(v *Valve) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return v.shut()
}

// handBack gives back what lies claimed behind shut valves, so that another replica may take it.
func (q *Queue) handBack(ctx context.Context) {
	q.mu.Lock()
	var back []*hold
	for _, k := range q.kinds {
		if !k.policy.Valve.shut() {
			continue
		}
		for _, h := range k.ready {
			h.lost = true
			delete(q.held, h.ID)
			lower(k.claimed, h.lane)
		}
		back = append(back, k.ready...)
		k.ready = nil
	}
	q.mu.Unlock()
	if len(back) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	if err := q.db.InTx(limited, func(tx *database.Tx) error { return releaseAll(tx, back) }); err != nil {
		q.log.WarnContext(ctx, "jobs cannot be given back; their leases will run out", "jobs", len(back), "error", err)
	}
}

// Unbegun gives the job back as it was, because of err: nothing was tried with it, so it is no attempt, and it is due when
// it was. Only for a kind whose valve the handler has shut: else it would be claimed again at once.
func Unbegun(err error) error { return unbegunError{err} }

type unbegunError struct{ error }

func (e unbegunError) Unwrap() error { return e.error }
