package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// source gives what a mark `from: FILE` or `from: FILE#NAME` stands for.
func source(root, ref string) (string, error) {
	file, name, _ := strings.Cut(ref, "#")
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return "", fmt.Errorf("there is no file %s", file)
	}
	text := string(data)
	if name == "" {
		return strings.TrimSuffix(text, "\n"), nil
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, data, parser.ParseComments)
	if err != nil {
		return "", err
	}
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.Name != name {
				continue
			}
			if strings.HasPrefix(name, "Example") && d.Body != nil {
				return exampleBody(text[offset(d.Body.Lbrace)+1 : offset(d.Body.Rbrace)]), nil
			}
			return text[offset(d.Pos()):offset(d.End())], nil
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if !declares(spec, name) {
					continue
				}
				if d.Lparen.IsValid() {
					return "", fmt.Errorf("%s stands in a group; show a declaration of its own", ref)
				}
				return text[offset(d.Pos()):offset(d.End())], nil
			}
		}
	}
	return "", fmt.Errorf("%s declares no %s", file, name)
}

func declares(spec ast.Spec, name string) bool {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return s.Name.Name == name
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.Name == name {
				return true
			}
		}
	}
	return false
}

var outputComment = regexp.MustCompile(`(?im)^\s*//\s*(unordered )?output:`)

// exampleBody is an Example's body as its reader would write it: without the
// function's indentation and without the expected output.
func exampleBody(body string) string {
	if at := outputComment.FindStringIndex(body); at != nil {
		body = body[:at[0]]
	}
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "\t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
