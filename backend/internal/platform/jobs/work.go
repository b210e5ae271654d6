package jobs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

const (
	// settleLimit is how long writing an outcome may take in one try.
	settleLimit = 10 * time.Second
	// settleWait is the wait between two tries of writing an outcome while the database is away.
	settleWait = time.Second
	// afterUndertaker is the wait after an OnDead that failed.
	afterUndertaker = time.Minute
	maxReason       = 500 // characters
)

// errVanished is why a job dies whose workers vanished at every attempt: it may be what kills them.
var errVanished = errors.New("The worker stopped in the middle of every attempt.") //nolint:staticcheck // staff read it

// work does one attempt and writes what came of it.
func (q *Queue) work(ctx context.Context, k *kind, h *hold) {
	began := q.clk.Now()
	err := q.attempt(ctx, k, h)
	took := q.clk.Now().Sub(began)
	h.cancel(nil)
	q.settle(k, h, err)
	q.worked(k, h, took)
}

// attempt runs the handler within its time; a panic is an error.
func (q *Queue) attempt(ctx context.Context, k *kind, h *hold) (err error) {
	if h.Attempt > k.policy.MaxAttempts {
		return Final(errVanished)
	}
	limited, cancel := context.WithTimeout(ctx, k.policy.Timeout)
	defer cancel()
	if q.around != nil {
		traced, end := q.around(limited, k.name, h.Attempt)
		limited = traced
		defer func() { end(err) }()
	}
	defer func() {
		if cause := recover(); cause != nil {
			q.log.ErrorContext(ctx, "job panicked", "kind", k.name, "job", h.ID, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = errors.New("The handler made a mistake; the log has its stack.") //nolint:staticcheck // staff read it
		}
	}()
	return k.handler(limited, h.Run)
}

// settle writes the outcome, and tries again while the database is away and the lease is ours.
func (q *Queue) settle(k *kind, h *hold, outcome error) {
	if h.done.Load() {
		if outcome != nil {
			q.log.Warn("job failed after it was done", "kind", k.name, "job", h.ID, "error", reason(outcome))
		}
		return
	}
	for !q.isLost(h) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(q.base), settleLimit)
		err := q.db.InTx(ctx, func(tx *database.Tx) error { return q.write(tx, k, h, outcome) })
		cancel()
		switch {
		case err == nil:
			q.report(k, h, outcome)
			return
		case errors.Is(err, ErrFenced):
			q.log.Warn("job was taken over; its outcome here is dropped", "kind", k.name, "job", h.ID, "fence", h.Fence)
			return
		case !errors.Is(err, database.ErrUnavailable) && !errors.As(outcome, new(undertakerError)):
			q.log.Error("job's death cannot be written", "kind", k.name, "job", h.ID, "error", err)
			outcome = undertakerError{err}
			continue
		}
		select {
		case <-time.After(settleWait):
		case <-q.base.Done():
			return // the lease will run out
		}
	}
}

// undertakerError is a failed OnDead: the job is not dead, and is tried again although it had its attempts.
type undertakerError struct{ error }

func (e undertakerError) Unwrap() error { return e.error }

func (q *Queue) isLost(h *hold) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return h.lost
}

// write is the state machine's step after an attempt.
func (q *Queue) write(tx *database.Tx, k *kind, h *hold, outcome error) error {
	var (
		final      finalError
		later      laterError
		held       heldError
		unbegun    unbegunError
		undertaker undertakerError
	)
	switch {
	case outcome == nil:
		return finish(tx, h.Run)
	case errors.As(outcome, &undertaker):
		return postpone(tx, h.Run, tx.Now.Add(afterUndertaker), reason(outcome))
	case errors.As(outcome, &unbegun):
		return release(tx, h.Run)
	case errors.As(outcome, &held):
		return holdBack(tx, h.Run, tx.Now.Add(held.after), reason(outcome))
	case errors.As(outcome, &final) || h.Attempt >= k.policy.MaxAttempts:
		if err := bury(tx, h.Run, reason(outcome)); err != nil || k.onDead == nil {
			return err
		}
		return k.onDead(tx, h.Run, outcome)
	case errors.As(outcome, &later):
		return postpone(tx, h.Run, tx.Now.Add(later.after), reason(outcome))
	default:
		return postpone(tx, h.Run, tx.Now.Add(q.jittered(k.policy.Backoff(h.Attempt))), reason(outcome))
	}
}

// jittered adds up to a tenth.
func (q *Queue) jittered(d time.Duration) time.Duration {
	return d + d*time.Duration(q.ids.Bytes(1)[0])/2560
}

func (q *Queue) report(k *kind, h *hold, outcome error) {
	if outcome == nil {
		q.log.Debug("job done", "kind", k.name, "job", h.ID, "attempt", h.Attempt)
		return
	}
	if errors.As(outcome, new(heldError)) || errors.As(outcome, new(unbegunError)) {
		q.log.Debug("job given back", "kind", k.name, "job", h.ID, "why", reason(outcome))
		return
	}
	q.log.Warn("job failed", "kind", k.name, "job", h.ID, "attempt", h.Attempt, "error", reason(outcome))
}

var addresses = regexp.MustCompile(`[^\s@<>"'(),:;=\[\]{}]+@[^\s@<>"'(),:;=\[\]{}]+`)

// reason is what is kept of an error for staff: short, and without e-mail addresses.
func reason(err error) string {
	s := addresses.ReplaceAllString(err.Error(), "(address)")
	if len(s) <= maxReason {
		return s
	}
	cut := maxReason
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
