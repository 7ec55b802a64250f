package schema

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
)

// encoder makes a tree of a Go value. It is the one place that reveals what a
// declared struct holds: encoding/json would store "[REDACTED]".
type encoder struct {
	faults []fault
	depth  int // of calls: pointers and interfaces add nothing to the path
	deep   bool
}

func (e *encoder) fault(path []string, rule, detail string) any {
	e.faults = append(e.faults, fault{path, rule, detail})
	return nil
}

// encodeTree makes the tree of a v. It follows encoding/json, but for nil
// slices and maps, which are empty ones and no null.
func encodeTree(v reflect.Value) (any, []fault) {
	var e encoder
	addressable := reflect.New(v.Type()).Elem() // so that methods of *T are found wherever they are
	addressable.Set(v)
	tree := e.encode(addressable, nil)
	return tree, e.faults
}

func (e *encoder) encode(v reflect.Value, path []string) any {
	e.depth++
	defer func() { e.depth-- }()
	if len(path) > maxDepth || e.depth > 3*maxDepth {
		if !e.deep { // its path says nothing that helps
			e.fault(nil, RuleEncode, errTooDeep.Error()+"; do its pointers go in a circle?")
		}
		e.deep = true
		return nil
	}
	t := v.Type()
	if t == valueType {
		return e.text(v.Interface().(core.Value).Reveal(), path)
	}
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return e.pointed(v, path)
	}
	if tree, done := e.itself(v, path); done {
		return tree
	}
	switch {
	case t == numberType:
		if !isNumber(v.String()) || !isModest(json.Number(v.String())) {
			return e.fault(path, RuleNumber, "the json.Number is no number, or its exponent is out of bounds")
		}
		return json.Number(v.String())
	case isInt(t):
		return json.Number(strconv.FormatInt(v.Int(), 10))
	case isUint(t):
		return json.Number(strconv.FormatUint(v.Uint(), 10))
	case isFloat(t):
		return e.float(v, path)
	case isBytes(t):
		return base64.StdEncoding.EncodeToString(v.Bytes())
	}
	switch t.Kind() {
	case reflect.String:
		return e.text(v.String(), path)
	case reflect.Bool:
		return v.Bool()
	case reflect.Struct:
		return e.object(v, path)
	case reflect.Map:
		return e.mapping(v, path)
	case reflect.Slice, reflect.Array:
		array := make([]any, v.Len())
		for i := range array {
			array[i] = e.encode(v.Index(i), append(path[:len(path):len(path)], strconv.Itoa(i)))
		}
		return array
	default: // within an interface, where the declaration could not look
		return e.fault(path, RuleEncode, "a "+t.String()+" is no JSON")
	}
}

// pointed encodes what a pointer or an interface holds. What an interface
// holds is not addressable, so it is copied.
func (e *encoder) pointed(v reflect.Value, path []string) any {
	if v.IsNil() {
		return nil
	}
	elem := v.Elem()
	if !elem.CanAddr() {
		c := reflect.New(elem.Type()).Elem()
		c.Set(elem)
		elem = c
	}
	return e.encode(elem, path)
}

// itself encodes a value by its own method, if it has one.
func (e *encoder) itself(v reflect.Value, path []string) (tree any, done bool) {
	p := v.Addr()
	if p.Type().Implements(jsonMarshalerType) {
		data, err := json.Marshal(p.Interface())
		if err != nil { // whose text may quote the value
			return e.fault(path, RuleEncode, "the method MarshalJSON of "+v.Type().String()+" failed"), true
		}
		tree, faults := parse(data)
		for _, f := range faults {
			e.faults = append(e.faults, fault{append(path[:len(path):len(path)], f.path...), f.rule, f.detail})
		}
		return tree, true
	}
	if p.Type().Implements(textMarshalerType) {
		text, err := p.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return e.fault(path, RuleEncode, "the method MarshalText of "+v.Type().String()+" failed"), true
		}
		return e.text(string(text), path), true
	}
	return nil, false
}

// text is a string, which JSON can hold if it is valid UTF-8.
func (e *encoder) text(s string, path []string) any {
	if !utf8.ValidString(s) {
		return e.fault(path, RuleUnicode, "it is no valid UTF-8; declare []byte for other bytes, which are stored in base64")
	}
	return s
}

func (e *encoder) float(v reflect.Value, path []string) any {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return e.fault(path, RuleNumber, "JSON has neither NaN nor infinity")
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return e.fault(path, RuleNumber, "it is no JSON number")
	}
	return json.Number(text)
}

func (e *encoder) object(v reflect.Value, path []string) any {
	f := fieldsOf(v.Type())
	if f.wrong != "" { // within an interface, where the declaration could not look
		return e.fault(path, RuleEncode, f.wrong)
	}
	object := make(map[string]any, len(f.list))
	for _, one := range f.list {
		member, err := v.FieldByIndexErr(one.index)
		if err != nil { // an embedded pointer that is nil
			continue
		}
		if one.omitEmpty && isEmpty(member) || one.omitZero && isZero(member) {
			continue
		}
		tree := e.encode(member, append(path[:len(path):len(path)], one.name))
		if one.quoted && tree != nil {
			tree = string(write(tree))
		}
		object[one.name] = tree
	}
	return object
}

// isEmpty is what omitempty leaves out. Of a core.Value that is an empty one:
// it stands for a string.
func isEmpty(v reflect.Value) bool {
	if v.Type() == valueType {
		return v.Interface().(core.Value).IsZero()
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

// isZero is what omitzero leaves out.
func isZero(v reflect.Value) bool {
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
		return true
	}
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	if z, ok := v.Addr().Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

func (e *encoder) mapping(v reflect.Value, path []string) any {
	object := make(map[string]any, v.Len())
	for iter := v.MapRange(); iter.Next(); {
		name, ok := keyName(iter.Key())
		if !ok || !utf8.ValidString(name) {
			return e.fault(path, RuleEncode, "a key of the map is no JSON name")
		}
		at := append(path[:len(path):len(path)], name)
		if _, twice := object[name]; twice {
			return e.fault(at, RuleDuplicate, "two keys of the map have one name")
		}
		member := reflect.New(v.Type().Elem()).Elem()
		member.Set(iter.Value())
		object[name] = e.encode(member, at)
	}
	return object
}

// keyName is the name of a map's key, as encoding/json writes it.
func keyName(k reflect.Value) (string, bool) {
	if k.Kind() == reflect.String {
		return k.String(), true
	}
	if m, ok := k.Interface().(encoding.TextMarshaler); ok {
		if k.Kind() == reflect.Pointer && k.IsNil() {
			return "", true
		}
		text, err := m.MarshalText()
		return string(text), err == nil
	}
	switch {
	case isInt(k.Type()):
		return strconv.FormatInt(k.Int(), 10), true
	case isUint(k.Type()):
		return strconv.FormatUint(k.Uint(), 10), true
	}
	return "", false
}
