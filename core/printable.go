package core

import (
	"strconv"
	"strings"
)

// Printable returns s without control characters and all else that does not
// print, which the text of others could use to rewrite a terminal or to forge
// a line of a log. What a tool shows of ids, names and descriptions goes
// through it.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
