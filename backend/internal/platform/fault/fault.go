package fault

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Kind is what sort of no it is.
type Kind int

// The kinds; the number behind each is what platform/web answers, written here only as a reading aid.
const (
	Invalid         Kind = iota + 1 // 400: the request itself cannot be read
	Unauthenticated                 // 401: sign in first
	Forbidden                       // 403: signed in, but may not
	NotFound                        // 404: not there, or not yours
	Conflict                        // 409: the state does not allow it
	Gone                            // 410: it was there, it will not come back
	Stale                           // 412: changed by somebody else meanwhile
	TooLarge                        // 413
	WrongType                       // 415
	Misdirected                     // 421: this host is not ours
	Fields                          // 422: read, but some fields need another answer
	TooMany                         // 429
	Unavailable                     // 503: try again soon
	Internal                        // 500: our mistake
)

// Fault is an error that may be shown to a person. Values are immutable; the methods return copies.
type Fault struct {
	kind    Kind
	code    string
	cause   error
	members map[string]any
	fields  []Field
	wait    time.Duration
}

// New declares a fault. Call it for package variables only: it writes code and English sentence into the
// process-wide catalogue and panics on a code that is taken or empty.
func New(kind Kind, code, sentence string) *Fault {
	register(code, sentence, false)
	return &Fault{kind: kind, code: code}
}

// From finds the fault in err's chain; ok is false when there is none.
func From(err error) (f *Fault, ok bool) {
	ok = errors.As(err, &f)
	return f, ok
}

// Because returns a copy that carries err as its cause. The cause is for the log, never for the person.
func (f *Fault) Because(err error) *Fault {
	c := *f
	c.cause = err
	return &c
}

// With returns a copy with an extra member, which is shown in the answer and fills {key} in the sentence.
func (f *Fault) With(key string, value any) *Fault {
	c := *f
	c.members = maps.Clone(f.members)
	if c.members == nil {
		c.members = map[string]any{}
	}
	c.members[key] = value
	return &c
}

// RetryAfter returns a copy that tells the caller to wait d before the next try.
func (f *Fault) RetryAfter(d time.Duration) *Fault {
	c := *f
	c.wait = d
	return &c
}

// Error is for the log: code and cause, in no person's language.
func (f *Fault) Error() string {
	if f.cause != nil {
		return f.code + ": " + f.cause.Error()
	}
	if len(f.fields) > 0 {
		return fmt.Sprintf("%s: %s %s", f.code, f.fields[0].Pointer, f.fields[0].Code)
	}
	return f.code
}

// Unwrap is the cause, or nil.
func (f *Fault) Unwrap() error { return f.cause }

// Is compares by code.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.code == f.code
}

// Kind is what sort of no it is.
func (f *Fault) Kind() Kind { return f.kind }

// Code is the stable code; clients may rely on it.
func (f *Fault) Code() string { return f.code }

// Wait is how long the caller is to wait before the next try; zero means nothing was said.
func (f *Fault) Wait() time.Duration { return f.wait }

// Members are the extra members. The caller must not change the map.
func (f *Fault) Members() map[string]any { return f.members }

// Fields are the fields that need another answer, for kind Fields. The caller must not change the slice.
func (f *Fault) Fields() []Field { return f.fields }

// Sentence is what the person reads, in lang or else in English.
func (f *Fault) Sentence(lang string) string {
	params := make(map[string]string, len(f.members))
	for k, v := range f.members {
		params[k] = fmt.Sprint(v)
	}
	return Sentence(lang, f.code, params)
}
