package approval

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// What this room refuses, and what to do about it.
var (
	// ErrNotFound is for a request that is not there and for one that is not the caller's: the same answer.
	ErrNotFound = fault.New(fault.NotFound, "request_unknown", "There is no such request here. Check the reference or the link.")
	// ErrAlreadyDecided has the members decidedBy, decidedAt and state.
	ErrAlreadyDecided = fault.New(fault.Conflict, "already_decided", "{decidedBy} has decided this request already. Nothing was changed.")
	// ErrClosed is for requests that ended without a decision: withdrawn or expired. Member: state.
	ErrClosed = fault.New(fault.Conflict, "request_closed", "This request is no longer open, so nothing was changed.")
	// ErrChanged is for a decision on something that has changed since it was read.
	ErrChanged = fault.New(fault.Stale, "request_changed", "The request has changed since you opened it, so nothing was decided. Read what is new, then decide.")
	// ErrOwnRequest holds whatever the caller's role is.
	ErrOwnRequest = fault.New(fault.Forbidden, "own_request", "Nobody decides their own request. A colleague has to decide this one.")
	// ErrOtherStage is for an approver of a stage that does not wait now.
	ErrOtherStage = fault.New(fault.Conflict, "other_stage", "This request waits for another stage. You are told when it is your turn.")
	// ErrSamePerson is for one person, or one key, that would approve two stages, where somebody else was asked as well.
	ErrSamePerson = fault.New(fault.Conflict, "same_person", "You have approved an earlier stage. A colleague has to approve this one; you may still deny it.")
	// ErrNothingAsked is for a reply without a question.
	ErrNothingAsked = fault.New(fault.Conflict, "nothing_asked", "Nothing was asked, so there is nothing to answer. Open the status page again to see where the request stands.")
	// ErrAlreadyAsked is for a second question while the first waits for its answer.
	ErrAlreadyAsked = fault.New(fault.Conflict, "already_asked", "A question is open already. Wait for the answer, or decide now.")
	// ErrLinkUsedUp is one answer for unknown and old links.
	ErrLinkUsedUp = fault.New(fault.Gone, "link_used_up", "This link no longer works. Open your inbox to see what waits for you.")
	// ErrNotYourLink is for a decide link that was mailed to another approver.
	ErrNotYourLink = fault.New(fault.Forbidden, "not_your_link", "This link was sent to another approver. Open your own inbox to see what waits for you.")
)

func init() {
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
	fault.DefineField("reason_missing", "Write a reason for the denial")
	fault.DefineField("text_missing", "Write a text first")
	fault.DefineField("text_too_long", "Use {max} characters or fewer")
	fault.DefineField("until_too_soon", "Choose a day from tomorrow on")
	fault.DefineField("until_out_of_range", "Choose a day between tomorrow and {latest}")
}

// errNotLapsed stops the sweep from ending a request whose clock was moved in between.
var errNotLapsed = fault.New(fault.Conflict, "request_not_lapsed", "This request still has time.")
