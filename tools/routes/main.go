// Command routes reads who may call what (x-who, x-scope) out of the contract, and the doors outside of it, and writes both
// down twice: for the guard, as Go, and for people, as tables. A door that does not say who may come in makes it fail.
//
//	go run ./routes -contract ../backend/api/openapi.yaml -doors ../backend/api/doors.yaml -go ../backend/internal/app/routes.gen.go -table ../docs/routes.md
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	contract := flag.String("contract", "../backend/api/openapi.yaml", "the contract")
	doors := flag.String("doors", "../backend/api/doors.yaml", "the doors outside the contract")
	code := flag.String("go", "../backend/internal/app/routes.gen.go", "the Go file to write")
	table := flag.String("table", "../docs/routes.md", "the table to write")
	flag.Parse()
	if err := run(*contract, *doors, *code, *table); err != nil {
		fmt.Fprintln(os.Stderr, "routes:", err)
		os.Exit(1)
	}
}

func run(contract, doors, code, table string) error {
	text, err := os.ReadFile(contract)
	if err != nil {
		return err
	}
	routes, err := read(text)
	if err != nil {
		return err
	}
	if text, err = os.ReadFile(doors); err != nil {
		return err
	}
	others, err := readDoors(text)
	if err != nil {
		return err
	}
	source, err := goSource(routes, others)
	if err != nil {
		return err
	}
	if err := write(code, source); err != nil {
		return err
	}
	return write(table, markdown(routes, others))
}

func write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// route is one operation of the contract.
type route struct{ Method, Path, Who, Scope, Summary string }

// words are all that x-who may say, and their constants in the identity room.
var words = map[string]string{
	"public": "WhoPublic", "applicant": "WhoApplicant", "signedin": "WhoSignedIn", "staff": "WhoStaff", "approver": "WhoApprover",
	"directory": "WhoDirectory", "flows": "WhoFlows", "operations": "WhoOperations", "mailbox": "WhoMailbox",
}

var methods = []string{"get", "head", "post", "put", "patch", "delete", "options", "trace"}

// read lists the operations by path and method, and all that is wrong with them at once.
func read(text []byte) ([]route, error) {
	var doc struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	var routes []route
	var wrong []error
	for path, item := range doc.Paths {
		for method, node := range item {
			if !slices.Contains(methods, method) {
				continue
			}
			r, err := readOne(method, path, node)
			routes, wrong = append(routes, r), append(wrong, err)
		}
	}
	slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	if len(routes) == 0 {
		wrong = append(wrong, errors.New("the contract has no operations"))
	}
	return routes, errors.Join(wrong...)
}

func readOne(method, path string, node yaml.Node) (route, error) {
	var op struct {
		Who     string `yaml:"x-who"`
		Scope   string `yaml:"x-scope"`
		Summary string `yaml:"summary"`
	}
	if err := node.Decode(&op); err != nil {
		return route{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r := route{Method: strings.ToUpper(method), Path: path, Who: op.Who, Scope: op.Scope, Summary: op.Summary}
	if words[op.Who] == "" {
		return r, fmt.Errorf("%s %s: x-who is %q; say who may call it: public, applicant, signedin, staff or a right", r.Method, path, op.Who)
	}
	if op.Scope != "" && slices.Contains([]string{"public", "applicant", "signedin", "staff", "mailbox"}, op.Who) {
		return r, fmt.Errorf("%s %s: x-scope is for rights that an API key can have, not for %q", r.Method, path, op.Who)
	}
	return r, nil
}

// door is one outside the contract.
type door struct{ Method, Path, Who, Why string }

// everywhereElse is the path of the pages: the router has no route for them.
const everywhereElse = "*"

// readDoors lists the doors outside the contract, in their order, and all that is wrong with them at once.
func readDoors(text []byte) ([]door, error) {
	var all []door
	reader := yaml.NewDecoder(bytes.NewReader(text))
	reader.KnownFields(true)
	if err := reader.Decode(&all); err != nil {
		return nil, err
	}
	var wrong []error
	for _, d := range all {
		if !slices.Contains(methods, strings.ToLower(d.Method)) || d.Path == "" || words[d.Who] == "" || d.Why == "" {
			wrong = append(wrong, fmt.Errorf("%s %s: say its method, its path, who may come in and why it is there", d.Method, d.Path))
		}
	}
	return all, errors.Join(wrong...)
}

var pathName = regexp.MustCompile(`\{([^}]+)\}`)

// ginPath writes a path as the router knows it: /guests/{id} is /guests/:id.
func ginPath(path string) string { return pathName.ReplaceAllString(path, ":$1") }

func goSource(routes []route, others []door) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Code generated by tools/routes from backend/api/openapi.yaml and doors.yaml. DO NOT EDIT.\n\npackage app\n\n")
	b.WriteString("import \"github.com/vestibule-id/vestibule/backend/internal/identity\"\n\n")
	b.WriteString("// contractRoutes says who may call each operation of the contract.\nvar contractRoutes = map[string]identity.Route{\n")
	for _, r := range routes {
		scope := ""
		if r.Scope != "" {
			scope = fmt.Sprintf(", Scope: %q", r.Scope)
		}
		fmt.Fprintf(&b, "%q: {Who: identity.%s%s},\n", r.Method+" "+ginPath(r.Path), words[r.Who], scope)
	}
	b.WriteString("}\n\n// otherRoutes says the same of the doors outside the contract (doors.yaml).\nvar otherRoutes = map[string]identity.Route{\n")
	for _, d := range others {
		if d.Path != everywhereElse {
			fmt.Fprintf(&b, "%q: {Who: identity.%s},\n", d.Method+" "+ginPath(d.Path), words[d.Who])
		}
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}

func markdown(routes []route, others []door) []byte {
	var b bytes.Buffer
	b.WriteString("# Who may call what\n\nGenerated by `make gen` from `backend/api/openapi.yaml` and `doors.yaml`; nothing else is open, or the server does not start. A change here is a change of rights: read it as one.\n\n")
	b.WriteString("`public` anyone · `applicant` the browser that holds the sign-up cookie · `signedin` a guest or member · `staff` a member ·\n")
	b.WriteString("`approver` a member, for what they may decide · `directory` a member who is not only an operator · `flows` admin, flowDesigner, auditor ·\n")
	b.WriteString("`operations` admin, operator · `mailbox` anyone, only where mail stays in the house, which is on loopback. An API key needs the scope.\n\n")
	b.WriteString("| Method | Path | Who | Scope of a key | What for |\n|---|---|---|---|---|\n")
	for _, r := range routes {
		scope := "–"
		if r.Scope != "" {
			scope = "`" + r.Scope + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", r.Method, r.Path, r.Who, scope, r.Summary)
	}
	b.WriteString("\n## Outside the contract\n\nThese stand before the guard. `*` is every other address.\n\n")
	b.WriteString("| Method | Path | Who | Why it is there |\n|---|---|---|---|\n")
	for _, d := range others {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", d.Method, d.Path, d.Who, d.Why)
	}
	return b.Bytes()
}
