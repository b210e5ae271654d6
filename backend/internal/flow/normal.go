package flow

import (
	"reflect"
	"slices"
)

// normalise brings d into the form in which it is kept, so that the same flow is the same bytes: texts tidied, what is
// said by leaving it out left out.
func (d *Definition) normalise() {
	first := d.Default()
	eachText(reflect.ValueOf(d).Elem(), "", func(_ string, t Text) {
		for lang, s := range t {
			t[lang] = tidy(s)
		}
		if s, bare := t[""]; bare {
			delete(t, "")
			t[first] = s
		}
	})
	if d.Minutes == defaultMinutes {
		d.Minutes = 0
	}
	if d.State == StateOpen {
		d.State = ""
	}
	if len(d.Identity) == 1 && d.Identity[0] == IdentityEmail {
		d.Identity = nil
	}
	if d.Ends.MaxDays == d.Ends.AfterDays {
		d.Ends.MaxDays = 0
	}
	for p := range d.Pages {
		for f := range d.Pages[p].Fields {
			d.Pages[p].Fields[f].normalise()
		}
	}
	d.fillAutocomplete()
}

func (f *Field) normalise() {
	standard := Field{Type: f.Type}
	if f.MaxLength == standard.longest() && f.nameKind() == notName {
		f.MaxLength = 0
	}
}

// fillAutocomplete gives the fields of the profile the token that says what they are, unless the flow says otherwise.
// The engine knows names by it, here and in the browser.
func (d *Definition) fillAutocomplete() {
	for _, role := range d.Profile.roles() {
		f := d.Field(role.field)
		if f != nil && role.token != "" && f.Autocomplete == "" && slices.Contains(role.types, f.Type) {
			f.Autocomplete = role.token
		}
	}
}
