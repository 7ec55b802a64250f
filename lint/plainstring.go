package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/tools/go/analysis"
)

// plainStrings reports plain strings in structs that are declared as secrets.
func (e *engine) plainStrings() {
	for _, f := range e.pass.Files {
		if isTest(e.pass.Fset, f) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isFunc(e.callee(call), schemaPath, "Declare", "DeclareIn") {
				return true
			}
			t := e.pass.TypesInfo.TypeOf(call)
			if d := named(t); d != nil && d.TypeArgs().Len() == 1 {
				w := &structWalk{e: e, call: call, seen: map[types.Type]bool{}}
				w.visit(d.TypeArgs().At(0), "")
			}
			return true
		})
	}
}

// structWalk looks for plain strings in a declared type.
type structWalk struct {
	e    *engine
	call *ast.CallExpr
	seen map[types.Type]bool
	in   []*types.Named // the types around the field
}

func (w *structWalk) visit(t types.Type, path string) {
	t = types.Unalias(t)
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	switch u := t.(type) {
	case *types.Pointer:
		w.visit(u.Elem(), path)
	case *types.Slice:
		w.visit(u.Elem(), path)
	case *types.Array:
		w.visit(u.Elem(), path)
	case *types.Map:
		w.visit(u.Elem(), path)
	case *types.Named:
		if decodesItself(u) {
			return
		}
		w.in = append(w.in, u)
		w.visit(u.Underlying(), path)
		w.in = w.in[:len(w.in)-1]
	case *types.Struct:
		for i := range u.NumFields() {
			w.field(u.Field(i), u.Tag(i), path)
		}
	}
}

func (w *structWalk) field(f *types.Var, tag, path string) {
	name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	if name == "-" || !f.Exported() && !f.Embedded() {
		return
	}
	if _, generic := f.Origin().Type().(*types.TypeParam); generic && holdsPlain(f.Type()) {
		return // the declaration says what it is, and nothing in its name does
	}
	full := strings.TrimPrefix(path+"."+f.Name(), ".")
	if !holdsPlain(f.Type()) {
		w.visit(f.Type(), full)
		return
	}
	if isPublicName(f.Name()) || isPublicName(name) || strings.Contains(reflect.StructTag(tag).Get("jsonschema"), "enum=") {
		return
	}
	text := "the field " + full + " of a declared secret is a plain string, which everything prints as it is: make it a core.Value"
	if isBytes(f.Type()) {
		text = "the field " + full + " of a declared secret holds plain bytes, which everything prints as they are: make it a core.Value " +
			"(which decodes from a JSON string as it is, where []byte decodes base64)"
	}
	if !w.e.allowed(PlainString, f.Pos()) && len(w.in) > 0 {
		w.e.own.SecretFields = union(w.e.own.SecretFields, []string{fieldKey(w.in[len(w.in)-1], f)})
	}
	if w.e.isJudged(f.Pos()) {
		w.e.reportOnce(PlainString, fieldRange{f}, text, w.fix(f)...)
		return
	}
	if f.Pkg() != w.e.pass.Pkg {
		w.e.reportOnce(PlainString, w.call, text)
	}
}

// fieldKey names a field across packages.
func fieldKey(t *types.Named, f *types.Var) string {
	if t.Obj().Pkg() == nil {
		return ""
	}
	path, _, _ := strings.Cut(t.Obj().Pkg().Path(), " ")
	return path + "." + t.Obj().Name() + "." + f.Name()
}

// isSecretField reports whether a field is a plain string of a declared secret.
func (e *engine) isSecretField(of types.Type, f *types.Var) bool {
	n := named(of)
	if n == nil || len(e.own.SecretFields)+len(e.below.SecretFields) == 0 {
		return false
	}
	k := fieldKey(n, f)
	return slices.Contains(e.own.SecretFields, k) || slices.Contains(e.below.SecretFields, k)
}

// reportOnce is report, once for each place and text: two declarations may be
// of one type.
func (e *engine) reportOnce(rule string, n analysis.Range, text string, fixes ...analysis.SuggestedFix) {
	for _, d := range e.found[rule] {
		if d.Pos == n.Pos() {
			return
		}
	}
	e.report(rule, n, text, fixes...)
}

type fieldRange struct{ f *types.Var }

func (r fieldRange) Pos() token.Pos { return r.f.Pos() }
func (r fieldRange) End() token.Pos { return r.f.Pos() + token.Pos(len(r.f.Name())) }

// holdsPlain reports whether t is string or []byte, or a pointer, list or map
// of them.
func holdsPlain(t types.Type) bool {
	switch u := types.Unalias(t).(type) {
	case *types.Basic:
		return u.Kind() == types.String
	case *types.Pointer:
		return holdsPlain(u.Elem())
	case *types.Slice:
		return holdsPlain(u.Elem()) || isByte(u.Elem())
	case *types.Array:
		return holdsPlain(u.Elem())
	case *types.Map:
		return holdsPlain(u.Elem())
	}
	return false
}

func isByte(t types.Type) bool {
	b, ok := types.Unalias(t).(*types.Basic)
	return ok && b.Kind() == types.Byte
}

func isBytes(t types.Type) bool {
	s, ok := types.Unalias(t).(*types.Slice)
	return ok && isByte(s.Elem())
}

// decodesItself reports whether a type reads JSON by methods of its own, so
// that its fields say nothing.
func decodesItself(t *types.Named) bool {
	for _, name := range []string{"UnmarshalJSON", "UnmarshalText"} {
		obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, t.Obj().Pkg(), name)
		if _, ok := obj.(*types.Func); ok {
			return true
		}
	}
	return false
}

