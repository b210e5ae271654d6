package faults

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// The acknowledgements of a house: what it said 2xx to, and what must therefore be there at the end.
const (
	started   = "started"
	mailed    = "mailed"
	proved    = "proved"
	submitted = "submitted"
	approved  = "approved"
)

// ack is one acknowledgement. Its key is the sign-up's id, or the request's reference.
type ack struct{ kind, key, address string }

// ledger writes down every acknowledgement, every answer, and how long it took. Safe for several goroutines.
type ledger struct {
	mu       sync.Mutex
	acks     []ack
	statuses map[int]int // 0: no answer; closed: nobody listens
	took     times
	odd      []string // answers that no fault explains
	noRetry  int      // 503 without Retry-After
	slowest  time.Duration
	slow     string    // which answer that was
	last     time.Time // of the last acknowledgement
}

// closed stands for the status of a connection that was refused.
const closed = -1

func newLedger() *ledger { return &ledger{statuses: map[int]int{}} }

// hears books an answer; a 2xx is an acknowledgement of kind unless kind is empty.
func (l *ledger) hears(r reply, a ack) reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	if refused(r.err) {
		l.statuses[closed]++
		return r
	}
	l.statuses[r.status]++
	l.took = append(l.took, r.took)
	if r.took > l.slowest {
		l.slowest, l.slow = r.took, fmt.Sprintf("%s %d", a.kind, r.status)
	}
	switch {
	case r.ok():
		l.last = time.Now()
		if a.kind != "" {
			l.acks = append(l.acks, a)
		}
	case r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") == "":
		l.noRetry++
	case r.status >= 500 && r.status != http.StatusServiceUnavailable:
		l.odd = append(l.odd, fmt.Sprintf("%d %.200s", r.status, r.body))
	}
	return r
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acks)
}

// of says how many answers had a status.
func (l *ledger) of(status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statuses[status]
}

// lost compares every acknowledgement with what the database holds: missing entirely, or half of it.
func (l *ledger) lost(h *house) (lost, half []string) {
	h.t.Helper()
	whole := map[string]map[string]bool{
		started:   h.set("SELECT id FROM signups"),
		mailed:    h.set("SELECT about FROM mails WHERE kind = 'signup.code'"),
		proved:    h.set("SELECT id FROM signups WHERE proved_at IS NOT NULL"),
		submitted: h.set("SELECT reference FROM requests"),
		approved:  h.set("SELECT reference FROM requests WHERE decision = 'approve'"),
	}
	parts := map[string][]map[string]bool{
		proved: {h.set("SELECT target FROM audit_events WHERE name = 'signup.proved'")},
		submitted: {
			h.set("SELECT r.reference FROM requests r JOIN audit_events a ON a.target = r.source_id AND a.name = 'signup.submitted'"),
			h.set("SELECT r.reference FROM requests r JOIN mails m ON m.about = r.id AND m.kind = 'request.received'"),
			h.set("SELECT r.reference FROM requests r JOIN approval_assignments q ON q.request_id = r.id"),
		},
		approved: {
			h.set("SELECT r.reference FROM requests r JOIN approval_decisions d ON d.request_id = r.id AND d.decision = 'approve'"),
			h.set("SELECT r.reference FROM requests r JOIN audit_events a ON a.target = r.id AND a.name = 'approval.approved'"),
			h.set("SELECT r.reference FROM requests r JOIN directory_users u ON u.id = r.guest_id AND u.address = r.address"),
			h.set("SELECT r.reference FROM requests r JOIN directory_grants g ON g.user_id = r.guest_id AND g.kind = 'app'"),
			h.set("SELECT r.reference FROM requests r JOIN mails m ON m.about = r.id AND m.kind = 'request.approved'"),
		},
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.acks {
		if !whole[a.kind][a.key] {
			lost = append(lost, fmt.Sprint(a))
			continue
		}
		for i, part := range parts[a.kind] {
			if !part[a.key] {
				half = append(half, fmt.Sprint(a, " part ", i))
			}
		}
	}
	return lost, half
}

// applicants send requests, one after the other, and have them approved, until ctx ends. Where the house is away they
// wait until it is back and try the same again, as people do.
func (h *house) applicants(ctx context.Context, n int, l *ledger) (wait func()) {
	var all sync.WaitGroup
	for i := range n {
		staff := h.staff.copied()
		staff.turn = i
		all.Go(func() {
			for ctx.Err() == nil {
				v := h.visitor(fmt.Sprintf("firm%d.example", i%5))
				v.turn = i
				h.story(ctx, v, staff, l)
			}
		})
	}
	return all.Wait
}

// story is one applicant's way as far as it goes.
func (h *house) story(ctx context.Context, v, staff *visitor, l *ledger) {
	for _, step := range []func() bool{
		func() bool {
			r := h.again(ctx, l, func() reply { return v.starts(ctx) }, func() ack { return ack{started, v.signup, v.address} })
			return r.ok()
		},
		func() bool {
			r := h.again(ctx, l, func() reply { return v.gives(ctx) }, func() ack { return ack{mailed, v.signup, v.address} })
			return r.ok()
		},
		func() bool {
			code, err := h.box.code(ctx, v.address, 0, 3*time.Second)
			if err != nil {
				return false // it died with a worker and comes later
			}
			r := h.again(ctx, l, func() reply { return v.types(ctx, code) }, func() ack { return ack{proved, v.signup, v.address} })
			return r.ok()
		},
		func() bool {
			r := h.again(ctx, l, func() reply { return v.submits(ctx) }, func() ack { return ack{submitted, v.ref, v.address} })
			return r.ok()
		},
		func() bool {
			ids, err := h.eyes.Strings(ctx, "SELECT id FROM requests WHERE reference = ?", v.ref)
			if err != nil || len(ids) != 1 {
				return false
			}
			r := h.again(ctx, l, func() reply { return staff.decides(ctx, ids[0]) }, func() ack { return ack{approved, v.ref, v.address} })
			return r.ok()
		},
	} {
		if !step() {
			return
		}
	}
}

// again does one step, and does it again while the house is away.
func (h *house) again(ctx context.Context, l *ledger, do func() reply, what func() ack) reply {
	for {
		r := do()
		if ctx.Err() != nil && r.status == 0 {
			return r // we gave up, not the house
		}
		l.hears(r, what())
		if !r.away() {
			return r
		}
		pause, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		_ = stack.Until(pause, "a moment", func() bool { return false })
		cancel()
		if ctx.Err() != nil {
			return r
		}
	}
}
