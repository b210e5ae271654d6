// Package audit remembers who did what, when and from where.
//
// An event is written in the transaction of the act that it tells of: neither lasts without the other. Events are only
// ever added; triggers in the schema refuse to change or delete one.
//
// An event names its act as room.act in the past tense ("approval.approved"), its actor, its target (an id) and its
// subject: a keyed hash of the person's canonical address, which ties what happened before there was a guest (sign-up,
// request) to the guest. names.go lists every name. An event's data is for people who may read the directory: it never
// holds codes, tokens or what an applicant answered.
//
// The room has no routes: directory serves a guest's timeline. Neighbours: web (network address and request id of the
// call), secret (the key of the hash).
package audit
