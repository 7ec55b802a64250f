package schema

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/lukko-dev/lukko/core"
)

var (
	valueType           = reflect.TypeFor[core.Value]()
	numberType          = reflect.TypeFor[json.Number]()
	jsonMarshalerType   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// decodesItself reports whether encoding/json leaves the decoding of a t to a
// method of it.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonUnmarshalerType) || p.Implements(textUnmarshalerType)
}

// isPlain reports whether a declared t is the stored bytes as they are.
func isPlain(t reflect.Type) bool {
	switch {
	case t == valueType:
		return true
	case t == numberType || decodesItself(t):
		return false
	}
	return t.Kind() == reflect.String || isBytes(t)
}

// isBytes reports whether encoding/json takes a t for bytes, in base64.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !decodesItself(t.Elem())
}

// A field of a struct, as encoding/json sees it.
type field struct {
	name      string
	index     []int
	typ       reflect.Type
	omitEmpty bool
	omitZero  bool
	quoted    bool // a number or a bool within a JSON string
}

// fields is the struct's fields, and what is wrong with them.
type fields struct {
	list   []field
	byName map[string]int
	wrong  string
}

var fieldCache sync.Map // reflect.Type to *fields

// fieldsOf returns the fields of a struct. The rules are encoding/json's,
// without its rules for names that several fields have: those are wrong.
func fieldsOf(t reflect.Type) *fields {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.(*fields)
	}
	f := &fields{byName: map[string]int{}}
	f.collect(t, nil, map[reflect.Type]bool{})
	cached, _ := fieldCache.LoadOrStore(t, f)
	return cached.(*fields)
}

func (f *fields) collect(t reflect.Type, index []int, within map[reflect.Type]bool) {
	if within[t] {
		f.wrong = t.String() + " embeds itself"
		return
	}
	within[t] = true
	defer delete(within, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(append([]int(nil), index...), i)
		tag, tagged := sf.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if tag == "-" {
			continue
		}
		where := "field " + t.Name() + "." + sf.Name
		if sf.Anonymous {
			inner := sf.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			switch {
			case !sf.IsExported() && (inner.Kind() != reflect.Struct || sf.Type.Kind() == reflect.Pointer):
				f.wrong = where + ": encoding/json can't decode into an embedded type that is not exported"
				return
			case name == "" && inner.Kind() == reflect.Struct:
				f.collect(inner, at, within)
				if f.wrong != "" {
					return
				}
				continue
			case !sf.IsExported():
				f.wrong = where + ": the type is not exported, so encoding/json leaves the field out"
				return
			}
		}
		if !sf.IsExported() {
			if tagged {
				f.wrong = where + ": it has a json tag and is not exported, so encoding/json leaves it out"
				return
			}
			continue
		}
		if name == "" {
			name = sf.Name
		} else if !isTagName(name) {
			f.wrong = where + ": encoding/json ignores the name in its json tag"
			return
		}
		if _, twice := f.byName[name]; twice {
			f.wrong = where + ": another field has the same JSON name"
			return
		}
		one := field{name: name, index: at, typ: sf.Type}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "":
			case "omitempty":
				one.omitEmpty = true
			case "omitzero":
				one.omitZero = true
			case "string":
				one.quoted = isQuotable(sf.Type)
				if !one.quoted {
					f.wrong = where + ": the json option string is for numbers and bools"
					return
				}
			default:
				f.wrong = where + ": its json tag has an option that encoding/json does not know"
				return
			}
		}
		f.byName[name] = len(f.list)
		f.list = append(f.list, one)
	}
}

// isQuotable reports whether the json option string is honoured for a t.
func isQuotable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return isInt(t) || isUint(t) || isFloat(t) || t.Kind() == reflect.Bool
}

func isInt(t reflect.Type) bool   { return reflect.Int <= t.Kind() && t.Kind() <= reflect.Int64 }
func isUint(t reflect.Type) bool  { return reflect.Uint <= t.Kind() && t.Kind() <= reflect.Uint64 }
func isFloat(t reflect.Type) bool { return t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64 }

// isTagName reports whether encoding/json takes name from a tag. "-" is
// refused too, since it means a name to one package and none to another.
func isTagName(name string) bool {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) {
			return false
		}
	}
	return name != "-"
}

// embedsValue reports whether a t has a core.Value's methods by embedding it,
// at any depth.
func embedsValue(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return false
	}
	seen[t] = true
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous && (sf.Type == valueType || sf.Type == reflect.PointerTo(valueType) || embedsValue(sf.Type, seen)) {
			return true
		}
	}
	return false
}

// typeFault says why a t can't be declared; empty if it can.
func typeFault(t reflect.Type, variable bool) string {
	return (&typeCheck{variable: variable, seen: map[reflect.Type]bool{}}).fault(t)
}

type typeCheck struct {
	variable bool
	seen     map[reflect.Type]bool
}

func (c *typeCheck) fault(t reflect.Type) string {
	if c.seen[t] {
		return ""
	}
	c.seen[t] = true
	if t == valueType {
		if c.variable {
			return "a variable may be shown, and a core.Value never is: declare a secret, or use a string"
		}
		return ""
	}
	if embedsValue(t, map[reflect.Type]bool{}) {
		return "type " + t.String() + ": an embedded core.Value makes the whole struct print, encode and decode as one; give the field a name"
	}
	if decodesItself(t) {
		return ""
	}
	switch t.Kind() {
	case reflect.Pointer:
		for at, met := t, map[reflect.Type]bool{}; at.Kind() == reflect.Pointer; at = at.Elem() {
			if met[at] {
				return t.String() + " is a pointer to itself"
			}
			met[at] = true
		}
		return c.fault(t.Elem())
	case reflect.Slice, reflect.Array:
		return c.fault(t.Elem())
	case reflect.Map:
		if k := t.Key(); k.Kind() != reflect.String && !isInt(k) && !isUint(k) && !reflect.PointerTo(k).Implements(textUnmarshalerType) {
			return "a map with keys of type " + k.String() + " is no JSON object"
		}
		return c.fault(t.Elem())
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return "JSON can't be decoded into the interface " + t.String()
		}
		return ""
	case reflect.Struct:
		if t.PkgPath() == "net/url" && t.Name() == "URL" {
			return "url.URL is no text to encoding/json: use a string, with jsonschema:\"format=uri\""
		}
		f := fieldsOf(t)
		if f.wrong != "" {
			return f.wrong
		}
		if len(f.list) == 0 && t.NumField() > 0 {
			return t.String() + " has no field that encoding/json sees; fields are exported"
		}
		for _, one := range f.list {
			if fault := c.fault(one.typ); fault != "" {
				return fault
			}
		}
		return ""
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return "JSON can't be decoded into a " + t.Kind().String()
	default:
		return ""
	}
}
