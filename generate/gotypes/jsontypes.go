package gotypes

import "encoding/json"

// types is a set of types of JSON.
type types uint8

const (
	typeNull types = 1 << iota
	typeBoolean
	typeObject
	typeArray
	typeString
	typeInteger
	typeFraction // a number that is no integer
	typeAll      = 1<<iota - 1
)

var typesByName = map[string]types{
	"null": typeNull, "boolean": typeBoolean, "object": typeObject, "array": typeArray,
	"string": typeString, "integer": typeInteger, "number": typeInteger | typeFraction,
}

// types returns the types that a valid value may be of, or more.
func (d *document) types(s any) types { return d.typesAt(s, 0) }

func (d *document) typesAt(s any, depth int) types {
	if s == false {
		return 0
	}
	all := types(typeAll)
	if depth > maxDepth {
		return all
	}
	for _, n := range d.certain(s) {
		if names := texts(n["type"]); len(names) > 0 {
			var own types
			for _, name := range names {
				own |= typesByName[name]
			}
			all &= own
		}
		if v, ok := n["const"]; ok {
			all &= typeOf(v)
		}
		if values, ok := n["enum"].([]any); ok {
			var own types
			for _, v := range values {
				own |= typeOf(v)
			}
			all &= own
		}
		for _, form := range forms(n) {
			var own types
			for _, s := range form {
				own |= d.typesAt(s, depth+1)
			}
			all &= own
		}
		for _, part := range list(n["allOf"]) {
			if part == false {
				return 0
			}
		}
	}
	return all
}

// typeOf returns the type of a JSON value.
func typeOf(v any) types {
	switch v := v.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case node:
		return typeObject
	case []any:
		return typeArray
	case string:
		return typeString
	case json.Number:
		if r, ok := rational(v); !ok || !r.IsInt() {
			return typeFraction
		}
		return typeInteger
	}
	return typeAll
}
