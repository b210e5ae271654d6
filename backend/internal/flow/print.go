package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// longLine is how many characters a text may have before it gets lines of its own.
const longLine = 100

// flat are the lists that are printed in one line.
var flat = []string{"languages", "identity", "in"}

// Print writes d as the canonical YAML of the flow named slug: keys in the order of the reference, what is default left
// out, texts in the order of the flow's languages, long ones as literal blocks. Reading it gives d again.
func Print(slug string, d Definition) []byte {
	p := printer{languages: d.Languages}
	root := p.object(reflect.ValueOf(envelope{APIVersion: apiVersion, Kind: kindFlow, Metadata: metadata{Name: slug}, Spec: d}))
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		panic(fmt.Sprintf("flow: print %s: %v", slug, err)) // nodes made here can always be written
	}
	if err := encoder.Close(); err != nil {
		panic(fmt.Sprintf("flow: print %s: %v", slug, err))
	}
	return out.Bytes()
}

// digest tells definitions apart: the SHA-256 of their canonical form.
func digest(slug string, d Definition) string {
	sum := sha256.Sum256(Print(slug, d))
	return hex.EncodeToString(sum[:])
}

type printer struct{ languages []string }

func (p printer) object(v reflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := keyOf(field)
		if key == "" || strings.HasSuffix(field.Tag.Get("yaml"), ",omitempty") && isEmpty(v.Field(i)) {
			continue
		}
		value := p.value(v.Field(i))
		if slices.Contains(flat, key) {
			value.Style = yaml.FlowStyle
		}
		node.Content = append(node.Content, word(key), value)
	}
	return node
}

func isEmpty(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

func (p printer) value(v reflect.Value) *yaml.Node {
	switch x := v.Interface().(type) {
	case Text:
		return p.text(x)
	case Duration:
		return word(x.String())
	case time.Time:
		return word(x.Format(time.RFC3339))
	case string:
		return word(x)
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(x)}
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(x)}
	case float64:
		return printNumber(x)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return p.value(v.Elem())
	case reflect.Struct:
		return p.object(v)
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.Len() {
		list.Content = append(list.Content, p.value(v.Index(i)))
	}
	return list
}

func (p printer) text(t Text) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, lang := range p.languages {
		if s, ok := t[lang]; ok {
			node.Content = append(node.Content, word(lang), word(s))
		}
	}
	return node
}

func printNumber(x float64) *yaml.Node {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if strings.Contains(s, ".") {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: s}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: s}
}

// word is a text. The library puts it in quotes where YAML 1.2 would take it for something else, and we where older
// readers would.
func word(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case strings.Contains(s, "\n"), utf8.RuneCountInString(s) > longLine:
		node.Style = yaml.LiteralStyle
	case slices.Contains(oldWords, strings.ToLower(s)):
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// oldWords are booleans of YAML 1.1, and the merge key.
var oldWords = []string{"y", "n", "yes", "no", "on", "off", "<<"}
