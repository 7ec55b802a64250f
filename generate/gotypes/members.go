package gotypes

import (
	"maps"
	"regexp"
	"slices"
)

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
