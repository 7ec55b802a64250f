package lint

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"golang.org/x/tools/go/ast/astutil"
)

// idArg is an argument that is an id, or a list of ids.
type idArg struct {
	x    ast.Expr
	list bool
}

// origin says where an id comes from.
type origin struct {
	constants []constantID
	params    []*types.Var
	// other says that it comes from somewhere that can't be told.
	other bool
}

type constantID struct {
	id string
	at ast.Expr
}

func (o *origin) join(other origin) {
	o.constants = append(o.constants, other.constants...)
	o.params = append(o.params, other.params...)
	o.other = o.other || other.other
}

// ids judges every id that is given to a service.
func (e *engine) ids() {
	var calls []*ast.CallExpr
	for _, f := range e.pass.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				calls = append(calls, call)
			}
			return true
		})
	}
	// A parameter that is handed on as an id makes ids of what callers give.
	handing := map[types.Object][]int{}
	for more := true; more; {
		more = false
		for _, call := range calls {
			for _, arg := range e.idArgs(call, handing) {
				for _, v := range e.originOf(arg).params {
					p := e.vars.params[v]
					if p.of != nil && !slices.Contains(handing[p.of], p.index) {
						handing[p.of] = append(handing[p.of], p.index)
						more = true
					}
				}
			}
		}
	}
	for of, indexes := range handing {
		if fn, ok := of.(*types.Func); ok {
			slices.Sort(indexes)
			e.ownFact(fn).IDs = indexes
		}
	}
	known := e.knownIDs()
	seen := map[ast.Expr]bool{}
	for _, call := range calls {
		for _, arg := range e.idArgs(call, handing) {
			o := e.originOf(arg)
			for _, c := range o.constants {
				if !seen[c.at] {
					seen[c.at] = true
					e.judgeConstant(c, known)
				}
			}
			if o.other && !e.inDecorator(call) {
				e.judgeDynamic(arg.x, known)
			}
		}
	}
}

// idArgs returns the arguments of a call that are ids.
func (e *engine) idArgs(call *ast.CallExpr, handing map[types.Object][]int) []idArg {
	fn := e.callee(call)
	if index, list := serviceID(fn); index >= 0 {
		if index >= len(call.Args) {
			return nil
		}
		return []idArg{{call.Args[index], list}}
	}
	var indexes []int
	var sig *types.Signature
	if fn != nil {
		sig = fn.Signature()
		if indexes = handing[fn]; len(indexes) == 0 {
			if f := e.funcFact(fn); f != nil && fn.Pkg() != e.pass.Pkg {
				indexes = f.IDs
			}
		}
	} else if v := e.variable(call.Fun); v != nil {
		indexes = handing[v]
		sig, _ = v.Type().Underlying().(*types.Signature)
	}
	if sig == nil {
		return nil
	}
	var args []idArg
	for _, i := range indexes {
		switch {
		case i >= sig.Params().Len() || i >= len(call.Args):
		case sig.Variadic() && i == sig.Params().Len()-1 && !call.Ellipsis.IsValid():
			for _, x := range call.Args[i:] {
				args = append(args, idArg{x, false})
			}
		default:
			args = append(args, idArg{call.Args[i], isStringSlice(sig.Params().At(i).Type())})
		}
	}
	return args
}

// serviceID returns which argument of a function or method of a service is
// an id, or a list of ids; -1 if none is. Methods are told by their signature,
// so that a part of the interface is one too.
func serviceID(fn *types.Func) (index int, list bool) {
	if fn == nil || fn.Pkg() == nil {
		return -1, false
	}
	switch {
	case isFunc(fn, corePath, "Has"):
		return 2, false
	case isFunc(fn, corePath, "GetEach"):
		return 1, true
	case fn.Signature().Recv() == nil:
		return -1, false
	}
	params, results := fn.Signature().Params(), fn.Signature().Results()
	takes := func(option string) bool { // (ctx, id, …, opts ...core.Option)
		if !fn.Signature().Variadic() || params.Len() < 3 {
			return false
		}
		last, _ := params.At(params.Len() - 1).Type().(*types.Slice)
		return last != nil && isType(last.Elem(), corePath, option)
	}
	one := func(ok bool) (int, bool) {
		if ok && params.Len() >= 2 && isString(params.At(1).Type()) {
			return 1, false
		}
		return -1, false
	}
	switch fn.Name() {
	case "Get", "Stat":
		return one(takes("GetOption"))
	case "Set":
		return one(takes("SetOption"))
	case "Delete":
		return one(takes("DeleteOption"))
	case "Versions":
		return one(results.Len() == 1 && strings.HasSuffix(results.At(0).Type().String(), "["+corePath+".Info, error]"))
	case "GetMany":
		if takes("GetOption") && isStringSlice(params.At(1).Type()) {
			return 1, true
		}
	}
	return -1, false
}

