package faults

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
)

// crowd is the mix of row R21: of ten who come eight sign up, one types a code, one decides. A sign-up is two requests:
// the first press, and the address, with the id and the cookie that the first has brought. Codes and decisions are of
// people who have come far already: a few hundred are prepared, and once all have had their turn they press again (and
// are told that it was done, which is an answer too).
type crowd struct {
	house  *house
	typing []*visitor // with a code that is not theirs: of a sign-up and of a sign-in in turns
	ids    []string   // requests that wait for a decision
	next   atomic.Int64
}

func (h *house) crowd(n int) *crowd {
	h.t.Helper()
	c, ctx := &crowd{house: h}, h.t.Context()
	for i := range n {
		v := h.visitor("typing.example")
		if i%2 == 0 {
			require.True(h.t, v.starts(ctx).ok())
			require.True(h.t, v.gives(ctx).ok())
		} else {
			require.True(h.t, v.call(ctx, http.MethodPost, "/api/v1/signin", map[string]any{"email": v.address}).ok())
		}
		c.typing = append(c.typing, v)
	}
	for range n {
		c.ids = append(c.ids, h.visitor("deciding.example").asks())
	}
	return c
}

// comes is the next of the crowd: t hears every answer.
func (c *crowd) comes(ctx context.Context, via *http.Client, t *tally) {
	i := int(c.next.Add(1))
	switch i % 10 {
	case 0:
		v := c.typing[i/10%len(c.typing)].copied()
		v.client = via
		if v.signup == "" {
			t.urgent(v.call(ctx, http.MethodPost, "/api/v1/signin/code", map[string]any{"code": "000000"}))
			return
		}
		t.urgent(v.types(ctx, "000000"))
	case 5:
		v := c.house.staff.copied()
		v.client = via
		t.urgent(v.decides(ctx, c.ids[i/10%len(c.ids)]))
	default:
		v := c.house.visitor("new.example")
		v.client = via
		if !t.hears(v.starts(ctx)) {
			return
		}
		t.begun++
		if t.hears(v.gives(ctx)) {
			t.done++
		}
	}
}

// tally counts the answers that one client has had.
type tally struct {
	accepted, shed times
	done           int // who got what they came for: a sign-up whose address was taken, a code or decision that was answered
	begun          int // sign-ups whose first press was taken
	pressed        int // codes and decisions
	served         int // of them answered
	unanswered     int
	noRetry        int
	odd            map[string]int
}

// hears says whether r is an answer other than that the house is full.
func (t *tally) hears(r reply) bool {
	switch {
	case r.status == 0:
		t.unanswered++
		t.says(fmt.Sprintf("%.80v", r.err))
	case r.status == http.StatusServiceUnavailable:
		t.shed = append(t.shed, r.took)
		if r.header.Get("Retry-After") == "" {
			t.noRetry++
		}
	case r.status >= 400 && r.status != http.StatusUnprocessableEntity && r.status != http.StatusConflict && r.status != http.StatusGone && r.status != http.StatusTooManyRequests:
		t.says(strconv.Itoa(r.status)) // a wrong code and a second decision are answers; anything else is not
	default:
		t.accepted = append(t.accepted, r.took)
		return true
	}
	return false
}

func (t *tally) urgent(r reply) {
	t.pressed++
	if t.hears(r) {
		t.served++
		t.done++
	}
}

func (t *tally) says(what string) {
	if t.odd == nil {
		t.odd = map[string]int{}
	}
	t.odd[what]++
}

// sum is what several clients have had together.
func sum(all []tally) (out tally) {
	for _, t := range all {
		out.accepted, out.shed = append(out.accepted, t.accepted...), append(out.shed, t.shed...)
		out.done, out.begun, out.pressed, out.served = out.done+t.done, out.begun+t.begun, out.pressed+t.pressed, out.served+t.served
		out.unanswered, out.noRetry = out.unanswered+t.unanswered, out.noRetry+t.noRetry
		for what, n := range t.odd {
			for range n {
				out.says(what)
			}
		}
	}
	return out
}

// busy has n clients come one after the other for d, and says how many got what they came for in a second.
func (c *crowd) busy(n int, d time.Duration, via *http.Client) (rate float64, t tally) {
	ctx, cancel := context.WithTimeout(c.house.t.Context(), d)
	defer cancel()
	each := make([]tally, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for ctx.Err() == nil {
				c.comes(c.house.t.Context(), via, &each[i])
			}
		})
	}
	all.Wait()
	t = sum(each)
	return float64(t.done) / d.Seconds(), t
}

// capacity is C: how many get what they came for in a second while 99 of 100 answers take at most half a second.
func (c *crowd) capacity(via *http.Client) (most float64) {
	for _, clients := range of([]int{8}, []int{8, 16, 32, 64}) {
		rate, t := c.busy(clients, of(time.Second, 5*time.Second), via)
		if most == 0 || rate > most && t.accepted.p(99) <= 500*time.Millisecond {
			most = rate
		}
	}
	return most
}

// storms comes rate times a second for d over so many connections, as far as answers leave any free; offered is how many
// came in a second.
func (c *crowd) storms(connections int, rate float64, d time.Duration, via *http.Client) (offered float64, t tally) {
	each := make([]tally, connections)
	turns := make(chan struct{})
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			for range turns {
				c.comes(c.house.t.Context(), via, &each[i])
			}
		})
	}
	began, sent, came := time.Now(), 0, 0
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		since := time.Since(began)
		if since > d {
			break
		}
		for due := int(rate * since.Seconds()); sent < due; sent++ {
			select {
			case turns <- struct{}{}:
				came++
			default:
				sent = due // nobody is free: what was due is not made up for
			}
		}
	}
	close(turns)
	all.Wait()
	return float64(came) / d.Seconds(), sum(each)
}
