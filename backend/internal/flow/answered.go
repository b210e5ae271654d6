package flow

import (
	"fmt"
	"strconv"
	"strings"
)

// Person is what a flow's answers say about the applicant. Fields that the flow does not ask for are empty.
type Person struct {
	Name, GivenName, Surname, Organisation, JobTitle, Phone, Country, Purpose string
}

// DisplayName is the name as given, in one piece.
func (p Person) DisplayName() string {
	if p.Name != "" {
		return p.Name
	}
	return strings.TrimSpace(p.GivenName + " " + p.Surname)
}

// Read picks the person out of clean answers.
func (p Profile) Read(answers map[string]any) Person {
	text := func(field string) string {
		s, _ := answers[field].(string)
		return s
	}
	return Person{
		Name: text(p.Name), GivenName: text(p.GivenName), Surname: text(p.Surname), Organisation: text(p.Organisation),
		JobTitle: text(p.JobTitle), Phone: text(p.Phone), Country: text(p.Country), Purpose: text(p.Purpose),
	}
}

// Answered is one answer to show: what was asked, in the reader's language, and what was said.
type Answered struct {
	Name, Page, Label, Type string
	Value                   any
	// Display is the answer in words where the house knows them: labels of choices, text as typed. Dates, countries and
	// checkboxes are for the reader's own formats, so they stay as they are.
	Display string
}

// Answered lists the answers in the order of the questions; questions without an answer are left out.
func (d Definition) Answered(answers map[string]any, lang string) []Answered {
	var all []Answered
	for _, page := range d.Pages {
		for _, f := range page.Fields {
			value, ok := answers[f.Name]
			if !ok || value == nil {
				continue
			}
			all = append(all, Answered{
				Name: f.Name, Page: page.Title.In(lang, d.Default()), Label: f.Label.In(lang, d.Default()), Type: f.Type,
				Value: value, Display: d.display(f, value, lang),
			})
		}
	}
	return all
}

func (d Definition) display(f Field, value any, lang string) string {
	switch v := value.(type) {
	case string:
		return d.optionLabel(f, v, lang)
	case []any:
		var labels []string
		for _, one := range v {
			labels = append(labels, d.optionLabel(f, fmt.Sprint(one), lang))
		}
		return strings.Join(labels, ", ")
	case []string:
		var labels []string
		for _, one := range v {
			labels = append(labels, d.optionLabel(f, one, lang))
		}
		return strings.Join(labels, ", ")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	default:
		return fmt.Sprint(v)
	}
}

func (d Definition) optionLabel(f Field, value, lang string) string {
	for _, o := range f.Options {
		if o.Value == value {
			return o.Label.In(lang, d.Default())
		}
	}
	return value
}

// NamedSponsor is the address that the applicant named as their contact in the first stage, or "".
func (d Definition) NamedSponsor(answers map[string]any) string {
	if len(d.Approval.Stages) == 0 {
		return ""
	}
	named, _ := answers[d.Approval.Stages[0].Approvers.NamedIn].(string)
	return named
}
