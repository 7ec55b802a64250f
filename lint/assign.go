package lint

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

func constantText(tv types.TypeAndValue) (string, bool) {
	if tv.Value == nil || tv.Value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(tv.Value), true
}

// assignments tells, for each variable of a package's source, all that is
// assigned to it, wherever that stands.
type assignments struct {
	info   *types.Info
	of     map[*types.Var][]assigned
	params map[*types.Var]param
	bodies map[*types.Func]*ast.FuncDecl
}

// assigned is one assignment to a variable.
type assigned struct {
	how assignedHow
	x   ast.Expr // the value, or what is ranged over
}

type assignedHow int

const (
	asValue   assignedHow = iota
	asElement             // an element of the variable is assigned
	asRangeKey
	asRangeValue
	asUnknown // by its address, or as one of many results
)

// param is a parameter's place.
type param struct {
	of      types.Object // a function, or the variable that holds a function; nil if nobody names it
	index   int
	isSlice bool // variadic counts
}

func assignmentsOf(pass *analysis.Pass) *assignments {
	a := &assignments{
		info:   pass.TypesInfo,
		of:     map[*types.Var][]assigned{},
		params: map[*types.Var]param{},
		bodies: map[*types.Func]*ast.FuncDecl{},
	}
	for _, f := range pass.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			a.visit(n)
			return true
		})
	}
	return a
}

func (a *assignments) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		fn, _ := a.info.Defs[n.Name].(*types.Func)
		if fn != nil {
			a.bodies[fn] = n
			a.parameters(fn, n.Type)
		}
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE || n.Tok == token.ASSIGN {
			for i, lhs := range n.Lhs {
				if len(n.Lhs) == len(n.Rhs) {
					a.assign(lhs, n.Rhs[i])
				} else {
					a.add(lhs, asUnknown, nil)
				}
			}
			return
		}
		a.add(n.Lhs[0], asUnknown, nil) // += and the like
	case *ast.ValueSpec:
		for i, name := range n.Names {
			switch {
			case len(n.Values) == len(n.Names):
				a.assign(name, n.Values[i])
			case len(n.Values) > 0:
				a.add(name, asUnknown, nil)
			}
		}
	case *ast.RangeStmt:
		a.add(n.Key, asRangeKey, n.X)
		a.add(n.Value, asRangeValue, n.X)
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			a.add(n.X, asUnknown, nil)
		}
	case *ast.FuncLit:
		a.parameters(nil, n.Type)
	}
}

func (a *assignments) assign(lhs, rhs ast.Expr) {
	if lit, ok := ast.Unparen(rhs).(*ast.FuncLit); ok {
		if v := a.variable(lhs); v != nil {
			a.parameters(v, lit.Type)
		}
	}
	if index, ok := ast.Unparen(lhs).(*ast.IndexExpr); ok {
		a.add(index.X, asElement, rhs)
		return
	}
	a.add(lhs, asValue, rhs)
}

func (a *assignments) add(lhs ast.Expr, how assignedHow, x ast.Expr) {
	if lhs == nil {
		return
	}
	if v := a.variable(lhs); v != nil {
		a.of[v] = append(a.of[v], assigned{how, x})
	}
}

func (a *assignments) variable(x ast.Expr) *types.Var {
	id, ok := ast.Unparen(x).(*ast.Ident)
	if !ok {
		return nil
	}
	v, _ := a.info.ObjectOf(id).(*types.Var)
	return v
}

func (a *assignments) parameters(of types.Object, t *ast.FuncType) {
	index := 0
	for _, field := range t.Params.List {
		for _, name := range field.Names {
			if v, ok := a.info.Defs[name].(*types.Var); ok {
				if p, known := a.params[v]; !known || p.of == nil {
					a.params[v] = param{of: of, index: index, isSlice: isStringSlice(v.Type())}
				}
			}
			index++
		}
		if len(field.Names) == 0 {
			index++
		}
	}
}

// once returns the only value that is ever assigned to v; nil if there is
// none or more than one.
func (a *assignments) once(v *types.Var) ast.Expr {
	all := a.of[v]
	if _, isParam := a.params[v]; isParam || len(all) != 1 || all[0].how != asValue {
		return nil
	}
	return all[0].x
}
