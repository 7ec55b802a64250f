package config

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
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
			r.attribute(&spec, key, value)
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

func (r *reader) attribute(spec *schema.Spec, key, value *yaml.Node) {
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
		if value.Kind == yaml.ScalarNode && value.Tag == "!!null" {
			r.fault(value, "schema is empty; leave it out for any bytes")
			return
		}
		var b strings.Builder
		if r.json(&b, value) {
			spec.Schema = json.RawMessage(b.String())
		}
	case "value", "secret", "default":
		r.fault(key, "unknown key; a secret itself never belongs into this file: store it with lukko set")
	default:
		r.unknown(key, "name", "displayName", "description", "docsURL", "optional", "rotationPeriod", "schema")
	}
}

// period reads a time such as 90d, 12w or 36h.
func (r *reader) period(n *yaml.Node) time.Duration {
	const what = "rotationPeriod is a time such as 90d, 12w or 36h"
	if !isText(n) {
		r.fault(n, what)
		return 0
	}
	units := map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "h": time.Hour}
	for suffix, unit := range units {
		digits, ok := strings.CutSuffix(n.Value, suffix)
		if !ok {
			continue
		}
		count, err := strconv.ParseUint(digits, 10, 31)
		if err == nil && count > 0 && time.Duration(count) <= 1<<62/unit {
			return time.Duration(count) * unit
		}
	}
	r.fault(n, what)
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

func writeText(b *strings.Builder, s string) {
	text, err := json.Marshal(s)
	if err == nil {
		b.Write(text)
	}
}
