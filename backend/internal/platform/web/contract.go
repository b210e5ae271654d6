package web

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Contract is what this package needs to know of the API's contract, by "METHOD /route/:with/:names".
type Contract map[string]Operation

// Operation is one entry of the contract.
type Operation struct {
	ID string
	// Who may call it, as the contract's x-who says; Scope is x-scope.
	Who, Scope string
	// Urgent says that whoever calls it is in the middle of something (x-urgent): in a crowd they go first.
	Urgent bool
	// Query are the query keys it knows, sorted; Lists are those that may be repeated.
	Query, Lists []string
}

// forStaff says whether only members may call it, who may send more.
func (o Operation) forStaff() bool {
	return !slices.Contains([]string{"", "public", "applicant", "signedin"}, o.Who)
}

// checkQuery refuses keys that the operation does not know, and repeated ones: a caller who means something is told.
func (o Operation) checkQuery(raw string) error {
	if raw == "" {
		return nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return errParameter.With("parameter", "?").Because(err)
	}
	for key, given := range values {
		if !slices.Contains(o.Query, key) {
			return errUnknown.With("parameter", shortened(key))
		}
		if len(given) > 1 && !slices.Contains(o.Lists, key) {
			return errParameter.With("parameter", key)
		}
		if slices.ContainsFunc(given, unstorable) {
			return errParameter.With("parameter", key)
		}
	}
	return nil
}

// unstorable finds what no text of ours may have: PostgreSQL keeps neither NUL nor broken UTF-8.
func unstorable(s string) bool { return strings.ContainsRune(s, 0) || !utf8.ValidString(s) }

// shortened is a stranger's word as far as an answer repeats it.
func shortened(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return strings.ToValidUTF8(s, "")
}

// document is the part of OpenAPI 3.0.3 that is read.
type document struct {
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components struct {
		Parameters map[string]parameter `yaml:"parameters"`
	} `yaml:"components"`
}

type parameter struct {
	Ref    string `yaml:"$ref"`
	Name   string `yaml:"name"`
	In     string `yaml:"in"`
	Schema struct {
		Type string `yaml:"type"`
	} `yaml:"schema"`
}

type operation struct {
	ID         string      `yaml:"operationId"`
	Who        string      `yaml:"x-who"`
	Scope      string      `yaml:"x-scope"`
	Urgent     bool        `yaml:"x-urgent"`
	Parameters []parameter `yaml:"parameters"`
}

var pathName = regexp.MustCompile(`\{([^}]+)\}`)

// ReadContract reads the contract's YAML. It fails on what it cannot follow rather than let a route go unchecked.
func ReadContract(text []byte) (Contract, error) {
	var doc document
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	out := Contract{}
	for path, item := range doc.Paths {
		var shared []parameter
		if node, ok := item["parameters"]; ok {
			if err := node.Decode(&shared); err != nil {
				return nil, fmt.Errorf("read the contract at %s: %w", path, err)
			}
		}
		for method, node := range item {
			if !slices.Contains([]string{"get", "put", "post", "delete", "patch", "head"}, method) {
				continue
			}
			var op operation
			if err := node.Decode(&op); err != nil {
				return nil, fmt.Errorf("read the contract at %s %s: %w", method, path, err)
			}
			known, err := doc.operation(op, shared)
			if err != nil {
				return nil, fmt.Errorf("read the contract at %s %s: %w", method, path, err)
			}
			out[strings.ToUpper(method)+" "+pathName.ReplaceAllString(path, ":$1")] = known
		}
	}
	return out, nil
}

func (d document) operation(op operation, shared []parameter) (Operation, error) {
	out := Operation{ID: op.ID, Who: op.Who, Scope: op.Scope, Urgent: op.Urgent}
	for _, p := range slices.Concat(shared, op.Parameters) {
		if p.Ref != "" {
			name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/")
			if p, ok = d.Components.Parameters[name], ok && d.Components.Parameters[name].Name != ""; !ok {
				return Operation{}, fmt.Errorf("unknown parameter %q", name)
			}
		}
		if p.In != "query" {
			continue
		}
		out.Query = append(out.Query, p.Name)
		if p.Schema.Type == "array" {
			out.Lists = append(out.Lists, p.Name)
		}
	}
	slices.Sort(out.Query)
	return out, nil
}
