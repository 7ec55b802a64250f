package schema

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// schemaURL stands for the declaration's schema. Nothing is ever loaded from
// there, nor from anywhere else.
const schemaURL = "https://lukko.invalid/schema"

// maxExpansion is how many schemas a schema may come to when each of its
// references is written out. Every legitimate one is far below; a chain of
// 30 definitions that each refer twice to the next is a billion.
const maxExpansion = 50_000

// compiled is a schema that is ready to validate. It is safe for concurrent
// use.
type compiled struct {
	root      *jsonschema.Schema
	canonical []byte // names in order, so that equal schemas are equal bytes
	types     []string
	ofText    bool // every keyword at the root fits a string

	byLocation map[string]*jsonschema.Schema
	closures   sync.Map // *jsonschema.Schema to map[*jsonschema.Schema]int
}

// textKeywords are those that say nothing of anything but a string.
var textKeywords = []string{
	"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "examples", "deprecated", "readOnly", "writeOnly",
	"type", "enum", "const", "pattern", "format", "minLength", "maxLength", "contentEncoding", "contentMediaType",
}

var errRemote = errors.New("remote")

// compile compiles a schema; fault says why it can't.
func compile(raw []byte) (c *compiled, fault string) {
	if len(raw) > MaxSchemaLen {
		return nil, "the schema has more than " + strconv.Itoa(MaxSchemaLen) + " bytes"
	}
	tree, faults := parse(raw)
	for _, f := range faults {
		return nil, "the schema is wrong" + at(pointer(f.path)) + ": " + f.detail
	}
	c = &compiled{canonical: write(tree), byLocation: map[string]*jsonschema.Schema{}}
	c.ofText = true
	if root, ok := tree.(map[string]any); ok {
		for keyword := range root {
			c.ofText = c.ofText && slices.Contains(textKeywords, keyword)
		}
		switch t := root["type"].(type) {
		case string:
			c.types = []string{t}
		case []any:
			for _, one := range t {
				if s, ok := one.(string); ok {
					c.types = append(c.types, s)
				}
			}
		}
	} else if _, ok := tree.(bool); !ok {
		return nil, "a schema is a JSON object, or true or false"
	}
	if fault := c.compile(); fault != "" {
		return nil, fault
	}
	root, _ := tree.(map[string]any)
	if _, given := root["type"]; !given {
		// What a $ref says holds as if it stood here; inference writes one at the
		// root for a type that holds itself.
		for ref := c.root.Ref; ref != nil && len(c.types) == 0; ref = ref.Ref {
			c.types = ref.Types
		}
	}
	if fault := c.index(c.root); fault != "" {
		return nil, fault
	}
	if n := (&expansion{memo: map[*jsonschema.Schema]int{}}).of(c.root); n > maxExpansion {
		return nil, "the schema explodes: with its references written out it has more than " + strconv.Itoa(maxExpansion) + " parts"
	}
	if fault := c.checkDefaults(); fault != "" {
		return nil, fault
	}
	return c, ""
}

func at(pointer string) string {
	if pointer == "" {
		return ""
	}
	return " at " + pointer
}

// compile calls the compiler, whose errors quote what they choked on, and
// which panics on some schemas that its meta-schema lets through.
func (c *compiled) compile() (fault string) {
	defer func() {
		if recover() != nil {
			fault = "the schema can't be compiled"
		}
	}()
	remote := false
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat = true
	compiler.ExtractAnnotations = true
	compiler.LoadURL = func(string) (io.ReadCloser, error) {
		remote = true
		return nil, errRemote
	}
	if err := compiler.AddResource(schemaURL, bytes.NewReader(c.canonical)); err != nil {
		return "the schema can't be compiled"
	}
	root, err := compiler.Compile(schemaURL)
	var invalid *jsonschema.ValidationError
	var loop jsonschema.InfiniteLoopError
	switch {
	case err == nil:
		c.root = root
		return ""
	case remote:
		return "a $ref, $id or $schema leads out of the schema; it stays within, as in #/$defs/name"
	case errors.As(err, &invalid):
		for len(invalid.Causes) > 0 {
			invalid = invalid.Causes[0]
		}
		return "the schema is wrong" + at(pointer(instancePath(invalid.InstanceLocation)))
	case errors.As(err, &loop):
		return "the schema refers to itself without end"
	default:
		return "the schema can't be compiled: a $ref in it does not resolve"
	}
}

// index finds every part of a schema by its location.
func (c *compiled) index(s *jsonschema.Schema) (fault string) {
	if s == nil || c.byLocation[s.Location] != nil {
		return ""
	}
	c.byLocation[s.Location] = s
	if s.DynamicRef != nil || s.RecursiveRef != nil {
		return "the schema has a $dynamicRef or $recursiveRef; use $ref"
	}
	eachPart(s, func(part *jsonschema.Schema, _ bool) {
		if f := c.index(part); f != "" && fault == "" {
			fault = f
		}
	})
	return fault
}

