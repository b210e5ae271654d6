package faults

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// crowd is the mix of row R21: of ten requests eight begin a sign-up, one types a code, one decides. Codes and decisions
// are of people who have come far already: a few hundred are prepared, and once all have had their turn they press again
// (and are told that it was done, which is an answer too).
type crowd struct {
	house  *house
	typing []*visitor // with a code that is not theirs
	ids    []string   // requests that wait for a decision
	next   atomic.Int64
}

func (h *house) crowd(n int) *crowd {
	h.t.Helper()
	c := &crowd{house: h}
	for range n {
		v := h.visitor("typing.example")
		require.True(h.t, v.starts(h.t.Context()).ok())
		require.True(h.t, v.gives(h.t.Context()).ok())
		c.typing = append(c.typing, v)
	}
	for range n {
		c.ids = append(c.ids, h.visitor("deciding.example").asks())
	}
	return c
}

// comes is one request of the mix; urgent says that somebody had come far already.
func (c *crowd) comes(ctx context.Context, via *http.Client) (r reply, urgent bool) {
	i := int(c.next.Add(1))
	switch i % 10 {
	case 0:
		v := c.typing[i/10%len(c.typing)].copied()
		v.client = via
		return v.types(ctx, "000000"), true
	case 5:
		v := c.house.staff.copied()
		v.client = via
		return v.decides(ctx, c.ids[i/10%len(c.ids)]), true
	default:
		v := c.house.visitor("new.example")
		v.client = via
		return v.starts(ctx), false
	}
}

// tally counts answers of a crowd.
type tally struct {
	mu                         sync.Mutex
	accepted, shed             times
	urgent, served, unanswered int
	odd                        map[string]int
	noRetry                    int
}

func (t *tally) hears(r reply, urgent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if urgent {
		t.urgent++
	}
	switch {
	case r.status == 0:
		t.unanswered++
		t.odd[fmt.Sprintf("%.80v", r.err)]++
	case r.status == http.StatusServiceUnavailable:
		t.shed = append(t.shed, r.took)
		if r.header.Get("Retry-After") == "" {
			t.noRetry++
		}
	case r.status >= 500:
		t.odd[strconv.Itoa(r.status)]++
	default:
		t.accepted = append(t.accepted, r.took)
		if urgent {
			t.served++
		}
	}
}

// busy has n clients ask one after the other for d, and says how many answers came in a second.
func (c *crowd) busy(n int, d time.Duration, via *http.Client) (rate float64, t *tally) {
	t = &tally{odd: map[string]int{}}
	ctx, cancel := context.WithTimeout(c.house.t.Context(), d)
	defer cancel()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for ctx.Err() == nil {
				t.hears(c.comes(c.house.t.Context(), via))
			}
		})
	}
	all.Wait()
	return float64(len(t.accepted)) / d.Seconds(), t
}

// connections is how many a crowd has at most, as a proxy in front of the house would bound them.
const connections = 400

// storms asks rate times a second for d over many connections, as far as answers leave any free.
func (c *crowd) storms(rate float64, d time.Duration, via *http.Client) *tally {
	t := &tally{odd: map[string]int{}}
	turns := make(chan struct{})
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for range turns {
				t.hears(c.comes(c.house.t.Context(), via))
			}
		})
	}
	began, sent := time.Now(), 0
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
			default:
				sent = due // nobody is free: what was due is not made up for
			}
		}
	}
	close(turns)
	all.Wait()
	return t
}

