package lint

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
)

// call follows values into a call and out of it.
func (f *flow) call(instr ssa.CallInstruction) {
	common := instr.Common()
	value, _ := instr.(*ssa.Call)
	if b, ok := common.Value.(*ssa.Builtin); ok {
		f.builtin(b, instr, value)
		return
	}
	args := common.Args
	var fn *types.Func
	var static *ssa.Function
	if common.IsInvoke() {
		fn = common.Method
		args = append([]ssa.Value{common.Value}, args...)
	} else if static = common.StaticCallee(); static != nil {
		if origin := static.Origin(); origin != nil {
			static = origin
		}
		fn, _ = static.Object().(*types.Func)
	}
	if fn != nil {
		fn = fn.Origin()
	}
	f.source(fn, args, value)
	f.sinks(fn, args, instr)
	switch {
	case f.facts[static] != nil:
		f.through(*f.facts[static], calledName(static, fn), args, instr, value)
	case fn != nil && !common.IsInvoke():
		if fact := f.e.funcFact(fn); fact != nil {
			f.through(fact.Flow, qualified(fn), args, instr, value)
		}
	}
	if fn == nil {
		return
	}
	f.takes(fn, args)
	if value == nil {
		return
	}
	results := fn.Signature().Results()
	for i := range results.Len() {
		if t := results.At(i).Type(); passes(fn, t) {
			f.give(value, results.Len(), i, f.passed(fn, args))
		}
	}
}

func calledName(static *ssa.Function, fn *types.Func) string {
	if fn != nil {
		return qualified(fn)
	}
	return "the function called here"
}

// give makes t the result of a call.
func (f *flow) give(call *ssa.Call, results, index int, t taint) {
	if results == 1 {
		f.set(call, t)
	} else {
		f.setResult(result{call, index}, t)
	}
}

func (f *flow) builtin(b *ssa.Builtin, instr ssa.CallInstruction, value *ssa.Call) {
	args := instr.Common().Args
	switch b.Name() {
	case "append":
		for _, arg := range args {
			if value != nil {
				f.set(value, f.content(arg))
			}
		}
	case "copy":
		if t := f.content(args[1]); !t.empty() {
			f.put(args[0], t)
		}
	case "print", "println":
		for i, arg := range args {
			f.reach(f.content(arg), sink{where: anOutput}, instr.Pos(), f.argument(instr, i))
		}
	}
}

// source makes the result of a call revealed, if the call reveals it.
func (f *flow) source(fn *types.Func, args []ssa.Value, value *ssa.Call) {
	if value == nil || fn == nil {
		return
	}
	reveals := isMethod(fn, corePath, "Value", "Reveal", "RevealBytes")
	if names := f.e.config.names; names != nil && isFunc(fn, "os", "Getenv", "LookupEnv") && len(args) > 0 {
		if c, ok := args[0].(*ssa.Const); ok && c.Value != nil && c.Value.Kind() == constant.String {
			reveals = reveals || names.MatchString(constant.StringVal(c.Value))
		}
	}
	if isMethod(fn, schemaPath, "Declaration", "Get", "Lookup") || isMethod(fn, schemaPath, "Handle", "Get", "Lookup") {
		results := value.Type()
		if t, ok := results.(*types.Tuple); ok {
			results = t.At(0).Type()
		}
		reveals = holdsPlain(results) && f.isSecret(args[0])
	}
	if reveals {
		f.give(value, fn.Signature().Results().Len(), 0, taint{src: value.Pos(), bits: bare})
	}
}

