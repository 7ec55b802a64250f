package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// plain is what needs no quotes, beside what reads as null. What is not here
// and needs none gets some.
var plain = regexp.MustCompile(`^(-?[0-9.]+|[A-Za-z0-9_./](?:[A-Za-z0-9_./+@%=~?&,()-]|:[^ ]| [^ #])*)$`)

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

func isNull(s string) bool { return s == "~" || strings.EqualFold(s, "null") }

// keyText writes a key, with quotes where that of another has them.
func keyText(id string, like *yaml.Node) string {
	switch {
	case like != nil && like.Style&yaml.DoubleQuotedStyle != 0:
	case plainKey.MatchString(id) && !isNull(id) && !strings.EqualFold(id, "true") && !strings.EqualFold(id, "false"):
		return id
	}
	return doubleQuoted(id)
}

// scalars are spellings of a value to try, the best one first. flow says that
// it goes into a mapping of one line, else it may take several lines from a
// column on. like is a node whose quotes it should have; nil is any.
func scalars(value string, flow bool, column int, brk string, like *yaml.Node) (tries []string) {
	var style yaml.Style
	if like != nil && like.Kind == yaml.ScalarNode {
		style = like.Style
	}
	printable := strings.IndexFunc(value, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) < 0
	lines := strings.Contains(value, "\n")
	if value[0] == '{' || value[0] == '[' {
		tries = append(tries, value) // JSON, which is YAML
	}
	if style&yaml.DoubleQuotedStyle != 0 {
		tries = append(tries, doubleQuoted(value))
	}
	if style&yaml.SingleQuotedStyle != 0 && printable && !lines {
		tries = append(tries, singleQuoted(value))
	}
	if lines && printable && !flow {
		tries = append(tries, literal(value, column, brk))
	}
	if plain.MatchString(value) && !isNull(value) {
		tries = append(tries, value)
	}
	if strings.ContainsAny(value, `"\`) && printable && !lines {
		tries = append(tries, singleQuoted(value))
	}
	return append(tries, doubleQuoted(value))
}

func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// doubleQuoted is a text in double quotes. JSON and YAML have the same, but
// for what JSON leaves as it is and YAML takes for a line break or no
// character.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// literal is a text of several lines as they are.
func literal(s string, column int, brk string) string {
	head := "|-"
	if cut, ok := strings.CutSuffix(s, "\n"); ok {
		head, s = "|", cut
	}
	var b strings.Builder
	b.WriteString(head)
	for line := range strings.SplitSeq(s, "\n") {
		b.WriteString(brk)
		if line != "" {
			b.WriteString(strings.Repeat(" ", column) + line)
		}
	}
	return b.String()
}
