package config

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const byteOrderMark = "\ufeff"

// change replaces the bytes from one offset to another.
type change struct {
	from, to int
	text     string
}

func insert(at int, text string) change { return change{at, at, text} }

// apply makes edits that do not overlap.
func apply(data []byte, edits []change) ([]byte, bool) {
	slices.SortStableFunc(edits, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	var b bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.from < at || e.to < e.from || e.to > len(data) {
			return nil, false
		}
		b.Write(data[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.Write(data[at:])
	return b.Bytes(), len(edits) > 0
}

// text is a YAML file, by lines and offsets. The parser tells where a node
// begins and not where it ends, so the ends are found here. Where that goes
// wrong, the comparison after the edit finds out.
type text struct {
	data  []byte
	lines []int  // the offset of each line
	brk   string // how lines of the file end
}

func newText(data []byte) text {
	t := text{data: data, lines: []int{0}, brk: "\n"}
	for i := 0; i < len(data); {
		n := breakLen(data[i:])
		if n > 0 {
			t.lines = append(t.lines, i+n)
		}
		i += max(n, 1)
	}
	if len(t.lines) > 1 && bytes.HasSuffix(data[:t.lines[1]], []byte("\r\n")) {
		t.brk = "\r\n"
	}
	return t
}

// breakLen is the length of the line break that b begins with. These are
// those of YAML 1.1, by which the parser counts lines.
func breakLen(b []byte) int {
	for _, s := range []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if bytes.HasPrefix(b, []byte(s)) {
			return len(s)
		}
	}
	return 0
}

// start is the offset of a node; -1 if it has none.
func (t text) start(n *yaml.Node) int {
	if n == nil || n.Line < 1 || n.Line > len(t.lines) {
		return -1
	}
	at := t.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(t.data) {
			return -1
		}
		_, size := utf8.DecodeRune(t.data[at:])
		at += size
	}
	return at
}

// lineStart and lineEnd are the ends of the line of an offset, without its
// break.
func (t text) lineStart(at int) int {
	i, found := slices.BinarySearch(t.lines, at)
	if !found {
		i--
	}
	return t.lines[max(i, 0)]
}

func (t text) lineEnd(at int) int {
	for at < len(t.data) && breakLen(t.data[at:]) == 0 {
		at++
	}
	return at
}

func (t text) sameLine(a, b int) bool { return t.lineStart(a) == t.lineStart(b) }

// blank reports whether there are only spaces and line breaks in between.
func (t text) blank(from, to int) bool {
	return from <= to && len(bytes.TrimSpace(t.data[from:to])) == 0
}

// indent is how far a node of a block is from the left.
func indent(n *yaml.Node) int { return n.Column - 1 }

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// end is the offset behind a node; -1 if it can't be told. outer is the
// indentation of the block that it is in.
func (t text) end(n *yaml.Node, outer int) int {
	at := t.start(n)
	if at < 0 {
		return -1
	}
	switch {
	case n.Kind == yaml.ScalarNode:
		return t.scalarEnd(n, at, outer)
	case n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode:
		return -1
	case !isFlow(n):
		if len(n.Content) == 0 {
			return -1
		}
		return t.end(n.Content[len(n.Content)-1], indent(n))
	}
	closing := map[yaml.Kind]string{yaml.MappingNode: "{}", yaml.SequenceNode: "[]"}[n.Kind]
	braced := at < len(t.data) && t.data[at] == closing[0]
	if braced {
		at++
	}
	if len(n.Content) > 0 {
		at = t.end(n.Content[len(n.Content)-1], outer)
	}
	if at < 0 || !braced { // a pair in a list, such as [env:]
		return at
	}
	for at < len(t.data) {
		switch c := t.data[at]; {
		case c == closing[1]:
			return at + 1
		case c == '#' && at > 0 && strings.IndexByte(" \t\r\n", t.data[at-1]) >= 0:
			at = t.lineEnd(at)
		case strings.IndexByte(" \t\r\n,:", c) >= 0:
			at++
		default:
			return -1
		}
	}
	return -1
}

func (t text) scalarEnd(n *yaml.Node, at, outer int) int {
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.blockEnd(at, outer)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := at + 1; i < len(t.data); i++ {
			switch t.data[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return -1
	case n.Style&yaml.SingleQuotedStyle != 0:
		for i := at + 1; i < len(t.data); i++ {
			if t.data[i] != '\'' {
				continue
			}
			if i+1 < len(t.data) && t.data[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
		return -1
	}
	// A plain one may be folded, which makes other white space of white space.
	const white = " \t\r\n"
	rest := n.Value
	for rest != "" && at < len(t.data) {
		if strings.IndexByte(white, rest[0]) < 0 {
			if rest[0] != t.data[at] {
				return -1
			}
			rest, at = rest[1:], at+1
			continue
		}
		rest = strings.TrimLeft(rest, white)
		before := at
		for at < len(t.data) && strings.IndexByte(white, t.data[at]) >= 0 {
			at++
		}
		if at == before {
			return -1
		}
	}
	if rest != "" {
		return -1
	}
	return at
}

// blockEnd is the end of the last line of a block scalar that is not blank.
func (t text) blockEnd(at, outer int) int {
	end := t.lineEnd(at)
	for _, line := range t.lines {
		if line <= at {
			continue
		}
		to := t.lineEnd(line)
		if t.blank(line, to) {
			continue
		}
		if spaces := len(t.data[line:to]) - len(bytes.TrimLeft(t.data[line:to], " ")); spaces <= outer {
			break
		}
		end = to
	}
	return end
}

// colon is the offset behind the colon of a key.
func (t text) colon(key *yaml.Node) int {
	at := t.end(key, 0)
	if at < 0 {
		return -1
	}
	for at < len(t.data) && (t.data[at] == ' ' || t.data[at] == '\t') {
		at++
	}
	if at < len(t.data) && t.data[at] == ':' {
		return at + 1
	}
	return -1
}
