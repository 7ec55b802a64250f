package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// engineAnalyzer looks at a package once for all rules. It reports nothing
// itself, so that every rule can be left out, and so that a comment that
// allows something counts as used also where its rule is left out.
var engineAnalyzer = newEngine("lukko", flowConfig{})

func newEngine(name string, config flowConfig) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:       name,
		Doc:        "collect how secrets are declared and used\n\nThe rules need it; it reports nothing.",
		FactTypes:  []analysis.Fact{new(packageFact), new(funcFact)},
		ResultType: reflect.TypeFor[findings](),
		Run: func(pass *analysis.Pass) (any, error) {
			e := &engine{pass: pass, config: config, found: findings{}}
			e.run()
			return e.found, nil
		},
	}
}

// engine is the work on one package.
type engine struct {
	pass   *analysis.Pass
	config flowConfig
	found  findings

	path    string // of the package, without what marks a test's variant
	root    string // folder of the module; empty if it has none
	inside  bool   // the package belongs to the module at hand, not to one that it requires
	relates bool   // the package can name something of Lukko

	generated map[*ast.File]bool
	judged    map[*ast.File]bool // files that findings are about
	allows    allowances

	own   packageFact
	below packageFact
	funcs map[*types.Func]*funcFact
	vars  *assignments
}

func (e *engine) run() {
	pass := e.pass
	e.path, _, _ = strings.Cut(pass.Pkg.Path(), " ")
	if strings.HasSuffix(e.path, ".test") || len(pass.Files) == 0 {
		return // the main package that go test makes
	}
	e.relates = reaches(pass.Pkg, map[*types.Package]bool{})
	if e.inside = e.relates; pass.Module != nil { // not all drivers tell
		e.inside = pass.Module.Version == "" && pass.Module.Path != ""
	}
	e.readBelow()
	if !e.inside && !e.relates || !e.inside && strings.HasPrefix(e.path, lukkoPrefix) {
		// What others wrote and what can't know of Lukko is nobody's here,
		// and Lukko itself is looked at where it is the module at hand.
		return
	}
	e.root = moduleRoot(filepath.Dir(pass.Fset.Position(pass.Files[0].Package).Filename))
	e.generated, e.judged = map[*ast.File]bool{}, map[*ast.File]bool{}
	for _, f := range pass.Files {
		e.generated[f] = ast.IsGenerated(f)
		e.judged[f] = e.inside && !e.generated[f] && !isTest(pass.Fset, f)
	}
	e.allows = e.allowancesOf()
	e.funcs = map[*types.Func]*funcFact{}
	if e.relates {
		e.vars = assignmentsOf(pass)
		e.declarations()
		e.usesOfDeclarations()
		e.ids()
		e.plainStrings()
		e.requestPaths()
	}
	e.flows()
	e.unread()
	e.judgeAllowances()
	e.handOn()
	for _, list := range e.found {
		slices.SortStableFunc(list, func(a, b analysis.Diagnostic) int { return int(a.Pos - b.Pos) })
	}
}

// readBelow reads the facts of what the package imports.
func (e *engine) readBelow() {
	for _, imported := range e.pass.Pkg.Imports() {
		var f packageFact
		if e.pass.ImportPackageFact(imported, &f) {
			e.below.join(&f)
		}
	}
}

// join adds other to f.
func (f *packageFact) join(other *packageFact) {
	f.Decls = union(f.Decls, other.Decls)
	f.Used = union(f.Used, other.Used)
	f.Read = union(f.Read, other.Read)
	f.Packages = union(f.Packages, other.Packages)
	f.SecretFields = union(f.SecretFields, other.SecretFields)
	f.Getters = union(f.Getters, other.Getters)
	f.Open = f.Open || other.Open
	f.WholeDefault = f.WholeDefault || other.WholeDefault
	f.WholeOther = f.WholeOther || other.WholeOther
}

// union is a with what b has more, in a list of its own.
func union[T comparable](a, b []T) []T {
	a = slices.Clip(a)
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// handOn exports what packages above need.
func (e *engine) handOn() {
	if e.inside {
		e.own.Packages = append(e.own.Packages, e.path)
	}
	all := e.below
	all.join(&e.own)
	if !all.empty() {
		e.pass.ExportPackageFact(&all)
	}
	for fn, f := range e.funcs {
		if f != nil && !f.empty() && fn.Pkg() == e.pass.Pkg {
			e.pass.ExportObjectFact(fn, f)
		}
	}
}

// funcFact returns what is known of a function; nil if nothing is.
func (e *engine) funcFact(fn *types.Func) *funcFact {
	if fn == nil {
		return nil
	}
	fn = fn.Origin()
	if f, ok := e.funcs[fn]; ok {
		return f
	}
	f := new(funcFact)
	if fn.Pkg() == nil || fn.Pkg() == e.pass.Pkg || !e.pass.ImportObjectFact(fn, f) {
		f = nil
	}
	e.funcs[fn] = f
	return f
}

// ownFact returns the fact of a function of this package, to be filled in.
func (e *engine) ownFact(fn *types.Func) *funcFact {
	fn = fn.Origin()
	f := e.funcs[fn]
	if f == nil {
		f = new(funcFact)
		e.funcs[fn] = f
	}
	return f
}

// report adds a finding of a rule, unless it is allowed or nobody's.
func (e *engine) report(rule string, n analysis.Range, message string, fixes ...analysis.SuggestedFix) {
	if !e.isJudged(n.Pos()) || e.allowed(rule, n.Pos()) {
		return
	}
	e.add(rule, analysis.Diagnostic{Pos: n.Pos(), End: n.End(), Message: message, SuggestedFixes: fixes})
}

// add adds a finding. The rule stands in its text, since the output of go vet
// names no analyzer, and a comment that allows it has to.
func (e *engine) add(rule string, d analysis.Diagnostic) {
	d.Category = rule
	d.Message += " [" + rule + "]"
	e.found[rule] = append(e.found[rule], d)
}

// isJudged reports whether findings at pos are wanted.
func (e *engine) isJudged(pos token.Pos) bool {
	f := e.fileOf(pos)
	return f != nil && e.judged[f]
}

func (e *engine) fileOf(pos token.Pos) *ast.File {
	for _, f := range e.pass.Files {
		if f.FileStart <= pos && pos < f.FileEnd {
			return f
		}
	}
	return nil
}

// place is the file and line of pos, below the root of the module.
func (e *engine) place(pos token.Pos) string {
	p := e.pass.Fset.Position(pos)
	name := p.Filename
	if rel, err := filepath.Rel(e.root, name); err == nil && e.root != "" {
		name = rel
	}
	return filepath.ToSlash(name) + ":" + itoa(p.Line)
}

// module is the path of the package's module; empty if it has none.
func (e *engine) module() string {
	if e.pass.Module == nil {
		return ""
	}
	return e.pass.Module.Path
}

func isTest(fset *token.FileSet, f *ast.File) bool {
	return strings.HasSuffix(fset.Position(f.Package).Filename, "_test.go")
}

// moduleRoot returns the nearest folder upward that has a go.mod; empty if
// there is none.
func moduleRoot(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