func (e *engine) originOf(arg idArg) origin {
	c := &classifier{e: e, seen: map[any]bool{}}
	if arg.list {
		return c.elements(arg.x, "", false)
	}
	return c.id(arg.x)
}

// classifier finds where ids come from. What it has begun with already adds
// nothing.
type classifier struct {
	e    *engine
	seen map[any]bool
}

var elsewhere = origin{other: true}

// id says where an id comes from.
func (c *classifier) id(x ast.Expr) origin {
	x = ast.Unparen(x)
	if text, ok := c.e.constant(x); ok {
		return origin{constants: []constantID{{text, x}}}
	}
	if c.seen[x] {
		return origin{}
	}
	c.seen[x] = true
	switch x := x.(type) {
	case *ast.Ident:
		return c.variable(c.e.variable(x))
	case *ast.SelectorExpr:
		return c.selector(x)
	case *ast.IndexExpr:
		return c.elements(x.X, "", false)
	case *ast.CallExpr:
		if tv := c.e.pass.TypesInfo.Types[x.Fun]; tv.IsType() && len(x.Args) == 1 {
			return c.id(x.Args[0])
		}
		return c.results(x, func(result ast.Expr) origin { return c.id(result) })
	}
	return elsewhere
}

func (c *classifier) variable(v *types.Var) origin {
	if v == nil {
		return elsewhere
	}
	if c.seen[v] {
		return origin{}
	}
	c.seen[v] = true
	var o origin
	if _, isParam := c.e.vars.params[v]; isParam {
		o.params = append(o.params, v)
	} else if len(c.e.vars.of[v]) == 0 {
		return elsewhere
	}
	for _, a := range c.e.vars.of[v] {
		switch a.how {
		case asValue:
			o.join(c.id(a.x))
		case asRangeKey:
			o.join(c.elements(a.x, "", isMap(c.e.pass.TypesInfo.TypeOf(a.x))))
		case asRangeValue:
			o.join(c.elements(a.x, "", false))
		default:
			o.other = true
		}
	}
	return o
}

// selector says where the id in a field comes from. Lukko's own ID fields are
// those of a declaration, or of something that is stored.
func (c *classifier) selector(x *ast.SelectorExpr) origin {
	sel := c.e.pass.TypesInfo.Selections[x]
	if sel == nil {
		return c.variable(c.e.variable(x))
	}
	field, ok := sel.Obj().(*types.Var)
	if !ok {
		return elsewhere
	}
	if field.Name() == "ID" && field.Pkg() != nil && contains([]string{corePath, schemaPath, metadataPath}, field.Pkg().Path()) {
		return origin{}
	}
	switch base := ast.Unparen(x.X).(type) {
	case *ast.IndexExpr:
		return c.elements(base.X, field.Name(), false)
	case *ast.Ident:
		v := c.e.variable(base)
		all := c.e.vars.of[v]
		if v == nil || len(all) == 0 {
			return elsewhere
		}
		var o origin
		for _, a := range all {
			switch a.how {
			case asValue:
				o.join(c.field(a.x, field.Name()))
			case asRangeValue, asRangeKey:
				o.join(c.elements(a.x, field.Name(), false))
			default:
				o.other = true
			}
		}
		return o
	}
	return elsewhere
}

// field says where the id in a field of a struct's literal comes from.
func (c *classifier) field(x ast.Expr, name string) origin {
	x = ast.Unparen(x)
	if u, ok := x.(*ast.UnaryExpr); ok {
		x = u.X
	}
	lit, ok := x.(*ast.CompositeLit)
	if !ok {
		return elsewhere
	}
	t, ok := c.e.pass.TypesInfo.TypeOf(lit).Underlying().(*types.Struct)
	if !ok {
		return elsewhere
	}
	for i, element := range lit.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if id, ok := pair.Key.(*ast.Ident); ok && id.Name == name {
				return c.id(pair.Value)
			}
		} else if i < t.NumFields() && t.Field(i).Name() == name {
			return c.id(element)
		}
	}
	return elsewhere
}

