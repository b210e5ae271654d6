package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// ErrFenced means that the job's lease was lost: somebody else has it, or it is finished. Undo and leave.
var ErrFenced = errors.New("jobs: the lease was lost")

// errStopping is the cause of a handler's context when the process must stop.
var errStopping = errors.New("jobs: the process is stopping")

// errShut is why a job is given back unbegun.
var errShut = errors.New("jobs: the valve is shut")

// Run is one attempt at a job.
type Run struct {
	ID      string
	Kind    string
	Payload json.RawMessage
	Attempt int   // from 1
	Fence   int64 // grows with every claim of the job
	About   string

	done *atomic.Bool // Done has committed
}

// Bind reads the payload into v.
func (r Run) Bind(v any) error {
	if err := json.Unmarshal(r.Payload, v); err != nil {
		return Final(fmt.Errorf("read the payload of %s: %w", r.Kind, err)) // it will not get better
	}
	return nil
}

// Done finishes the job in the handler's own transaction, together with what the job did. It returns ErrFenced, and the
// handler must then undo tx by returning it, if the lease was lost.
func (r Run) Done(tx *database.Tx) error {
	if err := finish(tx, r); err != nil {
		return err
	}
	if r.done != nil {
		tx.AfterCommit(func() { r.done.Store(true) })
	}
	return nil
}

// DoneLater is Done for where it is the act's last word, so that it travels with the commit. InTx returns
// database.ErrNoRow, and nothing has been written, if the job cannot simply go: it was asked for anew meanwhile, or its
// lease was lost. Then do the act again with Done, which can tell.
func (r Run) DoneLater(tx *database.Tx) error {
	if err := tx.LaterOne(`DELETE FROM jobs`+leased+` AND NOT again`, r.ID, r.Fence); err != nil {
		return fmt.Errorf("finish the job: %w", err)
	}
	if r.done != nil {
		tx.AfterCommit(func() { r.done.Store(true) })
	}
	return nil
}

// Final says that another attempt would be of no use: the job dies with err.
func Final(err error) error { return finalError{err} }

type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// Later asks for the next attempt after d, because of err. It counts as an attempt.
func Later(err error, d time.Duration) error { return laterError{err, d} }

type laterError struct {
	error
	after time.Duration
}

func (e laterError) Unwrap() error { return e.error }

// HeldBack gives the job back for d, because its turn has not come: a budget is used up. It is no attempt, and Held
// counts it until it is claimed again; why is what staff read.
func HeldBack(why error, d time.Duration) error { return heldError{why, d} }

type heldError struct {
	error
	after time.Duration
}

func (e heldError) Unwrap() error { return e.error }

// hold is a claimed job in this process.
type hold struct {
	Run
	lane   string
	cancel context.CancelCauseFunc // nil until it runs
	lost   bool                    // released or taken over: nothing may be written for it any more
}
