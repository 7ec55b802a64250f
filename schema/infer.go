package schema

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

var (
	describesItselfType = reflect.TypeFor[interface{ JSONSchema() *jsonschema.Schema }]()
	aliasType           = reflect.TypeFor[interface{ JSONSchemaAlias() any }]()
	bigIntType          = reflect.TypeFor[big.Int]()
	timeType            = reflect.TypeFor[time.Time]()
	rawMessageType      = reflect.TypeFor[json.RawMessage]()
)

// infer makes the JSON Schema of a Go type that can be declared.
func infer(t reflect.Type) (raw []byte, fault string) {
	if fault := tagFault(t, map[reflect.Type]bool{}); fault != "" {
		return nil, fault
	}
	n := namer{names: map[reflect.Type]string{}, taken: map[string]bool{}}
	reflector := jsonschema.Reflector{
		Anonymous:                 true,
		AllowAdditionalProperties: true,
		Mapper:                    mapped,
		Namer:                     n.name,
	}
	inferred, err := json.Marshal(reflector.ReflectFromType(t))
	if err != nil {
		return nil, "the schema of the Go type " + t.String() + " can't be inferred"
	}
	tree, faults := parse(inferred)
	if len(faults) > 0 {
		return nil, "the schema of the Go type " + t.String() + " can't be inferred: " + faults[0].detail
	}
	mend(tree)
	return write(inlined(tree)), ""
}

// mapped gives the schema of the types that their form says nothing about. A
// new one each time, as the reflector writes the keywords of tags into it.
func mapped(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == valueType:
		return &jsonschema.Schema{Type: "string"}
	case t == numberType:
		return &jsonschema.Schema{Type: "number"}
	case t == bigIntType:
		return &jsonschema.Schema{Type: "integer"}
	case t == rawMessageType:
		return &jsonschema.Schema{}
	case t == timeType, t.Implements(describesItselfType), t.Implements(aliasType):
		return nil
	case reflect.PointerTo(t).Implements(jsonUnmarshalerType):
		return &jsonschema.Schema{} // whatever its method takes
	case reflect.PointerTo(t).Implements(textUnmarshalerType):
		return &jsonschema.Schema{Type: "string"}
	case isBytes(t):
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}
	}
	return nil
}

// namer gives each type a name of its own in "$defs": types of two packages
// may have the same one.
type namer struct {
	names map[reflect.Type]string
	taken map[string]bool
}

func (n *namer) name(t reflect.Type) string {
	if t.Name() == "" {
		return ""
	}
	if name, ok := n.names[t]; ok {
		return name
	}
	base, _, _ := strings.Cut(t.Name(), "[") // a generic type's arguments are no part of a reference
	base = strings.Map(func(r rune) rune {
		if r < 0x80 {
			return r
		}
		return '_'
	}, base)
	name := base
	for i := 2; n.taken[name]; i++ {
		name = base + strconv.Itoa(i)
	}
	n.names[t], n.taken[name] = name, true
	return name
}

// mend corrects what the reflector makes of maps with integers as keys, which
// may be negative.
func mend(tree any) {
	switch node := tree.(type) {
	case map[string]any:
		if patterns, ok := node["patternProperties"].(map[string]any); ok && len(patterns) == 1 {
			if of, ok := patterns["^[0-9]+$"]; ok {
				node["patternProperties"] = map[string]any{"^-?[0-9]+$": of}
			}
		}
		for _, child := range node {
			mend(child)
		}
	case []any:
		for _, child := range node {
			mend(child)
		}
	}
}

// inlined puts the definition of the whole in place of the reference to it,
// where nothing else refers to it: easier to read, and the same.
func inlined(tree any) any {
	root, ok := tree.(map[string]any)
	if !ok {
		return tree
	}
	ref, _ := root["$ref"].(string)
	name, ok := strings.CutPrefix(ref, "#/$defs/")
	defs, _ := root["$defs"].(map[string]any)
	def, _ := defs[name].(map[string]any)
	if !ok || def == nil || references(tree, ref) > 1 {
		return tree
	}
	delete(root, "$ref")
	delete(defs, name)
	if len(defs) == 0 {
		delete(root, "$defs")
	}
	for keyword, v := range def {
		if _, there := root[keyword]; !there {
			root[keyword] = v
		}
	}
	return root
}

func references(tree any, ref string) (n int) {
	switch node := tree.(type) {
	case map[string]any:
		if node["$ref"] == ref {
			n++
		}
		for _, child := range node {
			n += references(child, ref)
		}
	case []any:
		for _, child := range node {
			n += references(child, ref)
		}
	}
	return n
}
