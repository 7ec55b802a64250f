package generate

import (
	"cmp"
	"context"
	"encoding/json"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// The packages that what is generated names. A program that declares no
// credential need not have the last two.
const (
	corePath        = "github.com/lukko-dev/lukko/core"
	schemaPath      = "github.com/lukko-dev/lukko/schema"
	credentialsPath = "github.com/lukko-dev/lukko/credentials"
	oauth2Path      = "github.com/lukko-dev/lukko/oauth2"
)

// A variable is a package's variable that holds a declaration.
type variable struct {
	pkg  *packages.Package
	name string
	kind declarationKind
	typ  types.Type // the T of its type, such as *schema.Declaration[T]
	pos  token.Position
}

func (v *variable) exported() bool { return token.IsExported(v.name) }

// declarationKind is what a variable holds.
type declarationKind int

const (
	ofSchema       declarationKind = iota + 1 // a secret or a variable: *schema.Declaration[T]
	ofApplication                             // *credentials.Credential[T]
	ofEachUser                                // *credentials.UserCredential[T]
	notDeclaration declarationKind = 0
)

func (k declarationKind) credential() bool { return k == ofApplication || k == ofEachUser }

// declarationTypes are the generic types whose pointers declare.
var declarationTypes = map[[2]string]declarationKind{
	{schemaPath, "Declaration"}:         ofSchema,
	{credentialsPath, "Credential"}:     ofApplication,
	{credentialsPath, "UserCredential"}: ofEachUser,
}

// declareFunctions are those that declare in the default sets.
var declareFunctions = map[string][]string{
	schemaPath:      {"Declare", "DeclareVariable"},
	credentialsPath: {"Declare", "DeclarePerUser"},
}

// mode is types of the packages from their source, and of all others from
// what the compiler left in its cache.
const mode = packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedModule |
	packages.NeedTypes | packages.NeedSyntax

// discover finds the variables, by package and place. What of the output's own
// package does not compile without what is to be generated is left out, so
// far as it declares nothing.
func (r *run) discover(ctx context.Context) ([]*variable, error) {
	for {
		pkgs, err := r.load(ctx)
		if err != nil {
			return nil, err
		}
		r.watched = r.watchListOf(pkgs)
		found := r.variables(pkgs)
		var broken, asking []*packages.Package
		for _, p := range pkgs {
			if r.declares(p, found) {
				asking = append(asking, p)
				if len(p.Errors) > 0 {
					broken = append(broken, p)
				}
			}
		}
		if len(broken) == 0 {
			if len(found) == 0 && len(asking) == 0 {
				return nil, r.nothingFound(pkgs)
			}
			r.asking = asking
			r.credentials = slices.ContainsFunc(found, func(v *variable) bool { return v.kind.credential() }) ||
				slices.ContainsFunc(asking, func(p *packages.Package) bool { return p.Imports[credentialsPath] != nil })
			return found, r.importable(asking, found)
		}
		if !r.leaveOut(broken) {
			return nil, r.compileErrors(broken)
		}
	}
}

func (r *run) load(ctx context.Context) ([]*packages.Package, error) {
	flags, err := r.buildFlags(nil)
	if err != nil {
		return nil, err
	}
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx, Mode: mode, Dir: r.dir, Env: r.Env, Fset: r.fset, BuildFlags: flags,
	}, r.Patterns...)
	if err != nil {
		if _, missing := exec.LookPath("go"); missing != nil {
			return nil, problem("there is no go command", "install Go, and see PATH")
		}
		return nil, r.goFailed(err.Error(), "the packages can't be listed")
	}
	slices.SortFunc(pkgs, func(a, b *packages.Package) int { return cmp.Compare(a.PkgPath, b.PkgPath) })
	return pkgs, nil
}

// buildFlags are the flags for the go command: the tags, and an overlay of the
// files that are left out and of more.
func (r *run) buildFlags(more map[string]string) ([]string, error) {
	var flags []string
	if r.Tags != "" {
		flags = append(flags, "-tags="+r.Tags)
	}
	replace := map[string]string{}
	for _, f := range r.leftOut {
		replace[f] = ""
	}
	for file, with := range more {
		replace[file] = with
	}
	if len(replace) == 0 {
		return flags, nil
	}
	dir, err := r.scratch()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(struct{ Replace map[string]string }{replace})
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		return nil, problem("the temporary folder can't be written to", "see whether the disk is full")
	}
	return append(flags, "-overlay="+name), nil
}