// isSecret reports whether v is a declaration of a secret, or a handle of
// one, as far as that can be told.
func (f *flow) isSecret(v ssa.Value) bool {
	switch v := v.(type) {
	case *ssa.UnOp:
		g, ok := v.X.(*ssa.Global)
		if !ok {
			return false
		}
		obj, _ := g.Object().(*types.Var)
		k := key(obj)
		for _, fact := range []*packageFact{&f.e.own, &f.e.below} {
			for _, d := range fact.Decls {
				if k != "" && d.Key == k {
					return !d.Variable
				}
			}
		}
	case *ssa.Call:
		if fn := v.Call.StaticCallee(); fn != nil {
			obj, _ := fn.Object().(*types.Func)
			if obj != nil && isMethod(obj.Origin(), schemaPath, "Declaration", "From") {
				return f.isSecret(v.Call.Args[0])
			}
		}
	}
	return false
}

// sinks reports what reaches a sink in the arguments of a call.
func (f *flow) sinks(fn *types.Func, args []ssa.Value, instr ssa.CallInstruction) {
	if fn == nil {
		return
	}
	if isFunc(fn, "fmt", "Fprint", "Fprintf", "Fprintln") {
		if isStandardStream(args[0]) {
			f.sinkArgs(args, 0, sink{where: anOutput, from: 1, to: -1}, instr)
		}
		return
	}
	s, ok := sinkOf(fn)
	if !ok {
		return
	}
	skip := 0
	if fn.Signature().Recv() != nil {
		skip = 1
	}
	f.sinkArgs(args, skip, s, instr)
}

func (f *flow) sinkArgs(args []ssa.Value, skip int, s sink, instr ssa.CallInstruction) {
	to := s.to
	if to < 0 || to > len(args)-skip {
		to = len(args) - skip
	}
	for i := s.from; i < to; i++ {
		arg := args[i+skip]
		if elements := f.spread(arg); elements != nil {
			shown := shownBy(args, i+skip)
			for _, el := range elements {
				if shown(el.index) {
					f.reach(el.taint, s, instr.Pos(), f.argument(instr, i+el.index))
				}
			}
			continue
		}
		f.reach(f.content(arg), s, instr.Pos(), f.argument(instr, i))
	}
}

// shownBy tells which of the arguments that are formatted are shown by the
// format before them: %T and %p show none of the content.
func shownBy(args []ssa.Value, list int) func(j int) bool {
	all := func(int) bool { return true }
	if list == 0 {
		return all
	}
	c, ok := args[list-1].(*ssa.Const)
	if !ok || c.Value == nil || c.Value.Kind() != constant.String {
		return all
	}
	var verbs []byte
	format := constant.StringVal(c.Value)
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0; i++ {
		}
		switch {
		case i == len(format), format[i] == '*', format[i] == '[':
			return all
		case format[i] != '%':
			verbs = append(verbs, format[i])
		}
	}
	return func(j int) bool { return j >= len(verbs) || verbs[j] != 'T' && verbs[j] != 'p' }
}

// element is what one of the arguments of a variadic function holds.
type element struct {
	index int
	taint taint
}

// spread returns what each of the arguments holds that were made into a list
// for a variadic function; nil if there is no such list.
func (f *flow) spread(arg ssa.Value) []element {
	s, ok := arg.(*ssa.Slice)
	if !ok {
		return nil
	}
	list, ok := s.X.(*ssa.Alloc)
	if !ok || list.Comment != "varargs" {
		return nil
	}
	elements := []element{}
	for _, r := range *list.Referrers() {
		at, ok := r.(*ssa.IndexAddr)
		if !ok {
			continue
		}
		index, ok := at.Index.(*ssa.Const)
		if !ok {
			continue
		}
		for _, r := range *at.Referrers() {
			if store, ok := r.(*ssa.Store); ok && store.Addr == at {
				elements = append(elements, element{int(index.Int64()), f.content(store.Val)})
			}
		}
	}
	return elements
}

// argument returns the source of an argument of a call, the receiver not
// counted; nil if it can't be told.
func (f *flow) argument(instr ssa.CallInstruction, index int) ast.Expr {
	call := f.calls[instr.Pos()]
	if call == nil {
		call = f.calls[instr.Common().Pos()]
	}
	if call == nil || len(call.Args) == 0 {
		return nil
	}
	return call.Args[min(index, len(call.Args)-1)]
}

