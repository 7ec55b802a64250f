package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
	"github.com/lukko-dev/lukko/schema/metadata"
	"go.yaml.in/yaml/v4"
)

// declarations reads the secrets or the variables.
func (r *reader) declarations(n *yaml.Node, variables bool) {
	what := "secrets"
	if variables {
		what = "variables"
	}
	if !r.mapping(n, what) {
		return
	}
	for key, value := range pairs(n) {
		r.declaration(key, value, variables)
	}
}

func (r *reader) declaration(key, value *yaml.Node, variable bool) {
	var id *core.Error
	if errors.As(core.CheckID(key.Value), &id) {
		r.fault(key, "this is no id: "+id.Hint)
		return
	}
	spec := schema.Spec{ID: key.Value}
	switch {
	case value.Kind == yaml.MappingNode:
		before := len(r.faults)
		for key, value := range pairs(value) {
			r.attribute(&spec, variable, key, value)
		}
		if len(r.faults) > before {
			return
		}
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
	default:
		r.fault(value, "a declaration is a mapping, or empty; a secret itself never belongs into this file")
		return
	}
	d := schema.DeclareAt(r.config.Declarations, r.place(key), variable, spec)
	var wrong *schema.Error
	if errors.As(d.Check(), &wrong) {
		for _, p := range wrong.Problems {
			r.fault(key, "the declaration is wrong: "+p.Detail)
		}
	}
}

func (r *reader) attribute(spec *schema.Spec, variable bool, key, value *yaml.Node) {
	switch key.Value {
	case "name":
		spec.Name = r.text(value, "name")
	case "displayName":
		spec.DisplayName = r.text(value, "displayName")
	case "description":
		spec.Description = r.text(value, "description")
	case "docsURL":
		spec.DocsURL = r.text(value, "docsURL")
	case "optional":
		spec.Optional = r.boolean(value, "optional")
	case "rotationPeriod":
		spec.RotationPeriod = r.period(value)
	case "schema":
		spec.Schema = r.schema(value)
	case "anyOf":
		spec.AnyOf = r.text(value, "anyOf")
	case "oneOf":
		spec.OneOf = r.text(value, "oneOf")
	case "requiredIn":
		spec.RequiredIn = r.requiredIn(value)
	case "generate":
		spec.Generate = r.text(value, "generate")
	case "value", "secret", "default":
		switch {
		case !variable:
			r.fault(key, "unknown key; a secret itself never belongs into this file: store it with lukko set")
		case key.Value == "default":
			spec.Default = r.value(value, "default")
		default:
			r.fault(key, "unknown key; the value of a variable is in environments, in the variables of each, and default is one for all")
		}
	default:
		known := []string{"name", "displayName", "description", "docsURL", "optional", "requiredIn", "anyOf", "oneOf", "rotationPeriod", "generate", "schema"}
		if variable {
			known = append(known, "default")
		}
		r.unknown(key, known...)
	}
}

// requiredIn reads the name of an environment, or a list of them.
func (r *reader) requiredIn(n *yaml.Node) (names []string) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if items = n.Content; len(items) == 0 {
			r.fault(n, "the list of environments is empty; optional: true is for what no environment requires")
		}
	}
	for _, item := range items {
		if name := r.text(item, "requiredIn"); name != "" {
			names = append(names, name)
			r.required = append(r.required, item)
		}
	}
	return names
}

// checkRequired looks for the environments that requiredIn names.
func (r *reader) checkRequired() {
	for _, n := range r.required {
		r.names(n, "requiredIn")
	}
}

// period reads a time such as 90d, 12w or 36h.
func (r *reader) period(n *yaml.Node) time.Duration {
	if isText(n) {
		if period, ok := metadata.ParsePeriod(n.Value); ok {
			return period
		}
	}
	r.fault(n, "rotationPeriod is a time such as 90d, 12w or 36h")
	return 0
}

// json writes a node as JSON, and reports whether it could.
func (r *reader) json(b *strings.Builder, n *yaml.Node) bool {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		ok, sep := true, ""
		for key, value := range pairs(n) {
			b.WriteString(sep)
			sep = ","
			writeText(b, key.Value)
			b.WriteByte(':')
			ok = r.json(b, value) && ok
		}
		b.WriteByte('}')
		return ok
	case yaml.SequenceNode:
		b.WriteByte('[')
		ok := true
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			ok = r.json(b, item) && ok
		}
		b.WriteByte(']')
		return ok
	}
	switch {
	case isText(n):
		writeText(b, n.Value)
	case n.Tag == "!!null":
		b.WriteString("null")
	case n.Tag == "!!bool":
		b.WriteString(strings.ToLower(n.Value))
	case (n.Tag == "!!int" || n.Tag == "!!float") && json.Valid([]byte(n.Value)):
		b.WriteString(n.Value)
	default:
		r.fault(n, "a number here is written as in JSON: no leading zero, no 0x, no _; quotes make a text")
		return false
	}
	return true
}

// writeText writes a text as JSON, with < and & as they are.
func writeText(b *strings.Builder, s string) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) == nil {
		b.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	}
}
