package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// flowConfig says what beside Reveal counts as revealing. It is empty but for
// trials on programs that don't use Lukko.
type flowConfig struct {
	// names matches names of environment variables and of fields whose text
	// is taken for revealed.
	names *regexp.Regexp
}

// What is known of a revealed value on its way.
const (
	bare  uint8 = 1 << iota // it is the value, or begins with it
	inner                   // it stands inside of something longer
	user                    // it is the password in a url.Userinfo
)

// taint says what an SSA value holds: something revealed, or something that
// the function took as a parameter.
type taint struct {
	src  token.Pos // where it was revealed
	bits uint8

	owner  *ssa.Function // whose parameters
	params uint64
	pbits  uint8
}

func (t taint) empty() bool { return !t.src.IsValid() && t.params == 0 }

func (t taint) join(o taint) taint {
	if !t.src.IsValid() {
		t.src = o.src
	}
	t.bits |= o.bits
	if t.owner == nil || t.params == 0 {
		t.owner, t.params, t.pbits = o.owner, o.params, o.pbits
	} else if t.owner == o.owner {
		t.params |= o.params
		t.pbits |= o.pbits
	}
	return t
}

// within is t inside of something longer.
func (t taint) within() taint {
	if t.bits&bare != 0 {
		t.bits = t.bits&^bare | inner
	}
	if t.pbits&bare != 0 {
		t.pbits = t.pbits&^bare | inner
	}
	return t
}

// as is t after what via says became of it.
func (t taint) as(via uint8) taint {
	if via&bare == 0 {
		t = t.within()
	}
	if via&inner != 0 {
		w := t.within()
		t.bits |= w.bits
		t.pbits |= w.pbits
	}
	if via&^user == 0 {
		t.bits, t.pbits = user, user
	}
	return t
}

// cell is a piece of memory: a variable, or a field of it.
type cell struct {
	root ssa.Value
	path string
}

type result struct {
	call  ssa.Value
	index int
}

// flow follows revealed values through the functions of one package, until
// nothing changes any more. It knows the order of assignments to local variables, and
// not that of stores to memory; elements of lists and maps are as one.
type flow struct {
	e       *engine
	pkg     *ssa.Package
	funcs   []*ssa.Function
	values  map[ssa.Value]taint
	cells   map[cell]taint
	under   map[ssa.Value][]cell // the cells of a root
	results map[result]taint
	facts   map[*ssa.Function]*flowFact
	stores  map[*types.Var][]ssa.Value // all that is stored in a field of a type of this package
	calls   map[token.Pos]*ast.CallExpr
	closed  map[*ssa.FreeVar]ssa.Value

	changed   bool
	reporting bool
}

// flows reports revealed values on their way out.
func (e *engine) flows() {
	f := &flow{
		e:       e,
		values:  map[ssa.Value]taint{},
		cells:   map[cell]taint{},
		under:   map[ssa.Value][]cell{},
		results: map[result]taint{},
		facts:   map[*ssa.Function]*flowFact{},
		stores:  map[*types.Var][]ssa.Value{},
		calls:   map[token.Pos]*ast.CallExpr{},
		closed:  map[*ssa.FreeVar]ssa.Value{},
	}
	f.build()
	for f.changed = true; f.changed; {
		f.changed = false
		f.pass()
	}
	f.reporting = true
	f.pass()
	for fn, fact := range f.facts {
		if obj, ok := fn.Object().(*types.Func); ok && !fact.empty() {
			fact.sort()
			e.ownFact(obj).Flow = *fact
		}
	}
}

