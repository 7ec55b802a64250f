package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mentions tells which names the source of a module mentions outside of one
// program. An analyzer sees one program at a time, and what another one uses is
// used: so the other sources are read for the names, without types. That errs on the
// side of silence.
type mentions struct {
	// selected holds, for each name after a dot, the import paths of the files that
	// have it.
	selected map[string][]string
	// plain holds the names in a package, by its path.
	plain map[string]map[string]bool
}

// mentionsIn reads the Go files below root but for tests, generated files, and
// the packages named.
func mentionsIn(root, module string, except []string) *mentions {
	m := &mentions{selected: map[string][]string{}, plain: map[string]map[string]bool{}}
	if root == "" {
		return m
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := ""
		if d != nil {
			name = d.Name()
		}
		switch {
		case err != nil:
			return nil // what can't be read mentions nothing
		case d.IsDir():
			if path != root && (name == "vendor" || name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			rel, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return nil
			}
			pkg := module
			if rel != "." {
				pkg += "/" + filepath.ToSlash(rel)
			}
			if !slices.Contains(except, pkg) {
				m.read(path, pkg)
			}
		}
		return nil
	})
	return m
}

func (m *mentions) read(path, pkg string) {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution|parser.ParseComments)
	if f == nil || err != nil && len(f.Decls) == 0 || ast.IsGenerated(f) {
		return
	}
	imports := []string{pkg}
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			imports = append(imports, p)
		}
	}
	if m.plain[pkg] == nil {
		m.plain[pkg] = map[string]bool{}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			m.selected[n.Sel.Name] = union(m.selected[n.Sel.Name], imports)
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok {
				m.selected[id.Name] = union(m.selected[id.Name], imports)
			}
		case *ast.Ident:
			m.plain[pkg][n.Name] = true
		}
		return true
	})
}

// has reports whether a declaration is mentioned: as a name of its package, or
// by a generated method of that name.
func (m *mentions) has(d declaration, getters []getter) bool {
	pkg := packageOf(d.Key)
	if d.Key != "" && (slices.Contains(m.selected[d.Name], pkg) || m.plain[pkg][d.Name]) {
		return true
	}
	for _, g := range getters {
		if g.Key == d.Key && len(m.selected[g.Name]) > 0 {
			return true
		}
	}
	return false
}

// anywhere reports whether a name follows a dot, or is a key, in any file.
func (m *mentions) anywhere(name string) bool { return len(m.selected[name]) > 0 }
