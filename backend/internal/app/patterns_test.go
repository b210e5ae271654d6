package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestT101_PatternsAreWrittenByUs: every regular expression of the house is a text in its source, compiled once when the
// program starts. None is made of what somebody typed.
func TestT101_PatternsAreWrittenByUs(t *testing.T) {
	t.Parallel()
	files, seen := token.NewFileSet(), 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range parsed.Decls {
			_, inFunction := decl.(*ast.FuncDecl)
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !compiles(call) {
					return true
				}
				seen++
				if inFunction || !isText(call.Args[0]) {
					t.Errorf("%s compiles an expression that may be somebody else's", files.Position(call.Pos()))
				}
				return true
			})
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, seen, 10, "they were found")
}

// compiles says whether the call makes an expression, or matches with one that it makes.
func compiles(call *ast.CallExpr) bool {
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	from, ok := fn.X.(*ast.Ident)
	return ok && from.Name == "regexp" && fn.Sel.Name != "QuoteMeta"
}

// isText says whether the expression is a literal, or literals and quoted names put together.
func isText(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.BinaryExpr:
		return isText(e.X) && isText(e.Y)
	case *ast.CallExpr:
		fn, ok := e.Fun.(*ast.SelectorExpr)
		return ok && fn.Sel.Name == "QuoteMeta"
	}
	return false
}