// build makes the SSA form of the package, without bodies of any other.
func (f *flow) build() {
	pass := f.e.pass
	prog := ssa.NewProgram(pass.Fset, 0)
	for _, imported := range pass.Pkg.Imports() {
		prog.CreatePackage(imported, nil, nil, true)
	}
	f.pkg = prog.CreatePackage(pass.Pkg, pass.Files, pass.TypesInfo, false)
	f.pkg.Build()
	var add func(fn *ssa.Function)
	add = func(fn *ssa.Function) {
		if fn == nil {
			return
		}
		f.funcs = append(f.funcs, fn)
		for _, lit := range fn.AnonFuncs {
			add(lit)
		}
	}
	add(f.pkg.Func("init"))
	for _, file := range pass.Files {
		for _, d := range file.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				if fn, ok := pass.TypesInfo.Defs[d.Name].(*types.Func); ok {
					add(prog.FuncValue(fn))
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				f.calls[call.Lparen] = call
			}
			return true
		})
	}
	for _, fn := range f.funcs {
		f.facts[fn] = &flowFact{}
		for i, p := range fn.Params {
			if i < 64 && isText(p.Type()) {
				f.values[p] = taint{owner: fn, params: 1 << i, pbits: bare}
			}
		}
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				switch instr := instr.(type) {
				case *ssa.MakeClosure:
					for i, v := range instr.Fn.(*ssa.Function).FreeVars {
						f.closed[v] = instr.Bindings[i]
					}
				case *ssa.Store:
					if field := fieldOf(instr.Addr); field != nil && field.Pkg() == pass.Pkg {
						f.stores[field] = append(f.stores[field], instr.Val)
					}
				}
			}
		}
	}
}

// isText reports whether a parameter of type t is followed: texts, lists of
// them, errors, and what may be any of these.
func isText(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&types.IsString != 0
	case *types.Slice:
		return isByte(u.Elem()) || isText(u.Elem())
	case *types.Interface:
		return u.Empty() || types.Identical(t, types.Universe.Lookup("error").Type())
	}
	return false
}

// fieldOf returns the field whose address v is; nil if it is none.
func fieldOf(v ssa.Value) *types.Var {
	a, ok := v.(*ssa.FieldAddr)
	if !ok {
		return nil
	}
	p, ok := a.X.Type().Underlying().(*types.Pointer)
	if !ok {
		return nil
	}
	s, ok := p.Elem().Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	return s.Field(a.Field).Origin()
}

func (f *flow) pass() {
	for _, fn := range f.funcs {
		for _, b := range fn.Blocks {
			for _, instr := range b.Instrs {
				f.step(fn, instr)
			}
		}
	}
}

func (f *flow) set(v ssa.Value, t taint) {
	if t.empty() {
		return
	}
	if joined := f.values[v].join(t); joined != f.values[v] {
		f.values[v], f.changed = joined, true
	}
}

func (f *flow) setResult(r result, t taint) {
	if t.empty() {
		return
	}
	if joined := f.results[r].join(t); joined != f.results[r] {
		f.results[r], f.changed = joined, true
	}
}

func (f *flow) setCell(c cell, t taint) {
	if t.empty() {
		return
	}
	old, known := f.cells[c]
	if joined := old.join(t); joined != old {
		f.cells[c], f.changed = joined, true
	}
	if !known {
		f.under[c.root] = append(f.under[c.root], c)
	}
}

// resolve names the memory that an address, or a pointer, leads to.
func (f *flow) resolve(v ssa.Value) cell {
	return f.resolveWithin(v, 0)
}

func (f *flow) resolveWithin(v ssa.Value, depth int) cell {
	if depth > 50 {
		return cell{root: v}
	}
	switch v := v.(type) {
	case *ssa.FieldAddr:
		c := f.resolveWithin(v.X, depth+1)
		if len(c.path) < 200 {
			c.path += "." + itoa(v.Field)
		}
		return c
	case *ssa.IndexAddr:
		return f.resolveWithin(v.X, depth+1)
	case *ssa.FreeVar:
		if bound := f.closed[v]; bound != nil {
			return f.resolveWithin(bound, depth+1)
		}
	case *ssa.MakeInterface:
		return f.resolveWithin(v.X, depth+1)
	case *ssa.ChangeType:
		return f.resolveWithin(v.X, depth+1)
	case *ssa.Slice:
		return f.resolveWithin(v.X, depth+1)
	case *ssa.UnOp:
		if v.Op != token.MUL || !isReference(v.Type()) {
			break
		}
		if a, ok := v.X.(*ssa.Alloc); ok {
			if only := onlyStored(a); only != nil {
				return f.resolveWithin(only, depth+1)
			}
		}
		c := f.resolveWithin(v.X, depth+1)
		if len(c.path) < 200 {
			c.path += "*"
		}
		return c
	}
	return cell{root: v}
}

func isReference(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Slice:
		return true
	}
	return false
}

// onlyStored returns the only value that is stored in a variable; nil if there
// are more.
func onlyStored(a *ssa.Alloc) (only ssa.Value) {
	for _, r := range *a.Referrers() {
		if s, ok := r.(*ssa.Store); ok && s.Addr == a {
			if only != nil {
				return nil
			}
			only = s.Val
		}
	}
	return only
}

