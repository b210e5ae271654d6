package identity

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// What this room refuses, and what to do about it.
var (
	// ErrCodeWrong is one answer for wrong, used, foreign and replaced codes.
	ErrCodeWrong = fault.New(fault.Fields, "code_wrong", "That code is not right. Check the newest email, or ask for a new code.")
	// ErrCodeExpired is for a right code whose time was over, for two hours. Members: endedAt.
	ErrCodeExpired = fault.New(fault.Gone, "code_expired", "That code has stopped working. Ask for a new one.")
	// ErrTooManyTries is for subjects, addresses and a house that had their share of tries. Members: clock, until, retryAfter.
	ErrTooManyTries = fault.New(fault.TooMany, "too_many_tries", "Too many codes were tried. Wait until {clock}, then start again.")
	// ErrLinkSpent is one answer for unknown, used, expired and foreign links.
	ErrLinkSpent = fault.New(fault.Gone, "signin_link_used_up", "This link no longer works. Ask for a new code where you started.")
	// ErrOtherBrowser is for the press on a link in a browser that did not begin.
	ErrOtherBrowser = fault.New(fault.Conflict, "signin_other_browser", "You started in another browser. Type the code there.")
	// ErrSigninGone is one answer for a missing, foreign, finished and expired sign-in cookie.
	ErrSigninGone = fault.New(fault.Gone, "signin_gone", "This sign-in is not open in this browser any more. Start again with your email address.")
	// ErrTooSoon is for the next code before its time, in the browser that asked. Members: seconds, retryAfter.
	ErrTooSoon = fault.New(fault.TooMany, "resend_too_soon", "A code is on its way. You can ask for another one in {seconds} seconds.")
	// ErrTooMany is for network addresses that ask for too much.
	ErrTooMany = fault.New(fault.TooMany, "too_many_requests", "That was too often from here. Wait a while, then go on.")
	// ErrAccessEnded is for people who proved their address and may not come in. Members: endedAt, if there is an end.
	ErrAccessEnded = fault.New(fault.Forbidden, "access_ended", "Your access has ended. Ask your contact here to open it again.")

	// ErrNotSignedIn is one answer for missing, unknown, ended and idle sessions, and for people who may not come in any more.
	ErrNotSignedIn = fault.New(fault.Unauthenticated, "not_signed_in", "Sign in to go on.")
	// ErrKeyInvalid is one answer for unknown, expired and revoked API keys.
	ErrKeyInvalid = fault.New(fault.Unauthenticated, "api_key_invalid", "This API key does not work. Check it, or make a new one.")
	// ErrTwoIdentities is for a request with both a session cookie and an API key: it is not guessed who is meant.
	ErrTwoIdentities = fault.New(fault.Invalid, "two_identities", "Send either a session cookie or an API key, not both.")
	// ErrNotAllowed is for callers without the right. Members: needs.
	ErrNotAllowed = fault.New(fault.Forbidden, "not_allowed", "You do not have the right to do this. It takes “{needs}”; an administrator can give it.")
	// ErrClosedRoute is for routes that the contract does not open.
	ErrClosedRoute = fault.New(fault.NotFound, "route_closed", "There is nothing at this address.")

	// ErrScopeUnknown refuses an API key with a scope that does not exist. Members: scope, known.
	ErrScopeUnknown = fault.New(fault.Invalid, "scope_unknown", "There is no scope “{scope}”. Choose from: {known}.")
	// ErrKeyUnknown is for an API key that is to be revoked and is not there.
	ErrKeyUnknown = fault.New(fault.NotFound, "api_key_unknown", "There is no such API key. List the keys to see them.")

	// ErrSetupClosed is for a house that has an administrator.
	ErrSetupClosed = fault.New(fault.Gone, "setup_closed", "This portal is set up already. Sign in instead.")
	// ErrSetupLink is for set-up links that are wrong, expired or replaced.
	ErrSetupLink = fault.New(fault.Gone, "setup_link_used_up", "This set-up link does not work. Print a new one on the server with: vestibule setup-link")
)

func init() {
	fault.DefineField("email_invalid", "Enter an email address in the form name@company.com")
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
}
