package notification

import (
	"context"
	"errors"
	"fmt"
)

// Transport hands a message over. Implementations are safe for concurrent use.
type Transport interface {
	// Send returns nil when somebody else has taken responsibility for m, and a *Refusal otherwise. When the answer was
	// lost, that is a refusal too: m is then sent again under the same Message-ID.
	Send(ctx context.Context, m *Message) error
	// Close ends held connections. Send after Close fails.
	Close() error
}

// maxReason is how much of a mail server's answer is kept, in characters.
const maxReason = 300

// Refusal is a mail server's no.
type Refusal struct {
	// Code is the reply code (RFC 5321 §4.2), or 0 where there was no reply.
	Code int
	// Permanent says that trying again is of no use.
	Permanent bool
	// Doubtful says that the answer to the whole message was lost: it may have been taken.
	Doubtful bool
	// Unreached says that there was no conversation to begin a mail in: it is about the server, and about no mail.
	Unreached bool
	// Cut says that the server ended the conversation in the middle. That may be about this mail, or about all of them.
	Cut bool
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
	var held heldBack
	if errors.As(err, &held) {
		return string(held)
	}
	return "This house could not write the mail. The log says why."
}

// Discard takes every message and keeps none: for the demo company's past, whose people never asked for mail.
type Discard struct{}

// Send forgets m.
func (Discard) Send(context.Context, *Message) error { return nil }

// Close does nothing.
func (Discard) Close() error { return nil }
