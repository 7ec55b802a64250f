package generate

import (
	"fmt"
	"go/token"
	"strings"

	"golang.org/x/tools/go/packages"
)

// importable returns an error that lists the declarations that the package of
// the output can't reach.
func (r *run) importable(declaring []*packages.Package, found []*variable) error {
	var wrong []Problem
	for _, p := range declaring {
		at := r.firstDeclaration(p, found)
		switch {
		case p.Name == "main":
			wrong = append(wrong, r.at(at, "a declaration in package main, which no other package can import",
				"move it to a package of its own, such as internal/secrets"))
		case p.PkgPath == r.out.path:
		case r.imports(p, map[*packages.Package]bool{}):
			wrong = append(wrong, r.at(at, fmt.Sprintf("the package %s imports that of the output, %s, which would have to import it", p.PkgPath, r.out.path),
				"write the output into another folder, see --out, or move the declarations to a package of their own"))
		case !internalTo(p.PkgPath, r.out.path):
			wrong = append(wrong, r.at(at, fmt.Sprintf("the package of the output, %s, can't import %s, which is internal", r.out.path, p.PkgPath),
				"write the output into a folder that can, see --out"))
		}
	}
	for _, v := range found {
		if v.pkg.PkgPath == r.out.path {
			continue
		}
		if !v.exported() {
			wrong = append(wrong, r.at(v.pos, fmt.Sprintf("the package of the output, %s, can't use the variable %s, which is not exported", r.out.path, v.name),
				"give it a capital letter, or write the output into its folder, see --out"))
		}
	}
	for _, v := range found {
		if what := unnameable(v.typ, r.out.path); what != "" {
			wrong = append(wrong, r.at(v.pos, fmt.Sprintf("the package of the output, %s, can't name the type of %s: %s", r.out.path, v.name, what),
				"export the type, or write the output into its folder, see --out"))
		}
	}
	return problems(wrong)
}

// firstDeclaration is where a package first declares.
func (r *run) firstDeclaration(p *packages.Package, found []*variable) token.Position {
	for _, v := range found {
		if v.pkg == p {
			return v.pos
		}
	}
	for _, f := range p.Syntax {
		if calls := declareCalls(f); len(calls) > 0 {
			return r.fset.Position(calls[0])
		}
	}
	return token.Position{}
}

// imports reports whether a package imports that of the output.
func (r *run) imports(p *packages.Package, seen map[*packages.Package]bool) bool {
	if seen[p] {
		return false
	}
	seen[p] = true
	for path, q := range p.Imports {
		if path == r.out.path || r.imports(q, seen) {
			return true
		}
	}
	return false
}

// internalTo reports whether the package at from may import the one at path:
// what is internal only those below the parent of its "internal" may.
// https://go.dev/doc/go1.4#internalpackages
func internalTo(path, from string) bool {
	parts := strings.Split(path, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i] == "internal" {
			parent := strings.Join(parts[:i], "/")
			return parent == "" || from == parent || strings.HasPrefix(from, parent+"/")
		}
	}
	return true
}
