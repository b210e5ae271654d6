package flow

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decode reads n into the struct that v points to. Mistakes are reported, and what they concern stays empty.
func (r *reader) decode(n *yaml.Node, v any) { r.value(n, reflect.ValueOf(v).Elem(), "") }

var (
	textType     = reflect.TypeFor[Text]()
	durationType = reflect.TypeFor[Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

func (r *reader) value(n *yaml.Node, v reflect.Value, path string) {
	r.at[path] = n
	switch {
	case v.Type() == textType:
		r.text(n, v, path)
	case v.Type() == durationType:
		r.duration(n, v, path)
	case v.Type() == timeType:
		r.time(n, v, path)
	case v.Kind() == reflect.Pointer:
		inner := reflect.New(v.Type().Elem())
		before := len(r.mistakes)
		r.value(n, inner.Elem(), path)
		if len(r.mistakes) == before {
			v.Set(inner)
		}
	case v.Kind() == reflect.Struct:
		r.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		r.sequence(n, v, path)
	default:
		r.scalar(n, v, path)
	}
}

// mapping reads keys into the fields of a struct, and reports unknown and doubled ones.
func (r *reader) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.reportAt(path, "this is %s; write keys and values here: %s", kindOf(n), strings.Join(keysOf(v.Type()), ", "))
		return
	}
	r.keys(n, path, func(key, value *yaml.Node) {
		i, known := fieldsOf(v.Type())[key.Value]
		if !known {
			r.report(key.Line, key.Column, join(path, key.Value), "%s", unknownKey(key.Value, keysOf(v.Type())))
			return
		}
		if isNull(value) {
			r.report(key.Line, key.Column, join(path, key.Value), "the key %s has no value; write one or remove the key", key.Value)
			r.at[join(path, key.Value)] = value
			return
		}
		r.value(value, v.Field(i), join(path, key.Value))
	})
}

// keys calls fn for every key that is a word and is there for the first time.
func (r *reader) keys(n *yaml.Node, path string, fn func(key, value *yaml.Node)) {
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.report(key.Line, key.Column, path, "a key has to be a word")
			continue
		}
		if line, doubled := lines[key.Value]; doubled {
			r.report(key.Line, key.Column, join(path, key.Value), "the key %q is here twice, first in line %d; keep one", cut(key.Value), line)
			continue
		}
		lines[key.Value] = key.Line
		fn(key, value)
	}
}

func (r *reader) sequence(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		r.reportAt(path, "this is %s; write a list, each entry behind a dash", kindOf(n))
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, len(n.Content))
	for i, item := range n.Content {
		entry := reflect.New(v.Type().Elem()).Elem()
		if isNull(item) {
			r.report(item.Line, item.Column, index(path, i), "this entry is empty; write it or remove the dash")
			continue
		}
		r.value(item, entry, index(path, i))
		list = reflect.Append(list, entry)
	}
	if list.Len() > 0 {
		v.Set(list)
	}
}

// text reads {en: …, de: …}; a bare string is a text in the first language and is filed under "" until that is known.
func (r *reader) text(n *yaml.Node, v reflect.Value, path string) {
	t := Text{}
	switch n.Kind {
	case yaml.ScalarNode:
		t[""] = n.Value
	case yaml.MappingNode:
		r.keys(n, path, func(key, value *yaml.Node) {
			r.at[join(path, key.Value)] = value
			if value.Kind != yaml.ScalarNode || isNull(value) {
				r.report(value.Line, value.Column, join(path, key.Value), "this is %s; write a text", kindOf(value))
				return
			}
			if key.Value != "" {
				t[key.Value] = value.Value
			}
		})
	default:
		r.reportAt(path, "this is %s; write a text per language, such as {en: …}", kindOf(n))
		return
	}
	v.Set(reflect.ValueOf(t))
}

func (r *reader) duration(n *yaml.Node, v reflect.Value, path string) {
	d, err := ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.reportAt(path, "%v", orElse(err, "write a duration, such as 2d"))
		return
	}
	v.SetInt(int64(d))
}

func (r *reader) time(n *yaml.Node, v reflect.Value, path string) {
	at, err := time.Parse(time.RFC3339, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || at.Year() < minYear || at.Year() > maxYear {
		r.reportAt(path, "write an instant with its offset, such as 2027-03-01T08:00:00+01:00")
		return
	}
	v.Set(reflect.ValueOf(at.UTC().Truncate(time.Second)))
}

func (r *reader) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		r.reportAt(path, "this is %s; write one value", kindOf(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(tidy(n.Value))
	case reflect.Bool:
		if n.Tag != "!!bool" {
			r.reportAt(path, "this is %s; write true or false", kindOf(n))
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int:
		whole, err := strconv.Atoi(n.Value)
		if n.Tag != "!!int" || err != nil {
			r.reportAt(path, "this is %s; write a whole number", kindOf(n))
			return
		}
		v.SetInt(int64(whole))
	case reflect.Float64:
		f, ok := floatOf(n)
		if !ok {
			r.reportAt(path, "this is %s; write a number", kindOf(n))
			return
		}
		v.SetFloat(f)
	default: // any: a value of a condition
		v.Set(reflect.ValueOf(anyOf(n)))
	}
}

func anyOf(n *yaml.Node) any {
	switch n.Tag {
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if f, ok := floatOf(n); ok {
			return f
		}
	}
	return tidy(n.Value)
}

func floatOf(n *yaml.Node) (float64, bool) {
	f, err := strconv.ParseFloat(n.Value, 64)
	return f, (n.Tag == "!!int" || n.Tag == "!!float") && err == nil && math.Abs(f) <= maxNumber
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kindOf says in words what n is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "empty"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	}
	return "a text"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func orElse(err error, message string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s", message)
}
