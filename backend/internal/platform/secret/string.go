package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// dots is what a set secret looks like everywhere.
const dots = "••••"

// String is a text that must not be shown. fmt, slog, JSON, YAML and templates print dots for it, and nothing for an
// empty one. It holds its value behind a pointer, so that even reflection-based printers of an enclosing struct, which
// cannot call methods of unexported fields, show an address and not the text. Compare with [String.Equal], not ==.
type String struct {
	value *string
}

// New hides s.
func New(s string) String {
	if s == "" {
		return String{}
	}
	return String{value: &s}
}

// Reveal returns the text. Whoever calls it must not log, wrap into an error or return what it gives.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says whether nothing is hidden here.
func (s String) IsZero() bool { return s.value == nil }

// Equal compares in a time that depends on the lengths only.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns dots, or nothing.
func (s String) String() string {
	if s.value == nil {
		return ""
	}
	return dots
}

// Format prints dots for every verb, %#v and %x included.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is dots for slog.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is dots for JSON, XML and whatever else asks for text.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is dots.
func (s String) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalText hides text; the readers of configuration use it.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}
