package faults

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// connections is how many a crowd has in the long form: it never waits for an answer before somebody else comes.
const connections = 1200

// Row R21: five times as much as the house can do is shed, not suffered: what is accepted is answered in time, what is
// not is told so at once, and who has come far already gets through.
func TestR21_OverloadIsShed(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, func(p *stack.Plan) { p.Env["VESTIBULE_TRUSTED_PROXIES"] = "127.0.0.1/32" })
		h.signsInStaff()
		c := h.crowd(of(5, 100))
		h.mail.Forgets()
		crowded := of(400, connections)
		via := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: crowded}}
		pinned := aside()
		defer pinned.together()
		before := c.capacity(via)
		lasts := of(3*time.Second, 2*time.Minute)
		usedHouse, usedClients := used(t, h.all()[0].PID()), used(t, os.Getpid())
		offered, got := c.storms(crowded, 5*before, lasts, via)
		usedHouse, usedClients = used(t, h.all()[0].PID())-usedHouse, used(t, os.Getpid())-usedClients
		over := time.Now()
		h.until(patience, "an ordinary answer", func() bool { return h.visitor("after.example").starts(t.Context()).ok() })
		normal := time.Since(over)
		after := c.capacity(via)
		memory := peak(t, h.all()[0].PID())
		sent := h.mail.Came()
		h.until(patience, "mail that goes on", func() bool { return h.mail.Came() > sent || h.unsent() == 0 })
		h.stops()

		// What this machine can do moves by a third within minutes: the house is held to the better of two measurements.
		capacity, goodput := max(before, after), float64(got.done)/lasts.Seconds()
		r := newRow(t, "R21", kind)
		r.says("capacity C %.0f a second, %.0f afterwards (%s)", before, after, pinned)
		r.says("%.1f C offered for %s over %s connections", offered/before, short(lasts), comma(crowded))
		r.says("the house used %.0f %% of a processor and the clients %.0f %%", 100*usedHouse.Seconds()/lasts.Seconds(), 100*usedClients.Seconds()/lasts.Seconds())
		r.measured(goodput >= 0.8*capacity, ">= 0.8 C", "goodput %.2f C", goodput/capacity)
		r.says("%s of %s sign-ups that had begun went on", comma(got.done-got.served), comma(got.begun))
		r.measured(got.accepted.p(99) <= 2*time.Second, "<= 2 s", "accepted p99 %s", short(got.accepted.p(99)))
		r.says("%s answers of 503", comma(len(got.shed)))
		r.measured(got.shed.p(99) <= 50*time.Millisecond, "<= 50 ms", "p50 %s, p99 %s", short(got.shed.p(50)), short(got.shed.p(99)))
		r.exactly(got.noRetry, 0, "of them without Retry-After")
		r.measured(100*got.served >= 99*got.pressed, ">= 99 %", "codes and decisions served %.1f %%", 100*float64(got.served)/float64(max(1, got.pressed)))
		r.measured(got.unanswered == 0, "0", "%d without an answer", got.unanswered)
		r.wants(len(got.odd) == 0 || got.unanswered > 0, "0", "%d other answers", len(got.odd)-min(1, got.unanswered))
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

// pinning says whether the clients keep to a processor.
type pinning bool

// aside keeps the clients to one processor, in the long form, so that they do not take the house's share: the row pins
// the clients, and the house has what they leave.
func aside() pinning {
	return pinning(long && exec.Command("taskset", "-apc", "0", strconv.Itoa(os.Getpid())).Run() == nil)
}

func (p pinning) together() {
	if p {
		_ = exec.Command("taskset", "-apc", "0-1", strconv.Itoa(os.Getpid())).Run()
	}
}

func (p pinning) String() string {
	if p {
		return "the clients on one of two processors"
	}
	return "processors shared with the clients"
}
