package audit

import (
	"maps"
	"slices"
)

// known are all events of the house: name and what it tells. A test compares it with what the rooms record, and a golden
// file makes every change visible. Names are promises: they stay, whatever becomes of the code.
var known = map[string]string{
	"approval.answered":  "The applicant answered a question.",
	"approval.approved":  "An approver, or the flow itself, approved the request.",
	"approval.asked":     "An approver asked the applicant a question.",
	"approval.denied":    "An approver denied the request.",
	"approval.expired":   "Nobody decided in time.",
	"approval.passed":    "One stage approved; the next one decides.",
	"approval.refused":   "A decision was not accepted, such as one on one's own request.",
	"approval.withdrawn": "The applicant took the request back.",

	"directory.app_put":        "An app was added or changed.",
	"directory.grant_added":    "The person got an app or became a member of a group.",
	"directory.grant_extended": "A grant ends later than before.",
	"directory.grant_missing":  "An app or group that was to be granted does not exist.",
	"directory.group_put":      "A group was added or changed.",
	"directory.guest_accepted": "An invited person proved their address through a sign-up instead.",
	"directory.guest_admitted": "An approved request became a guest.",
	"directory.guest_extended": "The guest's access ends later than before.",
	"directory.guest_updated":  "What was empty in the guest's profile was filled from a later request.",
	"directory.member_added":   "An employee was added.",
	"directory.tenant_set":     "Name, contact or logo of the tenant were set.",

	"flow.closed":    "A flow takes no more sign-ups.",
	"flow.published": "A version of a flow became the one that applicants see.",

	"identity.code_refused":     "A one-time code of a sign-up or a sign-in was wrong, expired or tried too often.",
	"identity.codes_paused":     "Too many wrong codes: none are taken for the address, or the known device, for a while.",
	"identity.key_created":      "An API key was made.",
	"identity.key_revoked":      "An API key was revoked.",
	"identity.many_wrong_codes": "Ten wrong codes for an address within a day; its person, if there is one, is warned by mail.",
	"identity.set_up":           "The first administrator was made.",
	"identity.setup_refused":    "The set-up link was wrong, expired or used.",
	"identity.signed_in":        "The person signed in.",
	"identity.signed_out":       "The person signed out.",
	"identity.signin_refused":   "A sign-in was refused although the address was proved.",

	"notification.failed": "A mail could not be delivered.",

	"operation.backed_up": "A backup of the database was made.",
	"operation.restored":  "The database was loaded from a backup; what was issued before it is dead.",
	"operation.retried":   "Stopped background work was started again.",

	"signup.proved":    "The applicant proved their address.",
	"signup.started":   "Somebody gave an address to sign up with.",
	"signup.submitted": "The applicant sent the request.",
}

// Names lists every event of the house, sorted.
func Names() []string { return slices.Sorted(maps.Keys(known)) }

// Describe tells what the event means, in English, for documentation; empty for an unknown name.
func Describe(name string) string { return known[name] }
