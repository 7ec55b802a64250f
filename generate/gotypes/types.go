package gotypes

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"

	"github.com/lukko-dev/lukko/generate/internal/names"
)

// maxStructs is how many types one declaration may get. What comes after them
// is any.
const maxStructs = 300

// goType is a Go type that holds what a schema allows, but for null.
type goType struct {
	kind kind
	elem string   // of an array or a map, as it is written
	def  *typeDef // of a struct
}

type kind int

const (
	kindAny kind = iota
	kindText
	kindInteger
	kindNumber // json.Number
	kindFloat
	kindBool
	kindArray
	kindMap
	kindStruct
)

// typeDef is a struct type of the file.
type typeDef struct {
	name   string
	doc    string // what the schema says of it
	whole  bool   // it is all that the declaration holds
	fields []field
	open   bool // its fields are still being found
}

type field struct {
	name, typ, tag, doc string
	clear               bool // it is in a secret, and prints in clear
}

// typer finds the Go types of one declaration.
type typer struct {
	*document
	variable bool
	base     string              // the name of the type of the whole, before which those within are put
	taken    func(string) string // makes a name of the file that is not taken
	defs     []*typeDef          // in the order in which they are needed
	known    map[string]*typeDef // by the text of their schema
	within   map[string]bool     // references that are being followed to what is no struct
}

// whole returns the Go type of all that the schema allows.
func (t *typer) whole() string {
	typ, null := t.typeOf(t.root, place{t.base, 0, true})
	if null && typ.kind != kindAny {
		return "*" + t.written(typ)
	}
	return t.written(typ)
}

// written is a type as it is written in the file.
func (t *typer) written(typ goType) string {
	switch typ.kind {
	case kindText:
		if t.variable {
			return "string"
		}
		return "core.Value"
	case kindInteger:
		return "int64"
	case kindNumber:
		return "json.Number"
	case kindFloat:
		return "float64"
	case kindBool:
		return "bool"
	case kindArray:
		return "[]" + typ.elem
	case kindMap:
		return "map[string]" + typ.elem
	case kindStruct:
		return typ.def.name
	}
	return "any"
}

// place is where a type is needed.
type place struct {
	name   string // of a struct that has none of its own
	depth  int
	filled bool // the defaults of members are filled in: it applies whatever the value is
}

func (p place) within(name string, filled bool) place {
	return place{name, p.depth + 1, p.filled && filled}
}

// element is the type of what an array or a map holds.
func (t *typer) element(s any, at place) string {
	typ, null := t.typeOf(s, at)
	if null && typ.kind != kindAny {
		return "*" + t.written(typ)
	}
	return t.written(typ)
}

// typeOf returns the type for a schema, and whether it may be null, too.
func (t *typer) typeOf(s any, at place) (typ goType, null bool) {
	if at.depth > maxDepth {
		return goType{}, false
	}
	all := t.types(s)
	null = all&typeNull != 0
	s, sure := t.simple(s)
	at.filled = at.filled && sure
	switch all &^ typeNull {
	case typeString:
		return goType{kind: kindText}, null
	case typeBoolean:
		return goType{kind: kindBool}, null
	case typeInteger:
		if t.fitsInt64(s) {
			return goType{kind: kindInteger}, null
		}
		return goType{kind: kindNumber}, null
	case typeFraction, typeInteger | typeFraction:
		if t.fitsFloat(s) {
			return goType{kind: kindFloat}, null
		}
		return goType{kind: kindNumber}, null
	case typeArray, typeObject:
		return t.container(s, all&^typeNull == typeObject, at), null
	}
	return goType{}, false
}

