package gotypes

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// node is a schema that is an object.
type node = map[string]any

// maxDepth bounds how far a schema is followed into itself. What lies deeper
// is taken for anything.
const maxDepth = 24

// maxSteps bounds how many schemas are looked at for one declaration, each
// time anew: definitions that refer to each other twice may be many.
const maxSteps = 2_000_000

// document is a JSON Schema, as it is looked at for the form of what it
// allows. Whatever it can't tell it takes for anything: that always holds it.
type document struct {
	root  any
	old   bool // of a draft before 2019-09: a $ref makes its siblings void
	inner bool // a part has an $id of its own, so that references in it are from there
	steps int
}

func parseDocument(raw []byte) (*document, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var d document
	if dec.Decode(&d.root) != nil {
		return nil, false
	}
	root, _ := d.root.(node)
	draft, _ := root["$schema"].(string)
	d.old = strings.Contains(draft, "/draft-0")
	for _, part := range root {
		d.inner = d.inner || hasID(part)
	}
	return &d, true
}

// hasID reports whether a part within has an $id; id is that of draft 4. One
// too many, such as a member of that name, only makes the types looser.
func hasID(v any) bool {
	switch v := v.(type) {
	case node:
		for keyword, child := range v {
			if _, ok := child.(string); ok && (keyword == "$id" || keyword == "id") || hasID(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasID)
	}
	return false
}

// target is what a $ref leads to.
func (d *document) target(ref string) (any, bool) {
	if d.inner {
		return nil, false
	}
	if ref == "#" {
		return d.root, true
	}
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, false
	}
	at := d.root
	for segment := range strings.SplitSeq(pointer, "/") {
		name, err := url.PathUnescape(segment)
		if err != nil {
			return nil, false
		}
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		switch v := at.(type) {
		case node:
			if at, ok = v[name]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	return at, true
}

// ref returns the $ref of a schema.
func ref(n node) (string, bool) {
	s, ok := n["$ref"].(string)
	return s, ok
}

// alone returns what counts of a node: the $ref only, in an old draft.
func (d *document) alone(n node) node {
	if s, ok := ref(n); ok && d.old {
		return node{"$ref": s}
	}
	return n
}

// certain returns the schemas that apply to the same value whatever it is: s
// itself, what it refers to, and its allOf.
func (d *document) certain(s any) (all []node) {
	var add func(s any, depth int)
	add = func(s any, depth int) {
		n, ok := s.(node)
		if d.steps++; !ok || depth > maxDepth || d.steps > maxSteps {
			return
		}
		n = d.alone(n)
		all = append(all, n)
		if to, ok := ref(n); ok {
			if t, ok := d.target(to); ok {
				add(t, depth+1)
			}
		}
		for _, part := range list(n["allOf"]) {
			add(part, depth+1)
		}
	}
	add(s, 0)
	return all
}

// forms returns the alternatives of a node: one list for each keyword that
// has some.
func forms(n node) (all [][]any) {
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if l := list(n[keyword]); len(l) > 0 {
			all = append(all, l)
		}
	}
	return all
}

// maybe returns the schemas that apply to the same value for some values only.
func maybe(n node) (all []any) {
	for _, keyword := range []string{"then", "else"} {
		if s, ok := n[keyword]; ok {
			all = append(all, s)
		}
	}
	for _, keyword := range []string{"dependentSchemas", "dependencies"} {
		parts, _ := n[keyword].(node)
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			all = append(all, parts[name])
		}
	}
	return all
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// texts returns the strings of a list, or the one.
func texts(v any) (all []string) {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	for _, one := range list(v) {
		if s, ok := one.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// annotations are the keywords that say nothing of what is valid.
var annotations = []string{
	"$schema", "$id", "id", "$comment", "$anchor", "$defs", "definitions", "title", "description", "default", "examples", "deprecated",
	"readOnly", "writeOnly", "nullable",
}

// keywords returns those of a node that count.
func keywords(n node) (all []string) {
	for keyword := range n {
		if !slices.Contains(annotations, keyword) {
			all = append(all, keyword)
		}
	}
	return all
}

// bare returns a schema without its annotations.
func bare(s any) any {
	n, ok := s.(node)
	if !ok {
		return s
	}
	left := node{}
	for _, keyword := range keywords(n) {
		left[keyword] = n[keyword]
	}
	return left
}

// isAnything reports whether a schema allows whatever there is.
func isAnything(s any) bool {
	n, ok := s.(node)
	return s == true || s == nil || ok && len(keywords(n)) == 0
}

// simple takes off what stands around a single schema: an allOf of one, an
// anyOf of one form and null. sure reports whether that one applies whatever
// the value is.
func (d *document) simple(s any) (one any, sure bool) {
	sure = true
	for range maxDepth {
		n, ok := s.(node)
		if !ok {
			return s, sure
		}
		n = d.alone(n)
		within := keywords(n)
		if len(within) != 1 {
			return n, sure
		}
		var left []any
		switch within[0] {
		case "allOf":
			left = slices.DeleteFunc(slices.Clone(list(n["allOf"])), isAnything)
		case "anyOf", "oneOf":
			left = slices.DeleteFunc(slices.Clone(list(n[within[0]])), func(s any) bool { return d.types(s)&^typeNull == 0 })
		}
		if len(left) != 1 {
			return n, sure
		}
		s, sure = left[0], sure && within[0] == "allOf"
	}
	return s, sure
}

// combined makes one schema of several: those of an allOf or an anyOf.
func combined(keyword string, parts []any) any {
	parts = distinct(parts)
	if len(parts) == 1 {
		return parts[0]
	}
	return node{keyword: parts}
}

func distinct(parts []any) (all []any) {
	seen := map[string]bool{}
	for _, s := range parts {
		if key := text(s); !seen[key] {
			seen[key] = true
			all = append(all, s)
		}
	}
	return all
}

// text is the JSON of a schema, the same for equal ones.
func text(s any) string {
	b, err := json.Marshal(s)
	if err != nil {
		return ""
	}
	return string(b)
}
