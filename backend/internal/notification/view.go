package notification

import (
	"fmt"
	"reflect"
	"time"
)

// viewer turns a kind's data into what its phrases may show: every text cleaned and marked by its tag.
type viewer struct {
	lang  string
	staff bool // to our own people: what somebody typed must not become a link
	wrote time.Time
	zone  *time.Location
}

var timeType = reflect.TypeFor[time.Time]()

// view is v as phrases see it: structs become maps, lists become []any, instants become Instant, nil becomes nil.
func (w viewer) view(v reflect.Value, tag string) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return w.view(v.Elem(), tag)
	case reflect.Struct:
		if v.Type() == timeType {
			return newInstant(v.Interface().(time.Time), w.wrote, w.lang, w.zone)
		}
		return w.fields(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = w.view(v.Index(i), tag)
		}
		return list
	case reflect.String:
		return w.text(v.String(), tag)
	default:
		return v.Interface() // int or bool: checkFields let nothing else in
	}
}

func (w viewer) fields(v reflect.Value) map[string]any {
	out := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if tag := field.Tag.Get("mail"); tag != asAside {
			out[field.Name] = w.view(v.Field(i), tag)
		}
	}
	return out
}

func (w viewer) text(s, tag string) string {
	switch tag {
	case asName:
		return isolated(w.typed(clean(s, maxName)))
	case asWords:
		return isolated(w.typed(cleanLines(s, maxWords)))
	case asTitle:
		return isolated(clean(s, maxTitle))
	case asLTR:
		return ltr(clean(s, maxLTR))
	default:
		return clean(s, maxTitle)
	}
}

func (w viewer) typed(s string) string {
	if w.staff {
		return defanged(s)
	}
	return s
}

// checkFields says what is wrong with a kind's data type: fields that are not exported, texts without a tag, types that
// no phrase can show, and, in mails to unproven addresses, anything that a person may have typed (security.md T60).
func checkFields(t reflect.Type, unproven bool) error {
	if t.Kind() != reflect.Struct {
		return fmt.Errorf("data is %s, want a struct", t)
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() {
			return fmt.Errorf("field %s is not exported, so no phrase can show it", field.Name)
		}
		if err := checkField(field.Type, field.Tag.Get("mail"), unproven); err != nil {
			return fmt.Errorf("field %s: %w", field.Name, err)
		}
	}
	return nil
}

func checkField(t reflect.Type, tag string, unproven bool) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch {
	case t == timeType, t.Kind() == reflect.Int, t.Kind() == reflect.Bool, tag == asAside:
		return nil
	case t.Kind() == reflect.Struct:
		return checkFields(t, unproven)
	case t.Kind() != reflect.String:
		return fmt.Errorf("%s cannot be shown", t)
	}
	switch tag {
	case asTitle, asLTR, asWord:
		return nil
	case asName, asWords:
		if unproven {
			return fmt.Errorf("what a person typed (mail:%q) must not be in a mail to an address that nobody has proven", tag)
		}
		return nil
	}
	return fmt.Errorf("mail tag is %q, want one of name, words, title, ltr, word, -", tag)
}
