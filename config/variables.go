package config

import (
	"errors"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
	"go.yaml.in/yaml/v4"
)

// givenValue is the value of a variable in an environment, and where it is.
type givenValue struct {
	environment string
	variable    Variable
	key, value  *yaml.Node
}

// variables reads the values of one environment. Unlike elsewhere the mapping
// may be empty: what was taken out, or is a comment only, leaves it so.
func (r *reader) variables(env *Environment, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" || n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		return
	}
	if !r.mapping(n, "variables") {
		return
	}
	for key, value := range pairs(n) {
		var id *core.Error
		if errors.As(core.CheckID(key.Value), &id) {
			r.fault(key, "this is no id: "+id.Hint)
			continue
		}
		v := Variable{ID: key.Value, Place: r.place(key), Value: r.value(value, "the value")}
		r.values = append(r.values, givenValue{environment: env.Name, variable: v, key: key, value: value})
		if v.Value != "" {
			env.Variables = append(env.Variables, v)
		}
	}
}

// value returns the value of a variable; empty if it is none. A scalar is what
// is written, so that no number is made of a text and no other number of a
// number.
func (r *reader) value(n *yaml.Node, what string) string {
	text := n.Value
	switch {
	case n.Kind != yaml.ScalarNode:
		var b strings.Builder
		if !r.json(&b, n) {
			return ""
		}
		text = b.String()
	case n.Tag == "!!null" || n.Value == "":
		r.fault(n, what+" is empty, and an empty variable counts as one that is missing: leave it out; a text such as null needs quotes")
		return ""
	}
	if len(text) > core.MaxValueLen {
		r.fault(n, what+" is larger than 64 KiB")
		return ""
	}
	return text
}

// checkValues holds the values against what is declared, wherever that is. An
// id that is not declared is no fault: a declaration in Go may not have been
// generated yet. lukko check warns of it.
func (r *reader) checkValues() {
	for _, given := range r.values {
		d, ok := r.config.Declarations.ByID(given.variable.ID)
		switch {
		case !ok || r.except.is(given.environment, given.variable.ID):
		case !d.Meta().Variable:
			r.fault(given.key, "the id is declared as a secret, at "+d.Meta().Place+", and a secret never belongs into this file: "+
				"store it with lukko set; what stands here is known to all who read the file")
		case given.variable.Value == "":
		default:
			for _, rule := range rulesOf(d, given.variable.Value) {
				r.fault(given.value, "the value is not what "+d.Meta().Place+" declares: "+rule)
			}
		}
	}
}

// rulesOf says which rules of a declaration a value does not hold.
func rulesOf(d schema.Declared, value string) (rules []string) {
	var wrong *schema.Error
	if !errors.As(d.Validate(core.String(value)), &wrong) || errors.Is(wrong, schema.ErrDeclaration) {
		return nil // a wrong declaration is a fault of its own
	}
	for _, p := range wrong.Problems {
		text := p.Rule
		if p.Pointer != "" {
			text = p.Pointer + ": " + text
		}
		if p.Detail != "" {
			text += ": " + p.Detail
		}
		rules = append(rules, text)
	}
	return rules
}
