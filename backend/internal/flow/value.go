package flow

import (
	"encoding/json"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Lengths in characters. The caps are the most that a flow may ask for.
const (
	defaultText, capText         = 200, 500
	defaultLongText, capLongText = 2000, 10000
	maxURL                       = 2000
)

// Years that a date may have; everything else is a slip of the finger.
const minYear, maxYear = 1900, 2199

// maxNumber is where float64 and JavaScript stop telling whole numbers apart (2⁵³−1).
const maxNumber = 1<<53 - 1

// value is the answer v, which is not blank, as it is kept, or the code of what is wrong with it.
func (f Field) value(v any) (kept any, code string) {
	switch f.Type {
	case TypeCheckbox:
		if b, ok := v.(bool); ok {
			return b, ""
		}
		return nil, "answer_type"
	case TypeNumber:
		if n, ok := v.(float64); ok {
			return f.number(n)
		}
		return nil, "answer_type"
	case TypeChoices:
		return f.choices(v)
	}
	s, ok := v.(string)
	if !ok || !utf8.ValidString(s) {
		return nil, "answer_type"
	}
	return f.written(tidy(s))
}

// written checks what is a string in JSON.
func (f Field) written(s string) (any, string) {
	if code := f.characters(s); code != "" {
		return nil, code
	}
	switch f.Type {
	case TypeText, TypeLongText:
		return kept(s, f.length(s))
	case TypeEmail, TypeSponsor:
		a, err := email.Parse(s)
		return kept(a.String(), when(err != nil, "answer_email"))
	case TypePhone:
		number, ok := phone(s)
		return kept(number, when(!ok, "answer_phone"))
	case TypeCountry:
		code := upperASCII(s)
		return kept(code, when(!isCountry(code), "answer_country"))
	case TypeChoice:
		return kept(s, when(!f.hasOption(s), "answer_choice"))
	case TypeDate:
		return kept(s, f.date(s))
	}
	return kept(s, when(!isURL(s), "answer_url"))
}

func kept(s, code string) (any, string) {
	if code != "" {
		return nil, code
	}
	return s, ""
}

func when(wrong bool, code string) string {
	if wrong {
		return code
	}
	return ""
}

func (f Field) length(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case n > f.longest():
		return "answer_too_long"
	case n < f.MinLength:
		return "answer_too_short"
	}
	return when(!acceptsName(s, f.nameKind()), "name_not_accepted")
}

// longest is the most characters that f takes.
func (f Field) longest() int {
	most := f.MaxLength
	if most == 0 {
		most = defaultText
		if f.Type == TypeLongText {
			most = defaultLongText
		}
	}
	switch f.nameKind() {
	case personName:
		return min(most, capPersonName)
	case workName:
		return min(most, capWorkName)
	}
	return most
}

func (f Field) number(n float64) (any, string) {
	switch {
	case math.IsNaN(n) || math.Abs(n) > maxNumber || f.WholeNumber && n != math.Trunc(n):
		return nil, "answer_number"
	case f.Min != nil && n < *f.Min:
		return nil, "answer_number_low"
	case f.Max != nil && n > *f.Max:
		return nil, "answer_number_high"
	}
	return n, ""
}

// number reads a JSON number; what float64 cannot hold becomes infinite, which no field accepts.
func number(n json.Number) float64 {
	f, err := n.Float64()
	if err != nil {
		return math.Inf(1)
	}
	return f
}

func (f Field) choices(v any) (any, string) {
	list, ok := v.([]any)
	if !ok {
		return nil, "answer_type"
	}
	chosen := make([]any, 0, len(f.Options))
	for _, one := range list {
		s, ok := one.(string)
		if !ok {
			return nil, "answer_type"
		}
		if s = tidy(s); !f.hasOption(s) || slices.Contains(chosen, any(s)) {
			return nil, "answer_choice"
		}
		chosen = append(chosen, s)
	}
	return chosen, ""
}

func (f Field) hasOption(value string) bool {
	return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == value })
}

func (f Field) date(s string) string {
	switch {
	case !isDate(s):
		return "answer_date"
	case f.MinDate != "" && s < f.MinDate:
		return "answer_date_early"
	case f.MaxDate != "" && s > f.MaxDate:
		return "answer_date_late"
	}
	return ""
}

// isDate says whether s is YYYY-MM-DD, a day that the calendar has, in a year that a person can mean.
func isDate(s string) bool {
	if len(s) != len(time.DateOnly) {
		return false
	}
	d, err := time.Parse(time.DateOnly, s)
	return err == nil && minYear <= d.Year() && d.Year() <= maxYear
}

var (
	phoneMarks = strings.NewReplacer("(0)", "", " ", "", "\u00a0", "", "\u202f", "", "-", "", "\u2010", "", "\u2011", "", "\u2013", "",
		"(", "", ")", "", ".", "", "/", "")
	phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // E.164: at most 15 digits, country code first
)

// phone reads a telephone number as people write it: white space, dashes, brackets, dots and slashes are dropped, as is
// the (0) of "+49 (0)40"; a leading 00 is a +; Arabic digits are digits. The country code has to be there.
func phone(s string) (string, bool) {
	number := phoneMarks.Replace(strings.Map(asciiDigit, s))
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	return number, phoneForm.MatchString(number)
}

func asciiDigit(r rune) rune {
	switch {
	case '\u0660' <= r && r <= '\u0669': // Arabic-Indic
		return '0' + r - '\u0660'
	case '\u06f0' <= r && r <= '\u06f9': // Eastern Arabic-Indic
		return '0' + r - '\u06f0'
	}
	return r
}

var hostLabel = regexp.MustCompile(`^[\p{L}\p{M}\p{Nd}]([\p{L}\p{M}\p{Nd}-]{0,61}[\p{L}\p{M}\p{Nd}])?$`)

// isURL accepts what leads a reader to a company's page and nothing else: http or https, a host of at least two labels
// whose last one is no number, perhaps a port. No user name, no white space, none of \ < > " which clients read differently.
func isURL(s string) bool {
	scheme, rest, found := strings.Cut(s, "://")
	if scheme = lowerASCII(scheme); !found || scheme != "https" && scheme != "http" {
		return false
	}
	if utf8.RuneCountInString(s) > maxURL || strings.ContainsFunc(s, isEdge) || strings.ContainsAny(s, "\\<>\"") {
		return false
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	host, port, hasPort := strings.Cut(authority, ":")
	if hasPort && !isPort(port) || !isHostName(host) {
		return false
	}
	_, err := url.Parse(s)
	return err == nil
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && 1 <= n && n <= 65535 && s[0] != '+' && len(s) <= 5
}

func isHostName(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 || len(s) > 253 || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return false
	}
	return !slices.ContainsFunc(labels, func(l string) bool { return !hostLabel.MatchString(l) })
}

// bounds are the parameters of sentences about f.
func (f Field) bounds() map[string]string {
	params := map[string]string{}
	switch f.Type {
	case TypeText, TypeLongText:
		params["min"], params["max"] = strconv.Itoa(f.MinLength), strconv.Itoa(f.longest())
	case TypeDate:
		params["min"], params["max"] = f.MinDate, f.MaxDate
	case TypeNumber:
		if f.Min != nil {
			params["min"] = strconv.FormatFloat(*f.Min, 'f', -1, 64)
		}
		if f.Max != nil {
			params["max"] = strconv.FormatFloat(*f.Max, 'f', -1, 64)
		}
	}
	return params
}
