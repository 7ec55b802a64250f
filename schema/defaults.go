package schema

import (
	"cmp"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// maxDefaults bounds how many defaults one document gets: a schema whose
// default needs the same default within has no end.
const maxDefaults = 10_000

// fill puts the defaults of absent members into a tree, in place. It reports
// whether there was an end to it.
func (c *compiled) fill(tree any) bool {
	budget := maxDefaults
	c.fillFrom([]*jsonschema.Schema{c.root}, tree, 0, &budget)
	return budget >= 0
}

// certain returns s and what applies to the same value whatever the value is:
// $ref and allOf. Which default holds must not depend on the value's form.
func certain(to []*jsonschema.Schema, s *jsonschema.Schema) []*jsonschema.Schema {
	if slices.Contains(to, s) {
		return to
	}
	to = append(to, s)
	if s.Ref != nil {
		to = certain(to, s.Ref)
	}
	for _, part := range s.AllOf {
		to = certain(to, part)
	}
	return to
}

func (c *compiled) fillFrom(tops []*jsonschema.Schema, node any, depth int, budget *int) {
	if depth > maxDepth {
		*budget = -1
		return
	}
	var applied []*jsonschema.Schema
	for _, top := range tops {
		applied = certain(applied, top)
	}
	switch node := node.(type) {
	case map[string]any:
		for _, s := range applied {
			for name, p := range s.Properties {
				if _, there := node[name]; there {
					continue
				}
				if v, ok := defaultOf(p); ok {
					if *budget--; *budget < 0 {
						return
					}
					node[name] = clone(v)
				}
			}
		}
		for name, child := range node {
			var below []*jsonschema.Schema
			for _, s := range applied {
				below = append(below, member(s, name)...)
			}
			if len(below) > 0 && *budget >= 0 {
				c.fillFrom(below, child, depth+1, budget)
			}
		}
	case []any:
		for i, child := range node {
			var below []*jsonschema.Schema
			for _, s := range applied {
				below = append(below, element(s, i)...)
			}
			if len(below) > 0 && *budget >= 0 {
				c.fillFrom(below, child, depth+1, budget)
			}
		}
	}
}

// defaultOf returns the default of a member that is absent.
func defaultOf(s *jsonschema.Schema) (any, bool) {
	for _, part := range certain(nil, s) {
		if part.Default != nil {
			return part.Default, true
		}
	}
	return nil, false
}

// checkDefaults says which default the schema itself does not allow; empty if
// none.
func (c *compiled) checkDefaults() string {
	locations := make([]string, 0, len(c.byLocation))
	for location := range c.byLocation {
		locations = append(locations, location)
	}
	slices.SortFunc(locations, cmp.Compare[string])
	for _, location := range locations {
		s := c.byLocation[location]
		if s.Default == nil {
			continue
		}
		part := &compiled{root: s, byLocation: c.byLocation}
		v := clone(s.Default)
		where := at(schemaPointer(location))
		if !part.fill(v) {
			return "the default" + where + " needs itself within, without end"
		}
		if len(part.validate(v)) > 0 {
			return "the default" + where + " is not what the schema there allows"
		}
	}
	return ""
}

// schemaPointer is the JSON pointer within a schema of a location.
func schemaPointer(location string) string {
	for i := range len(location) {
		if location[i] == '#' {
			return pointer(instancePath(location[i+1:]))
		}
	}
	return ""
}
