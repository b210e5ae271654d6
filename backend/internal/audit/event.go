package audit

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Results of an act.
const (
	OK      = "ok"
	Refused = "refused"
)

// Kinds of actors, as the contract has them.
const (
	KindApplicant = "applicant"
	KindGuest     = "guest"
	KindMember    = "member"
	KindSystem    = "system"
	KindAPIKey    = "apikey"
	KindOperator  = "operator"
)

// Actor is who did it. ID and Name are empty for an applicant and for the house itself.
type Actor struct{ Kind, ID, Name string }

type actorKey struct{}

// WithActor says who acts in ctx; the room that recognises the caller calls it.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf is who acts in ctx; the house itself if nobody said.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok && a.Kind != "" {
		return a
	}
	return Actor{Kind: KindSystem}
}

// Event is what a room hands to Record.
type Event struct {
	// Name is one of Names, such as "approval.approved".
	Name string
	// Result is OK, which empty means too, or Refused.
	Result string
	// Actor is ActorOf(tx.Context()) if it is zero.
	Actor Actor
	// Target is the id of what was acted on; empty if there is none yet.
	Target string
	// Subject is Log.Subject of the person's address, where the event concerns a person.
	Subject string
	// Data adds a few small facts for the reader. Secrets and answers are refused by key, see secretKeys.
	Data map[string]any
}

// Entry is an event as it was kept.
type Entry struct {
	ID     string
	At     time.Time
	Name   string
	Result string
	Actor  Actor
	Target string
	// Address is the network address that the call came from; empty for the house's own acts.
	Address string
	// RequestID is the Request-Id of the call; empty for the house's own acts.
	RequestID string
	Data      map[string]any
}

var nameForm = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

// secretKeys are names of facts that no event may hold: a directory's reader is nobody who may know them.
var secretKeys = []string{"answer", "answers", "code", "cookie", "key", "link", "password", "secret", "token"}

// check refuses an event that says too little or too much. Both are mistakes of ours, so it is a plain error.
func (e Event) check() error {
	if !nameForm.MatchString(e.Name) {
		return fmt.Errorf("audit: the name %q is not of the form room.act", e.Name)
	}
	if e.Result != OK && e.Result != Refused {
		return fmt.Errorf("audit: %s has the result %q, which is neither ok nor refused", e.Name, e.Result)
	}
	for key := range e.Data {
		if slices.Contains(secretKeys, key) {
			return fmt.Errorf("audit: %s holds %q, and events hold no secrets and no answers", e.Name, key)
		}
	}
	return nil
}

var errTooManyTargets = errors.New("audit: one timeline has at most 100 targets")