// Row R21: five times as much as the house can do is shed, not suffered: what is accepted is answered in time, what is
// not is told so at once, and who has come far already gets through.
func TestR21_OverloadIsShed(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, func(p *stack.Plan) { p.Env["VESTIBULE_TRUSTED_PROXIES"] = "127.0.0.1/32" })
		h.signsInStaff()
		c := h.crowd(of(5, 100))
		via := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
		pinned := apart(h.all()[0].PID())
		defer pinned.together()
		var capacity float64
		for _, clients := range of([]int{8}, []int{8, 16, 32, 64}) {
			rate, t := c.busy(clients, of(time.Second, 5*time.Second), via)
			if capacity == 0 || rate > capacity && t.accepted.p(99) <= 500*time.Millisecond {
				capacity = rate
			}
		}
		lasts := of(3*time.Second, 40*time.Second)
		usedHouse, usedClients := used(t, h.all()[0].PID()), used(t, os.Getpid())
		got := c.storms(5*capacity, lasts, via)
		usedHouse, usedClients = used(t, h.all()[0].PID())-usedHouse, used(t, os.Getpid())-usedClients
		over := time.Now()
		h.until(patience, "an ordinary answer", func() bool { return h.visitor("after.example").starts(t.Context()).ok() })
		normal := time.Since(over)
		memory := peak(t, h.all()[0].PID())
		h.drains()
		h.stops()

		goodput := float64(len(got.accepted)) / lasts.Seconds()
		r := newRow(t, "R21", kind)
		r.says("capacity C %.0f a second (%s)", capacity, pinned)
		r.says("%.0f a second offered for %s", float64(len(got.accepted)+len(got.shed)+got.unanswered)/lasts.Seconds(), short(lasts))
		r.says("the house used %.0f %% of a processor and the clients %.0f %%", 100*usedHouse.Seconds()/lasts.Seconds(), 100*usedClients.Seconds()/lasts.Seconds())
		r.measured(goodput >= 0.8*capacity, ">= 0.8 C", "goodput %.2f C", goodput/capacity)
		r.measured(got.accepted.p(99) <= 2*time.Second, "<= 2 s", "accepted p99 %s", short(got.accepted.p(99)))
		r.says("%s answers of 503", comma(len(got.shed)))
		r.measured(got.shed.p(99) <= 50*time.Millisecond, "<= 50 ms", "p50 %s, p99 %s", short(got.shed.p(50)), short(got.shed.p(99)))
		r.exactly(got.noRetry, 0, "of them without Retry-After")
		r.measured(100*got.served >= 99*got.urgent, ">= 99 %", "codes and decisions served %.1f %%", 100*float64(got.served)/float64(max(1, got.urgent)))
		r.measured(got.unanswered == 0, "0", "%d without an answer", got.unanswered)
		r.wants(len(got.odd) == 0 || got.unanswered > 0, "0", "%d other 5xx", len(got.odd)-min(1, got.unanswered))
		r.measured(memory <= 512, "<= 512 MB", "%d MB at most", memory)
		r.within(normal, 10*time.Second, "normal after")
		if len(got.odd) > 0 {
			t.Log(got.odd)
		}
		r.ends(h)
	})
}

// used is the time that a process has had of the processors, in steps of 10 ms.
func used(t *testing.T, pid int) (all time.Duration) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	for _, ticks := range fields[11:13] { // user and system: proc(5)
		n, err := strconv.Atoi(ticks)
		require.NoError(t, err)
		all += time.Duration(n) * 10 * time.Millisecond
	}
	return all
}

// peak is the most memory that a process has had resident, in MB.
func peak(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			require.NoError(t, err)
			return kb / 1024
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// pinning says whether house and clients have a processor of their own.
type pinning bool

// apart gives the house one processor and the clients the other, in the long form, so that they do not steal from each
// other.
func apart(pid int) pinning {
	if !long || exec.Command("taskset", "-apc", "1", strconv.Itoa(pid)).Run() != nil {
		return false
	}
	return exec.Command("taskset", "-apc", "0", strconv.Itoa(os.Getpid())).Run() == nil
}

func (p pinning) together() {
	if p {
		_ = exec.Command("taskset", "-apc", "0-1", strconv.Itoa(os.Getpid())).Run()
	}
}

func (p pinning) String() string {
	if p {
		return "the house on one processor, the clients on another"
	}
	return "processors shared with the clients"
}
