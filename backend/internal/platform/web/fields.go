package web

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/gin-gonic/gin/binding"
	"github.com/go-playground/validator/v10"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// target is the type that decides about a value meant for t: pointers are followed. nil means that anything goes: no
// type, an interface, or an object type that reads itself. nullable says whether null may stand there.
func target(t reflect.Type) (decides reflect.Type, nullable bool) {
	if t == nil {
		return nil, true
	}
	for t.Kind() == reflect.Pointer {
		t, nullable = t.Elem(), true
	}
	if t.Kind() == reflect.Interface {
		return nil, true
	}
	if readsItself(t) && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map || isUnion(t)) {
		return nil, true
	}
	return t, nullable
}

func readsItself(t reflect.Type) bool { return reflect.PointerTo(t).Implements(jsonUnmarshaler) }

// isUnion says whether t is a generated struct that reads whole objects itself (oneOf, additionalProperties), as
// opposed to one that stands for a single text, such as a time.
func isUnion(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textUnmarshaler)
}

// fits says whether a scalar can be read into t, by trying.
func fits(tok json.Token, t reflect.Type) bool {
	if t == nil {
		return true
	}
	raw, err := json.Marshal(tok)
	if err != nil {
		return false
	}
	return json.Unmarshal(raw, reflect.New(t).Interface()) == nil
}

var structCache sync.Map // reflect.Type → map[string]reflect.Type

// structFields maps the JSON names of t to the types of its fields, embedded structs included.
func structFields(t reflect.Type) map[string]reflect.Type {
	if found, ok := structCache.Load(t); ok {
		return found.(map[string]reflect.Type)
	}
	out := map[string]reflect.Type{}
	if !readsItself(t) { // a struct that reads itself from a text takes no object
		for _, f := range reflect.VisibleFields(t) {
			name, skip := jsonName(f)
			if !skip && len(f.Index) == 1 || !skip && promoted(t, f) {
				out[name] = f.Type
			}
		}
	}
	structCache.Store(t, out)
	return out
}

// promoted says whether f reaches t through embedded structs without a JSON name of their own.
func promoted(t reflect.Type, f reflect.StructField) bool {
	for _, i := range f.Index[:len(f.Index)-1] {
		outer := t.Field(i)
		if !outer.Anonymous || outer.Tag.Get("json") != "" {
			return false
		}
		t = outer.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	return true
}

// jsonName is the key of a field; skip says that it has none.
func jsonName(f reflect.StructField) (name string, skip bool) {
	tag := f.Tag.Get("json")
	name, _, _ = strings.Cut(tag, ",")
	switch {
	case tag == "-" || !f.IsExported():
		return "", true
	case name != "":
		return name, false
	case f.Anonymous && tag == "":
		return "", true
	}
	return f.Name, false
}

// engine is gin's validator, told to speak of fields by their JSON names.
var engine = sync.OnceValue(func() *validator.Validate {
	v, ok := binding.Validator.Engine().(*validator.Validate)
	if !ok {
		panic("web: gin's validator is not validator/v10")
	}
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _ := jsonName(f)
		return name
	})
	return v
})

// Validator is the engine behind binding tags, for rooms that register checks of their own at start.
func Validator() *validator.Validate { return engine() }

// validating is gin's validator, whose findings become a Fields fault.
type validating struct{ binding.StructValidator }

// ValidateStruct implements binding.StructValidator: it checks binding tags.
func (v validating) ValidateStruct(into any) error {
	engine()
	err := v.StructValidator.ValidateStruct(into)
	if err == nil {
		return nil
	}
	var fields []fault.Field
	var found validator.ValidationErrors
	var many binding.SliceValidationError
	switch {
	case errors.As(err, &found):
		for _, one := range found {
			fields = append(fields, fieldOf(one))
		}
	case errors.As(err, &many):
		for i, one := range many {
			if errors.As(one, &found) {
				for _, f := range found {
					field := fieldOf(f)
					field.Pointer = fmt.Sprintf("/%d%s", i, field.Pointer)
					fields = append(fields, field)
				}
			}
		}
	}
	if len(fields) == 0 {
		return fmt.Errorf("validate: %w", err) // a tag that does not fit its field: our mistake
	}
	return fault.FieldsFault(fields...)
}

// fieldOf turns a broken tag into a field with one of our codes.
func fieldOf(e validator.FieldError) fault.Field {
	f := fault.Field{Pointer: pointerOf(e.Namespace()), Code: "field_invalid"}
	switch e.Tag() {
	case "required", "required_if", "required_with", "required_without":
		f.Code = "field_missing"
	case "max", "lte", "len":
		f.Code, f.Params = "field_too_long", map[string]string{"limit": e.Param()}
	case "min", "gte":
		f.Code, f.Params = "field_too_short", map[string]string{"limit": e.Param()}
	case "oneof":
		f.Code, f.Params = "field_not_a_choice", map[string]string{"choices": strings.ReplaceAll(e.Param(), " ", ", ")}
	}
	return f
}

var brackets = regexp.MustCompile(`\[([^\]]*)\]`)

// pointerOf turns "Submission.consents[0].terms" into "/consents/0/terms".
func pointerOf(namespace string) string {
	_, path, _ := strings.Cut(namespace, ".")
	path = strings.ReplaceAll(pointerEscape.Replace(path), ".", "/")
	return "/" + brackets.ReplaceAllString(path, "/$1")
}
