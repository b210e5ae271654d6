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
		require.Regexp(t, regexp.MustCompile(`^[a-z]+\.[a-z_]+$`), name)
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

// recordedNames finds audit.Event{Name: "…"} in the source of the rooms below root, by file and line.
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
			if literal, ok := n.(*ast.CompositeLit); ok {
				if name, ok := eventName(literal); ok {
					found[files.Position(literal.Pos()).String()] = name
				}
			}
			return true
		})
		return nil
	}))
	return found
}

func eventName(literal *ast.CompositeLit) (string, bool) {
	kind, ok := literal.Type.(*ast.SelectorExpr)
	if !ok || kind.Sel.Name != "Event" {
		return "", false
	}
	if room, ok := kind.X.(*ast.Ident); !ok || room.Name != "audit" {
		return "", false
	}
	for _, element := range literal.Elts {
		field, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, _ := field.Key.(*ast.Ident)
		text, isText := field.Value.(*ast.BasicLit)
		if key != nil && key.Name == "Name" && isText {
			name, err := strconv.Unquote(text.Value)
			return name, err == nil
		}
	}
	return "", false
}
