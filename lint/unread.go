package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// unread judges, at package main, the declarations of the module that nothing
// reads. A declaration that another program of the module reads is read.
func (e *engine) unread() {
	if e.pass.Pkg.Name() != "main" || !e.inside {
		return
	}
	all := e.below
	all.join(&e.own)
	var mentions *mentions
	var candidates []declaration
	for _, d := range all.Decls {
		switch {
		case d.Allowed, d.Module != e.module():
		case d.Name == "" && d.Key == "" && !e.isBlank(d):
		case d.Other && all.WholeOther, !d.Other && all.WholeDefault:
		case d.Key != "" && slices.Contains(all.Read, d.Key):
		default:
			candidates = append(candidates, d)
		}
	}
	for _, d := range candidates {
		if mentions == nil {
			inProgram := union(slices.Clone(all.Packages), []string{e.path})
			mentions = mentionsIn(e.root, e.module(), inProgram)
		}
		if mentions.has(d, all.Getters) {
			continue
		}
		name := fmt.Sprintf("the declaration of %q", d.ID)
		if d.Name != "" {
			name = fmt.Sprintf("the declaration %s (%s)", d.Name, d.ID)
		}
		text := name + " is read by nothing: read it, or remove it, so that nobody has to set it"
		if n := e.declared(d); n != nil {
			e.report(Unread, n, text)
		} else if n := e.mainClause(); n != nil {
			e.report(Unread, n, d.Place+": "+text)
		}
	}
}

// isBlank reports whether a declaration without a name is one that nothing
// can read: `var _ = schema.Declare…`. Any other is used where it stands.
func (e *engine) isBlank(d declaration) bool {
	n := e.declared(d)
	return n != nil && n.Name == "_"
}

// declared returns the identifier of a declaration of this package; nil for
// those of others.
func (e *engine) declared(d declaration) *ast.Ident {
	for _, f := range e.pass.Files {
		for _, decl := range f.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, s := range gen.Specs {
				for _, name := range s.(*ast.ValueSpec).Names {
					if e.place(name.Pos()) == d.Place && (d.Name == "" || d.Name == name.Name) {
						return name
					}
				}
			}
		}
	}
	return nil
}

// folder of a key: the path of its package.
func packageOf(key string) string {
	i := strings.LastIndexByte(key, '.')
	return key[:max(i, 0)]
}
