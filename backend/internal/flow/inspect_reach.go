package flow

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of the search for answers that reveal a field, for one field and for all of a flow. What lies beyond is let
// through: the search is a help for the designer, and a page that nobody reaches harms nobody.
const maxTrials, maxTrialsInAll = 4096, 20_000

// reach reports fields that no answers reveal, and pages made of such fields only.
func (i *inspection) reach() {
	left := maxTrialsInAll
	for p, page := range i.d.Pages {
		path := index("spec.pages", p)
		var dead []int
		for f := range page.Fields {
			if i.isDead(&page.Fields[f], &left) {
				dead = append(dead, f)
			}
		}
		if len(dead) == len(page.Fields) {
			i.reportAt(path, "no answers lead to this page; correct the conditions of its fields or remove it")
			continue
		}
		for _, f := range dead {
			i.reportAt(join(index(join(path, "fields"), f), "when"), "no answers make this true, so %s would never be shown; correct the condition", page.Fields[f].Name)
		}
	}
}

// isDead tries all answers that make a difference to f's conditions, those of the fields they look at included.
func (i *inspection) isDead(f *Field, left *int) bool {
	if f.When == nil {
		return false
	}
	needed := map[string]bool{}
	i.gather(f, needed)
	var chain []*Field
	for _, name := range i.order {
		if needed[name] {
			chain = append(chain, i.field[name])
		}
	}
	trials := 1
	values := make([][]any, len(chain))
	for n, trigger := range chain {
		values[n] = telling(trigger, append(slices.Clone(chain), f))
		if trials *= len(values[n]); trials > min(maxTrials, *left) {
			return false
		}
	}
	*left -= trials
	return !reveals(f, chain, values, map[string]any{})
}

// gather collects the names of all fields that f's visibility depends on.
func (i *inspection) gather(f *Field, needed map[string]bool) {
	if f.When == nil {
		return
	}
	for _, name := range f.When.names() {
		if trigger := i.field[name]; trigger != nil && !needed[name] {
			needed[name] = true
			i.gather(trigger, needed)
		}
	}
}

// reveals tries the values of the first field of chain, and with each those of the others.
func reveals(f *Field, chain []*Field, values [][]any, known map[string]any) bool {
	if len(chain) == 0 {
		return f.When.holds(known)
	}
	first := chain[0]
	if first.When != nil && !first.When.holds(known) {
		return reveals(f, chain[1:], values[1:], known)
	}
	defer delete(known, first.Name)
	for _, v := range values[0] {
		delete(known, first.Name)
		if v != nil {
			known[first.Name] = v
		}
		if reveals(f, chain[1:], values[1:], known) {
			return true
		}
	}
	return false
}

// telling lists answers to trigger that the conditions of owners can tell apart: every value that one of them names,
// another value if there is one, and none if the field may stay empty.
func telling(trigger *Field, owners []*Field) []any {
	var out, named []any
	if !trigger.Required {
		out = append(out, nil)
	}
	for _, owner := range owners {
		if owner.When != nil {
			named = append(named, owner.When.values(trigger.Name)...)
		}
	}
	slices.SortFunc(named, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	named = slices.Compact(named)
	switch trigger.Type {
	case TypeCheckbox:
		if out = []any{true}; !trigger.Required {
			out = []any{true, false, nil}
		}
		return out
	case TypeChoice:
		for _, o := range trigger.Options {
			out = append(out, o.Value)
		}
		return out
	case TypeChoices:
		return append(out, subsets(trigger, named)...)
	case TypeNumber:
		return append(append(out, named...), 0.5)
	}
	return append(append(out, named...), "")
}

// subsets are lists of the named options, with and without one that is not named.
func subsets(trigger *Field, named []any) []any {
	other := slices.IndexFunc(trigger.Options, func(o Option) bool { return !slices.Contains(named, any(o.Value)) })
	out := []any{}
	if len(named) > 12 {
		named = named[:12] // beyond maxTrials, which ends the search
	}
	for set := range 1 << len(named) {
		var list []any
		for bit, v := range named {
			if set&(1<<bit) != 0 {
				list = append(list, v)
			}
		}
		if len(list) == 0 && other >= 0 {
			list = append(list, trigger.Options[other].Value)
		}
		if len(list) > 0 {
			out = append(out, list)
		}
	}
	return out
}

// values lists what c compares the field named name with.
func (c Condition) values(name string) []any {
	var out []any
	if c.Field == name {
		for _, v := range append([]any{c.Is, c.IsNot}, c.In...) {
			if v != nil {
				out = append(out, v)
			}
		}
	}
	for _, inner := range append(slices.Clone(c.All), c.Any...) {
		out = append(out, inner.values(name)...)
	}
	return out
}
