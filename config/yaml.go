package config

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxDepth bounds the nesting of the file.
const maxDepth = 100

// document parses a YAML file of one document into its root node.
func (r *reader) document(data []byte) *yaml.Node {
	whole := func(what string) *yaml.Node {
		r.faults = append(r.faults, Fault{What: what})
		return nil
	}
	if !utf8.Valid(data) {
		return whole("it is no valid UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := decode(dec, &doc); err != nil {
		if errors.Is(err, io.EOF) {
			return whole("it is empty; it holds at least one environment, such as {environments: {development: file:secrets}}; lukko init writes such a file where there is none")
		}
		return r.syntax(err)
	}
	if err := decode(dec, &second); !errors.Is(err, io.EOF) {
		if err != nil {
			return r.syntax(err)
		}
		return r.fault(&second, "a second document begins here; the file is one")
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		if r.refuse(doc.Content[0], 0) {
			return nil
		}
		return doc.Content[0]
	}
	return whole("it is empty; it holds at least one environment, such as {environments: {development: file:secrets}}; lukko init writes such a file where there is none")
}

var errPanic = errors.New("panic")

// decode keeps a panic of the parser from being one of the program.
func decode(dec *yaml.Decoder, node *yaml.Node) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return dec.Decode(node)
}

// syntax reports that the file is no YAML. The parser's text may quote what
// it choked on, so only its place is used.
func (r *reader) syntax(err error) *yaml.Node {
	f := Fault{What: "it is no YAML from here; what often is wrong: tabs, indentation, a text with \": \" or \" #\" that needs quotes"}
	var load *yaml.LoadError
	if errors.As(err, &load) {
		f.Line, f.Column = load.Mark.Line, max(load.Mark.Column, 1)
	}
	r.faults = append(r.faults, f)
	return nil
}

// fault reports what is wrong at a node.
func (r *reader) fault(n *yaml.Node, what string) *yaml.Node {
	r.faults = append(r.faults, Fault{Line: n.Line, Column: n.Column, What: what})
	return nil
}

// refuse reports what of YAML is not for this file, anywhere in it, and
// whether anything was.
func (r *reader) refuse(n *yaml.Node, depth int) bool {
	switch {
	case depth > maxDepth:
		r.fault(n, "it is nested more than "+strconv.Itoa(maxDepth)+" deep")
		return true
	case n.Kind == yaml.AliasNode:
		r.fault(n, "aliases are not supported; write it out")
		return true
	case n.Anchor != "":
		r.fault(n, "anchors are not supported; write it out")
		return true
	case n.Style&yaml.TaggedStyle != 0:
		r.fault(n, "tags are not supported; quotes make a text")
		return true
	}
	refused := false
	for _, child := range n.Content {
		refused = r.refuse(child, depth+1) || refused
	}
	if n.Kind != yaml.MappingNode {
		return refused
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fault(key, "a key is a text")
			refused = true
		case key.Tag == "!!merge":
			r.fault(key, "merge keys are not supported; write it out")
			refused = true
		case key.Tag != "!!str" && key.Tag != "!!int":
			r.fault(key, "a key is a text; this one needs quotes to be one")
			refused = true
		case seen[key.Value] > 0:
			r.fault(key, "the key is there twice, first in line "+strconv.Itoa(seen[key.Value]))
			refused = true
		default:
			seen[key.Value] = key.Line
		}
	}
	return refused
}

// pairs yields the keys and values of a mapping.
func pairs(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// isText reports whether a scalar is a text. A date is: YAML 1.2 knows none.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp")
}

// text returns a text that is not empty.
func (r *reader) text(n *yaml.Node, what string) string {
	switch {
	case isText(n) && n.Value != "":
		return n.Value
	case n.Kind == yaml.ScalarNode && (n.Tag == "!!null" || n.Value == ""):
		r.fault(n, what+" is empty")
	case n.Kind == yaml.ScalarNode:
		r.fault(n, what+" is a text; this one needs quotes to be one")
	default:
		r.fault(n, what+" is a text, and no "+kindName(n))
	}
	return ""
}

// boolean returns true or false. YAML 1.2 has no other words for them.
func (r *reader) boolean(n *yaml.Node, what string) bool {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
		return strings.EqualFold(n.Value, "true")
	}
	r.fault(n, what+" is true or false; yes, no, on and off are texts")
	return false
}

// mapping reports whether a node is a mapping with anything in it.
func (r *reader) mapping(n *yaml.Node, what string) bool {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		return true
	case n.Kind == yaml.MappingNode, n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		r.fault(n, what+" is empty")
	default:
		r.fault(n, what+" is a mapping, and no "+kindName(n))
	}
	return false
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	default:
		return "single value"
	}
}

// unknown reports a key that is not among known. It is repeated only where it
// is nearly one of them: what lands there by mistake may be a secret.
func (r *reader) unknown(key *yaml.Node, known ...string) {
	if near := nearest(key.Value, known); near != "" {
		r.fault(key, `unknown key "`+key.Value+`"; did you mean "`+near+`"?`)
		return
	}
	r.fault(key, "unknown key; known here are "+strings.Join(known, ", "))
}
