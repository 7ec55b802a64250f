package generate

import (
	"fmt"
	"go/token"
	"go/types"
	"path"
	"strconv"
)

// unnameable says which part of a type the package at from can't write down;
// empty if it can write all of it.
func unnameable(t types.Type, from string) string {
	n := namer{from: from, seen: map[types.Type]bool{}}
	n.walk(types.Unalias(t))
	return n.wrong
}

type namer struct {
	from  string
	seen  map[types.Type]bool
	wrong string
}

func (n *namer) walk(t types.Type) {
	if n.wrong != "" || n.seen[t] {
		return
	}
	n.seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		n.named(t.Obj(), t.TypeArgs())
	case *types.Named:
		n.named(t.Obj(), t.TypeArgs())
	case *types.Pointer:
		n.walk(t.Elem())
	case *types.Slice:
		n.walk(t.Elem())
	case *types.Array:
		n.walk(t.Elem())
	case *types.Chan:
		n.walk(t.Elem())
	case *types.Map:
		n.walk(t.Key())
		n.walk(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			if !f.Exported() && f.Pkg() != nil && f.Pkg().Path() != n.from {
				n.fail("a struct without a name has the field " + f.Name() + ", which is not exported")
			}
			n.walk(f.Type())
		}
	case *types.Signature:
		for v := range t.Params().Variables() {
			n.walk(v.Type())
		}
		for v := range t.Results().Variables() {
			n.walk(v.Type())
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			if !m.Exported() && m.Pkg() != nil && m.Pkg().Path() != n.from {
				n.fail("an interface without a name has the method " + m.Name() + ", which is not exported")
			}
			n.walk(m.Type())
		}
		for e := range t.EmbeddedTypes() {
			n.walk(e)
		}
	}
}

func (n *namer) named(obj *types.TypeName, args *types.TypeList) {
	if pkg := obj.Pkg(); pkg != nil && pkg.Path() != n.from {
		full := pkg.Path() + "." + obj.Name()
		switch {
		case !obj.Exported():
			n.fail(full + " is not exported")
		case pkg.Name() == "main":
			n.fail(full + " is in a package main")
		case !internalTo(pkg.Path(), n.from):
			n.fail(full + " is internal")
		}
	}
	if obj.Pkg() != nil && obj.Parent() != obj.Pkg().Scope() {
		n.fail(obj.Name() + " is declared within a function")
	}
	for a := range args.Types() {
		n.walk(a)
	}
}

func (n *namer) fail(what string) {
	if n.wrong == "" {
		n.wrong = what
	}
}

// expression is a type as the output writes it.
func (im *imports) expression(t types.Type) string {
	if a, ok := t.(*types.Alias); ok && unnameable(types.Unalias(a), im.own) == "" && im.unnameableAlias(a) {
		t = types.Unalias(a)
	}
	return types.TypeString(t, func(p *types.Package) string {
		if p.Path() == im.own {
			return ""
		}
		return im.of(p.Path(), p.Name())
	})
}

func (im *imports) unnameableAlias(a *types.Alias) bool {
	n := namer{from: im.own, seen: map[types.Type]bool{}}
	n.walk(a)
	return n.wrong != ""
}

// imports are those of the output. Each has a name that means nothing else
// there.
type imports struct {
	own    string // the path of the output's package
	byPath map[string]imported
	taken  map[string]bool
}

type imported struct{ name, declared string }

func newImports(own string, taken map[string]bool) *imports {
	return &imports{own: own, byPath: map[string]imported{}, taken: taken}
}

// of is the name by which the output calls a package.
func (im *imports) of(pkgPath, declared string) string {
	if i, ok := im.byPath[pkgPath]; ok {
		return i.name
	}
	name := declared
	for i := 2; im.taken[name] || token.IsKeyword(name) || types.Universe.Lookup(name) != nil || name == "_" || name == "."; i++ {
		name = declared + strconv.Itoa(i)
	}
	im.taken[name] = true
	im.byPath[pkgPath] = imported{name, declared}
	return name
}

// spec is the line that imports a package.
func (i imported) spec(pkgPath string) string {
	if i.name == i.declared && i.declared == path.Base(pkgPath) {
		return strconv.Quote(pkgPath)
	}
	return fmt.Sprintf("%s %q", i.name, pkgPath)
}
