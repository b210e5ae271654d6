package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// Bounds of readiness checks: each may take checkLimit; answers are kept for checkKeep, so that asking costs nothing.
const (
	checkLimit = 2 * time.Second
	checkKeep  = time.Second
)

// Check is one thing without which the house cannot serve.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Health answers /livez (the process runs; never asks anything else) and /readyz (every check passes and the process
// is not stopping).
type Health struct {
	clock    clock.Clock
	checks   []Check
	stopping atomic.Bool

	mu      sync.Mutex
	at      time.Time
	results map[string]string // name → "ok" or what is wrong
	ok      bool
}

// NewHealth returns a Health with checks.
func NewHealth(clk clock.Clock, checks ...Check) *Health {
	return &Health{clock: clk, checks: checks}
}

// Stop turns /readyz to 503 for good; load balancers then send their requests elsewhere.
func (h *Health) Stop() { h.stopping.Store(true) }

// Forget has the checks asked anew: something has changed, and a supervisor need not wait for what it said to grow old.
func (h *Health) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.results = nil
}

// Ready says whether /readyz answers 200.
func (h *Health) Ready(ctx context.Context) bool {
	ok, _ := h.run(ctx)
	return ok && !h.stopping.Load()
}

func (h *Health) live(c *gin.Context) { serveHealth(c.Writer, http.StatusOK, "alive", nil) }

// ready shows single checks only to this machine.
func (h *Health) ready(c *gin.Context) {
	h.serveReady(c.Writer, c.Request, isLoopbackPeer(c.Request) && !isHandedOn(c.Request))
}

func (h *Health) serveReady(w http.ResponseWriter, r *http.Request, trusted bool) {
	ok, results := h.run(r.Context())
	if h.stopping.Load() {
		ok, results = false, map[string]string{"process": "stopping"}
	}
	if !trusted || !r.URL.Query().Has("verbose") {
		results = nil
	}
	if ok {
		serveHealth(w, http.StatusOK, "ready", results)
		return
	}
	w.Header().Set("Retry-After", "5")
	serveHealth(w, http.StatusServiceUnavailable, "unavailable", results)
}

func serveHealth(w http.ResponseWriter, status int, word string, checks map[string]string) {
	raw, _ := json.Marshal(struct { // strings only: cannot fail
		Status string            `json:"status"`
		Checks map[string]string `json:"checks,omitempty"`
	}{word, checks})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}

// run asks all checks at once, or returns what they said less than a second ago.
func (h *Health) run(ctx context.Context) (bool, map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.results != nil && h.clock.Now().Sub(h.at) < checkKeep {
		return h.ok, h.results
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkLimit)
	defer cancel()
	said := make(chan [2]string, len(h.checks))
	for _, check := range h.checks {
		go func() { said <- [2]string{check.Name, verdict(ctx, check)} }()
	}
	results, ok := map[string]string{}, true
	for range h.checks {
		select {
		case one := <-said:
			results[one[0]] = one[1]
		case <-ctx.Done():
		}
	}
	for _, check := range h.checks {
		if results[check.Name] == "" {
			results[check.Name] = "no answer within " + checkLimit.String()
		}
		ok = ok && results[check.Name] == "ok"
	}
	h.at, h.results, h.ok = h.clock.Now(), results, ok
	return ok, results
}

func verdict(ctx context.Context, check Check) (said string) {
	defer func() {
		if caught := recover(); caught != nil {
			said = fmt.Sprint("panic: ", caught)
		}
	}()
	if err := check.Run(ctx); err != nil {
		return err.Error()
	}
	return "ok"
}

// Ops is the handler of the operations listener: /metrics, /livez and /readyz with ?verbose. Everything else is 404.
func Ops(h *Health, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { serveHealth(w, http.StatusOK, "alive", nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { h.serveReady(w, r, true) })
	return mux
}
