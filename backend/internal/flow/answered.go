package flow

import (
	"fmt"
	"strconv"
	"strings"
)

// Answered is an answer as people read it.
type Answered struct {
	Name  string
	Page  string // its title
	Label string
	Type  string
	Value any
	// Display is Value in words: options by their label, a checkbox as Yes or No. Dates, countries and numbers stay as they
	// are kept, because the reader's page writes them in the reader's manner.
	Display string
}

// Answered lists the answers in the order of the pages, with labels in lang.
func (d Definition) Answered(answers map[string]any, lang string) []Answered {
	var out []Answered
	for _, page := range d.Pages {
		for _, f := range page.Fields {
			v := plain(answers[f.Name])
			if f.isBlank(v) {
				continue
			}
			out = append(out, Answered{
				Name: f.Name, Page: page.Title.In(lang, d.Default()), Label: f.Label.In(lang, d.Default()), Type: f.Type,
				Value: v, Display: f.display(v, lang, d.Default()),
			})
		}
	}
	return out
}

func (f Field) display(v any, lang, fallback string) string {
	switch v := v.(type) {
	case string:
		for _, o := range f.Options {
			if o.Value == v {
				return o.Label.In(lang, fallback)
			}
		}
		return v
	case bool:
		return yesNo[v].In(lang, fallback)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		labels := make([]string, len(v))
		for i, one := range v {
			labels[i] = f.display(one, lang, fallback)
		}
		return strings.Join(labels, comma.In(lang))
	}
	return fmt.Sprint(v)
}

var (
	yesNo = map[bool]Text{
		true:  {"en": "Yes", "de": "Ja", "ar": "نعم", "fr": "Oui", "es": "Sí"},
		false: {"en": "No", "de": "Nein", "ar": "لا", "fr": "Non", "es": "No"},
	}
	comma = Text{"en": ", ", "ar": "، "}
)

// Person is what the answers say of the applicant, by the flow's Profile. What was not asked is empty.
type Person struct {
	Name, GivenName, Surname, Organisation, JobTitle, Phone, Country, Purpose string
}

// Read takes the person out of clean answers.
func (p Profile) Read(answers map[string]any) Person {
	at := func(name string) string {
		if name == "" {
			return ""
		}
		s, _ := answers[name].(string)
		return s
	}
	return Person{
		Name: at(p.Name), GivenName: at(p.GivenName), Surname: at(p.Surname), Organisation: at(p.Organisation),
		JobTitle: at(p.JobTitle), Phone: at(p.Phone), Country: at(p.Country), Purpose: at(p.Purpose),
	}
}

// DisplayName is the name as it is shown: the full name, or given names and surname in this order.
func (p Person) DisplayName() string {
	if p.Name != "" {
		return p.Name
	}
	return strings.TrimSpace(p.GivenName + " " + p.Surname)
}

// NamedSponsor is the address that the applicant gave as their contact, in the first stage that asks for one; empty if
// there is none.
func (d Definition) NamedSponsor(answers map[string]any) string {
	for _, stage := range d.Approval.Stages {
		if name := stage.Approvers.NamedIn; name != "" {
			if s, ok := answers[name].(string); ok && s != "" {
				return s
			}
		}
	}
	return ""
}
