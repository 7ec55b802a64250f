package lint

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

const (
	lukkoPrefix  = "github.com/lukko-dev/lukko/"
	corePath     = lukkoPrefix + "core"
	schemaPath   = lukkoPrefix + "schema"
	metadataPath = schemaPath + "/metadata"

	configPath      = lukkoPrefix + "config"
	oauth2Path      = lukkoPrefix + "oauth2"
	credentialsPath = lukkoPrefix + "credentials"
)

func itoa(n int) string { return strconv.Itoa(n) }

// reaches reports whether pkg is core or schema, or imports one of them by any
// way.
func reaches(pkg *types.Package, seen map[*types.Package]bool) bool {
	if pkg.Path() == corePath || pkg.Path() == schemaPath {
		return true
	}
	if seen[pkg] {
		return false
	}
	seen[pkg] = true
	for _, imported := range pkg.Imports() {
		if reaches(imported, seen) {
			return true
		}
	}
	return false
}

// callee returns the function or method that is called, as it is declared:
// without type arguments. It is nil for calls of values and of builtins.
func (e *engine) callee(call *ast.CallExpr) *types.Func {
	fn, _ := typeutil.Callee(e.pass.TypesInfo, call).(*types.Func)
	if fn == nil {
		return nil
	}
	return fn.Origin()
}

// isFunc reports whether fn is a function of a package.
func isFunc(fn *types.Func, path string, names ...string) bool {
	return fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == path &&
		fn.Signature().Recv() == nil && contains(names, fn.Name())
}

// isMethod reports whether fn is a method of a type of a package.
func isMethod(fn *types.Func, path, recv string, names ...string) bool {
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != path || fn.Signature().Recv() == nil {
		return false
	}
	return receiver(fn) == recv && contains(names, fn.Name())
}

// receiver returns the name of a method's type; empty for a function.
func receiver(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return ""
	}
	if n := named(recv.Type()); n != nil {
		return n.Obj().Name()
	}
	return ""
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// named returns the named type of t or of what it points to; nil if it has
// none.
func named(t types.Type) *types.Named {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	n, _ := t.(*types.Named)
	return n
}

// isType reports whether t is, or points to, a type of a package.
func isType(t types.Type, path string, names ...string) bool {
	n := named(t)
	return n != nil && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == path && contains(names, n.Obj().Name())
}

func isString(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

func isStringSlice(t types.Type) bool {
	s, ok := t.Underlying().(*types.Slice)
	return ok && isString(s.Elem())
}

// qualified is how a diagnostic names a function.
func qualified(fn *types.Func) string {
	if recv := receiver(fn); recv != "" {
		return recv + "." + fn.Name()
	}
	return fn.Name()
}

// variable returns the variable that an expression names; nil if it names
// none. A field is none.
func (e *engine) variable(x ast.Expr) *types.Var {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		v, _ := e.pass.TypesInfo.ObjectOf(x).(*types.Var)
		return v
	case *ast.SelectorExpr:
		if _, isField := e.pass.TypesInfo.Selections[x]; !isField {
			v, _ := e.pass.TypesInfo.Uses[x.Sel].(*types.Var)
			return v
		}
	}
	return nil
}

// key names a variable of a package across packages; empty for any other.
func key(v *types.Var) string {
	if v == nil || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
		return ""
	}
	path, _, _ := strings.Cut(v.Pkg().Path(), " ")
	return path + "." + v.Name()
}

// constant returns the text of a constant expression.
func (e *engine) constant(x ast.Expr) (string, bool) {
	return constantText(e.pass.TypesInfo.Types[x])
}
