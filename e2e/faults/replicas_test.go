package faults

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"

	"github.com/stretchr/testify/require"
)

// Row R05: without faults every mail is sent exactly once, however many replicas there are.
func TestR05_MailsAreSentOnce(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		replicas := map[string]int{"sqlite": 1, "postgres": 2}[kind]
		h := open(t, kind, replicas, nil)
		domains := make([]string, 40)
		for i := range domains {
			domains[i] = fmt.Sprintf("firm%d.example", i)
		}
		n, l := of(200, 5000), newLedger()
		began := time.Now()
		h.orders(n, 16, l, domains...)
		ordered := time.Since(began)
		h.until(3*patience, "every mail", func() bool { return h.box.total() >= n })
		rate := float64(n) / time.Since(began).Seconds()
		h.until(patience, "every mail in the books", func() bool { return h.unsent() == 0 })
		h.stops()
		once, _ := h.box.deliveries()
		r := newRow(t, "R05", kind)
		r.says("%d replica(s)", replicas)
		r.exactly(h.box.total(), n, "mails delivered")
		r.exactly(len(once), n, "different ones")
		r.says("ordered in %s", short(ordered))
		r.measured(rate >= 25, ">= 25", "%.0f a second", rate)
		r.exactly(len(l.odd)+l.of(0)+l.of(http.StatusServiceUnavailable), 0, "5xx")
		r.ends(h)
	})
}

// Row R15: two replicas are one house: they count together, know each other's sessions, and when one dies the other goes
// on.
func TestR15_TwoReplicasAreOne(t *testing.T) {
	alongside(t)
	h := open(t, "postgres", 2, func(p *stack.Plan) {
		p.Limits = "on"
		p.Env["VESTIBULE_TRUSTED_PROXIES"] = "127.0.0.1/32"
	})
	r := newRow(t, "R15", "postgres")
	from := h.newcomer().extra
	begun := h.together(30, func(i int) int {
		v := h.newcomer()
		v.turn, v.extra = i, from
		return v.starts(t.Context()).status
	})
	r.wants(begun[http.StatusCreated] == 10 && begun[http.StatusTooManyRequests] == 20, "10", "of 30 starts from one network %d pass", begun[http.StatusCreated])

	v := h.newcomer()
	require.True(t, v.starts(t.Context()).ok())
	require.True(t, v.gives(t.Context()).ok())
	code, err := h.box.code(t.Context(), v.address, 0, patience)
	require.NoError(t, err)
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	tried := h.together(20, func(i int) int {
		c := v.copied()
		c.turn = i
		return c.types(t.Context(), wrong).status
	})
	r.wants(tried[http.StatusTooManyRequests] == 15 && tried[http.StatusOK] == 0, "5", "of 20 wrong codes %d are compared", 20-tried[http.StatusTooManyRequests])

	h.signsInStaff()
	me := func(turn int) int {
		c := h.staff.copied()
		c.turn = turn
		return c.call(t.Context(), http.MethodGet, "/api/v1/me", nil).status
	}
	both := []int{me(0), me(1)}
	out := h.staff.copied()
	out.turn = 1
	ended := out.call(t.Context(), http.MethodPost, "/api/v1/signout", map[string]any{}).status
	after := []int{me(0), me(1)}
	r.wants(fmt.Sprint(both, ended, after) == "[200 200] 204 [401 401]", "[200 200] 204 [401 401]", "a session on both, its end, after it: %v %d %v", both, ended, after)
	h.stops()
	r.ends(h)
	losesOne(t)
}

// together does the same thing n times at the same moment, and counts what came of it.
func (h *house) together(n int, do func(i int) int) map[int]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	out, gate := map[int]int{}, make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-gate
			got := do(i)
			mu.Lock()
			out[got]++
			mu.Unlock()
		})
	}
	close(gate)
	all.Wait()
	return out
}

// losesOne kills one of two replicas under load, again and again.
func losesOne(t *testing.T) {
	t.Helper()
	h := open(t, "postgres", 2, nil)
	h.signsInStaff()
	const people = 8
	l, rounds := newLedger(), of(2, 20)
	ctx, cancel := context.WithCancel(t.Context())
	wait := h.applicants(ctx, people, l)
	for i := range rounds {
		h.pause(300*time.Millisecond, of(600*time.Millisecond, 2*time.Second))
		h.all()[i%2].Kill()
		dead := time.Now()
		h.until(patience, "the other to go on", func() bool { return l.since().After(dead.Add(20 * time.Millisecond)) })
		h.revives(i % 2)
	}
	h.until(patience, "acknowledgements", func() bool { return l.of(http.StatusOK) > 0 })
	cancel()
	wait()
	require.NoError(t, h.eyes.Age(t.Context(), "jobs", "locked_until", 3600, "state = 'running'")) // R22 measures the minute
	h.drains()
	h.stops()
	lost, half := l.lost(h)
	r := newRow(t, "R15 one of two killed", "postgres")
	r.says("%d times", rounds)
	r.says("%s acks", comma(l.count()))
	r.exactly(len(lost)+len(half), 0, "lost or half-applied")
	r.wants(l.of(0) <= people*rounds, "<= "+comma(people*rounds)+" in flight", "%d requests failed", l.of(0))
	r.says("%s answers of 503 by the one that starts", comma(l.of(http.StatusServiceUnavailable)))
	r.exactly(l.noRetry, 0, "of them without Retry-After")
	r.exactly(len(l.odd), 0, "other 5xx")
	r.ends(h)
	h.mailsOnce(newRow(t, "R04 two replicas", "postgres"), rounds)
	h.guestsOnce(newRow(t, "R09 two replicas", "postgres"))
}
