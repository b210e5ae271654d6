package faults

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// patience is how long a test waits for what is to come without a promise about when.
const patience = 60 * time.Second

// house is a house of one test: its replicas, its database, its mail server.
type house struct {
	t     *testing.T
	kind  string
	plan  stack.Plan
	mail  *mailstand.Server
	box   *box
	eyes  *stack.Eyes
	staff *visitor // may decide; nil until signsInStaff

	mu       sync.Mutex
	replicas []*stack.House
}

// open starts a furnished house with a mail server of its own; change may alter its plan.
func open(t *testing.T, kind string, replicas int, change func(*stack.Plan)) *house {
	t.Helper()
	mail, err := mailstand.Listen()
	require.NoError(t, err)
	t.Cleanup(mail.Close)
	plan := newPlan(t, kind, mail)
	if change != nil {
		change(&plan)
	}
	return openPlan(t, kind, replicas, plan, mail)
}

func openPlan(t *testing.T, kind string, replicas int, plan stack.Plan, mail *mailstand.Server) *house {
	t.Helper()
	h := &house{t: t, kind: kind, plan: plan, mail: mail, box: newBox(mail)}
	for range replicas {
		h.opensReplica()
	}
	var err error
	h.eyes, err = h.plan.Eyes()
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, one := range h.all() {
			one.Kill()
		}
		h.eyes.Close()
	})
	return h
}

// opensReplica starts one more replica under the public address of the first.
func (h *house) opensReplica() {
	h.t.Helper()
	port, err := stack.FreePort()
	require.NoError(h.t, err)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	if h.plan.Public == "" {
		h.plan.Public = "http://" + addr
	}
	one, err := h.plan.StartAt(addr)
	require.NoError(h.t, err)
	h.mu.Lock()
	h.replicas = append(h.replicas, one)
	h.mu.Unlock()
	require.NoError(h.t, one.Ready(h.t.Context()))
}

func (h *house) all() []*stack.House {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*stack.House(nil), h.replicas...)
}

// at is the address of a replica, round robin.
func (h *house) at(n int) string {
	all := h.all()
	return all[n%len(all)].URL
}

// kills ends a replica as a power cut would, starts it again at the same address, and says how long that took until it
// was ready. Between is done while it is dead.
func (h *house) kills(n int, between func()) (ready time.Duration) {
	h.t.Helper()
	dead := h.all()[n]
	dead.Kill()
	if between != nil {
		between()
	}
	return h.revives(n)
}

// revives starts a dead replica again at the same address.
func (h *house) revives(n int) (ready time.Duration) {
	h.t.Helper()
	began := time.Now()
	again, err := h.plan.StartAt(h.all()[n].Addr)
	require.NoError(h.t, err)
	h.mu.Lock()
	h.replicas[n] = again
	h.mu.Unlock()
	require.NoError(h.t, again.Ready(h.t.Context()))
	return time.Since(began)
}

// stops ends every replica gracefully.
func (h *house) stops() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	for _, one := range h.all() {
		require.NoError(h.t, one.Stop(ctx), "a graceful end")
	}
}

// until waits for cond, at most d.
func (h *house) until(d time.Duration, what string, cond func() bool) time.Duration {
	h.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(h.t.Context(), d)
	defer cancel()
	require.NoError(h.t, stack.Until(ctx, what, cond))
	return time.Since(began)
}

func (h *house) count(query string, args ...any) int {
	h.t.Helper()
	n, err := h.eyes.Count(h.t.Context(), query, args...)
	require.NoError(h.t, err)
	return n
}

func (h *house) list(query string, args ...any) []string {
	h.t.Helper()
	found, err := h.eyes.Strings(h.t.Context(), query, args...)
	require.NoError(h.t, err)
	return found
}

// set is list as a set.
func (h *house) set(query string, args ...any) map[string]bool {
	h.t.Helper()
	out := map[string]bool{}
	for _, one := range h.list(query, args...) {
		out[one] = true
	}
	return out
}

// hurries makes waiting work due: the house would wait, the test does not.
func (h *house) hurries() {
	h.t.Helper()
	require.NoError(h.t, h.eyes.Age(h.t.Context(), "jobs", "run_at", 100*3600, "state = 'waiting' AND kind LIKE 'mail%'"))
}

// buries lets the leases of dead workers run out. Only for when nobody is alive who holds one.
func (h *house) buries() {
	h.t.Helper()
	require.NoError(h.t, h.eyes.Age(h.t.Context(), "jobs", "locked_until", 3600, "state = 'running'"))
}

// unsent is how many mails have not left yet.
func (h *house) unsent() int {
	h.t.Helper()
	return h.count("SELECT count(*) FROM mails WHERE state IN ('queued', 'retrying')")
}

// drains hurries until every mail has left, and says how long that took.
func (h *house) drains() time.Duration {
	h.t.Helper()
	var hurried time.Time
	return h.until(3*patience, "an empty queue of mails", func() bool {
		if h.unsent() == 0 {
			return true
		}
		if time.Since(hurried) > time.Second { // a writer more is a burden to SQLite
			h.hurries()
			hurried = time.Now()
		}
		return false
	})
}

// answers waits until a GET of path at a replica gives status, and says how long that took.
func (h *house) answers(n int, path string, status int) time.Duration {
	h.t.Helper()
	return h.until(patience, fmt.Sprintf("%s to be %d", path, status), func() bool {
		return h.all()[n].Answers(h.t.Context(), path) == status
	})
}

// alive asks /livez now.
func (h *house) alive(n int) bool {
	return h.all()[n].Answers(h.t.Context(), "/livez") == http.StatusOK
}
