package signup

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// What this room refuses, and what to do about it.
var (
	// ErrNoSignup is one answer for a missing, foreign, replaced and expired sign-up cookie.
	ErrNoSignup = fault.New(fault.Unauthenticated, "signup_gone", "This sign-up is not open in this browser any more. Start again with the same address; your kept answers come back.")
	// ErrProofNeeded is for steps that want a proven address first.
	ErrProofNeeded = fault.New(fault.Conflict, "proof_needed", "Prove your email address first.")
	// ErrAlreadySent is for changes to a sign-up that is a request already.
	ErrAlreadySent = fault.New(fault.Conflict, "already_sent", "You have sent this request already. Open its status page to see where it stands.")
	// ErrEmailMissing asks for an address before a code is of use.
	ErrEmailMissing = fault.New(fault.Conflict, "email_needed", "Give your email address first, so that a code can be sent.")
	// ErrRequestUnknown is one answer for requests that are not there and not the caller's.
	ErrRequestUnknown = fault.New(fault.NotFound, "request_not_here", "There is no such request for the address you have proved. Check the reference.")
	// ErrLinkUsedUp is one answer for unknown, used and expired links.
	ErrLinkUsedUp = fault.New(fault.Gone, "mailed_link_used_up", "This link no longer works. Ask for a new code where you started.")
	// ErrOtherBrowser is for the press on a link in a browser that did not begin.
	ErrOtherBrowser = fault.New(fault.Conflict, "link_other_browser", "You started in another browser. Type the code there.")
	// ErrFull is for a flow that takes no more requests today.
	ErrFull = fault.New(fault.Conflict, "flow_full", "This flow takes no more requests today. Come back tomorrow; your answers are kept.")
	// ErrStartUnclear is for a start that names neither or both of flow and reference.
	ErrStartUnclear = fault.New(fault.Invalid, "start_unclear", "Name either a flow or the reference of a request.")
)

func init() {
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
	fault.DefineField("email_domain_not_accepted", "Use the email address your company gave you. Addresses at {domain} are not accepted here")
}
