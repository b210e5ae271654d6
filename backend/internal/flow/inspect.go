package flow

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Numbers of things that a flow may have.
const (
	maxLanguages, maxPages, maxFields, maxOptions = 40, 20, 100, 300
	maxTerms, maxStages, maxNames, maxRules       = 10, 3, 50, 1000
	maxDays, maxMinutes, maxPerDay                = 3650, 120, 100_000
)

// inspection reports what is wrong with a definition although its form is right.
type inspection struct {
	*reader
	d     *Definition
	order []string          // names of fields, first to last
	field map[string]*Field // by name
}

// inspect reports every mistake in d, whose keys stand under spec, and brings d into the form in which it is kept.
func inspect(r *reader, d *Definition) {
	i := &inspection{reader: r, d: d, field: map[string]*Field{}}
	i.languages()
	i.texts()
	i.head()
	i.pages()
	i.profile()
	i.terms()
	i.approval()
	i.grants()
	if len(r.mistakes) == 0 {
		i.reach() // looks at conditions, which have to be sound
	}
}

func (i *inspection) languages() {
	if len(i.d.Languages) == 0 {
		i.reportAt("spec.languages", "write the languages of the flow, such as [en, de]; the first is the default")
	}
	if len(i.d.Languages) > maxLanguages {
		i.reportAt("spec.languages", "keep to %d languages", maxLanguages)
	}
	for n, name := range i.d.Languages {
		tag, err := language.Parse(name)
		switch {
		case err != nil || name == "" || name == "und":
			i.reportAt(index("spec.languages", n), "%q is no language; write a tag such as de or pt-BR", cut(name))
		case tag.String() != name:
			i.reportAt(index("spec.languages", n), "write the language as %s", tag)
		case slices.Index(i.d.Languages, name) < n:
			i.reportAt(index("spec.languages", n), "%s is here twice; keep one", name)
		}
	}
}

// longest is how many characters a text may have, by its key; keys of lines are followed by those of paragraphs.
var longest = map[string]int{
	"title": 120, "audience": 200, "needs": 200, "answerTime": 200, "emailHint": 300, "name": 120, "label": 300, "hint": 300,
	"missing": 200, "team": 120, "statement": 500, "url": 500,
	"description": 2000, "closedReason": 500, "privacy": 5000, "text": 20_000,
}

var paragraphs = []string{"description", "closedReason", "privacy", "text"}

// texts holds every text to the languages of the flow.
func (i *inspection) texts() {
	eachText(reflect.ValueOf(i.d).Elem(), "spec", func(path string, t Text) {
		key := path[strings.LastIndexByte(path, '.')+1:]
		key, _, _ = strings.Cut(key, "[")
		for _, lang := range slices.Sorted(maps.Keys(t)) {
			if !slices.Contains(i.d.Languages, lang) {
				i.reportAt(join(path, lang), "%q is not among the languages of the flow; add it to spec.languages or remove the text", cut(lang))
				continue
			}
			i.text(join(path, lang), t[lang], key)
		}
		for _, lang := range i.d.Languages {
			if _, ok := t[lang]; !ok {
				i.reportAt(path, "the text is missing in %s; add %s: …", lang, lang)
			}
		}
	})
}

func (i *inspection) text(path, s, key string) {
	hostile := func(r rune) bool {
		return isHostile(r) && !(slices.Contains(paragraphs, key) && (r == '\n' || r == '\t'))
	}
	switch n := utf8.RuneCountInString(s); {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, hostile):
		i.reportAt(path, "the text holds a line break or a character that cannot be shown; write it in one line of plain characters")
	case n == 0:
		i.reportAt(path, "the text is empty; write it or remove the key")
	case n > longest[key]:
		i.reportAt(path, "the text has %d characters; keep it to %d", n, longest[key])
	}
}

