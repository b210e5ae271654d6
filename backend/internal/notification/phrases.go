package notification

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"
)

// Languages are those that mails are written in. The first is the source and the last resort.
var Languages = []string{"en", "de", "ar"}

// Kind declares one kind of mail.
type Kind struct {
	// Name is the kind's name, "signup.code". A name that ends in ".code" is sent ahead of other mail.
	Name string
	// Sample is a value of the kind's data, filled as in life: phrases are tried on it, and on its zero value, at start.
	Sample any
	// Unproven says that nobody has proven the address yet: nothing that a person typed may be in the data.
	Unproven bool
	// Staff says that the mail goes to our own people: addresses in what others typed are disarmed.
	Staff bool
}

type kind struct {
	Kind
	texts map[string]*entry // by language
}

// Phrases are the texts of one room, in every language.
type Phrases struct{ kinds map[string]*kind }

// phrase is a template over a kind's data, and over Org and Host.
type phrase struct{ *template.Template }

// entry is what a catalogue says for one kind.
type entry struct {
	Subject     string      `yaml:"subject"`
	Preheader   string      `yaml:"preheader"`
	Heading     string      `yaml:"heading"`
	Body        []string    `yaml:"body"`
	Link        string      `yaml:"link"`
	Button      string      `yaml:"button"`
	Facts       []entryFact `yaml:"facts"`
	NextHeading string      `yaml:"next_heading"`
	Next        []string    `yaml:"next"`
	Note        string      `yaml:"note"`
	Why         string      `yaml:"why"`

	parsed map[string]phrase // by the place they have in the entry: "body.0"
}

type entryFact struct {
	Label string `yaml:"label"`
	Text  string `yaml:"text"`
}

// MustPhrases reads mail/en.yaml, mail/de.yaml and mail/ar.yaml from texts and tries every phrase on its kind's sample.
// It panics with all mistakes at once, because a house with a broken mail must not open: a language or kind that is
// missing, a key that English does not have or has and another language lacks, a template that does not run.
func MustPhrases(texts fs.FS, kinds ...Kind) *Phrases {
	p, err := readPhrases(texts, kinds)
	if err != nil {
		panic("mail texts: " + err.Error())
	}
	return p
}

func readPhrases(texts fs.FS, kinds []Kind) (*Phrases, error) {
	p := &Phrases{kinds: map[string]*kind{}}
	var wrong []error
	for _, k := range kinds {
		p.kinds[k.Name] = &kind{Kind: k, texts: map[string]*entry{}}
		if err := checkFields(reflect.TypeOf(k.Sample), k.Unproven); err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
	}
	for _, lang := range Languages {
		if err := p.read(texts, lang); err != nil {
			wrong = append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	for _, k := range kinds {
		wrong = append(wrong, p.kinds[k.Name].check()...)
	}
	return p, errors.Join(wrong...)
}

func (p *Phrases) read(texts fs.FS, lang string) error {
	name := "mail/" + lang + ".yaml"
	raw, err := fs.ReadFile(texts, name)
	if err != nil {
		return err
	}
	found := map[string]*entry{}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&found); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var wrong []error
	for kindName, e := range found {
		k, known := p.kinds[kindName]
		if !known || e == nil {
			wrong = append(wrong, fmt.Errorf("%s: %s: no such kind of mail", name, kindName))
			continue
		}
		if err := e.parse(lang); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %s: %w", name, kindName, err))
		}
		k.texts[lang] = e
	}
	for kindName := range p.kinds {
		if found[kindName] == nil {
			wrong = append(wrong, fmt.Errorf("%s: %s is missing", name, kindName))
		}
	}
	return errors.Join(wrong...)
}

