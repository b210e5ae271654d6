package app

import (
	"slices"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/flow"
)

// demoAnswers fills in what a flow asks: what is known of the person, and for the rest a plausible answer of the
// question's type. Optional questions without a known answer stay open.
func demoAnswers(version *flow.Version, known map[string]any, a applicant) map[string]any {
	answers := map[string]any{}
	for _, page := range version.Pages {
		for _, f := range page.Fields {
			if f.When != nil && !version.Visible(answers)[f.Name] {
				continue
			}
			value, ok := known[f.Name]
			if !ok || value == "" {
				value, ok = a.answer(f)
			}
			if ok && value != "" {
				answers[f.Name] = value
			}
		}
	}
	return answers
}

// answer is what the person says to a question that is none of their profile.
func (a applicant) answer(f flow.Field) (any, bool) {
	_, domain, _ := strings.Cut(a.mail, "@")
	switch f.Type {
	case flow.TypeChoice:
		for _, wish := range []string{a.why, a.site} {
			if slices.ContainsFunc(f.Options, func(o flow.Option) bool { return o.Value == wish }) {
				return wish, true
			}
		}
		return f.Options[0].Value, f.Required
	case flow.TypeChoices:
		return []any{f.Options[0].Value}, f.Required
	case flow.TypeSponsor:
		return a.contact, a.contact != ""
	case flow.TypeCheckbox:
		return true, f.Required
	case flow.TypeNumber:
		least := 1.0
		if f.Min != nil {
			least = *f.Min
		}
		return least, true
	case flow.TypeDate:
		return someDay(f), f.Required
	case flow.TypeURL:
		return "https://www." + domain + "/", true
	case flow.TypeEmail:
		return a.mail, f.Required
	case flow.TypePhone:
		return a.phone, true
	case flow.TypeCountry:
		return a.country, true
	default:
		return a.purpose, f.Required
	}
}

// someDay is a day that the question accepts.
func someDay(f flow.Field) string {
	if f.MinDate != "" {
		return f.MinDate
	}
	if f.MaxDate != "" {
		return f.MaxDate
	}
	return time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}
