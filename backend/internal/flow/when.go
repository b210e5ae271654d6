package flow

import "slices"

// Visible says which fields are shown for the given answers, by name. A condition looks at earlier fields only; one
// whose own condition fails counts as unanswered.
func (d Definition) Visible(answers map[string]any) map[string]bool {
	visible := make(map[string]bool, len(answers))
	known := make(map[string]any, len(answers))
	for _, page := range d.Pages {
		for _, f := range page.Fields {
			if f.When != nil && !f.When.holds(known) {
				continue
			}
			visible[f.Name] = true
			if v := lookedAt(f, answers[f.Name]); v != nil {
				known[f.Name] = v
			}
		}
	}
	return visible
}

// lookedAt is an answer as conditions see it: strings trimmed and in NFC, numbers as float64, nil if it is no answer.
// It is not checked, so that a condition means the same while a person is still typing.
func lookedAt(f Field, v any) any {
	v = plain(v)
	if f.isBlank(v) {
		return nil
	}
	if s, ok := v.(string); ok {
		s = tidy(s)
		if f.Type == TypeCountry {
			s = upperASCII(s)
		}
		return s
	}
	return v
}

// holds says whether c is true of the answers so far. Nothing equals an unanswered field, so isNot is true of it.
func (c Condition) holds(known map[string]any) bool {
	if len(c.All) > 0 {
		return !slices.ContainsFunc(c.All, func(c Condition) bool { return !c.holds(known) })
	}
	if len(c.Any) > 0 {
		return slices.ContainsFunc(c.Any, func(c Condition) bool { return c.holds(known) })
	}
	v, answered := known[c.Field]
	switch {
	case c.Answered != nil:
		return answered == *c.Answered
	case c.Is != nil:
		return answered && equals(v, c.Is)
	case c.IsNot != nil:
		return !answered || !equals(v, c.IsNot)
	}
	return answered && slices.ContainsFunc(c.In, func(want any) bool { return equals(v, want) })
}

// equals compares an answer with a value of a condition: strings exactly, numbers as numbers, booleans; a list equals
// every one of its entries.
func equals(answer, want any) bool {
	if list, ok := answer.([]any); ok {
		return slices.ContainsFunc(list, func(v any) bool { return equals(v, want) })
	}
	switch answer := answer.(type) {
	case string:
		s, ok := want.(string)
		return ok && s == answer
	case float64:
		n, ok := want.(float64)
		return ok && n == answer
	case bool:
		b, ok := want.(bool)
		return ok && b == answer
	}
	return false
}

// names lists the fields that c looks at.
func (c Condition) names() []string {
	var out []string
	if c.Field != "" {
		out = append(out, c.Field)
	}
	for _, inner := range append(slices.Clone(c.All), c.Any...) {
		out = append(out, inner.names()...)
	}
	return out
}
