package gotypes

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
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

// names returns the names of members that a schema speaks of, whether they
// are always allowed or in one form only.
func (d *document) names(s any) []string {
	found := map[string]bool{}
	d.each(s, func(n node) {
		properties, _ := n["properties"].(node)
		for name, p := range properties {
			found[name] = found[name] || p != false
		}
		for _, name := range texts(n["required"]) {
			found[name] = true
		}
	}, 0)
	for name, there := range found {
		if !there {
			delete(found, name)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// member returns the schema of a member. What only some forms of s say of it
// is within an anyOf.
func (d *document) member(s any, name string) any {
	m, _, _ := d.part(s, func(n node) (any, bool) { return memberOf(n, name) }, 0)
	return m
}

func memberOf(n node, name string) (any, bool) {
	var parts []any
	properties, _ := n["properties"].(node)
	if p, ok := properties[name]; ok {
		parts = append(parts, p)
	}
	patterns, _ := n["patternProperties"].(node)
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		if re, err := regexp.Compile(pattern); err == nil && re.MatchString(name) {
			parts = append(parts, patterns[pattern])
		}
	}
	if len(parts) == 0 {
		// additionalProperties is about names that nothing speaks of.
		if a, ok := n["additionalProperties"].(node); ok && !isAnything(a) {
			parts = append(parts, a)
		}
	}
	if len(parts) == 0 {
		return nil, false
	}
	return combined("allOf", parts), true
}

// items returns the schema of an array's elements, and whether s speaks of
// them in every case.
func (d *document) items(s any) (any, bool) {
	m, certain, _ := d.part(s, d.itemsOf, 0)
	return m, certain
}

func (d *document) itemsOf(n node) (any, bool) {
	items, ok := n["items"]
	prefix, tuple := n["prefixItems"].([]any)
	rest := items
	if l, isList := items.([]any); isList {
		prefix, tuple, rest = l, true, n["additionalItems"]
	}
	if !tuple {
		return items, ok
	}
	if rest == nil {
		rest = true
	}
	if rest != false {
		prefix = append(slices.Clip(prefix), rest)
	}
	return combined("anyOf", prefix), true
}

// part collects what s says of a part of a value. What only some forms of s
// say counts where nothing is said for all of them: then the part is there in
// those forms only.
func (d *document) part(s any, of func(node) (any, bool), depth int) (m any, certain, mentioned bool) {
	if depth > maxDepth {
		return true, false, false
	}
	var always, sometimes []any
	for _, n := range d.certain(s) {
		if p, ok := of(n); ok {
			always = append(always, p)
		}
		for _, form := range forms(n) {
			var within []any
			every := true
			for _, s := range form {
				if d.typesAt(s, depth)&^typeNull == 0 {
					continue
				}
				p, sure, ok := d.part(s, of, depth+1)
				every = every && sure
				if ok {
					within = append(within, p)
				}
			}
			if len(within) == 0 {
				continue
			}
			if either := (node{"anyOf": distinct(within)}); every {
				always = append(always, either)
			} else {
				sometimes = append(sometimes, either)
			}
		}
		for _, s := range maybe(n) {
			if p, _, ok := d.part(s, of, depth+1); ok {
				sometimes = append(sometimes, p)
			}
		}
	}
	switch {
	case len(always) > 0:
		return combined("allOf", always), true, true
	case len(sometimes) > 0:
		return node{"anyOf": distinct(sometimes)}, false, true
	}
	return true, false, false
}

// required returns the names that every valid object has.
func (d *document) required(s any) map[string]bool { return d.requiredAt(s, 0) }

func (d *document) requiredAt(s any, depth int) map[string]bool {
	all := map[string]bool{}
	if depth > maxDepth {
		return all
	}
	for _, n := range d.certain(s) {
		for _, name := range texts(n["required"]) {
			all[name] = true
		}
		for _, form := range forms(n) {
			for name := range d.requiredOfForm(form, depth) {
				all[name] = true
			}
		}
	}
	return all
}

// requiredOfForm returns the names that every object of one of the forms has.
func (d *document) requiredOfForm(form []any, depth int) (all map[string]bool) {
	for _, s := range form {
		if d.typesAt(s, depth)&typeObject == 0 {
			continue
		}
		own := d.requiredAt(s, depth+1)
		if all == nil {
			all = own
		}
		maps.DeleteFunc(all, func(name string, _ bool) bool { return !own[name] })
	}
	return all
}

// extras returns the schemas of members whose names are not declared, if it
// says more of them than whether there may be some; open reports whether
// there may be others, of which nothing is said.
func (d *document) extras(s any) (all []any, open bool) {
	open = true
	for _, n := range d.certain(s) {
		if a, ok := n["additionalProperties"]; ok && !isAnything(a) {
			open = false
		}
	}
	d.each(s, func(n node) {
		patterns, _ := n["patternProperties"].(node)
		for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
			if p := patterns[pattern]; p != false && !isAnything(p) {
				all = append(all, p)
			}
		}
		if a := n["additionalProperties"]; a != false && !isAnything(a) {
			all = append(all, a)
		}
	}, 0)
	return all, open
}

// hasDefault reports whether a member that is absent is filled in, where s
// itself applies whatever the value is.
func (d *document) hasDefault(member any) bool {
	return slices.ContainsFunc(d.certain(member), func(n node) bool { return n["default"] != nil }) // null is none
}

// mayDefault reports whether there is a default in any form of a member.
func (d *document) mayDefault(member any) bool {
	found := false
	d.each(member, func(n node) { found = found || n["default"] != nil }, 0)
	return found
}

// each calls f for all schemas that may apply to the same value.
func (d *document) each(s any, f func(node), depth int) {
	if depth > maxDepth {
		return
	}
	for _, n := range d.certain(s) {
		f(n)
		for _, form := range append(forms(n), maybe(n)) {
			for _, s := range form {
				d.each(s, f, depth+1)
			}
		}
	}
}

// isOpen reports whether some form of an object says nothing of its members.
func (d *document) isOpen(s any) bool {
	open := false
	for _, n := range d.certain(s) {
		if _, ok := n["properties"]; ok {
			return false
		}
		for _, form := range forms(n) {
			for _, s := range form {
				open = open || d.types(s)&typeObject != 0 && len(d.names(s)) == 0
			}
		}
	}
	return open
}

// described is what a schema says in words.
func (d *document) described(s any) string {
	own, _ := s.(node) // with what stands beside a $ref
	for _, n := range append([]node{own}, d.certain(s)...) {
		for _, keyword := range []string{"description", "title"} {
			if words, _ := n[keyword].(string); words != "" {
				return words
			}
		}
	}
	return ""
}
