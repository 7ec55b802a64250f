package lint

import (
	"go/ast"
	"go/token"
	"go/types"
)

// requestPaths reports loading in functions that serve a request, and in those
// of the package that these call.
func (e *engine) requestPaths() {
	g := &callGraph{e: e, nodes: map[ast.Node]*callNode{}, byFunc: map[*types.Func]*callNode{}}
	for _, f := range e.pass.Files {
		if isTest(e.pass.Fset, f) {
			continue
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				fn, _ := e.pass.TypesInfo.Defs[d.Name].(*types.Func)
				if fn == nil || d.Body == nil {
					continue
				}
				n := g.node(d, qualified(fn))
				n.entry = servesRequests(fn.Signature(), fn)
				g.byFunc[fn] = n
				g.walk(n, d.Body)
			case *ast.GenDecl:
				g.walk(g.node(d, "the package's variables"), d)
			}
		}
	}
	g.judge()
}

// callGraph is who calls whom within a package.
type callGraph struct {
	e      *engine
	nodes  map[ast.Node]*callNode
	list   []*callNode
	byFunc map[*types.Func]*callNode
}

// callNode is a function, or a literal that serves requests by itself.
type callNode struct {
	name    string
	entry   bool
	calls   []*types.Func
	loading []loading
	through string // the function that serves the request from which this is called
}

type loading struct {
	call *ast.CallExpr
	what string
}

func (g *callGraph) node(n ast.Node, name string) *callNode {
	if g.nodes[n] == nil {
		g.nodes[n] = &callNode{name: name}
		g.list = append(g.list, g.nodes[n])
	}
	return g.nodes[n]
}

// walk adds to n what a body calls. A function literal counts to the function
// that has it, unless it serves requests itself or runs once only.
func (g *callGraph) walk(n *callNode, body ast.Node) {
	once := map[*ast.FuncLit]bool{}
	ast.Inspect(body, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.FuncLit:
			if once[x] {
				g.walk(g.node(x, "a function that runs once"), x.Body)
				return false
			}
			if sig, ok := g.e.pass.TypesInfo.TypeOf(x).(*types.Signature); ok && servesRequests(sig, nil) {
				lit := g.node(x, "a handler in "+n.name)
				lit.entry = true
				g.walk(lit, x.Body)
				return false
			}
		case *ast.CallExpr:
			fn := g.e.callee(x)
			if runsOnce(fn) {
				for _, arg := range x.Args {
					if lit, ok := ast.Unparen(arg).(*ast.FuncLit); ok {
						once[lit] = true
					}
				}
			}
			switch {
			case fn == nil:
			case isFunc(fn, schemaPath, "Load"), isMethod(fn, schemaPath, "Loader", "Load"), isMethod(fn, schemaPath, "Declaration", "Bind"):
				n.loading = append(n.loading, loading{x, fn.Name()})
			case fn.Pkg() == g.e.pass.Pkg:
				n.calls = append(n.calls, fn)
			default:
				if f := g.e.funcFact(fn); f != nil && f.Loads {
					n.loading = append(n.loading, loading{x, qualified(fn)})
				}
			}
		}
		return true
	})
}

// judge reports what loads within a request, and notes which functions load.
func (g *callGraph) judge() {
	for more := true; more; { // which functions load, directly or through others
		more = false
		for fn, n := range g.byFunc {
			if g.e.ownFact(fn).Loads {
				continue
			}
			loads := len(n.loading) > 0
			for _, called := range n.calls {
				loads = loads || g.e.ownFact(called).Loads
			}
			if loads {
				g.e.ownFact(fn).Loads, more = true, true
			}
		}
	}
	var queue []*callNode
	for _, n := range g.list {
		if n.entry {
			n.through = n.name
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, l := range n.loading {
			where := n.name + " serves requests"
			if !n.entry {
				where = n.name + " is called by " + n.through + ", which serves requests"
			}
			g.e.report(RequestPath, callRange{l.call}, l.what+" reads from the store and starts a goroutine, and "+where+
				": load once when the program starts, and use the handles here")
		}
		for _, called := range n.calls {
			if next := g.byFunc[called]; next != nil && next.through == "" {
				next.through = n.through
				queue = append(queue, next)
			}
		}
	}
}

// callRange is the part of a call that names what is called.
type callRange struct{ call *ast.CallExpr }

func (r callRange) Pos() token.Pos { return r.call.Pos() }
func (r callRange) End() token.Pos { return r.call.Fun.End() }

// runsOnce reports whether a function runs what it is given once, however
// often it is called.
func runsOnce(fn *types.Func) bool {
	return isMethod(fn, "sync", "Once", "Do") || isFunc(fn, "sync", "OnceFunc", "OnceValue", "OnceValues")
}

// servesRequests reports whether a function serves a request: by HTTP, by
// gRPC, or in one of the common routers. fn is nil for a literal.
func servesRequests(sig *types.Signature, fn *types.Func) bool {
	var writer, request bool
	for v := range sig.Params().Variables() {
		t := v.Type()
		_, isPointer := types.Unalias(t).(*types.Pointer)
		switch {
		case isType(t, "net/http", "ResponseWriter"):
			writer = true
		case isPointer && isType(t, "net/http", "Request"):
			request = true
		case isType(t, "github.com/gin-gonic/gin", "Context"),
			isType(t, "github.com/labstack/echo/v4", "Context"), isType(t, "github.com/labstack/echo/v5", "Context"),
			isType(t, "github.com/gofiber/fiber/v2", "Ctx"), isType(t, "github.com/gofiber/fiber/v3", "Ctx"):
			return true
		case hasMethods(t, "SetTrailer", "SendMsg", "RecvMsg"): // a stream, on the server's side
			return true
		}
	}
	if writer && request {
		return true
	}
	return fn != nil && sig.Recv() != nil && isUnary(sig)
}

// isUnary reports whether a method is a unary one of a gRPC service:
// (context, *message) (*message, error). Those of clients take options too.
func isUnary(sig *types.Signature) bool {
	p, r := sig.Params(), sig.Results()
	return p.Len() == 2 && r.Len() == 2 && isType(p.At(0).Type(), "context", "Context") &&
		hasMethods(p.At(1).Type(), "ProtoReflect") && hasMethods(r.At(0).Type(), "ProtoReflect") &&
		types.Identical(r.At(1).Type(), types.Universe.Lookup("error").Type())
}

func hasMethods(t types.Type, names ...string) bool {
	if named(t) == nil && !types.IsInterface(t) {
		return false
	}
	for _, name := range names {
		obj, _, _ := types.LookupFieldOrMethod(t, false, nil, name)
		if _, ok := obj.(*types.Func); !ok {
			return false
		}
	}
	return true
}
