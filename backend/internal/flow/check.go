package flow

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// Consent is that the applicant agrees to one version of terms.
type Consent struct{ Terms, Version string }

// Speaking returns d with labels in field errors in lang; without it they are in the flow's first language. Give the
// language in which the sentences will be written (web.MetaOf(ctx).Locale).
func (d Definition) Speaking(lang string) Definition {
	d.speaks = lang
	return d
}

// CheckDraft checks what is given so far: types and bounds, and that every name is a field. Answers to hidden fields and
// blank answers are dropped. It returns the answers as they are kept, and what needs another answer (pointers
// /answers/{name}), in the order of the pages. Give all answers together, not only new ones: conditions need them.
func (d Definition) CheckDraft(answers map[string]any) (clean map[string]any, fields []fault.Field) {
	return d.check(answers, false)
}

// CheckFinal checks answers that are sent: CheckDraft, and that every required answer is there, that nothing hidden is
// answered, and that all terms are agreed to in their version (pointers /consents/{id}).
func (d Definition) CheckFinal(answers map[string]any, consents []Consent) (clean map[string]any, fields []fault.Field) {
	clean, fields = d.check(answers, true)
	return clean, append(fields, d.checkConsents(consents)...)
}

func (d Definition) check(answers map[string]any, final bool) (map[string]any, []fault.Field) {
	visible := d.Visible(answers)
	clean := make(map[string]any, len(answers))
	asked := map[string]bool{}
	var fields []fault.Field
	for _, page := range d.Pages {
		for _, f := range page.Fields {
			asked[f.Name] = true
			value, wrong := d.checkField(f, answers[f.Name], visible[f.Name], final)
			if wrong != nil {
				fields = append(fields, *wrong)
			} else if value != nil {
				clean[f.Name] = value
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		if !asked[name] {
			fields = append(fields, fault.Field{Pointer: "/answers/" + escape(name), Code: "field_unknown", Params: map[string]string{"label": cut(name)}})
		}
	}
	return clean, fields
}

// checkField returns the answer as it is kept, nil if there is none, or what is wrong with it.
func (d Definition) checkField(f Field, given any, shown, final bool) (any, *fault.Field) {
	given = plain(given)
	if f.isBlank(given) {
		if final && shown && f.Required {
			return nil, d.fault(f, "answer_missing")
		}
		return nil, nil
	}
	if !shown {
		if final {
			return nil, d.fault(f, "answer_not_asked")
		}
		return nil, nil
	}
	value, code := f.value(given)
	if code == "" && final && f.Required && value == false {
		code = "answer_missing"
	}
	if code != "" {
		return nil, d.fault(f, code)
	}
	return value, nil
}

// isBlank says whether v is no answer to f: null, white space for what is typed, an empty list.
func (f Field) isBlank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return f.Type != TypeNumber && f.Type != TypeCheckbox && f.Type != TypeChoices && strings.TrimFunc(v, isEdge) == ""
	case []any:
		return f.Type == TypeChoices && len(v) == 0
	}
	return false
}

func (d Definition) checkConsents(given []Consent) []fault.Field {
	var fields []fault.Field
	wrong := func(id, code, label string) {
		fields = append(fields, fault.Field{Pointer: "/consents/" + escape(id), Code: code, Params: map[string]string{"label": label}})
	}
	for _, t := range d.Terms {
		any, right := false, false
		for _, c := range given {
			any = any || c.Terms == t.ID
			right = right || c.Terms == t.ID && c.Version == t.Version
		}
		if label := d.say(t.Title); !any {
			wrong(t.ID, "consent_missing", label)
		} else if !right {
			wrong(t.ID, "consent_version", label)
		}
	}
	seen := map[string]bool{}
	for _, c := range given {
		known := slices.ContainsFunc(d.Terms, func(t TermsVersion) bool { return t.ID == c.Terms })
		if !known && !seen[c.Terms] {
			seen[c.Terms] = true
			wrong(c.Terms, "field_unknown", cut(c.Terms))
		}
	}
	return fields
}

// fault says what is wrong with the answer to f. A field's own sentence wins where an answer is missing.
func (d Definition) fault(f Field, code string) *fault.Field {
	wrong := fault.Field{Pointer: "/answers/" + f.Name, Code: code, Params: f.bounds()}
	wrong.Params["label"] = d.say(f.Label)
	if code == "answer_missing" {
		wrong.Own = d.say(f.Missing)
	}
	return &wrong
}

func (d Definition) say(t Text) string { return t.In(d.speaks, d.Default()) }

// plain is a decoded JSON value with numbers as float64 and lists as []any, whatever decoder and caller it comes from.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(v)
	case int:
		return float64(v)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list
	}
	return v
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// escape writes one token of a JSON pointer, RFC 6901 §3.
func escape(name string) string { return pointerEscape.Replace(name) }

// cut keeps what a stranger wrote short enough to be repeated.
func cut(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return s
}
