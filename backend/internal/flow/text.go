package flow

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Text is a text per language, by BCP 47 tag.
type Text map[string]string

// In is the text in lang; else in lang without its region ("de-AT" → "de"), in the first fallback that there is, in
// English, in any language. Empty only if there is no text at all.
func (t Text) In(lang string, fallback ...string) string {
	for _, l := range append([]string{lang, baseOf(lang)}, append(fallback, "en")...) {
		if s, ok := t[l]; ok {
			return s
		}
	}
	for _, l := range slices.Sorted(maps.Keys(t)) {
		return t[l]
	}
	return ""
}

func baseOf(lang string) string {
	base, _, _ := strings.Cut(lang, "-")
	return base
}

// tidy is the form in which texts are kept: NFC, one kind of line end, no white space at the ends of lines and of the
// text. It is what makes printing and reading a text again give the same text.
func tidy(s string) string {
	s = norm.NFC.String(lineEnds.Replace(s))
	if !strings.Contains(s, "\n") {
		return strings.TrimFunc(s, isEdge)
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRightFunc(lines[i], isEdge)
	}
	return strings.TrimFunc(strings.Join(lines, "\n"), isEdge)
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// Duration is a span of whole minutes, hours, days or weeks, such as "30m", "8h", "2d", "1w".
type Duration time.Duration

const (
	day  = 24 * time.Hour
	week = 7 * day
	// maxDuration keeps arithmetic with times far from overflowing.
	maxDuration = 3660 * day
)

var durationForm = regexp.MustCompile(`^([0-9]{1,7})(m|h|d|w)$`)

var units = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": day, "w": week}

// D is the span as the standard library has it.
func (d Duration) D() time.Duration { return time.Duration(d) }

// ParseDuration reads "30m", "8h", "2d" or "1w", up to ten years.
func ParseDuration(s string) (Duration, error) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("write a duration as a number and m, h, d or w, such as 2d")
	}
	n, err := strconv.Atoi(m[1])
	span := time.Duration(n) * units[m[2]]
	if err != nil || span/units[m[2]] != time.Duration(n) || span > maxDuration {
		return 0, fmt.Errorf("write a duration of ten years or less")
	}
	return Duration(span), nil
}

// String is the shortest form that ParseDuration reads; days and not weeks, because the calendar of approvals is in days.
func (d Duration) String() string {
	span := time.Duration(d)
	switch {
	case span%day == 0:
		return strconv.Itoa(int(span/day)) + "d"
	case span%time.Hour == 0:
		return strconv.Itoa(int(span/time.Hour)) + "h"
	}
	return strconv.Itoa(int(span/time.Minute)) + "m"
}

// MarshalJSON writes the short form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads the short form.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("read duration: %w", err)
	}
	read, err := ParseDuration(s)
	if err != nil {
		return fmt.Errorf("read duration %q: %w", s, err)
	}
	*d = read
	return nil
}
