package notification

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
)

// task is the payload of a mail job.
type task struct {
	ID      string          `json:"id"`
	Kind    string          `json:"kind"`
	To      string          `json:"to"`
	Locale  string          `json:"locale"`
	About   string          `json:"about"`
	Payload json.RawMessage `json:"payload"`
	// Anonymous says that a stranger ordered it: it keeps to the budgets of held.go.
	Anonymous bool `json:"anonymous,omitempty"`
}

// The waits between attempts (security.md R08). A code is given up soon, because nobody waits for it any longer; the
// last wait outlasts the usual five minutes of greylisting. Other mail is tried for 72 hours.
var (
	codeWaits = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 310 * time.Second}
	mailWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour}
)

const (
	laterWait    = 4 * time.Hour
	mailAttempts = 1 + 6 + 17 // 3 h 51 min, and then every 4 hours up to 72 h
	// taskLimit is a mail's time on the wire and the time to write it.
	taskLimit = MessageLimit + 30*time.Second
	// outcomeLimit is how long we try to write down that a mail has left.
	outcomeLimit = 20 * time.Second
)

// errLineDown is why a mail goes back that was claimed when the line broke.
var errLineDown = errors.New("the mail server takes no mail")

func waitAfter(waits []time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		if attempt > len(waits) {
			return laterWait
		}
		return waits[attempt-1]
	}
}

// work registers the kinds of job.
func (s *Service) work() {
	policies := map[string]jobs.Policy{
		jobCode:     {MaxAttempts: len(codeWaits) + 1, Backoff: waitAfter(codeWaits)},
		jobStranger: {MaxAttempts: len(codeWaits) + 1, Backoff: waitAfter(codeWaits)},
		jobMail:     {MaxAttempts: mailAttempts, Backoff: waitAfter(mailWaits)},
	}
	for kind, policy := range policies {
		policy.Timeout, policy.Workers, policy.Valve = taskLimit, s.needs.Workers, s.line.valve
		s.needs.Jobs.Handle(kind, policy, s.deliver)
		s.needs.Jobs.OnDead(kind, s.giveUp)
	}
}

// deliver is one attempt at one mail: compose, render, hand over, write down.
func (s *Service) deliver(ctx context.Context, run jobs.Run) error {
	var t task
	if err := run.Bind(&t); err != nil {
		return err
	}
	if err := s.doubtful(ctx, run, t); err != nil {
		return err
	}
	if s.line.isDown() {
		return jobs.Unbegun(errLineDown)
	}
	if held := s.holdBack(ctx, run, t); held != nil {
		return held
	}
	state, err := s.attempt(ctx, run, t)
	s.observe(t, state, err)
	return err
}

// attempt returns how far the mail has come; the error is the job's.
func (s *Service) attempt(ctx context.Context, run jobs.Run, t task) (State, error) {
	m, err := s.write(ctx, t, run.Attempt)
	if err == nil && m == nil {
		return Dropped, s.settle(ctx, run, t, Dropped)
	}
	began := s.needs.DB.Now()
	if err == nil {
		err = s.needs.Transport.Send(ctx, m)
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) && err != nil {
		return Queued, err // we are being stopped: nothing was learnt about this mail
	}
	unbegun := s.line.ended(domainOf(t.To), began, err)
	if err == nil {
		return Sent, s.settle(ctx, run, t, Sent)
	}
	if unbegun {
		if noted := s.note(ctx, t, run.Attempt-1, err); noted != nil {
			return Queued, noted
		}
		return Queued, jobs.Unbegun(err)
	}
	if r := (*Refusal)(nil); errors.As(err, &r) && r.Permanent {
		return Failed, jobs.Final(err) // giveUp writes it down
	}
	if noted := s.note(ctx, t, run.Attempt, err); noted != nil {
		return Retrying, noted
	}
	return Retrying, err
}

// write composes, renders and builds the mail; nil if there is nothing left to say.
func (s *Service) write(ctx context.Context, t task, attempt int) (*Message, error) {
	compose := s.composes[t.Kind]
	if compose == nil {
		return nil, jobs.Final(fmt.Errorf("nobody composes %s", t.Kind))
	}
	to, err := email.Parse(t.To)
	if err != nil {
		return nil, jobs.Final(err)
	}
	l, err := compose(ctx, Delivery{ID: t.ID, Kind: t.Kind, To: t.To, Locale: t.Locale, About: t.About, Attempt: attempt, payload: t.Payload})
	if err != nil || l == nil {
		return nil, err
	}
	house, err := s.needs.House(ctx)
	if err != nil {
		return nil, err
	}
	wrote := s.needs.DB.Now()
	rendered, err := s.renderer.Render(l, house, wrote)
	if err != nil {
		s.needs.Log.ErrorContext(ctx, "mail cannot be written", "kind", t.Kind, "mail", t.ID, "error", err)
		return nil, jobs.Final(err)
	}
	return build(envelope{id: t.ID, host: s.host, from: s.needs.From, to: to, letter: l, house: house, wrote: wrote}, rendered)
}

// settle writes down that the mail has left, or was dropped, and finishes the job in the same transaction. It is tried
// again while the database is away: a mail that left and is not written down would be sent twice.
func (s *Service) settle(ctx context.Context, run jobs.Run, t task, state State) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeLimit)
	defer cancel()
	done := run.DoneLater
	for {
		err := s.needs.DB.InTx(limited, func(tx *database.Tx) error {
			if err := mark(tx, t.ID, state, run.Attempt, ""); err != nil {
				return err
			}
			if err := s.countLeft(tx, t, state); err != nil {
				return err
			}
			return done(tx)
		})
		if errors.Is(err, database.ErrNoRow) { // the lease may be lost
			done = run.Done
			continue
		}
		if !errors.Is(err, database.ErrUnavailable) {
			return err
		}
		again := time.NewTimer(time.Second)
		select {
		case <-again.C:
		case <-limited.Done():
			again.Stop()
			return err
		}
	}
}

// note writes down, for staff, why the mail has not left yet. An attempt that is in doubt does not count as one whose
// outcome is known.
func (s *Service) note(ctx context.Context, t task, attempt int, cause error) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeLimit)
	defer cancel()
	return s.needs.DB.InTx(limited, func(tx *database.Tx) error {
		if r := (*Refusal)(nil); errors.As(cause, &r) && r.Doubtful {
			return markDoubtful(tx, t.ID, reasonOf(cause))
		}
		return mark(tx, t.ID, Retrying, attempt, reasonOf(cause))
	})
}

// giveUp runs in the transaction that ends the job as dead.
func (s *Service) giveUp(tx *database.Tx, run jobs.Run, cause error) error {
	var t task
	if err := run.Bind(&t); err != nil {
		return nil //nolint:nilerr // a job that nobody can read is dead all the same
	}
	reason := reasonOf(cause)
	if r := (*Refusal)(nil); !errors.As(cause, &r) || !r.Permanent { // a permanent one has been told by deliver
		tx.AfterCommit(func() { s.observe(t, Failed, nil) })
	}
	if err := mark(tx, t.ID, Failed, run.Attempt, reason); err != nil {
		return err
	}
	address := ""
	if to, err := email.Parse(t.To); err == nil {
		address = to.Canonical()
	}
	return s.needs.Failed(tx, Failure{ID: t.ID, Kind: t.Kind, About: t.About, Address: address, Reason: reason})
}