// content is what v holds: itself, or the memory that it points to.
func (f *flow) content(v ssa.Value) taint {
	t := f.values[v]
	switch v.(type) {
	case *ssa.Const, *ssa.Function, *ssa.Builtin:
		return t
	}
	if !isReference(v.Type()) {
		if i, ok := v.(*ssa.MakeInterface); !ok || !isReference(i.X.Type()) || printsItself(i.X.Type()) {
			return t
		}
	}
	return t.join(f.stored(f.resolve(v)))
}

// stored is what is stored in a cell or in any part of it.
func (f *flow) stored(at cell) (t taint) {
	for _, c := range f.under[at.root] {
		if strings.HasPrefix(c.path, at.path) {
			t = t.join(f.cells[c])
		}
	}
	return t
}

// put adds t to what a reference leads to.
func (f *flow) put(v ssa.Value, t taint) {
	f.set(v, t)
	f.setCell(f.resolve(v), t)
}

func (f *flow) step(fn *ssa.Function, instr ssa.Instruction) {
	switch i := instr.(type) {
	case *ssa.BinOp:
		if i.Op == token.ADD && isString(i.Type()) {
			f.set(i, f.values[i.X].join(f.values[i.Y].within()))
		}
	case *ssa.Phi:
		for _, x := range i.Edges {
			f.set(i, f.content(x))
		}
	case *ssa.ChangeType:
		f.set(i, f.values[i.X])
	case *ssa.ChangeInterface:
		f.set(i, f.values[i.X])
	case *ssa.Convert:
		if carries(i.Type()) {
			f.set(i, f.values[i.X])
		}
	case *ssa.MultiConvert:
		f.set(i, f.values[i.X])
	case *ssa.MakeInterface:
		if carries(i.X.Type()) && !printsItself(i.X.Type()) {
			f.set(i, f.content(i.X))
			f.set(i, f.held(i.X.Type()))
		}
	case *ssa.Slice:
		f.set(i, f.content(i.X))
	case *ssa.TypeAssert:
		f.set(i, f.values[i.X])
	case *ssa.Lookup:
		if m, ok := i.X.Type().Underlying().(*types.Map); ok && carries(m.Elem()) {
			f.set(i, f.content(i.X))
		}
	case *ssa.Index:
		if carries(i.Type()) {
			f.set(i, f.values[i.X])
		}
	case *ssa.Range:
		f.set(i, f.content(i.X))
	case *ssa.Next:
		f.set(i, f.values[i.Iter])
	case *ssa.Extract:
		if !carries(i.Type()) {
			return
		}
		f.set(i, f.results[result{i.Tuple, i.Index}])
		switch i.Tuple.(type) {
		case *ssa.TypeAssert, *ssa.Lookup, *ssa.Next:
			f.set(i, f.values[i.Tuple])
		}
	case *ssa.Field:
		f.field(i)
	case *ssa.UnOp:
		if i.Op == token.MUL && carries(i.Type()) {
			f.load(i)
		}
	case *ssa.Store:
		f.store(fn, i)
	case *ssa.MapUpdate:
		f.put(i.Map, f.content(i.Value).within())
	case *ssa.Return:
		f.returned(fn, i)
	case *ssa.Panic:
		f.reach(f.content(i.X), sink{where: aPanic}, i.Pos(), nil)
	case ssa.CallInstruction:
		f.call(i)
	}
}

// load reads a variable, a field or an element.
func (f *flow) load(i *ssa.UnOp) {
	at := f.resolve(i.X)
	if _, isStruct := i.Type().Underlying().(*types.Struct); isStruct || isReference(i.Type()) {
		f.set(i, f.stored(at))
	} else {
		f.set(i, f.cells[at])
	}
	if a, ok := i.X.(*ssa.IndexAddr); ok {
		f.set(i, f.values[a.X])
	}
	if field := fieldOf(i.X); field != nil {
		f.set(i, f.inField(field, i.X.(*ssa.FieldAddr).X.Type(), i.X.Pos()))
	}
}

