package core

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// TrimLine returns b without the newline that ends it, and whether there was
// one to take, if b is one line of text: valid UTF-8 without control
// characters but tabs. Editors, echo and here-documents end a line so, and no
// key or password is meant to. Anything else, such as a PEM file or binary
// data, is returned as it is.
func TrimLine(b []byte) (line []byte, trimmed bool) {
	line, ok := bytes.CutSuffix(b, []byte("\n"))
	if !ok {
		return b, false
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if !utf8.Valid(line) || bytes.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return b, false
	}
	return line, true
}