func (t *typer) container(s any, object bool, at place) goType {
	key := keyOf(s, at.filled)
	if def := t.known[key]; def != nil {
		return goType{kind: kindStruct, def: def}
	}
	if object && t.isStruct(s) {
		if len(t.defs) == maxStructs {
			return goType{}
		}
		return goType{kind: kindStruct, def: t.structOf(s, key, at)}
	}
	if strings.Contains(key, `"$ref"`) { // which may come back here
		if t.within[key] {
			return goType{}
		}
		t.within[key] = true
		if at.depth == 0 {
			t.within[keyOf(node{"$ref": "#"}, at.filled)] = true
		}
		defer delete(t.within, key)
	}
	if !object {
		items, ok := t.items(s)
		if !ok {
			items = true
		}
		return goType{kind: kindArray, elem: t.element(items, at.within(at.name+"Item", ok))}
	}
	parts, open := t.extras(s)
	for _, name := range t.names(s) {
		parts = append(parts, t.member(s, name))
	}
	if open {
		parts = append(parts, true)
	}
	if len(parts) == 0 {
		return goType{kind: kindMap, elem: "any"}
	}
	return goType{kind: kindMap, elem: t.element(combined("anyOf", parts), at.within(at.name+"Value", true))}
}

// isStruct reports whether the names of an object are known, and can be those
// of a struct's fields.
func (t *typer) isStruct(s any) bool {
	if extras, _ := t.extras(s); len(extras) > 0 || t.isOpen(s) {
		return false
	}
	all := t.names(s)
	for _, name := range all {
		if !isTagName(name) {
			return false
		}
	}
	return len(all) > 0
}

// isTagName reports whether encoding/json takes a name from a tag, and schema
// takes it, too.
func isTagName(name string) bool {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) {
			return false
		}
	}
	return name != "" && name != "-"
}

// keyOf is the same for schemas that have the same type.
func keyOf(s any, filled bool) string {
	return text(bare(s)) + strconv.FormatBool(filled)
}

// structOf makes a struct of an object.
func (t *typer) structOf(s any, key string, at place) *typeDef {
	name, whole := at.name, at.depth == 0
	if to, ok := refOf(s); ok {
		name = t.refName(to, name)
	}
	def := &typeDef{name: t.taken(name), doc: t.described(s), whole: whole, open: true}
	t.defs = append(t.defs, def)
	if strings.Contains(key, `"$ref"`) || whole {
		t.known[key] = def
	}
	if whole {
		t.known[keyOf(node{"$ref": "#"}, at.filled)] = def
	}
	outside := t.within // a struct comes back to itself by its name
	t.within = map[string]bool{}
	defer func() { t.within = outside }()
	required := t.required(s)
	identifiers := map[string]bool{}
	for _, name := range t.names(s) {
		identifier := names.Exported(name)
		for i := 2; identifiers[identifier]; i++ {
			identifier = names.Exported(name) + strconv.Itoa(i)
		}
		identifiers[identifier] = true
		def.fields = append(def.fields, t.field(s, name, identifier, required[name], at.within(def.name+identifier, true)))
	}
	def.open = false
	return def
}

func refOf(s any) (string, bool) {
	n, ok := s.(node)
	if !ok || len(keywords(n)) != 1 {
		return "", false
	}
	return ref(n)
}

// refName is the name of the type that a reference leads to.
func (t *typer) refName(to, name string) string {
	for _, keyword := range []string{"#/$defs/", "#/definitions/"} {
		if def, ok := strings.CutPrefix(to, keyword); ok && name != t.base {
			return t.base + names.Exported(def)
		}
	}
	return name
}

func (t *typer) field(s any, name, identifier string, required bool, at place) field {
	m := t.member(s, name)
	typ, null := t.typeOf(m, at)
	f := field{name: identifier, typ: t.written(typ), tag: name, doc: t.described(m)}
	f.clear = !t.variable && (typ.kind == kindAny || strings.HasSuffix(typ.elem, "any"))
	pointer, option := false, ""
	if required || at.filled && t.hasDefault(m) { // it is always there
		pointer = null
	} else {
		option = ",omitempty"
		switch typ.kind {
		case kindText:
			pointer = t.mayDefault(m) // which must not come in place of an empty one
		case kindInteger, kindFloat:
			pointer = t.allowsZero(m, json.Number("0"))
		case kindBool:
			pointer = t.allowsZero(m, false)
		case kindStruct, kindNumber:
			pointer = true
		case kindArray, kindMap:
			option = ",omitzero" // an empty one is a value of its own
		}
	}
	if typ.kind == kindStruct && typ.def.open {
		pointer = true // it would hold itself
	}
	if pointer && typ.kind != kindAny {
		f.typ = "*" + f.typ
	}
	f.tag += option
	return f
}
