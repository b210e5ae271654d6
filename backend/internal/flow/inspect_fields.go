package flow

import (
	"math"
	"regexp"
	"slices"
	"strings"
)

var (
	fieldForm  = regexp.MustCompile(`^[a-z][a-zA-Z0-9]{0,39}$`)
	optionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// reserved are names of the directory and of JavaScript that no answer may have: a connector, a program or a page that
// takes answers for properties must not be able to change who somebody is.
var reserved = []string{
	"id", "type", "userType", "userPrincipalName", "upn", "mail", "email", "address", "roles", "role", "groups", "apps", "grants",
	"state", "status", "accountEnabled", "externalUserState", "creationType", "sponsorId", "requestId", "reference", "approved",
	"verified", "createdAt", "updatedAt", "endsAt", "code", "token", "password",
	"constructor", "prototype", "hasOwnProperty", "isPrototypeOf", "toString", "toLocaleString", "valueOf", "propertyIsEnumerable",
	"__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__",
}

// tokens are the autocomplete tokens that a sign-up can make use of (HTML, autofill detail tokens).
var tokens = []string{
	"name", "given-name", "additional-name", "family-name", "nickname", "organization", "organization-title", "email", "tel",
	"street-address", "address-line1", "address-line2", "address-level1", "address-level2", "postal-code", "country", "country-name",
	"language", "url", "off", "on",
}

func (i *inspection) pages() {
	d := i.d
	if len(d.Pages) == 0 {
		i.reportAt("spec.pages", "write at least one page with one field")
	}
	if len(d.Pages) > maxPages {
		i.reportAt("spec.pages", "keep to %d pages", maxPages)
	}
	for p := range d.Pages {
		for f := range d.Pages[p].Fields {
			i.order = append(i.order, d.Pages[p].Fields[f].Name)
		}
	}
	if len(i.order) > maxFields {
		i.reportAt("spec.pages", "the flow asks %d questions; keep it to %d", len(i.order), maxFields)
	}
	seen := map[string]bool{}
	for p := range d.Pages {
		page, path := &d.Pages[p], index("spec.pages", p)
		i.id(page.ID, join(path, "id"), seen)
		i.need(page.Title, join(path, "title"), "a title")
		if len(page.Fields) == 0 {
			i.reportAt(join(path, "fields"), "the page asks nothing; write a field or remove the page")
		}
		for f := range page.Fields {
			i.one(&page.Fields[f], index(join(path, "fields"), f))
		}
	}
}

// one inspects a field; those before it are in i.field already, and only they may be looked at by conditions.
func (i *inspection) one(f *Field, path string) {
	switch {
	case slices.Contains(reserved, f.Name) || strings.HasPrefix(f.Name, "__"):
		i.reportAt(join(path, "name"), "the name %q is reserved; choose another, such as %s", cut(f.Name), "your"+upperFirst(strings.Trim(cut(f.Name), "_")))
	case !fieldForm.MatchString(f.Name):
		i.reportAt(join(path, "name"), "write a name of 1 to 40 letters and digits that begins with a small letter, such as startDate")
	case i.field[f.Name] != nil:
		i.reportAt(join(path, "name"), "the name %q is taken by an earlier field; choose another", f.Name)
	}
	if !slices.Contains(Types, f.Type) {
		i.reportAt(join(path, "type"), "%s", oneOf(f.Type, Types))
	}
	i.need(f.Label, join(path, "label"), "a label: the question")
	if f.Autocomplete != "" && !slices.Contains(tokens, f.Autocomplete) {
		i.reportAt(join(path, "autocomplete"), "%s", oneOf(f.Autocomplete, tokens))
	} else if nameTokens[f.Autocomplete] != notName && f.Type != TypeText {
		i.reportAt(join(path, "autocomplete"), "%s is for a field of type text", f.Autocomplete)
	}
	i.lengths(f, path)
	i.numbers(f, path)
	i.dates(f, path)
	i.options(f, path)
	if f.When != nil {
		i.condition(f.When, f.Name, join(path, "when"))
	}
	if i.field[f.Name] == nil {
		i.field[f.Name] = f
	}
}

// only reports a key that fields of this type do not have.
func (i *inspection) only(has bool, f *Field, path, key string, types ...string) {
	if has && !slices.Contains(types, f.Type) && slices.Contains(Types, f.Type) {
		i.reportAt(join(path, key), "%s is for fields of type %s; remove it from this %s", key, strings.Join(types, " and "), f.Type)
	}
}

func (i *inspection) lengths(f *Field, path string) {
	i.only(f.MinLength != 0, f, path, "minLength", TypeText, TypeLongText)
	i.only(f.MaxLength != 0, f, path, "maxLength", TypeText, TypeLongText)
	most := capText
	if f.Type == TypeLongText {
		most = capLongText
	}
	if f.MaxLength < 0 || f.MaxLength > most {
		i.reportAt(join(path, "maxLength"), "write a number of characters from 1 to %d", most)
	} else if f.MinLength < 0 || f.MinLength > f.longest() {
		i.reportAt(join(path, "minLength"), "no answer can have %d characters or more and %d or fewer; make minLength smaller", f.MinLength, f.longest())
	}
}

func (i *inspection) numbers(f *Field, path string) {
	i.only(f.Min != nil, f, path, "min", TypeNumber)
	i.only(f.Max != nil, f, path, "max", TypeNumber)
	i.only(f.WholeNumber, f, path, "wholeNumber", TypeNumber)
	if f.Min == nil || f.Max == nil {
		return
	}
	if *f.Min > *f.Max || f.WholeNumber && math.Ceil(*f.Min) > math.Floor(*f.Max) {
		i.reportAt(join(path, "min"), "no number is %v or more and %v or less; correct min or max", *f.Min, *f.Max)
	}
}

func (i *inspection) dates(f *Field, path string) {
	i.only(f.MinDate != "", f, path, "minDate", TypeDate)
	i.only(f.MaxDate != "", f, path, "maxDate", TypeDate)
	sound := true
	for key, date := range map[string]string{"minDate": f.MinDate, "maxDate": f.MaxDate} {
		if date != "" && !isDate(date) {
			sound = false
			i.reportAt(join(path, key), "write a day as YYYY-MM-DD, from %d to %d", minYear, maxYear)
		}
	}
	if sound && f.MinDate != "" && f.MaxDate != "" && f.MinDate > f.MaxDate {
		i.reportAt(join(path, "minDate"), "no day is %s or later and %s or earlier; correct minDate or maxDate", f.MinDate, f.MaxDate)
	}
}

func (i *inspection) options(f *Field, path string) {
	i.only(len(f.Options) > 0, f, path, "options", TypeChoice, TypeChoices)
	if (f.Type == TypeChoice || f.Type == TypeChoices) && len(f.Options) == 0 {
		i.reportAt(join(path, "options"), "write the options to choose from")
	}
	if len(f.Options) > maxOptions {
		i.reportAt(join(path, "options"), "keep to %d options", maxOptions)
	}
	seen := map[string]bool{}
	for n, o := range f.Options {
		at := index(join(path, "options"), n)
		if !optionForm.MatchString(o.Value) {
			i.reportAt(join(at, "value"), "write a value of 1 to 64 letters, digits, dots and hyphens; the label is what people read")
		} else if seen[o.Value] {
			i.reportAt(join(at, "value"), "the value %q is taken by an earlier option; choose another", o.Value)
		}
		seen[o.Value] = true
		i.need(o.Label, join(at, "label"), "a label: what people read")
	}
}

func (i *inspection) profile() {
	p := i.d.Profile
	if p.Name == "" && p.GivenName == "" && p.Surname == "" && len(i.d.Pages) > 0 {
		i.reportAt("spec.profile", "say which answer is the person's name: write name, or givenName and surname")
	}
	if p.Name != "" && (p.GivenName != "" || p.Surname != "") {
		i.reportAt("spec.profile.name", "a person has one full name, or givenName and surname; keep one of the two")
	}
	used := map[string]string{}
	for _, role := range p.roles() {
		f, path := i.field[role.field], join("spec.profile", role.key)
		if role.field == "" {
			continue
		}
		switch {
		case f == nil:
			i.reportAt(path, "there is no field %q; %s", cut(role.field), oneOf(role.field, i.order))
		case !slices.Contains(role.types, f.Type):
			i.reportAt(path, "the field %s is of type %s; name one of type %s", f.Name, f.Type, strings.Join(role.types, " or "))
		case used[f.Name] != "":
			i.reportAt(path, "the field %s is the person's %s already; name another", f.Name, used[f.Name])
		case role.kind != notName && nameTokens[f.Autocomplete] != role.kind:
			i.reportAt(path, "the field %s has autocomplete: %s, which is something else; remove that or name another field", f.Name, f.Autocomplete)
		}
		used[role.field] = role.key
	}
}

// role is one part of a profile: what it is called, the field that has it, and what that field has to be.
type role struct {
	key, field, token string
	types             []string
	kind              nameKind
}

func (p Profile) roles() []role {
	text := []string{TypeText}
	return []role{
		{"name", p.Name, "name", text, personName},
		{"givenName", p.GivenName, "given-name", text, personName},
		{"surname", p.Surname, "family-name", text, personName},
		{"organisation", p.Organisation, "organization", text, workName},
		{"jobTitle", p.JobTitle, "organization-title", text, workName},
		{"phone", p.Phone, "tel", []string{TypePhone}, notName},
		{"country", p.Country, "country", []string{TypeCountry}, notName},
		{"purpose", p.Purpose, "", []string{TypeText, TypeLongText, TypeChoice}, notName},
	}
}

func upperFirst(s string) string {
	if s == "" {
		return "Answer"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
