package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
)

// Row R20: told to end under load, the house ends within 30 s with exit code 0, and behind a balancer that
// heeds /readyz no client sees a failure. A second signal ends it at once.
func TestR20_AStopIsGraceful(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		for _, where := range []string{"on loopback", "behind a balancer"} {
			r := newRow(t, "R20 "+where, kind)
			var h *house
			for range of(1, 5) {
				h = open(t, kind, 1, nil)
				if where != "on loopback" {
					h.movesOut()
				}
				h.endsGracefully(r, where)
			}
			r.ends(h)
		}
		h := open(t, kind, 1, nil)
		goOn := h.hangsInMail()
		defer close(goOn)
		require.NoError(t, h.all()[0].Signal(syscall.SIGTERM))
		h.until(patience, "the closed door", func() bool { return h.all()[0].Answers(t.Context(), "/readyz") != http.StatusOK })
		began := time.Now()
		require.NoError(t, h.all()[0].Signal(syscall.SIGTERM))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := h.all()[0].Wait(ctx)
		r := newRow(t, "R20 second signal", kind)
		r.wants(err != nil && ctx.Err() == nil, "by the signal", "ends by: %v", err)
		r.within(time.Since(began), time.Second, "after")
		r.ends()
	})
}

// movesOut makes the house listen as it does where a load balancer stands in front: then it takes connections for five
// seconds more when it is told to end, and budgets count.
func (h *house) movesOut() {
	h.t.Helper()
	h.stops()
	old := h.all()[0]
	_, port, err := net.SplitHostPort(old.Addr)
	require.NoError(h.t, err)
	h.plan.Limits = "on"
	h.plan.Env["VESTIBULE_TRUSTED_PROXIES"] = "127.0.0.1/32"
	again, err := h.plan.StartAt("0.0.0.0:" + port)
	require.NoError(h.t, err)
	again.URL = old.URL
	h.mu.Lock()
	h.replicas[0] = again
	h.mu.Unlock()
	require.NoError(h.t, again.Ready(h.t.Context()))
}

// newcomer is a visitor from a network and a firm of their own, so that budgets do not count them together.
func (h *house) newcomer() *visitor {
	v := h.visitor("n" + unique() + ".example")
	v.extra.Set("X-Forwarded-For", fmt.Sprintf("%d.%d.%d.7", 11+rand.N(100), rand.N(256), rand.N(256))) //nolint:gosec // any network
	return v
}

// hangsInMail has a mail's last line wait at the server until goOn is closed.
func (h *house) hangsInMail() (goOn chan struct{}) {
	h.t.Helper()
	v := h.newcomer()
	require.True(h.t, v.starts(h.t.Context()).ok())
	return h.waitsAt(v, mailstand.AtDot)
}

// endsGracefully sends the signal under load and adds what came of it to r.
func (h *house) endsGracefully(r *row, where string) {
	t := h.t
	t.Helper()
	goOn := h.hangsInMail()
	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	var failed atomic.Int64
	var first atomic.Value
	var elsewhere atomic.Bool // a balancer that has seen the 503 of /readyz sends people to another replica
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil && !elsewhere.Load() {
				v := h.newcomer()
				for _, step := range []func() (reply, ack){
					func() (reply, ack) { return v.starts(ctx), ack{started, v.signup, v.address} },
					func() (reply, ack) { return v.gives(ctx), ack{mailed, v.signup, v.address} },
				} {
					answer, what := step()
					if refused(answer.err) || ctx.Err() != nil {
						return // the door is closed
					}
					if !l.hears(answer, what).ok() {
						failed.Add(1)
						first.CompareAndSwap(nil, fmt.Sprintf("%d %.200s %v", answer.status, answer.body, answer.err))
						break
					}
				}
			}
		})
	}
	h.until(patience, "load", func() bool { return l.count() > of(20, 200) })
	var slow atomic.Int64
	trickle := make(chan struct{})
	for range 20 {
		all.Go(func() {
			if h.uploadsSlowly(t.Context(), trickle) {
				slow.Add(1)
			}
		})
	}
	h.pause(200*time.Millisecond, 300*time.Millisecond)
	began := time.Now()
	require.NoError(t, h.all()[0].Signal(syscall.SIGTERM))
	unready := "closed"
	if where != "on loopback" {
		h.answers(0, "/readyz", http.StatusServiceUnavailable)
		unready = "503 after " + short(time.Since(began))
	}
	h.pause(time.Second, 1200*time.Millisecond)
	elsewhere.Store(true)
	close(trickle)
	close(goOn)
	wait, done := context.WithTimeout(t.Context(), 40*time.Second)
	defer done()
	err := h.all()[0].Wait(wait)
	took := time.Since(began)
	cancel()
	all.Wait()
	if first.Load() != nil {
		t.Log(first.Load())
	}
	lost, half := l.lost(h)
	r.wants(err == nil, "0", "exit %v", exitOf(err))
	r.within(took, 30*time.Second, "after")
	r.says("/readyz %s", unready)
	r.says("%s acks", comma(l.count()))
	saw := int(failed.Load())
	if where == "on loopback" { // nobody balances: who comes at the very moment of the closing may find the line cut
		r.says("%d cut off at the closing", saw)
	} else {
		r.exactly(saw, 0, "failures that clients saw")
	}
	r.exactly(int(slow.Load()), 20, "slow uploads answered")
	r.exactly(len(lost)+len(half), 0, "lost or half-applied")
}

func exitOf(err error) string {
	if err == nil {
		return "0"
	}
	return err.Error()
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// uploadsSlowly begins a sign-up, sends half of it, and the rest when trickle is closed. It says whether it was answered.
func (h *house) uploadsSlowly(ctx context.Context, trickle <-chan struct{}) bool {
	in, out := io.Pipe()
	body := `{"flow":"fault","locale":"en"}`
	go func() {
		_, _ = io.WriteString(out, body[:10])
		<-trickle
		_, _ = io.WriteString(out, body[10:])
		_ = out.Close()
	}()
	v := h.newcomer()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.at(0)+"/api/v1/signups", in)
	if err != nil {
		return false
	}
	req.ContentLength = int64(len(body))
	req.Host = strings.TrimPrefix(h.plan.Public, "http://")
	req.Header = v.extra.Clone()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", h.plan.Public)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusCreated
}
