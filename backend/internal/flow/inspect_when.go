package flow

import "slices"

// condition inspects one condition of the field named owner, and brings its values into the form of answers.
func (i *inspection) condition(c *Condition, owner, path string) {
	forms := count(c.Field != "", len(c.All) > 0, len(c.Any) > 0)
	if forms != 1 {
		i.reportAt(path, "write field with is, isNot, in or answered; or all; or any")
		return
	}
	tests := count(c.Is != nil, c.IsNot != nil, len(c.In) > 0, c.Answered != nil)
	if c.Field == "" {
		if tests > 0 {
			i.reportAt(path, "is, isNot, in and answered stand beside field; move them into an entry of the list")
		}
		for n := range c.All {
			i.condition(&c.All[n], owner, index(join(path, "all"), n))
		}
		for n := range c.Any {
			i.condition(&c.Any[n], owner, index(join(path, "any"), n))
		}
		return
	}
	if tests != 1 {
		i.reportAt(path, "write one of is, isNot, in, answered beside field")
		return
	}
	if trigger := i.trigger(c.Field, owner, join(path, "field")); trigger != nil {
		i.test(c, trigger, path)
	}
}

func count(all ...bool) (n int) {
	for _, one := range all {
		if one {
			n++
		}
	}
	return n
}

// trigger finds the field that a condition of owner looks at. Only earlier ones count, so that nothing waits for itself.
func (i *inspection) trigger(name, owner, path string) *Field {
	if f := i.field[name]; f != nil && name != owner {
		return f
	}
	switch {
	case name == owner:
		i.reportAt(path, "%s waits for itself (a cycle) and would never be shown; name an earlier field", cut(name))
	case i.waitsFor(name, owner, map[string]bool{}):
		i.reportAt(path, "%s and %s wait for each other (a cycle) and would never be shown; remove one condition", owner, cut(name))
	case slices.Contains(i.order, name):
		i.reportAt(path, "%s comes later; a condition looks at earlier fields, so move it before %s", cut(name), owner)
	default:
		i.reportAt(path, "there is no field %q; %s", cut(name), oneOf(name, i.order))
	}
	return nil
}

// waitsFor says whether the field named from depends on the one named to.
func (i *inspection) waitsFor(from, to string, seen map[string]bool) bool {
	f := i.d.Field(from)
	if f == nil || f.When == nil || seen[from] {
		return false
	}
	seen[from] = true
	return slices.ContainsFunc(f.When.names(), func(name string) bool { return name == to || i.waitsFor(name, to, seen) })
}

// test holds the values of a condition to what the field it looks at can answer.
func (i *inspection) test(c *Condition, f *Field, path string) {
	if c.Answered != nil {
		if f.Type == TypeCheckbox {
			i.reportAt(join(path, "answered"), "a checkbox is ticked or not; write is: true")
		}
		return
	}
	if c.In != nil && f.Type == TypeCheckbox {
		i.reportAt(join(path, "in"), "a checkbox is ticked or not; write is: true")
		return
	}
	if c.Is != nil {
		i.comparable(&c.Is, f, join(path, "is"))
	}
	if c.IsNot != nil {
		i.comparable(&c.IsNot, f, join(path, "isNot"))
	}
	for n := range c.In {
		i.comparable(&c.In[n], f, index(join(path, "in"), n))
	}
}

func (i *inspection) comparable(v *any, f *Field, path string) {
	s, isString := (*v).(string)
	n, isNumber := (*v).(float64)
	_, isBool := (*v).(bool)
	switch f.Type {
	case TypeChoice, TypeChoices:
		if !isString {
			i.reportAt(path, "options are texts; write the value in quotes")
		} else if !f.hasOption(s) {
			var values []string
			for _, o := range f.Options {
				values = append(values, o.Value)
			}
			i.reportAt(path, "%s has no such option: %s", f.Name, oneOf(s, values))
		}
	case TypeCountry:
		if *v = upperASCII(s); !isString || !isCountry(upperASCII(s)) {
			i.reportAt(path, "%v is no country; write its two letters, such as DE", cut(s))
		}
	case TypeCheckbox:
		if !isBool {
			i.reportAt(path, "%s is a checkbox; write true or false", f.Name)
		}
	case TypeNumber:
		if _, code := f.number(n); !isNumber || code != "" {
			i.reportAt(path, "%s is a number that is never %v; write one that it can be", f.Name, *v)
		}
	default:
		i.reportAt(path, "a %s can only be looked at with answered; write answered: true", f.Type)
	}
}
