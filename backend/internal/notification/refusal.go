package notification

import (
	"errors"
	"fmt"
)

// maxReason is how much of a mail server's answer is kept, in characters.
const maxReason = 300

// Refusal is a mail server's no.
type Refusal struct {
	// Code is the reply code (RFC 5321 §4.2), or 0 where there was no reply.
	Code int
	// Permanent says that trying again is of no use.
	Permanent bool
	// Words are for staff: one line, at most 300 characters, nothing invisible.
	Words string

	cause error
}

func (r *Refusal) Error() string {
	if r.Code == 0 {
		return clean(r.Words, maxReason)
	}
	return clean(fmt.Sprintf("%d %s", r.Code, r.Words), maxReason)
}

// Unwrap is what happened on the wire.
func (r *Refusal) Unwrap() error { return r.cause }

// reasonOf is what staff read about a mail that did not leave: the server's words, or that it was our own mistake, whose
// details are for the log.
func reasonOf(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Error()
	}
	return "This house could not write the mail. The log says why."
}