func isStandardStream(v ssa.Value) bool {
	if i, ok := v.(*ssa.MakeInterface); ok {
		v = i.X
	}
	load, ok := v.(*ssa.UnOp)
	if !ok {
		return false
	}
	g, ok := load.X.(*ssa.Global)
	return ok && g.Pkg != nil && g.Pkg.Pkg.Path() == "os" && (g.Name() == "Stdout" || g.Name() == "Stderr")
}

// reach says that t got to a sink: it is reported, and noted of the function
// whose parameter it is.
func (f *flow) reach(t taint, s sink, pos token.Pos, arg ast.Expr) {
	f.reachBy(t, s, pos, arg, "")
}

func (f *flow) reachBy(t taint, s sink, pos token.Pos, arg ast.Expr, through string) {
	if t.params != 0 && t.owner != nil && t.owner.Object() != nil {
		fact := f.facts[t.owner]
		for p := range t.owner.Params {
			if t.params&(1<<p) == 0 {
				continue
			}
			ps := paramSink{Param: p, Where: s.where, Inner: s.inner && t.pbits&inner == 0}
			if !slices.Contains(fact.Sinks, ps) {
				fact.Sinks, f.changed = append(fact.Sinks, ps), true
			}
		}
	}
	if !f.reporting || !t.src.IsValid() || s.inner && t.bits&inner == 0 {
		return
	}
	var at analysis.Range = spot(pos)
	if arg != nil {
		at = arg
	}
	what := "a revealed secret gets into " + s.where
	if through != "" {
		what += " by " + through
	}
	if line := f.e.pass.Fset.Position(t.src); line.Line != f.e.pass.Fset.Position(at.Pos()).Line && f.e.fileOf(t.src) != nil {
		what += " (it is revealed at " + f.e.place(t.src) + ")"
	}
	f.e.reportOnce(Revealed, at, what+": "+remedy(s.where))
}

// remedy says what to do in place of it.
func remedy(where string) string {
	switch where {
	case aURL:
		return "send it in a header or in the body, since URLs are logged on every way"
	case aCommand:
		return "give it by the environment or by standard input, since everybody on the machine sees the arguments"
	case aQueue, aMail:
		return "send the secret's id, and let the receiver read it"
	}
	return "leave it out, or hand on the core.Value, which prints as [REDACTED]"
}

type spot token.Pos

func (s spot) Pos() token.Pos { return token.Pos(s) }
func (s spot) End() token.Pos { return token.Pos(s) }

// through follows arguments by what is known of the function that is called.
func (f *flow) through(fact flowFact, name string, args []ssa.Value, instr ssa.CallInstruction, value *ssa.Call) {
	skip := 0
	if sig := instr.Common().Signature(); sig != nil && len(args) > sig.Params().Len() {
		skip = 1
	}
	for _, s := range slices.Clone(fact.Sinks) {
		if s.Param >= len(args) {
			continue
		}
		reached := sink{where: s.Where, inner: s.Inner}
		if elements := f.spread(args[s.Param]); elements != nil {
			shown := shownBy(args, s.Param)
			for _, el := range elements {
				if !shown(el.index) {
					continue
				}
				f.reachBy(el.taint, reached, instr.Pos(), f.argument(instr, s.Param-skip+el.index), name)
			}
			continue
		}
		f.reachBy(f.content(args[s.Param]), reached, instr.Pos(), f.argument(instr, max(0, s.Param-skip)), name)
	}
	if value == nil {
		return
	}
	results := instr.Common().Signature().Results().Len()
	for _, r := range fact.Results {
		var t taint
		if r.Revealed {
			t = taint{src: value.Pos(), bits: r.Bits}
		}
		for _, p := range r.Params {
			if p < len(args) {
				if a := f.content(args[p]); !a.empty() {
					t = t.join(a.as(r.Via))
				}
			}
		}
		f.give(value, results, r.Result, t)
	}
}