// publicWords are the last words of names that hold no secret beside one. All
// other fields of a declared secret are taken for secret: that is what it was
// declared as.
var publicWords = map[string]bool{
	"host": true, "hostname": true, "hosts": true, "addr": true, "address": true, "port": true,
	"user": true, "username": true, "email": true, "region": true, "zone": true, "name": true, "database": true, "db": true,
	"id": true, "ids": true, "kid": true, "type": true, "kind": true, "version": true, "algorithm": true, "alg": true,
	"issuer": true, "audience": true, "scope": true, "scopes": true, "realm": true, "tenant": true, "bucket": true, "project": true,
	"scheme": true, "mode": true, "env": true, "environment": true, "account": true, "domain": true, "path": true,
	"endpoint": true, "description": true, "label": true, "format": true, "encoding": true, "created": true, "expires": true, "sslmode": true,
}

// isPublicName reports whether the last word of a name says that it holds no
// secret: Host, dbUser, client_id.
func isPublicName(name string) bool {
	start := 0
	runes := []rune(name)
	for i := 1; i < len(runes); i++ {
		switch {
		case runes[i] == '_' || runes[i] == '-' || runes[i] == '.':
			start = i + 1
		case unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			start = i
		}
	}
	return start < len(runes) && publicWords[strings.ToLower(string(runes[start:]))]
}

// fix makes a plain string a core.Value. It is certain where nothing in the
// module names the field, or compares the struct.
func (w *structWalk) fix(f *types.Var) []analysis.SuggestedFix {
	file := w.e.fileOf(f.Pos())
	decl, owner := w.e.fieldDecl(file, f)
	if decl == nil || len(decl.Names) != 1 || owner == nil {
		return nil
	}
	if id, ok := decl.Type.(*ast.Ident); !ok || id.Name != "string" || w.e.pass.TypesInfo.Uses[id] != types.Universe.Lookup("string") {
		return nil
	}
	if decl.Tag != nil {
		tag, err := strconv.Unquote(decl.Tag.Value)
		if _, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ","); err != nil || strings.Contains(options, "string") {
			return nil
		}
	}
	if w.e.isNamed(f, owner) || mentionsIn(w.e.root, w.e.module(), []string{w.e.path}).anywhere(f.Name()) {
		return nil
	}
	name, edits := w.e.importCore(file)
	if name == "" {
		return nil
	}
	edits = append(edits, analysis.TextEdit{Pos: decl.Type.Pos(), End: decl.Type.End(), NewText: []byte(name + ".Value")})
	return []analysis.SuggestedFix{{Message: "Make it a " + name + ".Value", TextEdits: edits}}
}

// fieldDecl finds where a field is declared, and the type that has it.
func (e *engine) fieldDecl(file *ast.File, f *types.Var) (field *ast.Field, owner types.Type) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || f.Pos() < spec.Pos() || spec.End() <= f.Pos() {
			return field == nil
		}
		st, ok := spec.Type.(*ast.StructType)
		if !ok || spec.TypeParams != nil {
			return false
		}
		for _, candidate := range st.Fields.List {
			for _, name := range candidate.Names {
				if e.pass.TypesInfo.Defs[name] == f {
					field, owner = candidate, e.pass.TypesInfo.Defs[spec.Name].Type()
				}
			}
		}
		return false
	})
	return field, owner
}

// isNamed reports whether the package names a field, writes a literal without
// names, or compares or converts the struct that has it.
func (e *engine) isNamed(f *types.Var, owner types.Type) bool {
	for _, obj := range e.pass.TypesInfo.Uses {
		if obj == f {
			return true
		}
	}
	for x, tv := range e.pass.TypesInfo.Types {
		switch x := x.(type) {
		case *ast.CompositeLit:
			if len(x.Elts) == 0 || !types.Identical(tv.Type, owner) {
				continue
			}
			if _, ok := x.Elts[0].(*ast.KeyValueExpr); !ok {
				return true
			}
		case *ast.BinaryExpr:
			if t := e.pass.TypesInfo.TypeOf(x.X); (x.Op == token.EQL || x.Op == token.NEQ) && t != nil && types.Identical(t, owner) {
				return true
			}
		case *ast.MapType:
			if t := e.pass.TypesInfo.TypeOf(x.Key); t != nil && types.Identical(t, owner) {
				return true
			}
		case *ast.CallExpr:
			if e.pass.TypesInfo.Types[x.Fun].IsType() && types.Identical(tv.Type, owner) {
				return true
			}
		}
	}
	return false
}

// importCore returns the name of package core in a file, and the edits that
// import it where it isn't; empty where another name stands in the way.
func (e *engine) importCore(file *ast.File) (string, []analysis.TextEdit) {
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(corePath) {
			continue
		}
		switch {
		case spec.Name == nil:
			return "core", nil
		case spec.Name.Name != "_" && spec.Name.Name != ".":
			return spec.Name.Name, nil
		}
	}
	if e.pass.Pkg.Scope().Lookup("core") != nil {
		return "", nil
	}
	for _, d := range file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.IMPORT || !gen.Lparen.IsValid() {
			continue
		}
		for _, s := range gen.Specs {
			spec := s.(*ast.ImportSpec)
			if spec.Path.Value == strconv.Quote(schemaPath) && spec.Doc == nil {
				return "core", []analysis.TextEdit{{Pos: spec.Pos(), End: spec.Pos(), NewText: []byte(strconv.Quote(corePath) + "\n\t")}}
			}
		}
	}
	return "", nil
}
