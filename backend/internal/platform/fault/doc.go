// Package fault is how a room says no: an error value with a kind, a stable code and a sentence for the person.
//
// A room declares its faults once, as package variables in faults.go:
//
//	var ErrLinkExpired = fault.New(fault.Gone, "signup_link_expired",
//		"This link has expired. Ask for a new one and use it within 24 hours.")
//
// and returns them, with the cause kept for the log: return ErrLinkExpired.Because(err). Kinds mean something to the
// product; only platform/web knows their status numbers. errors.Is compares by code, so a copy made by Because, With
// or RetryAfter is still the same fault.
//
// Sentences say what to do next. English is written beside the code; the translations are in messages/{lang}.json,
// keyed by code, sorted, one per line. {name} in a sentence is replaced by the member or parameter of that name.
package fault
