package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
	"go.yaml.in/yaml/v4"
)

// SetVariable gives a variable its value in one environment of the file at
// path, or in the one that [Config.Environment] takes for an empty name. All
// else in the file stays byte for byte: comments, blank lines, order, quotes.
// An environment that is a URL or a list becomes a mapping with stores and
// variables. What a declaration wants as a JSON document is written without
// the spaces in it.
//
// The outcome is parsed and compared before anything is written. Where it
// would not be the same configuration with that one value, nothing is written,
// and the [*Error] says what to write by hand. The file is replaced as a whole,
// with the same mode, and through a symbolic link; one that was changed
// meanwhile is an error, and stays as it is.
//
// Errors are of type [*Error] where they are about the file, of type
// [*schema.Error] where the value is not what is declared, and else
// [*core.Error]: core.ErrInvalidValue for a value that is empty, too large or
// no UTF-8, and core.ErrInvalidID for an id that is none, or that of a secret,
// which never belongs into this file. An id that is not declared is none.
func SetVariable(path, environment, id, value string) (Variable, error) {
	switch {
	case core.CheckID(id) != nil:
		return Variable{}, core.CheckID(id)
	case value == "":
		return Variable{}, refused("set", id, core.ErrInvalidValue, "the value is empty, and an empty variable counts as one that is missing; lukko var rm "+id+" takes it out")
	case len(value) > core.MaxValueLen:
		return Variable{}, refused("set", id, core.ErrInvalidValue, "the value is larger than 64 KiB")
	case !utf8.ValidString(value):
		return Variable{}, refused("set", id, core.ErrInvalidValue, "the value is no UTF-8, so it can't stand in "+FileName)
	}
	return edit(path, func(path string, data []byte) ([]byte, Variable, error) {
		return setVariable(path, data, environment, id, value)
	})
}

// DeleteVariable takes a variable out of one environment of the file, under
// the rules of [SetVariable], and returns what it was. Its line goes, with a
// comment that stands behind it. A variable that has no value there is
// core.ErrNotFound.
func DeleteVariable(path, environment, id string) (Variable, error) {
	if err := core.CheckID(id); err != nil {
		return Variable{}, err
	}
	return edit(path, func(path string, data []byte) ([]byte, Variable, error) {
		return deleteVariable(path, data, environment, id)
	})
}

func refused(op, id string, kind error, hint string) error {
	return &core.Error{Op: op, Provider: FileName, ID: id, Kind: kind, Hint: hint}
}

// setVariable returns the edited content.
func setVariable(path string, data []byte, environment, id, value string) ([]byte, Variable, error) {
	before, at, err := find(path, data, environment, id)
	if err != nil {
		return nil, Variable{}, err
	}
	if d, ok := before.Declarations.ByID(id); ok {
		m := d.Meta()
		if !m.Variable {
			return nil, Variable{}, refused("set", id, core.ErrInvalidID,
				"it is declared as a secret, at "+m.Place+", and a secret never belongs into "+FileName+": store it with lukko set "+id)
		}
		if err := d.Validate(core.String(value)); err != nil {
			return nil, Variable{}, err
		}
		if !m.Text {
			value = short(value)
		}
	}
	want := expected(before, at.name, id, value)
	for _, edits := range at.set(id, value) {
		if after, got, ok := at.try(edits, want); ok {
			found, _ := got.Environments[at.index].Variable(id)
			return after, found, nil
		}
	}
	return nil, Variable{}, at.byHand("write it by hand: to variables of " + at.name + ", in environments, add the line " + id + ": VALUE")
}

// deleteVariable returns the edited content.
func deleteVariable(path string, data []byte, environment, id string) ([]byte, Variable, error) {
	before, at, err := find(path, data, environment, id)
	if err != nil {
		return nil, Variable{}, err
	}
	was, ok := before.Environments[at.index].Variable(id)
	if !ok {
		return nil, Variable{}, refused("delete", id, core.ErrNotFound, "the environment "+at.name+" gives it no value here")
	}
	if after, _, ok := at.try(at.remove(id), expected(before, at.name, id, "")); ok {
		return after, was, nil
	}
	return nil, Variable{}, at.byHand("take it out by hand: it is " + was.Place)
}

