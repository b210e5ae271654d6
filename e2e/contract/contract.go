package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Contract is the API as it was promised.
type Contract struct {
	doc    *openapi3.T
	routes []route
}

type route struct {
	parts []string
	item  *openapi3.PathItem
}

// Answer is what was asked and what came back.
type Answer struct {
	Method string
	Path   string // with or without query
	Status int
	Header http.Header
	Body   []byte
}

// Load reads the contract from a file.
func Load(path string) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	c := &Contract{doc: doc}
	for template, item := range doc.Paths.Map() {
		c.routes = append(c.routes, route{strings.Split(template, "/"), item})
	}
	for name, schema := range doc.Components.Schemas {
		if name != "Problem" { // RFC 9457 §3.2: a problem may have members of its own kind
			closed(schema, map[*openapi3.Schema]bool{})
		}
	}
	return c, nil
}

// closed makes every object that names its properties refuse others.
func closed(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		closed(p, seen)
	}
	for _, p := range s.AllOf {
		closed(p, seen)
	}
	closed(s.Items, seen)
}

// Operation is the operation that method and path call, or nil if the contract has none.
func (c *Contract) Operation(method, path string) *openapi3.Operation {
	if u, err := url.Parse(path); err == nil {
		path = u.EscapedPath()
	}
	given := strings.Split(path, "/")
	var best route
	score := -1
	for _, r := range c.routes {
		if n := match(r.parts, given); n > score {
			best, score = r, n
		}
	}
	if score < 0 {
		return nil
	}
	return best.item.GetOperation(method)
}

// match is the number of literal parts that agree, or -1.
func match(template, given []string) int {
	if len(template) != len(given) {
		return -1
	}
	n := 0
	for i, part := range template {
		switch {
		case part == given[i]:
			n++
		case strings.HasPrefix(part, "{") && given[i] != "":
		default:
			return -1
		}
	}
	return n
}

// Each calls f with every operation of the contract.
func (c *Contract) Each(f func(method, path string, op *openapi3.Operation)) {
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			f(method, path, op)
		}
	}
}

// Check returns what is wrong with an answer, or nil. Paths outside the contract pass, except that an answer under
// /api/ must be a problem then.
func (c *Contract) Check(a Answer) error {
	op := c.Operation(a.Method, a.Path)
	if op == nil && !strings.HasPrefix(a.Path, "/api/v1/") {
		return nil
	}
	if a.Status == http.StatusRequestHeaderFieldsTooLarge {
		return nil // net/http says so before anybody of ours has read a line
	}
	if a.Header.Get("Request-Id") == "" {
		return errors.New("the answer bears no Request-Id")
	}
	if a.Method == http.MethodHead || a.Method == http.MethodOptions {
		return nil
	}
	if op == nil {
		return c.problem(a)
	}
	declared := op.Responses.Value(fmt.Sprint(a.Status))
	if declared == nil {
		if a.Status < 400 {
			return fmt.Errorf("%d is not declared for %s", a.Status, op.OperationID)
		}
		return c.problem(a)
	}
	return c.body(declared.Value, a)
}

func (c *Contract) problem(a Answer) error {
	if a.Status < 400 {
		return fmt.Errorf("%d where the contract has nothing", a.Status)
	}
	if err := c.body(c.doc.Components.Responses["Problem"].Value, a); err != nil {
		return err
	}
	var p struct {
		Status          int
		RequestID, Code string
	}
	if err := json.Unmarshal(a.Body, &p); err != nil {
		return err
	}
	if p.Status != a.Status || p.RequestID != a.Header.Get("Request-Id") || p.Code == "" {
		return fmt.Errorf("the problem says %d %q %q, the answer %d %q", p.Status, p.Code, p.RequestID, a.Status, a.Header.Get("Request-Id"))
	}
	return nil
}

func (c *Contract) body(declared *openapi3.Response, a Answer) error {
	if len(declared.Content) == 0 {
		if len(a.Body) > 0 {
			return fmt.Errorf("%d has a body of %d bytes, and the contract none", a.Status, len(a.Body))
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type %q: %w", a.Header.Get("Content-Type"), err)
	}
	media := declared.Content[kind]
	if media == nil {
		return fmt.Errorf("content type %s is not declared for %d", kind, a.Status)
	}
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	var value any
	if err := json.Unmarshal(a.Body, &value); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if err := media.Schema.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsResponse()); err != nil {
		return fmt.Errorf("the body breaks the contract: %w", err)
	}
	return nil
}
