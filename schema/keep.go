package schema

import (
	"reflect"
	"strconv"
)

// drops reports whether a tree holds names that a t does not declare, which
// decoding and encoding again would drop. path is where the first is.
func drops(t reflect.Type, tree any, path []string) (at []string, found bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == valueType || decodesItself(t) {
		return nil, false
	}
	switch node := tree.(type) {
	case map[string]any:
		switch t.Kind() {
		case reflect.Struct:
			f := fieldsOf(t)
			for name, child := range node {
				below := append(path[:len(path):len(path)], name)
				i, declared := f.byName[name]
				if !declared {
					return below, true
				}
				if at, found := drops(f.list[i].typ, child, below); found {
					return at, true
				}
			}
		case reflect.Map:
			for name, child := range node {
				if at, found := drops(t.Elem(), child, append(path[:len(path):len(path)], name)); found {
					return at, true
				}
			}
		}
	case []any:
		if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
			for i, child := range node {
				if at, found := drops(t.Elem(), child, append(path[:len(path):len(path)], strconv.Itoa(i))); found {
					return at, true
				}
			}
		}
	}
	return nil, false
}

// keeper merges a change into what is stored, so that what the type does not
// declare stays.
type keeper struct {
	lost [][]string // where items with undeclared names could not be told apart
}

// keep returns stored with the change from base to changed. base is what the
// type made of stored: where changed is equal to it, stored stays as it is.
func (k *keeper) keep(t reflect.Type, stored, base, changed any, path []string) any {
	if equalTrees(base, changed) {
		return stored
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == valueType || decodesItself(t) {
		return changed
	}
	switch new := changed.(type) {
	case map[string]any:
		old, ok := stored.(map[string]any)
		was, okBase := base.(map[string]any)
		if ok && okBase && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map) {
			return k.object(t, old, was, new, path)
		}
	case []any:
		old, ok := stored.([]any)
		was, okBase := base.([]any)
		if ok && okBase && len(old) == len(was) && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			return k.array(t, old, was, new, path)
		}
	}
	return changed
}

func (k *keeper) object(t reflect.Type, old, was, new map[string]any, path []string) any {
	merged := make(map[string]any, len(old)+len(new))
	typeOf := func(string) reflect.Type { return t.Elem() }
	if t.Kind() == reflect.Struct {
		f := fieldsOf(t)
		for name, v := range old {
			_, declared := f.byName[name]
			_, before := was[name]
			_, after := new[name]
			// What neither has reads as a zero that is left out, and was written in
			// words of its own: 0, "", null, or a time that is none.
			if !declared || !before && !after {
				merged[name] = v
			}
		}
		typeOf = func(name string) reflect.Type { return f.list[f.byName[name]].typ }
	}
	for name, v := range new {
		before, wasThere := was[name]
		stored, isStored := old[name]
		switch {
		case wasThere && !isStored && equalTrees(before, v):
			// A default, which stays one.
		case wasThere && isStored:
			merged[name] = k.keep(typeOf(name), stored, before, v, append(path[:len(path):len(path)], name))
		default:
			merged[name] = v
		}
	}
	return merged
}

// array keeps items that did not change, wherever they are now; and of those
// that did, the undeclared names, if it is plain which is which.
func (k *keeper) array(t reflect.Type, old, was, new []any, path []string) any {
	merged := make([]any, len(new))
	from := make([]int, len(new)) // which old item this one is; -1: none
	taken := make([]bool, len(old))
	match := func(i, j int) {
		if !taken[j] && equalTrees(was[j], new[i]) {
			merged[i], from[i], taken[j] = old[j], j, true
		}
	}
	for i := range new {
		from[i] = -1
		if i < len(old) {
			match(i, i)
		}
	}
	for i := range new {
		for j := 0; j < len(old) && from[i] < 0; j++ {
			match(i, j)
		}
	}
	inPlace := len(old) == len(new)
	for i := range new {
		inPlace = inPlace && (from[i] == i || from[i] < 0 && !taken[i])
	}
	for i, v := range new {
		switch {
		case from[i] >= 0:
		case inPlace:
			merged[i] = k.keep(t.Elem(), old[i], was[i], v, append(path[:len(path):len(path)], strconv.Itoa(i)))
		default:
			merged[i] = v
			for j := range old {
				if taken[j] {
					continue
				}
				if at, found := drops(t.Elem(), old[j], append(path[:len(path):len(path)], strconv.Itoa(j))); found {
					k.lost = append(k.lost, at)
				}
			}
		}
	}
	return merged
}
