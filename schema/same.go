package schema

import (
	"encoding/json"
	"math/big"
	"reflect"

	"github.com/lukko-dev/lukko/core"
)

// same reports whether what would be read back is what is written: fields
// that encoding/json sees, core.Value by its content, a type with its own
// Equal by that, what is behind an interface by its JSON, a nil slice or map
// as an empty one.
func same(a, b reflect.Value) bool {
	t := a.Type()
	if t != b.Type() {
		return false
	}
	if t == valueType {
		return a.Interface().(core.Value).Equal(b.Interface().(core.Value))
	}
	switch t.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Interface:
		return sameJSON(a, b)
	}
	if equal := a.MethodByName("Equal"); equal.IsValid() {
		if m := equal.Type(); m.NumIn() == 1 && m.In(0) == t && m.NumOut() == 1 && m.Out(0).Kind() == reflect.Bool {
			return equal.Call([]reflect.Value{b})[0].Bool()
		}
	}
	if t == numberType && a.String() == b.String() {
		return true // also where both are empty, which is no JSON
	}
	if decodesItself(t) || t == numberType {
		return sameJSON(a, b)
	}
	switch t.Kind() {
	case reflect.Struct:
		for _, one := range fieldsOf(t).list {
			x, errX := a.FieldByIndexErr(one.index)
			y, errY := b.FieldByIndexErr(one.index)
			if errX != nil || errY != nil {
				if (errX == nil) != (errY == nil) {
					return false
				}
				continue
			}
			if !same(x, y) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for iter := a.MapRange(); iter.Next(); {
			y := b.MapIndex(iter.Key())
			if !y.IsValid() || !same(iter.Value(), y) {
				return false
			}
		}
		return true
	default:
		return a.Equal(b)
	}
}

func sameJSON(a, b reflect.Value) bool {
	x, faultsX := encodeTree(a)
	y, faultsY := encodeTree(b)
	return len(faultsX) == 0 && len(faultsY) == 0 && equalTrees(x, y)
}

// equalTrees reports whether two trees are the same document: numbers by
// their value, to the last digit.
func equalTrees(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if w, ok := b[name]; !ok || !equalTrees(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i, v := range a {
			if !equalTrees(v, b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return false
		}
		if a == b {
			return true
		}
		x, okX := new(big.Rat).SetString(string(a))
		y, okY := new(big.Rat).SetString(string(b))
		return okX && okY && x.Cmp(y) == 0
	default:
		return a == b
	}
}