// places lists every phrase of the entry by its place. Places that are empty are left out, except those every mail needs.
func (e *entry) places() map[string]string {
	all := map[string]string{"link": e.Link, "button": e.Button, "next_heading": e.NextHeading, "note": e.Note}
	for i, s := range e.Body {
		all[fmt.Sprintf("body.%d", i)] = s
	}
	for i, s := range e.Next {
		all[fmt.Sprintf("next.%d", i)] = s
	}
	for i, f := range e.Facts {
		all[fmt.Sprintf("facts.%d.label", i)] = f.Label
		all[fmt.Sprintf("facts.%d.text", i)] = f.Text
	}
	for place, s := range all {
		if s == "" {
			delete(all, place)
		}
	}
	all["subject"], all["preheader"], all["heading"], all["why"] = e.Subject, e.Preheader, e.Heading, e.Why
	return all
}

func (e *entry) parse(lang string) error {
	e.parsed = map[string]phrase{}
	for place, text := range e.places() {
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("%s is empty", place)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && harmless(r) != r }) {
			return fmt.Errorf("%s holds an invisible character: use {{ltr}} or {{strong}}", place)
		}
		t, err := template.New(place).Option("missingkey=error").Funcs(functions(lang)).Parse(text)
		if err != nil {
			return err
		}
		e.parsed[place] = phrase{t}
	}
	return nil
}

// check tries the kind's phrases in every language, on the sample and on empty data, and compares places with English.
func (k *kind) check() []error {
	var wrong []error
	source := k.texts[Languages[0]]
	for _, lang := range Languages {
		e := k.texts[lang]
		for place := range source.parsed {
			if _, ok := e.parsed[place]; !ok {
				wrong = append(wrong, fmt.Errorf("mail/%s.yaml: %s: %s is missing", lang, k.Name, place))
			}
		}
		for place := range e.parsed {
			if _, ok := source.parsed[place]; !ok {
				wrong = append(wrong, fmt.Errorf("mail/%s.yaml: %s: %s is not in English", lang, k.Name, place))
			}
		}
		for _, data := range []any{k.Sample, reflect.Zero(reflect.TypeOf(k.Sample)).Interface()} {
			l := &Letter{kind: k, lang: lang, data: data, Code: "000000"}
			if _, err := l.words(House{Org: "Contoso"}, "localhost", time.Unix(0, 0).UTC()); err != nil {
				wrong = append(wrong, fmt.Errorf("mail/%s.yaml: %s: %w", lang, k.Name, err))
			}
		}
	}
	return wrong
}

// functions are what phrases may call.
func functions(lang string) template.FuncMap {
	comma := map[string]string{"ar": "، "}[lang]
	if comma == "" {
		comma = ", "
	}
	return template.FuncMap{
		"ltr":    ltr,
		"strong": strong,
		"list":   func(entries []any) string { return joined(comma, entries) },
		"lines":  func(entries []any) string { return joined("\n", entries) },
		"plural": func(n int, forms ...string) (string, error) { return plural(lang, n, forms...) },
	}
}

// Letter begins a letter of the kind, for a reader of locale, with data of the kind's type. Anything else is a mistake
// in the room and an error.
func (p *Phrases) Letter(kindName, locale string, data any) (*Letter, error) {
	k, ok := p.kinds[kindName]
	if !ok {
		return nil, fmt.Errorf("mail %q: no such kind", kindName)
	}
	if got, want := reflect.TypeOf(data), reflect.TypeOf(k.Sample); got != want {
		return nil, fmt.Errorf("mail %q: data is %v, want %v", kindName, got, want)
	}
	return &Letter{kind: k, lang: languageOf(locale), data: data}, nil
}

// Sample is the sample of a kind, for tests and previews.
func (p *Phrases) Sample(kindName string) any { return p.kinds[kindName].Sample }

// languageOf looks locale up by RFC 4647 §3.4: "de-AT" is served by "de"; what we do not have, by English.
func languageOf(locale string) string {
	for tag := strings.ToLower(strings.ReplaceAll(locale, "_", "-")); tag != ""; {
		for _, lang := range Languages {
			if tag == lang {
				return lang
			}
		}
		cutAt := strings.LastIndexByte(tag, '-')
		if cutAt < 0 {
			break
		}
		tag = tag[:cutAt]
	}
	return Languages[0]
}