// elements says where the ids in a list or map come from: in its elements, in
// a field of each, or in the keys.
func (c *classifier) elements(x ast.Expr, field string, keys bool) origin {
	x = ast.Unparen(x)
	if c.seen[x] {
		return origin{}
	}
	c.seen[x] = true
	if t := c.e.pass.TypesInfo.TypeOf(x); keys && t != nil {
		if m, ok := t.Underlying().(*types.Map); ok && isType(m.Elem(), corePath, "Secret") {
			return origin{} // what GetMany returned is by ids that it was asked for
		}
	}
	switch x := x.(type) {
	case *ast.CompositeLit:
		var o origin
		for _, element := range x.Elts {
			value := element
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				if value = pair.Value; keys {
					value = pair.Key
				}
			}
			if field != "" {
				o.join(c.field(value, field))
			} else {
				o.join(c.id(value))
			}
		}
		return o
	case *ast.Ident, *ast.SelectorExpr:
		v := c.e.variable(x)
		if v == nil {
			return elsewhere
		}
		return c.elementsOf(v, field, keys)
	case *ast.SliceExpr:
		return c.elements(x.X, field, keys)
	case *ast.CallExpr:
		return c.elementsOfCall(x, field, keys)
	}
	return elsewhere
}

func (c *classifier) elementsOf(v *types.Var, field string, keys bool) origin {
	var o origin
	p, isParam := c.e.vars.params[v]
	if isParam {
		if field != "" || keys || !p.isSlice {
			return elsewhere
		}
		o.params = append(o.params, v)
	} else if v.Pkg() != c.e.pass.Pkg || v.IsField() {
		return elsewhere
	}
	for _, a := range c.e.vars.of[v] {
		switch {
		case a.how == asValue:
			o.join(c.elements(a.x, field, keys))
		case a.how == asElement && field == "" && !keys:
			o.join(c.id(a.x))
		default:
			o.other = true
		}
	}
	return o
}

func (c *classifier) elementsOfCall(x *ast.CallExpr, field string, keys bool) origin {
	if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok {
		if b, ok := c.e.pass.TypesInfo.Uses[id].(*types.Builtin); ok {
			var o origin
			switch b.Name() {
			case "append":
				o.join(c.elements(x.Args[0], field, keys))
				for i, arg := range x.Args[1:] {
					switch {
					case x.Ellipsis.IsValid() && i == len(x.Args)-2:
						o.join(c.elements(arg, field, keys))
					case field != "":
						o.join(c.field(arg, field))
					default:
						o.join(c.id(arg))
					}
				}
				return o
			case "make":
				return o
			}
		}
	}
	if tv := c.e.pass.TypesInfo.Types[x.Fun]; tv.IsType() && len(x.Args) == 1 {
		return c.elements(x.Args[0], field, keys) // a conversion, also of nil
	}
	fn := c.e.callee(x)
	switch {
	case isFunc(fn, "maps", "Keys") && len(x.Args) == 1:
		return c.elements(x.Args[0], field, true)
	case isFunc(fn, "maps", "Values"), isFunc(fn, "slices", "Values", "Collect", "Sorted", "Clone", "Compact", "Clip", "All"):
		return c.elements(x.Args[0], field, keys)
	}
	return c.results(x, func(result ast.Expr) origin { return c.elements(result, field, keys) })
}

// results says where the ids come from that a function of this package
// returns. A function that returns one of its parameters is left out.
func (c *classifier) results(call *ast.CallExpr, of func(ast.Expr) origin) origin {
	decl := c.e.vars.bodies[c.e.callee(call)]
	if decl == nil || decl.Body == nil || decl.Type.Results.NumFields() != 1 {
		return elsewhere
	}
	var o origin
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) != 1 {
				o.other = true
				return false
			}
			o.join(of(n.Results[0]))
		}
		return true
	})
	if len(o.params) > 0 {
		return elsewhere
	}
	return o
}