// eachPart calls f for each schema that s applies: to the same value, or to
// those within it.
func eachPart(s *jsonschema.Schema, f func(part *jsonschema.Schema, same bool)) {
	same := func(parts ...*jsonschema.Schema) {
		for _, p := range parts {
			if p != nil {
				f(p, true)
			}
		}
	}
	within := func(parts ...*jsonschema.Schema) {
		for _, p := range parts {
			if p != nil {
				f(p, false)
			}
		}
	}
	same(s.Ref, s.Not, s.If, s.Then, s.Else)
	same(s.AllOf...)
	same(s.AnyOf...)
	same(s.OneOf...)
	for _, p := range s.DependentSchemas {
		same(p)
	}
	for _, p := range s.Dependencies {
		same(asSchema(p))
	}
	for _, p := range s.Properties {
		within(p)
	}
	for _, p := range s.PatternProperties {
		within(p)
	}
	within(s.PropertyNames, asSchema(s.AdditionalProperties), s.UnevaluatedProperties)
	within(asSchema(s.Items), asSchema(s.AdditionalItems), s.Items2020, s.Contains, s.UnevaluatedItems)
	within(s.PrefixItems...)
	if items, ok := s.Items.([]*jsonschema.Schema); ok {
		within(items...)
	}
}

// asSchema is what the validator keeps in an any, if it is a schema.
func asSchema(v any) *jsonschema.Schema {
	s, _ := v.(*jsonschema.Schema)
	return s
}

// expansion counts the parts of a schema with its references written out. A
// reference back to a part that it is within counts as one.
type expansion struct {
	memo map[*jsonschema.Schema]int
}

func (e *expansion) of(s *jsonschema.Schema) int {
	if n, ok := e.memo[s]; ok {
		return n
	}
	e.memo[s] = 1
	n := 1
	eachPart(s, func(part *jsonschema.Schema, _ bool) {
		n = min(n+e.of(part), maxExpansion+1)
	})
	e.memo[s] = n
	return n
}

// closure returns s and all that it applies to the same value, each with how
// often. The compiler has refused loops.
func (c *compiled) closure(s *jsonschema.Schema) map[*jsonschema.Schema]int {
	if cached, ok := c.closures.Load(s); ok {
		return cached.(map[*jsonschema.Schema]int)
	}
	all := map[*jsonschema.Schema]int{}
	depth := 0
	var add func(*jsonschema.Schema)
	add = func(s *jsonschema.Schema) {
		if depth++; depth <= maxExpansion {
			all[s]++
			eachPart(s, func(part *jsonschema.Schema, same bool) {
				if same {
					add(part)
				}
			})
		}
	}
	add(s)
	cached, _ := c.closures.LoadOrStore(s, all)
	return cached.(map[*jsonschema.Schema]int)
}

// member returns the schemas that s itself applies to the member of an object
// of that name. The name itself is not a member: see PropertyNames.
func member(s *jsonschema.Schema, name string) []*jsonschema.Schema {
	var parts []*jsonschema.Schema
	p, declared := s.Properties[name]
	if declared {
		parts = append(parts, p)
	}
	for pattern, p := range s.PatternProperties {
		if pattern.MatchString(name) {
			parts, declared = append(parts, p), true
		}
	}
	if a := asSchema(s.AdditionalProperties); a != nil && !declared {
		parts = append(parts, a)
	}
	if s.UnevaluatedProperties != nil {
		parts = append(parts, s.UnevaluatedProperties)
	}
	return parts
}

// element returns the schemas that s itself applies to the element i of an
// array.
func element(s *jsonschema.Schema, i int) []*jsonschema.Schema {
	var parts []*jsonschema.Schema
	add := func(p *jsonschema.Schema) {
		if p != nil {
			parts = append(parts, p)
		}
	}
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		add(items)
	case []*jsonschema.Schema:
		if i < len(items) {
			add(items[i])
		} else {
			add(asSchema(s.AdditionalItems))
		}
	}
	if i < len(s.PrefixItems) {
		add(s.PrefixItems[i])
	} else {
		add(s.Items2020)
	}
	add(s.Contains)
	add(s.UnevaluatedItems)
	return parts
}

// instancePath is the path of the validator's instance locations, whose names
// are escaped twice.
func instancePath(location string) []string {
	if location == "" {
		return nil
	}
	path := strings.Split(strings.TrimPrefix(location, "/"), "/")
	for i, name := range path {
		path[i] = unescape(name)
	}
	return path
}
