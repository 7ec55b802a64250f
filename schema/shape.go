package schema

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
)

// shaper walks a tree along a Go type: it keeps the names that the type
// declares, and finds what the type can't hold and encoding/json would not
// report, or only with the value.
type shaper struct {
	faults []fault
}

func (s *shaper) fault(path []string, rule, detail string) {
	s.faults = append(s.faults, fault{path, rule, detail})
}

// shape returns what encoding/json may see of node for a t.
func (s *shaper) shape(t reflect.Type, node any, path []string) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if node == nil {
		return nil
	}
	if t == valueType {
		text, ok := node.(string)
		switch {
		case !ok:
			s.fault(path, RuleDecode, "a core.Value is a JSON string")
		case text == redacted:
			s.fault(path, RuleDecode, "it is "+redacted+", which stands for a value that was not revealed when it was written")
		}
		return node
	}
	if decodesItself(t) {
		return node
	}
	switch node := node.(type) {
	case map[string]any:
		switch t.Kind() {
		case reflect.Struct:
			f := fieldsOf(t)
			kept := make(map[string]any, len(f.list))
			for _, one := range f.list {
				child, ok := node[one.name]
				if !ok {
					continue
				}
				at := append(path[:len(path):len(path)], one.name)
				if one.quoted {
					kept[one.name] = s.unquoted(one.typ, child, at)
				} else {
					kept[one.name] = s.shape(one.typ, child, at)
				}
			}
			return kept
		case reflect.Map:
			kept := make(map[string]any, len(node))
			for name, child := range node {
				at := append(path[:len(path):len(path)], name)
				if k := t.Key(); (isInt(k) || isUint(k)) && !decodesItself(k) {
					s.key(k, name, at)
				}
				kept[name] = s.shape(t.Elem(), child, at)
			}
			return kept
		}
	case []any:
		if isBytes(t) {
			s.fault(path, RuleDecode, "bytes are a JSON string in base64")
			return node
		}
		switch t.Kind() {
		case reflect.Array:
			if len(node) != t.Len() {
				s.fault(path, RuleDecode, "the Go type has exactly "+strconv.Itoa(t.Len())+" items")
			}
			fallthrough
		case reflect.Slice:
			kept := make([]any, len(node))
			for i, child := range node {
				kept[i] = s.shape(t.Elem(), child, append(path[:len(path):len(path)], strconv.Itoa(i)))
			}
			return kept
		}
	case string:
		if isBytes(t) {
			if _, err := base64.StdEncoding.DecodeString(node); err != nil {
				s.fault(path, "contentEncoding", "it must be base64")
			}
			return node
		}
		if t.Kind() == reflect.String && t != numberType {
			return node
		}
	case json.Number:
		if isInt(t) || isUint(t) || isFloat(t) {
			return s.number(t, node, path)
		}
		if t == numberType {
			return node
		}
	case bool:
		if t.Kind() == reflect.Bool {
			return node
		}
	}
	if t.Kind() != reflect.Interface {
		s.fault(path, RuleDecode, "the Go type "+t.String()+" can't hold this type of JSON")
	}
	return node
}

// number returns n as encoding/json takes it for a t: it refuses 1.0 and 1e3
// for an integer, which JSON Schema says they are.
func (s *shaper) number(t reflect.Type, n json.Number, path []string) json.Number {
	if isFloat(t) {
		if _, err := strconv.ParseFloat(string(n), t.Bits()); err != nil {
			s.fault(path, RuleRange, "it is too large for the Go type "+t.String())
		}
		return n
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok || !r.IsInt() {
		s.fault(path, "type", "it must be of type integer")
		return n
	}
	i := r.Num()
	switch {
	case isInt(t) && i.IsInt64() && !reflect.Zero(t).OverflowInt(i.Int64()):
	case isUint(t) && i.IsUint64() && !reflect.Zero(t).OverflowUint(i.Uint64()):
	default:
		s.fault(path, RuleRange, "it is out of range for the Go type "+t.String())
	}
	return json.Number(i.String())
}

// unquoted checks a number or a bool that the json option string puts into a
// JSON string.
func (s *shaper) unquoted(t reflect.Type, node any, path []string) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	text, ok := node.(string)
	switch {
	case node == nil:
		return nil
	case ok && t.Kind() == reflect.Bool && (text == "true" || text == "false"):
		return node
	case ok && t.Kind() != reflect.Bool && isNumber(text) && isModest(json.Number(text)):
		return string(s.number(t, json.Number(text), path))
	}
	s.fault(path, RuleDecode, "the json option string wants a "+t.Kind().String()+" within a JSON string")
	return node
}

// key checks the name of an integer: "1" and "01" are two names in JSON, and
// would be one key.
func (s *shaper) key(t reflect.Type, name string, path []string) {
	if isInt(t) {
		if n, err := strconv.ParseInt(name, 10, t.Bits()); err == nil && strconv.FormatInt(n, 10) == name {
			return
		}
	} else if n, err := strconv.ParseUint(name, 10, t.Bits()); err == nil && strconv.FormatUint(n, 10) == name {
		return
	}
	s.fault(path, "propertyNames", "a name is a plain number within the range of the Go type "+t.String())
}

// redacted is what a core.Value shows, and refuses to be decoded from.
const redacted = "[REDACTED]"
