package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Budgets of a line's home: what is longer is read by nobody.
const (
	maxFile, maxTestFile = 300, 600 // lines
	maxFunction          = 50       // lines
	maxParameters        = 4
	maxRoomFiles         = 12 // without generated files, tests and doc.go
)

// longer may be: each with the reason that outweighs the budget.
var longer = map[string]string{
	"internal/approval":                    "the widest room: one file per act (open, decide, ask and reply, lists), so that each is read alone",
	"internal/signup":                      "one file per step of the passage, and the two halves of its door",
	"internal/identity":                    "codes, sign-ins, sessions, keys and the first set-up are five short stories around one table each",
	"internal/flow":                        "a language of its own: it is read, checked, compared and printed in files of one concern each",
	"internal/notification":                "a mail's way has many stations: order, letter, phrases, frames, transport, mailbox",
	"internal/app/demo_data.go:supplier":   "a table of people reads best with its columns beside each other",
	"internal/app/demo_data.go:visitor":    "see supplier",
	"internal/app/demo_data.go:demoApp":    "see supplier",
	"internal/flow/inspect_fields.go:only": "a rule of the file format in one line: where, which key, for which types",
	"internal/flow/read.go:report":         "every mistake has a place, a path and words",
	"web/site.go:plain":                    "what one answer of the static site needs; it is called twice",
	"internal/platform/web":                "each guard of the door (origin, size, strictness, replay, shedding, streams) is a file that is read alone",
	"internal/platform/database":           "two databases behind one handle, each with its driver's corners",
	"internal/platform/jobs":               "claiming, leases, dispatch, retries and staff's view are separate concerns of one queue",
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	files := token.NewFileSet()
	rooms := map[string]int{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".gen.go") {
			return err
		}
		name, _ := filepath.Rel(root, path)
		parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		test := strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test")
		most := maxFile
		if test {
			most = maxTestFile
		}
		if lines := files.Position(parsed.FileEnd).Line; lines > most && longer[name] == "" {
			t.Errorf("%s has %d lines, at most %d: split it by what it says, or write the reason into `longer`", name, lines, most)
		}
		if !test && filepath.Base(path) != "doc.go" {
			rooms[filepath.Dir(name)]++
		}
		if !test {
			shortFunctions(t, files, parsed, name)
		}
		return nil
	})
	require.NoError(t, err)
	for room, n := range rooms {
		if n > maxRoomFiles && longer[room] == "" {
			t.Errorf("%s has %d files, at most %d: is it two rooms?", room, n, maxRoomFiles)
		}
	}
}

func shortFunctions(t *testing.T, files *token.FileSet, parsed *ast.File, name string) {
	t.Helper()
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		key := name + ":" + f.Name.Name
		if longer[key] != "" {
			continue
		}
		if lines := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; lines > maxFunction {
			t.Errorf("%s has %d lines, at most %d: give its parts names, or write the reason into `longer`", key, lines, maxFunction)
		}
		given := 0
		for i, p := range f.Type.Params.List {
			if i == 0 && isSetting(p.Type) {
				continue // the call's context or transaction is always first and says nothing
			}
			given += max(1, len(p.Names))
		}
		if given > maxParameters {
			t.Errorf("%s takes %d parameters, at most %d: make them a struct with names", key, given, maxParameters)
		}
	}
}

func TestBudgets_ReasonsAreOfThingsThatExist(t *testing.T) {
	t.Parallel()
	for name, reason := range longer {
		file, _, _ := strings.Cut(name, ":")
		_, err := os.Stat("../../" + file)
		require.NoError(t, err, "take it off the list")
		require.NotEmpty(t, reason, "%s needs its reason", name)
	}
}

// isSetting says whether a first parameter is a context or a transaction.
func isSetting(e ast.Expr) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	kind, ok := e.(*ast.SelectorExpr)
	return ok && (kind.Sel.Name == "Context" || kind.Sel.Name == "Tx")
}
