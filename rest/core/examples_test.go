package core_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// standard are methods that fmt, slog and encoding/json call, or that a fake
// needs to be a Transporter.
func standard(name string) bool {
	switch name {
	case "String", "GoString", "Error", "LogValue", "MarshalJSON", "UnmarshalJSON":
		return true
	default:
		return false
	}
}

// TestExamples_CoverEveryExportedMethod holds all packages of rest against
// their examples: each exported function and method is used in one.
func TestExamples_CoverEveryExportedMethod(t *testing.T) {
	folders := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			folders[filepath.Dir(path)] = append(folders[filepath.Dir(path)], path)
		}
		return err
	})
	if err != nil || len(folders) < 2 {
		t.Fatalf("%d folders, %v", len(folders), err)
	}
	for folder, files := range folders {
		exported, used := map[string]bool{}, map[string]bool{}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			inTest := strings.HasSuffix(file, "_test.go")
			for _, decl := range parsed.Decls {
				f, ok := decl.(*ast.FuncDecl)
				switch {
				case !ok:
				case !inTest && f.Name.IsExported() && !standard(f.Name.Name) && receiverExported(f):
					exported[f.Name.Name] = true
				case inTest && strings.HasSuffix(file, "example_test.go"):
					for _, name := range names(f) {
						used[name] = true
					}
				}
			}
		}
		for name := range exported {
			// The Do of a fake is called by the pipeline.
			if !used[name] && (name != "Do" || filepath.Base(folder) != "fake") {
				t.Errorf("%s: no example uses %s", folder, name)
			}
		}
	}
}

func receiverExported(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && !exported {
			exported = id.IsExported()
			return false
		}
		return true
	})
	return exported
}

func names(f *ast.FuncDecl) []string {
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			all = append(all, s.Sel.Name)
		}
		return true
	})
	return all
}
