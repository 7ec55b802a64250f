package lint

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// declaring returns which argument of a call is the Spec, if the call is one
// of Declare and its siblings.
func declaring(fn *types.Func) (spec int, ok bool) {
	switch {
	case isFunc(fn, schemaPath, "Declare", "DeclareVariable"):
		return 0, true
	case isFunc(fn, schemaPath, "DeclareIn", "DeclareVariableIn"):
		return 1, true
	case isFunc(fn, schemaPath, "DeclareAt"):
		return 3, true
	}
	return 0, false
}

// declaringCredential returns which argument of a call is the Spec, if the call
// declares a credential.
func declaringCredential(fn *types.Func) (spec int, ok bool) {
	switch {
	case isFunc(fn, credentialsPath, "Declare", "DeclarePerUser"):
		return 0, true
	case isFunc(fn, credentialsPath, "DeclareIn", "DeclarePerUserIn"):
		return 1, true
	}
	return 0, false
}

// declarations collects those of the package. What Lukko's own packages
// declare for their own use is nobody's secret.
func (e *engine) declarations() {
	if slices.Contains([]string{schemaPath, metadataPath, configPath, oauth2Path, credentialsPath}, e.path) {
		return
	}
	for _, f := range e.pass.Files {
		if isTest(e.pass.Fset, f) {
			continue
		}
		variables := map[ast.Expr]*ast.Ident{} // the variable of a package that a value belongs to
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, s := range gen.Specs {
				if s := s.(*ast.ValueSpec); len(s.Names) == len(s.Values) {
					for i, value := range s.Values {
						variables[ast.Unparen(value)] = s.Names[i]
					}
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fn := e.callee(call)
			if isMethod(fn, metadataPath, "File", "Declare") || isFunc(fn, credentialsPath, "DeclareMeta") {
				e.own.Open = true
			}
			if index, ok := declaringCredential(fn); ok && index < len(call.Args) {
				e.credential(call, call.Args[index])
			}
			if index, ok := declaring(fn); ok && index < len(call.Args) {
				e.declaration(call, fn, call.Args[index], variables[call])
			}
			return true
		})
	}
}

func (e *engine) declaration(call *ast.CallExpr, fn *types.Func, spec ast.Expr, variable *ast.Ident) {
	ids := (&classifier{e: e, seen: map[any]bool{}}).specID(spec)
	if ids.other || len(ids.params) > 0 || len(ids.constants) == 0 {
		e.own.Open = true
	}
	for _, c := range ids.constants {
		d := declaration{
			ID: c.id, Module: e.module(), Place: e.place(call.Pos()),
			Variable: fn.Name() == "DeclareVariable" || fn.Name() == "DeclareVariableIn",
			Other:    fn.Name() != "Declare" && fn.Name() != "DeclareVariable",
		}
		if variable != nil {
			if v, ok := e.pass.TypesInfo.Defs[variable].(*types.Var); ok && v.Name() != "_" {
				d.Key, d.Name = key(v), v.Name()
			}
			d.Place = e.place(variable.Pos())
			d.Allowed = e.allowed(Unread, variable.Pos())
		}
		e.own.Decls = append(e.own.Decls, d)
	}
}

// credential notes the ids that a credential is kept in. Whether it is used is
// for no rule to say: a handler uses all of a set.
func (e *engine) credential(call *ast.CallExpr, spec ast.Expr) {
	spec = ast.Unparen(spec)
	for v := e.variable(spec); v != nil; v = e.variable(spec) {
		value := e.vars.once(v)
		if value == nil {
			break
		}
		spec = ast.Unparen(value)
	}
	lit, ok := spec.(*ast.CompositeLit)
	if !ok {
		e.own.Open = true
		return
	}
	for _, name := range []string{"SecretID", "TokenSecretID"} {
		if !sets(lit, name) {
			continue
		}
		ids := (&classifier{e: e, seen: map[any]bool{}}).field(lit, name)
		if ids.other || len(ids.params) > 0 || len(ids.constants) == 0 {
			e.own.Open = true
		}
		for _, c := range ids.constants {
			e.own.Decls = append(e.own.Decls, declaration{ID: c.id, Module: e.module(), Place: e.place(call.Pos()), Other: true})
		}
	}
}

// sets reports whether a literal sets a field by its name, or all by their
// places.
func sets(lit *ast.CompositeLit, name string) bool {
	for _, element := range lit.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if id, ok := pair.Key.(*ast.Ident); ok && id.Name == name {
			return true
		}
	}
	return false
}

// specID says where the ID of a Spec comes from.
func (c *classifier) specID(x ast.Expr) origin {
	x = ast.Unparen(x)
	if v := c.e.variable(x); v != nil {
		if value := c.e.vars.once(v); value != nil {
			return c.specID(value)
		}
		return elsewhere
	}
	return c.field(x, "ID")
}

// usesOfDeclarations collects which declarations the package reads, itself or
// by generated methods.
func (e *engine) usesOfDeclarations() {
	getters := e.generatedGetters()
	for _, f := range e.pass.Files {
		if isTest(e.pass.Fset, f) || e.generated[f] {
			continue
		}
		whole := map[*ast.Ident]bool{} // what only names a declaration among those to load
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				e.markWhole(n, whole)
			case *ast.Ident:
				e.use(n, whole, getters)
			}
			return true
		})
	}
	for fn, keys := range getters {
		e.ownFact(fn).Reads = keys
		for _, k := range keys {
			e.own.Getters = append(e.own.Getters, getter{k, fn.Name()})
		}
	}
	slices.SortFunc(e.own.Getters, func(a, b getter) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name))
	})
}

