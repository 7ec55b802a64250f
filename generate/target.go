package generate

import (
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/mod/modfile"
)

// findOutput finds out about the package that the Go file is to belong to.
func (r *run) findOutput() error {
	out := r.Out
	if !filepath.IsAbs(out) {
		out = filepath.Join(r.dir, out)
	}
	dir, err := resolve(out)
	if err != nil {
		return problem("the folder of the results can't be found", "see --out")
	}
	r.out = target{dir: dir, names: map[string]token.Position{}}
	if err := r.importPath(); err != nil {
		return err
	}
	return r.readOutput()
}

// importPath is the path of the module above, and the folder within it.
func (r *run) importPath() error {
	for at := r.out.dir; ; at = filepath.Dir(at) {
		data, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil {
			module := modfile.ModulePath(data)
			if module == "" {
				return problem(r.rel(filepath.Join(at, "go.mod"))+" names no module", "write one with go mod init")
			}
			rel, err := filepath.Rel(at, r.out.dir)
			if err != nil {
				return problem("the folder of the results can't be found", "see --out")
			}
			r.out.path = path.Join(module, filepath.ToSlash(rel))
			return nil
		}
		if filepath.Dir(at) == at {
			return problem("the folder of the results is in no Go module", "run it within one, or make one with go mod init")
		}
	}
}

// readOutput reads which package is there and what it declares.
func (r *run) readOutput() error {
	entries, err := os.ReadDir(r.out.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return problem("the folder "+r.rel(r.out.dir)+" can't be read", "see its permissions")
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || name == GoFile {
			continue
		}
		r.readOutputFile(name)
	}
	if r.out.name == "" {
		r.out.name = packageName(filepath.Base(r.out.dir))
	}
	return nil
}

// readOutputFile takes a file's package and names. One that can't be read or
// parsed, the go command will tell of.
func (r *run) readOutputFile(name string) {
	ctx := build.Default
	if r.Tags != "" {
		ctx.BuildTags = strings.FieldsFunc(r.Tags, func(c rune) bool { return c == ',' || c == ' ' })
	}
	test := strings.HasSuffix(name, "_test.go")
	if ok, err := ctx.MatchFile(r.out.dir, name); err != nil || !ok {
		return
	}
	file, err := parser.ParseFile(r.fset, filepath.Join(r.out.dir, name), nil, parser.SkipObjectResolution)
	if file == nil || file.Name == nil || err != nil && file.Name.Name == "" {
		return
	}
	switch pkg := file.Name.Name; {
	case test && strings.HasSuffix(pkg, "_test"):
		if r.out.name == "" && !r.out.there {
			r.out.name = strings.TrimSuffix(pkg, "_test")
		}
		return
	default:
		r.out.name = pkg
		r.out.there = r.out.there || !test
	}
	for _, d := range file.Decls {
		for _, id := range declaredBy(d) {
			if id.Name != "_" && id.Name != "init" {
				r.out.names[id.Name] = r.fset.Position(id.Pos())
			}
		}
	}
}

// declaredBy lists the identifiers that a declaration puts into its package.
func declaredBy(d ast.Decl) (ids []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			ids = append(ids, d.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				ids = append(ids, s.Names...)
			case *ast.TypeSpec:
				ids = append(ids, s.Name)
			}
		}
	}
	return ids
}

// packageName makes the name of a package of that of its folder.
func packageName(folder string) string {
	name := strings.Map(func(c rune) rune {
		if c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, strings.TrimSuffix(folder, ".go"))
	name = strings.TrimLeftFunc(name, unicode.IsDigit)
	if !token.IsIdentifier(name) || name == "_" || name == "main" {
		return "secrets"
	}
	return name
}
