package schema

import (
	"cmp"
	"errors"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// maxEffort bounds how often parts of a schema are applied to parts of one
// document. The validator does about a million a second; recursive schemas
// can ask for more than there are atoms.
const maxEffort = 500_000

// validate returns all faults of a tree.
func (c *compiled) validate(tree any) []fault {
	budget := maxEffort
	c.effort(c.closure(c.root), tree, &budget)
	if budget < 0 {
		return []fault{{rule: RuleEffort, detail: "the schema would be applied too often for a document of this depth or size"}}
	}
	err := c.run(tree)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []fault{{rule: RuleEffort, detail: "the validator gave up"}}
	}
	// One part of a schema may apply to one value by two ways.
	faults := c.faults(nil, invalid, tree)
	seen := map[string]bool{}
	return slices.DeleteFunc(faults, func(f fault) bool {
		key := pointer(f.path) + " " + f.rule + " " + f.detail
		again := seen[key]
		seen[key] = true
		return again
	})
}

// run calls the validator, which panics on what it does not expect.
func (c *compiled) run(tree any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("panic")
		}
	}()
	return c.root.Validate(tree)
}

// effort takes off the budget what validating would cost: each schema of the
// closures once for each time that it is applied.
func (c *compiled) effort(applied map[*jsonschema.Schema]int, node any, budget *int) {
	for _, n := range applied {
		if *budget -= n; *budget < 0 {
			return
		}
	}
	descend := func(parts func(*jsonschema.Schema) []*jsonschema.Schema, child any) {
		below := map[*jsonschema.Schema]int{}
		for s, n := range applied {
			for _, part := range parts(s) {
				for p, m := range c.closure(part) {
					below[p] = min(below[p]+n*m, maxEffort+1)
				}
			}
		}
		c.effort(below, child, budget)
	}
	switch node := node.(type) {
	case map[string]any:
		for name, child := range node {
			if *budget < 0 {
				return
			}
			descend(func(s *jsonschema.Schema) []*jsonschema.Schema { return member(s, name) }, child)
			descend(func(s *jsonschema.Schema) []*jsonschema.Schema {
				if s.PropertyNames == nil {
					return nil
				}
				return []*jsonschema.Schema{s.PropertyNames}
			}, name)
		}
	case []any:
		for i, child := range node {
			if *budget < 0 {
				return
			}
			descend(func(s *jsonschema.Schema) []*jsonschema.Schema { return element(s, i) }, child)
		}
	}
}

// faults takes the validator's error apart. Its messages quote values, so
// nothing of them is used.
func (c *compiled) faults(to []fault, e *jsonschema.ValidationError, tree any) []fault {
	path := instancePath(e.InstanceLocation)
	s, keyword, rest := c.locate(e.AbsoluteKeywordLocation)
	switch keyword {
	case "anyOf", "oneOf":
		if len(e.Causes) == 0 {
			return append(to, fault{path, keyword, "more than one of the declared forms match"})
		}
		if one := nearest(e.Causes, e.InstanceLocation); one != nil {
			return c.faults(to, one, tree)
		}
		return append(to, fault{path, keyword, "none of the declared forms match"})
	case "minContains":
		return append(to, fault{path, "contains", "too few of the items are as declared"})
	case "required":
		object, _ := lookup(tree, path).(map[string]any)
		for _, name := range s.Required {
			if _, ok := object[name]; !ok {
				to = append(to, fault{append(slices.Clone(path), name), keyword, "it is missing"})
			}
		}
		return to
	case "dependentRequired", "dependencies":
		if len(rest) == 2 {
			return append(to, fault{path, keyword, "a name that is there needs another one, which is missing"})
		}
	}
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			to = c.faults(to, cause, tree)
		}
		return to
	}
	return append(to, fault{path, keyword, detail(s, keyword)})
}

// locate finds the schema and the keyword of an absolute keyword location.
func (c *compiled) locate(location string) (s *jsonschema.Schema, keyword string, rest []string) {
	if c.byLocation[location] != nil {
		// A false schema: the keyword is the one that applies it.
		for _, segment := range slices.Backward(strings.Split(location, "/")) {
			if strings.HasPrefix(segment, "additional") || strings.HasPrefix(segment, "unevaluated") {
				return c.byLocation[location], segment, nil
			}
			break
		}
		return c.byLocation[location], "false", nil
	}
	segments := strings.Split(location, "/")
	for i := len(segments) - 1; i > 0; i-- {
		if s := c.byLocation[strings.Join(segments[:i], "/")]; s != nil {
			return s, segments[i], segments[i+1:]
		}
	}
	return &jsonschema.Schema{}, segments[len(segments)-1], nil
}