// markWhole notes what a call of Load or Status, or of a set, says of all
// its arguments alike: to be loaded is not to be read.
func (e *engine) markWhole(call *ast.CallExpr, whole map[*ast.Ident]bool) {
	fn := e.callee(call)
	switch {
	case isFunc(fn, schemaPath, "Load", "Status", "Missing"), isMethod(fn, schemaPath, "Loader", "Load", "Status", "Missing"):
		for _, arg := range call.Args {
			if id := lastIdent(arg); id != nil {
				whole[id] = true
			}
		}
	case isMethod(fn, schemaPath, "Set", "Check", "Status"):
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			if id := lastIdent(sel.X); id != nil {
				whole[id] = true
			}
		}
	case isMethod(fn, schemaPath, "Set", "All", "ByID", "ByName"):
		sel, _ := call.Fun.(*ast.SelectorExpr)
		if sel == nil || lastIdent(sel.X) == nil || lastIdent(sel.X).Name != "Default" {
			e.own.WholeOther = true
		}
	}
	if index, ok := declaring(fn); ok && index > 0 {
		if id := lastIdent(call.Args[0]); id != nil {
			whole[id] = true
		}
	}
}

// use notes what an identifier reads.
func (e *engine) use(id *ast.Ident, whole map[*ast.Ident]bool, getters map[*types.Func][]string) {
	switch obj := e.pass.TypesInfo.Uses[id].(type) {
	case *types.Var:
		if whole[id] {
			return
		}
		if isType(obj.Type(), schemaPath, "Declaration") {
			if k := key(obj); k != "" {
				e.own.Read = union(e.own.Read, []string{k})
			}
		}
		if obj.Name() == "Default" && obj.Pkg() != nil && obj.Pkg().Path() == schemaPath && e.path != schemaPath {
			e.own.WholeDefault = true
		}
	case *types.Func:
		fn := obj.Origin()
		keys := getters[fn]
		if fn.Pkg() != e.pass.Pkg {
			if f := e.funcFact(fn); f != nil {
				keys = f.Reads
			}
		}
		e.own.Read = union(e.own.Read, keys)
	}
}

// generatedGetters finds the functions of generated files that read a
// declaration by its variable, or by a field that is made of it.
func (e *engine) generatedGetters() map[*types.Func][]string {
	fields := map[types.Object][]string{}
	for _, f := range e.pass.Files {
		if !e.generated[f] || isTest(e.pass.Fset, f) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				for field, value := range e.literal(n) {
					fields[field] = union(fields[field], e.named(value, nil))
				}
			case *ast.AssignStmt:
				for i, lhs := range n.Lhs {
					if sel, ok := lhs.(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) {
						if s := e.pass.TypesInfo.Selections[sel]; s != nil {
							fields[s.Obj()] = union(fields[s.Obj()], e.named(n.Rhs[i], nil))
						}
					}
				}
			}
			return true
		})
	}
	getters := map[*types.Func][]string{}
	for _, f := range e.pass.Files {
		if !e.generated[f] || isTest(e.pass.Fset, f) {
			continue
		}
		for _, d := range f.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil || !ast.IsExported(decl.Name.Name) || isWhole(decl.Name.Name) {
				continue
			}
			if fn, ok := e.pass.TypesInfo.Defs[decl.Name].(*types.Func); ok {
				if keys := e.named(decl.Body, fields); len(keys) > 0 {
					slices.Sort(keys)
					getters[fn] = keys
				}
			}
		}
	}
	return getters
}

// literal returns the values that a literal gives to the fields of a struct.
func (e *engine) literal(lit *ast.CompositeLit) map[*types.Var]ast.Expr {
	values := map[*types.Var]ast.Expr{}
	t, ok := e.pass.TypesInfo.TypeOf(lit).Underlying().(*types.Struct)
	if !ok {
		return values
	}
	for i, x := range lit.Elts {
		if pair, ok := x.(*ast.KeyValueExpr); !ok {
			values[t.Field(i)] = x
		} else if id, ok := pair.Key.(*ast.Ident); ok {
			if v, ok := e.pass.TypesInfo.Uses[id].(*types.Var); ok {
				values[v] = pair.Value
			}
		}
	}
	return values
}

// isWhole reports whether a generated function is about all declarations, and
// reads none for its caller.
func isWhole(name string) bool {
	switch name {
	case "Load", "LoadWith", "Status", "Missing", "SecretTypes", "VariableTypes", "NewTypedSecretService", "NewTypedVariables":
		return true
	}
	return false
}

// named returns the keys of the declarations that a piece of code names.
func (e *engine) named(n ast.Node, fields map[types.Object][]string) []string {
	var keys []string
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		v, ok := e.pass.TypesInfo.Uses[id].(*types.Var)
		if !ok {
			return true
		}
		if k := key(v); k != "" && isType(v.Type(), schemaPath, "Declaration") {
			keys = union(keys, []string{k})
		}
		keys = union(keys, fields[v])
		return true
	})
	return keys
}

// lastIdent is the identifier that names what an expression is, of x and p.x.
func lastIdent(x ast.Expr) *ast.Ident {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	}
	return nil
}
