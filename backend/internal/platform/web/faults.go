package web

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// What the door itself says no to.
var (
	errInternal    = fault.New(fault.Internal, "internal_error", "Something went wrong on our side. Try again; if it goes on, tell us the request id.")
	errNotFound    = fault.New(fault.NotFound, "not_found", "There is nothing at this address.")
	errMethod      = fault.New(fault.NotFound, "method_not_allowed", "This address does not take this method.")
	errHost        = fault.New(fault.Misdirected, "host_unknown", "This portal does not answer to that name. Use the address you were given.")
	errCrossOrigin = fault.New(fault.Forbidden, "cross_origin", "This came from another site, so nothing was done.")
	errType        = fault.New(fault.WrongType, "content_type_unsupported", "Send the body as application/json.")
	errEncoding    = fault.New(fault.WrongType, "content_encoding_unsupported", "Send the body without compression.")
	errTooLarge    = fault.New(fault.TooLarge, "body_too_large", "This is more than we take at once. The limit is {limit} bytes.")
	errIncomplete  = fault.New(fault.Invalid, "body_incomplete", "The body did not arrive in full. Send it again.")
	errBodyMissing = fault.New(fault.Invalid, "body_missing", "The request has no body. Send a JSON object.")
	errMalformed   = fault.New(fault.Invalid, "json_malformed", "The body is not one valid JSON value.")
	errNotUTF8     = fault.New(fault.Invalid, "json_not_utf8", "The body is not valid UTF-8.")
	errDuplicate   = fault.New(fault.Invalid, "json_duplicate_key", "The body names a key twice at {pointer}. Keep one.")
	errTooDeep     = fault.New(fault.Invalid, "json_too_deep", "The body is nested more than 32 levels deep.")
	errTooMany     = fault.New(fault.Invalid, "json_too_many_items", "The body has more than 1000 items in one list at {pointer}.")
	errParameter   = fault.New(fault.Invalid, "parameter_invalid", "The parameter “{parameter}” cannot be read.")
	errUnknown     = fault.New(fault.Invalid, "unknown_parameter", "There is no parameter “{parameter}” here.")
	errCursor      = fault.New(fault.Invalid, "cursor_invalid", "This list cannot be continued from here. Start again without “after”.")
	errBusy        = fault.New(fault.Unavailable, "overloaded", "Too many people are here at once. Try again in a few seconds.")
	errKeyBad      = fault.New(fault.Invalid, "idempotency_key_invalid", "An idempotency key has 1 to 255 visible ASCII characters.")
	errKeyReused   = fault.New(fault.Fields, "idempotency_key_reused", "This idempotency key was used for another request. Choose a new one.")
	errKeyRunning  = fault.New(fault.Conflict, "idempotency_in_progress", "The first request with this idempotency key is still being worked on.")
)

func init() {
	for code, sentence := range map[string]string{
		"unknown_field":      "There is no such field here",
		"field_wrong_type":   "This is not of the right kind",
		"field_missing":      "Fill this in",
		"field_too_long":     "Use {limit} characters or fewer",
		"field_too_short":    "Use {limit} characters or more",
		"field_not_a_choice": "Choose one of: {choices}",
		"field_invalid":      "This cannot be accepted as it is",

		"title_invalid":         "The request cannot be read",
		"title_unauthenticated": "Sign in first",
		"title_forbidden":       "Not allowed",
		"title_not_found":       "Not found",
		"title_method":          "Method not allowed",
		"title_conflict":        "The state does not allow it",
		"title_gone":            "No longer there",
		"title_stale":           "Changed meanwhile",
		"title_too_large":       "Too large",
		"title_wrong_type":      "Unsupported form",
		"title_misdirected":     "Wrong address",
		"title_fields":          "Some answers need attention",
		"title_too_many":        "Too many requests",
		"title_unavailable":     "Not available right now",
		"title_internal":        "Our mistake",
	} {
		fault.DefineField(code, sentence)
	}
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
}