// variables lists those of all packages.
func (r *run) variables(pkgs []*packages.Package) (found []*variable) {
	for _, p := range pkgs {
		if p.Types == nil {
			continue
		}
		scope := p.Types.Scope()
		for _, name := range scope.Names() {
			v, ok := scope.Lookup(name).(*types.Var)
			if !ok {
				continue
			}
			if kind, t := declaredType(v.Type()); kind != notDeclaration {
				found = append(found, &variable{pkg: p, name: name, kind: kind, typ: t, pos: r.fset.Position(v.Pos())})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *variable) int {
		return cmp.Or(cmp.Compare(a.pkg.PkgPath, b.pkg.PkgPath), cmp.Compare(a.pos.Filename, b.pos.Filename), cmp.Compare(a.pos.Offset, b.pos.Offset))
	})
	return found
}

// declaredType is what a variable of a type holds, and the T of such as
// *schema.Declaration[T].
func declaredType(t types.Type) (declarationKind, types.Type) {
	pointer, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return notDeclaration, nil
	}
	named, ok := types.Unalias(pointer.Elem()).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.TypeArgs().Len() != 1 {
		return notDeclaration, nil
	}
	kind := declarationTypes[[2]string{named.Obj().Pkg().Path(), named.Obj().Name()}]
	return kind, named.TypeArgs().At(0)
}

// declares reports whether a package has declarations, in variables or
// elsewhere.
func (r *run) declares(p *packages.Package, found []*variable) bool {
	if slices.ContainsFunc(found, func(v *variable) bool { return v.pkg == p }) {
		return true
	}
	return slices.ContainsFunc(p.Syntax, func(f *ast.File) bool { return len(declareCalls(f)) > 0 })
}

// declareCalls lists where a file calls schema.Declare, credentials.Declare or one
// of their siblings that declare in the default sets.
func declareCalls(f *ast.File) (at []token.Pos) {
	calls := map[[2]string]bool{} // by what the file calls the package, and the function
	for _, s := range f.Imports {
		imported, _ := strconv.Unquote(s.Path.Value)
		local := path.Base(imported)
		if s.Name != nil {
			local = s.Name.Name
		}
		for _, function := range declareFunctions[imported] {
			calls[[2]string{local, function}] = true
		}
	}
	if len(calls) == 0 {
		return nil
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && calls[[2]string{x.Name, n.Sel.Name}] {
				at = append(at, n.Sel.Pos())
			}
		case *ast.Ident:
			if calls[[2]string{".", n.Name}] {
				at = append(at, n.Pos())
			}
		}
		return true
	})
	return at
}

// leaveOut makes the next attempt one without files that don't compile, in the
// package of the output: first without the old result, then without those that
// declare nothing. It reports whether there is something to try.
func (r *run) leaveOut(broken []*packages.Package) bool {
	i := slices.IndexFunc(broken, func(p *packages.Package) bool { return p.PkgPath == r.out.path })
	if i < 0 {
		return false
	}
	old := filepath.Join(r.out.dir, GoFile)
	if _, err := os.Lstat(old); err == nil && !slices.Contains(r.leftOut, old) {
		r.leftOut = append(r.leftOut, old)
		return true
	}
	before := len(r.leftOut)
	for _, f := range broken[i].Syntax {
		name := r.fset.Position(f.FileStart).Filename
		wrong := slices.ContainsFunc(broken[i].TypeErrors, func(e types.Error) bool {
			return e.Fset.Position(e.Pos).Filename == name
		})
		if wrong && !r.declaresIn(broken[i], f) && !slices.Contains(r.leftOut, name) {
			r.leftOut = append(r.leftOut, name)
		}
	}
	return len(r.leftOut) > before
}

// declaresIn reports whether a file of a package has declarations, or may have:
// what is left out must not.
func (r *run) declaresIn(p *packages.Package, f *ast.File) bool {
	if len(declareCalls(f)) > 0 {
		return true
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for _, id := range spec.Names {
				v, ok := p.Types.Scope().Lookup(id.Name).(*types.Var)
				if !ok {
					continue
				}
				// What has no valid type may be a declaration that a helper makes, unless
				// it speaks of what is to be generated.
				if kind, _ := declaredType(v.Type()); kind != notDeclaration || v.Type() == types.Typ[types.Invalid] && !mentionsGenerated(spec) {
					return true
				}
			}
		}
	}
	return false
}

func mentionsGenerated(n ast.Node) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && slices.Contains(ownNames, id.Name) {
			found = true
		}
		return !found
	})
	return found
}

// nothingFound says that nothing is declared, or why that can't be told.
func (r *run) nothingFound(pkgs []*packages.Package) error {
	var wrong []Problem
	for _, p := range pkgs {
		wrong = append(wrong, r.errorsOf(p)...)
	}
	if len(wrong) > 0 {
		return problems(first(wrong))
	}
	return problem("nothing is declared in "+strings.Join(r.Patterns, " "),
		"declare a secret as a package's variable, as in: var Stripe = schema.Declare[StripeCredentials](schema.Spec{Name: \"stripe\", ID: \"STRIPE_CREDENTIALS\"})")
}