// takes follows what a method puts into its receiver, or a writer gets.
func (f *flow) takes(fn *types.Func, args []ssa.Value) {
	if isFunc(fn, "fmt", "Fprint", "Fprintf", "Fprintln") || isFunc(fn, "io", "WriteString") {
		if w := ownType(args[0]); isType(w, "strings", "Builder") || isType(w, "bytes", "Buffer") {
			for _, arg := range args[1:] {
				f.put(args[0], f.content(arg).within())
			}
		}
		return
	}
	if fn.Signature().Recv() == nil || fn.Pkg() == nil {
		return
	}
	if slices.Contains(taking[fn.Pkg().Path()+"."+receiver(fn)], fn.Name()) {
		for _, arg := range args[1:] {
			f.put(args[0], f.content(arg).within())
		}
	}
}

// ownType is the type of what an interface was made of.
func ownType(v ssa.Value) types.Type {
	if i, ok := v.(*ssa.MakeInterface); ok {
		return i.X.Type()
	}
	return v.Type()
}

// passed is what the result of a passing function holds, of its arguments.
func (f *flow) passed(fn *types.Func, args []ssa.Value) (t taint) {
	path, name := fn.Pkg().Path(), fn.Name()
	isMethod := fn.Signature().Recv() != nil
	switch path {
	case "fmt":
		format := 0
		if name == "Appendf" {
			format = 1
		}
		for i, arg := range args {
			content := f.content(arg)
			if strings.HasSuffix(name, "f") && i == format+1 && beginsWithVerb(args[format]) {
				if elements := f.spread(arg); elements != nil {
					for _, el := range elements {
						if el.index > 0 {
							el.taint = el.taint.within()
						}
						t = t.join(el.taint)
					}
					continue
				}
			}
			t = t.join(content.within())
		}
		return t
	case "strings", "bytes":
		switch {
		case receiver(fn) == "Replacer":
			return f.content(args[len(args)-1])
		case isMethod:
			return f.content(args[0])
		case name == "Join":
			return f.content(args[0]).within()
		case strings.HasPrefix(name, "Replace"):
			return f.content(args[0]).join(f.content(args[2]).within())
		}
		return f.content(args[0])
	case "net/url":
		switch {
		case name == "User", name == "UserPassword":
			for _, arg := range args {
				t = t.join(f.content(arg))
			}
			if !t.empty() {
				t.bits, t.pbits = t.bits&^(bare|inner), t.pbits&^(bare|inner)
				if t.src.IsValid() {
					t.bits = user
				}
				if t.params != 0 {
					t.pbits = user
				}
			}
			return t
		case receiver(fn) == "Values" && name != "Encode", receiver(fn) == "URL" && !slices.Contains([]string{
			"String", "Query", "EscapedPath", "RequestURI", "JoinPath", "Parse", "ResolveReference",
		}, name):
			return t
		}
		t = f.content(args[0])
		for _, arg := range args[1:] {
			t = t.join(f.content(arg).within())
		}
		return t
	case "net/http": // its errors quote the URL, and nothing else
		if s, ok := sinkOf(fn); ok && s.where == aURL {
			skip := 0
			if isMethod {
				skip = 1
			}
			return f.content(args[s.from+skip])
		}
		return t
	case "encoding/json", "gopkg.in/yaml.v3", "go.yaml.in/yaml/v3", "go.yaml.in/yaml/v4", "sigs.k8s.io/yaml":
		return f.content(args[0]).within()
	}
	for _, arg := range args {
		t = t.join(f.content(arg))
	}
	return t
}

// beginsWithVerb reports whether a format begins with what its first argument
// becomes.
func beginsWithVerb(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	if !ok || c.Value == nil || c.Value.Kind() != constant.String {
		return false
	}
	format := constant.StringVal(c.Value)
	return strings.HasPrefix(format, "%s") || strings.HasPrefix(format, "%v")
}
