package flow

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// Faults of the room.
var (
	// ErrUnknown means that there is no flow with this slug, or no such version.
	ErrUnknown = fault.New(fault.NotFound, "flow_unknown",
		"There is nothing to sign up for at this address. Check it, or ask the person who sent it to you.")
	// ErrClosed means that the flow takes no sign-ups now. Members: reason, in the reader's language, and opensAt if it
	// is known when it opens.
	ErrClosed = fault.New(fault.Gone, "flow_closed",
		"This sign-up is closed at the moment.")
	// ErrChanged means that somebody published another version while this one was being applied.
	ErrChanged = fault.New(fault.Conflict, "flow_changed",
		"Somebody published another version at the same moment. Look at the difference and apply again.")
)

// sentences beside answers, which may use {label} and, where there are bounds, {min} and {max}.
var sentences = map[string]string{
	"answer_missing":     "Answer “{label}”",
	"answer_too_short":   "“{label}” needs {min} characters or more",
	"answer_too_long":    "Keep “{label}” to {max} characters or fewer",
	"answer_type":        "“{label}” needs another kind of answer",
	"answer_characters":  "“{label}” holds characters that cannot be shown. Type it instead of pasting it",
	"answer_email":       "Enter the full email address in “{label}”, like name@company.com",
	"answer_phone":       "Enter the number in “{label}” with its country code, like +49 40 5550 120",
	"answer_country":     "Choose a country from the list in “{label}”",
	"answer_choice":      "Choose from the list in “{label}”",
	"answer_date":        "Enter a real date in “{label}”, like 2026-11-30",
	"answer_date_early":  "The date in “{label}” must be {min} or later",
	"answer_date_late":   "The date in “{label}” must be {max} or earlier",
	"answer_number":      "Enter a number in “{label}” that can be counted with, whole if it is counted in pieces",
	"answer_number_low":  "“{label}” must be {min} or more",
	"answer_number_high": "“{label}” must be {max} or less",
	"answer_url":         "Enter the full web address in “{label}”, like https://www.company.com",
	"answer_not_asked":   "“{label}” is not asked with these answers. Leave it out",
	"field_unknown":      "“{label}” is not asked here",
	"consent_missing":    "Confirm “{label}”",
	"consent_version":    "“{label}” has a newer version. Read it and confirm again",
	"name_not_accepted":  "Write “{label}” without web addresses, phone numbers and symbols, with a space after every dot",
}

func init() {
	for code, sentence := range sentences {
		fault.DefineField(code, sentence)
	}
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
}