// nearest is the only branch that fails for another reason than the type of
// the value: the one that was meant.
func nearest(causes []*jsonschema.ValidationError, location string) *jsonschema.ValidationError {
	var one *jsonschema.ValidationError
	for _, cause := range causes {
		leaf := cause
		for len(leaf.Causes) == 1 {
			leaf = leaf.Causes[0]
		}
		if len(leaf.Causes) == 0 && leaf.InstanceLocation == location && strings.HasSuffix(leaf.AbsoluteKeywordLocation, "/type") {
			continue
		}
		if one != nil {
			return nil
		}
		one = cause
	}
	return one
}

// detail says what a keyword asks for. Of enum and const it does not: what
// they list may be the value of another environment.
func detail(s *jsonschema.Schema, keyword string) string {
	count := func(n int, what string) string { return strconv.Itoa(n) + " " + what }
	switch keyword {
	case "type":
		return "it must be of type " + strings.Join(s.Types, " or ")
	case "pattern":
		if s.Pattern != nil {
			return "it must match " + s.Pattern.String()
		}
	case "format":
		return "it must be of the format " + s.Format
	case "minLength":
		return "it must have at least " + count(s.MinLength, "characters")
	case "maxLength":
		return "it must have at most " + count(s.MaxLength, "characters")
	case "minItems":
		return "it must have at least " + count(s.MinItems, "items")
	case "maxItems":
		return "it must have at most " + count(s.MaxItems, "items")
	case "minProperties":
		return "it must have at least " + count(s.MinProperties, "names")
	case "maxProperties":
		return "it must have at most " + count(s.MaxProperties, "names")
	case "maxContains":
		return "too many of the items are as declared"
	case "uniqueItems":
		return "two items are equal"
	case "minimum":
		return "it must be at least " + number(s.Minimum)
	case "maximum":
		return "it must be at most " + number(s.Maximum)
	case "exclusiveMinimum":
		return "it must be more than " + number(s.ExclusiveMinimum)
	case "exclusiveMaximum":
		return "it must be less than " + number(s.ExclusiveMaximum)
	case "multipleOf":
		return "it must be a multiple of " + number(s.MultipleOf)
	case "enum":
		return "it is none of the declared values"
	case "const":
		return "it is not the declared value"
	case "additionalProperties", "unevaluatedProperties":
		return "names that are not declared are not allowed"
	case "additionalItems", "unevaluatedItems":
		return "more items than declared are not allowed"
	case "not":
		return "it is what is declared not to be"
	case "false":
		return "it is declared not to be there"
	}
	return ""
}

// number is a number of a schema in decimal.
func number(r *big.Rat) string {
	if r == nil {
		return "declared"
	}
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// shown is the pointer of a path with each name that is not declared there
// as "*".
func (c *compiled) shown(path []string, tree any) string {
	applied := []*jsonschema.Schema{c.root}
	masked := make([]string, len(path))
	for i, name := range path {
		var below []*jsonschema.Schema
		masked[i] = "*"
		array, isArray := tree.([]any)
		object, _ := tree.(map[string]any)
		if isArray {
			masked[i] = name
		}
		for _, top := range applied {
			for s := range c.closure(top) {
				if isArray {
					n, _ := strconv.Atoi(name)
					below = append(below, element(s, n)...)
					continue
				}
				if declares(s, name) {
					masked[i] = name
				}
				below = append(below, member(s, name)...)
			}
		}
		tree = nil
		if isArray {
			if n, err := strconv.Atoi(name); err == nil && 0 <= n && n < len(array) {
				tree = array[n]
			}
		} else {
			tree = object[name]
		}
		slices.SortFunc(below, func(a, b *jsonschema.Schema) int { return cmp.Compare(a.Location, b.Location) })
		applied = slices.Compact(below)
	}
	return pointer(masked)
}

// declares reports whether s itself names a member of an object.
func declares(s *jsonschema.Schema, name string) bool {
	if _, ok := s.Properties[name]; ok {
		return true
	}
	if _, ok := s.DependentSchemas[name]; ok {
		return true
	}
	if _, ok := s.DependentRequired[name]; ok {
		return true
	}
	if _, ok := s.Dependencies[name]; ok {
		return true
	}
	return slices.Contains(s.Required, name)
}

// lookup returns what is at a path of a tree; nil if nothing is.
func lookup(tree any, path []string) any {
	for _, name := range path {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			tree = node[i]
		default:
			return nil
		}
	}
	return tree
}

// unescape undoes the validator's escapes of a name.
func unescape(name string) string {
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
}