// eachText calls fn for every text that is there, in the order of the file.
func eachText(v reflect.Value, path string, fn func(path string, t Text)) {
	switch {
	case v.Type() == textType:
		if t, ok := v.Interface().(Text); ok && t != nil {
			fn(path, t)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if key := keyOf(v.Type().Field(i)); key != "" {
				eachText(v.Field(i), join(path, key), fn)
			}
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Interface:
		for i := range v.Len() {
			eachText(v.Index(i), index(path, i), fn)
		}
	}
}

// need reports a text that has to be there and is not.
func (i *inspection) need(t Text, path, what string) {
	if len(t) == 0 {
		i.reportAt(path, "write %s", what)
	}
}

func (i *inspection) head() {
	d := i.d
	i.need(d.Title, "spec.title", "a title; applicants read it first")
	i.within(d.Minutes, 0, maxMinutes, "spec.minutes")
	i.within(d.Limits.MaxRequestsPerDay, 0, maxPerDay, "spec.limits.maxRequestsPerDay")
	if len(d.Needs) > 10 {
		i.reportAt("spec.needs", "keep to 10 things to have at hand")
	}
	for n, method := range d.Identity {
		if method != IdentityEmail {
			i.reportAt(index("spec.identity", n), "%s", oneOf(method, []string{IdentityEmail}))
		}
	}
	switch {
	case d.State != "" && d.State != StateClosed:
		i.reportAt("spec.state", "%s", oneOf(d.State, []string{StateOpen, StateClosed}))
	case d.State == StateClosed:
		i.need(d.ClosedReason, "spec.closedReason", "why the flow is closed; applicants read it")
	case len(d.ClosedReason) > 0 || d.OpensAt != nil:
		i.reportAt("spec.state", "closedReason and opensAt are for a closed flow; write state: closed or remove them")
	}
	if d.Contact.Email != "" {
		i.address(&d.Contact.Email, "spec.contact.email")
	}
	if _, ok := phone(d.Contact.Phone); d.Contact.Phone != "" && !ok {
		i.reportAt("spec.contact.phone", "write the number with its country code, such as +49 40 5550 120")
	}
	i.rules(d.Domains.Allow, "spec.domains.allow")
	i.rules(d.Domains.Deny, "spec.domains.deny")
}

func (i *inspection) within(n, least, most int, path string) {
	if n < least || n > most {
		i.reportAt(path, "write a number from %d to %d", max(least, 1), most)
	}
}

func (i *inspection) address(s *string, path string) {
	a, err := email.Parse(*s)
	if err != nil {
		i.reportAt(path, "%q is no e-mail address", cut(*s))
		return
	}
	*s = a.String()
}

func (i *inspection) rules(list []string, path string) {
	if len(list) > maxRules {
		i.reportAt(path, "keep to %d rules", maxRules)
	}
	seen := map[string]bool{}
	for n := range list {
		rule, err := email.ParseRule(list[n])
		if err != nil {
			i.reportAt(index(path, n), "%q cannot be a rule: %v", cut(list[n]), err)
			continue
		}
		if list[n] = rule.String(); seen[list[n]] {
			i.reportAt(index(path, n), "%s is here twice; keep one", list[n])
		}
		seen[list[n]] = true
	}
}

func (i *inspection) terms() {
	if len(i.d.Terms) > maxTerms {
		i.reportAt("spec.terms", "keep to %d terms", maxTerms)
	}
	seen := map[string]bool{}
	for n, t := range i.d.Terms {
		path := index("spec.terms", n)
		i.id(t.ID, join(path, "id"), seen)
		if !versionForm.MatchString(t.Version) {
			i.reportAt(join(path, "version"), "write a version of 1 to 32 letters, digits, dots and hyphens, such as 4")
		}
		if !isDate(t.Date) {
			i.reportAt(join(path, "date"), "write the day of this version as YYYY-MM-DD")
		}
		i.need(t.Title, join(path, "title"), "a title, such as Terms of use")
		i.need(t.Statement, join(path, "statement"), "a statement; it stands beside the tick box")
		if len(t.Text) == 0 && len(t.URL) == 0 {
			i.reportAt(path, "write text or url: what the applicant agrees to")
		}
		for _, lang := range slices.Sorted(maps.Keys(t.URL)) {
			if !isURL(t.URL[lang]) {
				i.reportAt(join(join(path, "url"), lang), "write a full web address, such as https://www.company.com/terms")
			}
		}
	}
}

var (
	idForm      = regexp.MustCompile(`^[a-z][a-zA-Z0-9-]{0,39}$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$`)
	nameForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
)

func (i *inspection) id(id, path string, seen map[string]bool) {
	if !idForm.MatchString(id) {
		i.reportAt(path, "write an id of 1 to 40 letters, digits and hyphens that begins with a small letter")
	} else if seen[id] {
		i.reportAt(path, "the id %q is taken already; choose another", id)
	}
	seen[id] = true
}
