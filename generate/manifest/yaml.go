package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lukko-dev/lukko/core"
)

// text is a text of others. It is always quoted: platforms read YAML 1.1 and
// 1.2, in which other plain texts are numbers, booleans, times or nothing.
type text string

// MarshalYAML implements yaml.Marshaler.
func (t text) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(t), Style: yaml.DoubleQuotedStyle}, nil
}

// entry is one of a mapping that keeps its order.
type entry struct {
	key   string
	value any
}

// mapping is a mapping that keeps its order, and quotes its keys where they are
// of others.
type mapping []entry

// MarshalYAML implements yaml.Marshaler.
func (m mapping) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range m {
		var value yaml.Node
		if err := value.Encode(e.value); err != nil {
			return nil, err
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: e.key}
		if isWord(e.key) {
			key.Style = yaml.DoubleQuotedStyle
		}
		node.Content = append(node.Content, key, &value)
	}
	return node, nil
}

// isWord reports whether some YAML takes a name for another thing than a text.
func isWord(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~":
		return true
	}
	return s == "" || strings.Trim(s, "0123456789_eExX.+-") == ""
}

// file is documents of YAML, with comments between.
type file struct{ b bytes.Buffer }

// comment writes lines of a comment.
func (f *file) comment(lines ...string) {
	for _, line := range lines {
		f.b.WriteString(strings.TrimRight("# "+core.Printable(line), " ") + "\n")
	}
}

// document writes one document.
func (f *file) document(v any) error {
	if f.b.Len() > 0 && bytes.Contains(f.b.Bytes(), []byte("\napiVersion:")) {
		f.b.WriteString("---\n")
	}
	return f.encode(&f.b, v)
}

func (f *file) encode(to *bytes.Buffer, v any) error {
	data, err := yaml.Dump(v, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	to.Write(data)
	return err
}
