package audit_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
)

var update = flag.Bool("update", false, "write golden files anew")

// Names are promises to whoever filters by them: a change shows in the diff of the golden file.
func TestNames_AreAllOfThem(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, name := range audit.Names() {
		require.Regexp(t, nameForm, name)
		require.NotEmpty(t, audit.Describe(name))
		b.WriteString(name + "  " + audit.Describe(name) + "\n")
	}
	golden := filepath.Join("testdata", "names.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// Every name that a room records must be in names.go, so that a reader of the log finds what it means.
func TestNames_KnowWhatTheRoomsRecord(t *testing.T) {
	t.Parallel()
	for where, name := range recordedNames(t, "..") {
		require.NotEmpty(t, audit.Describe(name), "%s records %q: describe it in audit/names.go and run this test with -update", where, name)
	}
}

// recordedNames finds the names in the source of the rooms below root, by file and line: in audit.Event{Name: "…"}, in
// calls of a function named record, and in event.Name = "…".
func recordedNames(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, value := range namePlaces(n) {
				if name, ok := nameIn(value); ok {
					found[files.Position(value.Pos()).String()] = name
				}
			}
			return true
		})
		return nil
	}))
	return found
}

// namePlaces are the expressions of n in which an event's name may stand.
func namePlaces(n ast.Node) (places []ast.Expr) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if !isCalled(n.Type, "Event") {
			return nil
		}
		for _, element := range n.Elts {
			if field, ok := element.(*ast.KeyValueExpr); ok && isCalled(field.Key, "Name") {
				places = append(places, field.Value)
			}
		}
	case *ast.CallExpr:
		if isCalled(n.Fun, "record") {
			return n.Args
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if isCalled(left, "Name") && i < len(n.Rhs) {
				places = append(places, n.Rhs[i])
			}
		}
	}
	return places
}

// isCalled tells whether e is name or something.name.
func isCalled(e ast.Expr, name string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == name
	case *ast.SelectorExpr:
		return e.Sel.Name == name
	}
	return false
}

var nameForm = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

func nameIn(e ast.Expr) (string, bool) {
	text, ok := e.(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(text.Value)
	return name, err == nil && nameForm.MatchString(name)
}