// field reads a field of a struct that is no variable.
func (f *flow) field(i *ssa.Field) {
	if !carries(i.Type()) {
		return
	}
	s, ok := i.X.Type().Underlying().(*types.Struct)
	if !ok {
		return
	}
	if load, ok := i.X.(*ssa.UnOp); ok {
		at := f.resolve(load.X)
		at.path += "." + itoa(i.Field)
		f.set(i, f.cells[at])
	}
	f.set(i, f.inField(s.Field(i.Field).Origin(), i.X.Type(), i.Pos()))
}

// inField is what a field holds in every value of its type: a field of a
// type of this package in which revealed values are stored and nothing else, or
// parameters, as a constructor does, and a plain string of a declared secret.
func (f *flow) inField(field *types.Var, of types.Type, pos token.Pos) taint {
	if f.e.isSecretField(of, field) {
		return taint{src: field.Pos(), bits: bare}
	}
	if c := f.e.config.names; c != nil && isString(field.Type()) && c.MatchString(field.Name()) {
		return taint{src: pos, bits: bare}
	}
	var t taint
	for _, v := range f.stores[field] {
		if c, ok := v.(*ssa.Const); ok && (c.Value == nil || c.Value.ExactString() == `""`) {
			continue // to empty it
		}
		if _, again := v.(*ssa.UnOp); again && fieldOf(v.(*ssa.UnOp).X) == field {
			continue // a copy of itself
		}
		stored := f.values[v]
		if stored.empty() {
			return taint{}
		}
		t = t.join(stored)
	}
	return t
}

// held is what a struct, or what points to one, shows of its fields when it is printed.
func (f *flow) held(t types.Type) (held taint) {
	n := named(t)
	if n == nil || n.Obj().Pkg() != f.e.pass.Pkg {
		return taint{}
	}
	s, ok := n.Underlying().(*types.Struct)
	if !ok {
		return taint{}
	}
	for i := range s.NumFields() {
		if isString(s.Field(i).Type()) {
			held = held.join(f.inField(s.Field(i).Origin(), t, token.NoPos))
		}
	}
	return held.within()
}

// printsItself reports whether a struct, or what points to one, says itself what
// is printed of it, so that its fields are not.
func printsItself(t types.Type) bool {
	n := named(t)
	if n == nil || n.Obj().Pkg() != nil && contains([]string{"net/url", "bytes", "strings"}, n.Obj().Pkg().Path()) {
		return false // these print all they have
	}
	if _, ok := n.Underlying().(*types.Struct); !ok {
		return false
	}
	return hasMethods(t, "String") || hasMethods(t, "Error") || hasMethods(t, "Format") || hasMethods(t, "LogValue")
}

func (f *flow) store(fn *ssa.Function, i *ssa.Store) {
	t := f.content(i.Val)
	if t.empty() {
		return
	}
	f.setCell(f.resolve(i.Addr), t)
	field := fieldOf(i.Addr)
	if field == nil || field.Pkg() == nil || field.Pkg().Path() != "net/url" || !slices.Contains(urlFields, field.Name()) {
		return
	}
	if p := i.Addr.(*ssa.FieldAddr).X.Type(); isType(p, "net/url", "URL") {
		s := sink{where: aURL, inner: field.Name() == "Host" || field.Name() == "Scheme"}
		f.reach(t, s, i.Pos(), nil)
	}
}

// returned notes what a function returns.
func (f *flow) returned(fn *ssa.Function, i *ssa.Return) {
	fact := f.facts[fn]
	for index, v := range i.Results {
		if !carries(v.Type()) {
			continue
		}
		t := f.content(v)
		if t.empty() {
			continue
		}
		at := slices.IndexFunc(fact.Results, func(r resultFlow) bool { return r.Result == index })
		if at < 0 {
			at = len(fact.Results)
			fact.Results = append(fact.Results, resultFlow{Result: index})
		}
		r := &fact.Results[at]
		if t.src.IsValid() && (!r.Revealed || r.Bits|t.bits != r.Bits) {
			r.Revealed, r.Bits, f.changed = true, r.Bits|t.bits, true
		}
		if t.owner != fn {
			continue
		}
		if r.Via|t.pbits != r.Via {
			r.Via, f.changed = r.Via|t.pbits, true
		}
		for p := range fn.Params {
			if t.params&(1<<p) != 0 && !slices.Contains(r.Params, p) {
				r.Params, f.changed = append(r.Params, p), true
			}
		}
	}
}
