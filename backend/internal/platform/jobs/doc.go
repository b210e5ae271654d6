// Package jobs does what leaves the act: mail, provisioning, reminders, expiry.
//
// A job is enqueued in the transaction of the state that caused it, so it exists if and only if that state does. Later a
// worker claims it with a lease, runs the kind's handler and finishes it.
//
//	waiting ──claim──▶ running ──ok──▶ (deleted; or waiting again, if it was asked for anew meanwhile)
//	   ▲                  │
//	   ├──back-off────────┤ error
//	   ├──lease ran out───┤ the worker vanished
//	   └──Retry── dead ◀──┘ Final, or the last attempt failed; staff see it, OnDead runs in the same transaction
//
// Promises: a job runs at least once. Two workers, in one process or in two replicas, never hold the same lease; one
// that lost it (stopped, cut off) cannot finish the job, because every claim has a new fence number. A handler that must
// do its own writes exactly once calls Run.Done in the transaction of those writes. A job whose Key is live already is
// not enqueued twice.
//
// Nobody holds up the others: each kind has its own workers, and of those at most a quarter (at least one) serve one
// lane (Job.Queue: the receiver's domain, the endpoint).
//
// Kinds that need the same neighbour share a Valve: while that one is away, none of their jobs is claimed or tried, and
// nothing is written for them.
//
// A commit wakes this process's workers at once; what they cannot take is told to the other replicas (PostgreSQL's
// NOTIFY); and everybody looks for due jobs once a second.
//
// A payload holds no secrets: one-time codes and links are made when the mail is sent. Errors are kept for staff, with
// e-mail addresses masked.
//
// Neighbours: database, ids, clock, fault. Norms: security.md R01, R04–R06, R20, R22.
package jobs