// short is a JSON document without its spaces.
func short(value string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(value)) != nil || !core.Equivalent(core.String(value), core.Bytes(b.Bytes())) && value[0] == '{' {
		return value
	}
	return b.String()
}

// find reads the file and finds the environment in it.
func find(path string, data []byte, environment, id string) (*Config, *spot, error) {
	// The value that is to be replaced may be wrong. Of which environment it is
	// can only be told when the file has been read.
	c, _, err := parse(path, data, unchecked{anywhere: true, id: id})
	if err != nil {
		return nil, nil, err
	}
	env, err := c.Environment(environment)
	if err != nil {
		return nil, nil, err
	}
	c, root, err := parse(path, data, unchecked{environment: env.Name, id: id})
	if err != nil {
		return nil, nil, err
	}
	body := bytes.TrimPrefix(data, []byte(byteOrderMark))
	at := &spot{
		text: newText(body), path: path, mark: data[:len(data)-len(body)], name: env.Name, root: root,
		index: slices.IndexFunc(c.Environments, func(e Environment) bool { return e.Name == env.Name }),
	}
	for key, value := range pairs(root) {
		if key.Value != "environments" {
			continue
		}
		at.parentKey, at.parent = key, value
		for key, value := range pairs(value) {
			if key.Value == env.Name {
				at.key, at.value = key, value
			}
		}
	}
	return c, at, nil
}

// spot is an environment in the text of a file.
type spot struct {
	text
	path  string
	mark  []byte // the byte order mark, if there is one
	name  string
	index int // in Config.Environments

	root              *yaml.Node
	parentKey, parent *yaml.Node // environments
	key, value        *yaml.Node // the environment
}

// byHand is the error of an edit that can't be made.
func (s *spot) byHand(what string) error {
	return &Error{Path: s.path, Faults: []Fault{{
		Line: s.key.Line, Column: s.key.Column,
		What: "the file is written in a way that lukko can't change here without touching what is beside it, so nothing was changed; " + what,
	}}}
}

// try makes the edits, and reports whether the outcome is what is wanted.
func (s *spot) try(edits []change, want *Config) ([]byte, *Config, bool) {
	body, ok := apply(s.data, edits)
	if !ok || len(body) > MaxLen {
		return nil, nil, false
	}
	after := append(slices.Clone(s.mark), body...)
	got, err := Parse(s.path, after)
	if err != nil || !same(got, want) {
		return nil, nil, false
	}
	return after, got, true
}

// expected is the configuration that an edit must lead to. The empty value is
// none.
func expected(c *Config, environment, id, value string) *Config {
	want := *c
	want.Environments = slices.Clone(c.Environments)
	for i := range want.Environments {
		env := &want.Environments[i]
		if env.Name != environment {
			continue
		}
		at := slices.IndexFunc(env.Variables, func(v Variable) bool { return v.ID == id })
		env.Variables = slices.Clone(env.Variables)
		switch {
		case value == "" && at >= 0:
			env.Variables = slices.Delete(env.Variables, at, at+1)
		case value == "":
		case at >= 0:
			env.Variables[at].Value = value
		default:
			env.Variables = append(env.Variables, Variable{ID: id, Value: value})
		}
	}
	return &want
}

// same compares two configurations, but not the lines where things are.
func same(a, b *Config) bool {
	environments := func(c *Config) []Environment {
		all := slices.Clone(c.Environments)
		for i := range all {
			all[i].Place = ""
			all[i].Variables = append([]Variable{}, all[i].Variables...)
			for j := range all[i].Variables {
				all[i].Variables[j].Place = ""
			}
		}
		return all
	}
	declarations := func(c *Config) (all []schema.Meta) {
		for d := range c.Declarations.All() {
			m := d.Meta()
			m.Place = ""
			all = append(all, m)
		}
		return all
	}
	return a.Default == b.Default && reflect.DeepEqual(environments(a), environments(b)) && reflect.DeepEqual(declarations(a), declarations(b))
}