func isMap(t types.Type) bool {
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// inDecorator reports whether a node stands in a method of a type that is a
// backend or a service itself: such a type makes ids of the ids that it is
// asked for.
func (e *engine) inDecorator(n ast.Node) bool {
	f := e.fileOf(n.Pos())
	if f == nil {
		return false
	}
	path, _ := astutil.PathEnclosingInterval(f, n.Pos(), n.End())
	for _, outer := range path {
		decl, ok := outer.(*ast.FuncDecl)
		if !ok {
			continue
		}
		fn, _ := e.pass.TypesInfo.Defs[decl.Name].(*types.Func)
		if fn == nil || fn.Signature().Recv() == nil {
			return false
		}
		recv := named(fn.Signature().Recv().Type())
		return recv != nil && isBackend(recv)
	}
	return false
}

// isBackend reports whether a type has the Get of a Backend or of a
// SecretService.
func isBackend(t *types.Named) bool {
	obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, t.Obj().Pkg(), "Get")
	fn, ok := obj.(*types.Func)
	if !ok {
		return false
	}
	if index, _ := serviceID(fn); index >= 0 {
		return true
	}
	params := fn.Signature().Params()
	return params.Len() == 3 && isType(params.At(2).Type(), corePath, "GetOptions")
}

const dynamicText = "this id is no constant, so that no check, policy or manifest knows of it: " +
	"declare it and use the declaration, or name it as a constant"

// judgeDynamic judges an id that is no constant. A library of which nobody
// declares anything reads whatever its users name.
func (e *engine) judgeDynamic(x ast.Expr, known *known) {
	switch {
	case known.declared():
		e.report(Dynamic, x, dynamicText)
	case e.isJudged(x.Pos()) && !e.allowed(Dynamic, x.Pos()):
		e.own.Used = append(e.own.Used, usedID{Place: e.place(x.Pos()), Module: e.module()})
	}
}

// judgeConstant judges a constant id.
func (e *engine) judgeConstant(c constantID, known *known) {
	if !known.declared() && e.pass.Pkg.Name() == "main" {
		return
	}
	if core.CheckID(c.id) != nil {
		if !known.declared() {
			return
		}
		e.report(Undeclared, c.at, "this is no id: an id is 1 to 255 bytes of letters, digits and _-./+=@:, "+
			`with no empty, "." or ".." segment (the text is not repeated here, since it may be a value)`)
		return
	}
	if known.ids[c.id] || known.open {
		return
	}
	switch {
	case known.complete, e.pass.Pkg.Name() == "main":
		e.report(Undeclared, c.at, undeclaredText(c.id, known.ids))
	case e.isJudged(c.at.Pos()) && !e.allowed(Undeclared, c.at.Pos()):
		// A package beside this one may declare it: only a whole program tells.
		e.own.Used = append(e.own.Used, usedID{ID: c.id, Place: e.place(c.at.Pos()), Module: e.module()})
	}
}

func undeclaredText(id string, known map[string]bool) string {
	text := fmt.Sprintf("no declaration has the id %q", id)
	if near := nearest(id, known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	} else {
		text += ": declare it, or correct it"
	}
	return text
}

// judgeUsed judges at package main the ids that packages below use.
func (e *engine) judgeUsed(known *known) {
	n := e.mainClause()
	if e.pass.Pkg.Name() != "main" || !known.declared() || n == nil {
		return
	}
	for _, u := range e.below.Used {
		switch {
		case u.Module != e.module(), known.ids[u.ID]:
		case u.ID == "":
			e.report(Dynamic, n, u.Place+": "+dynamicText)
		case !known.open:
			e.report(Undeclared, n, u.Place+": "+undeclaredText(u.ID, known.ids))
		}
	}
}

// mainClause is the name in the package clause of the file that has main.
func (e *engine) mainClause() *ast.Ident {
	for _, f := range e.pass.Files {
		if f.Scope != nil {
			if f.Scope.Lookup("main") != nil {
				return f.Name
			}
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "main" {
				return f.Name
			}
		}
	}
	return nil
}

// nearest returns the known id that is a typing error away; empty if none is.
func nearest(id string, known map[string]bool) string {
	best, least := "", 1+max(1, len(id)/4)
	for k := range known {
		d := distance(strings.ToLower(id), strings.ToLower(k))
		if strings.HasSuffix(id, "/"+k) {
			d = 1
		}
		if d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete, replace or swap with the
// next that makes b of a (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
