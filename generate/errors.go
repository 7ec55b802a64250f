package generate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Error is why there is no result. It lists all that is wrong at once.
type Error struct {
	Problems []Problem // never empty; by file and line
}

// Error returns one problem a line, as "file:line: what; what to do".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// A Problem is one thing that is wrong, and what to do about it. It never has
// the value of a secret.
type Problem struct {
	// File is relative to the folder that [Run] was given, with slashes; empty
	// where there is no one place.
	File         string
	Line, Column int // 0 where it is the whole file, or the whole line

	What string
	Do   string // empty where What says it all, as the messages of the compiler
}

// String returns the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
		if p.Line > 0 {
			fmt.Fprintf(&b, "%d:", p.Line)
		}
		if p.Column > 0 {
			fmt.Fprintf(&b, "%d:", p.Column)
		}
		b.WriteString(" ")
	}
	b.WriteString(p.What)
	if p.Do != "" {
		b.WriteString("; " + p.Do)
	}
	return core.Printable(b.String())
}

// problems makes an error of problems, in the order of their places and each
// once, those without a place at the end; nil if there are none.
func problems(all []Problem) error {
	if len(all) == 0 {
		return nil
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Problem) int {
		if (a.File == "") != (b.File == "") {
			return len(b.File) - len(a.File)
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Problems: slices.Compact(all)}
}

func problem(what, do string) error {
	return &Error{Problems: []Problem{{What: what, Do: do}}}
}

// alone is an error of one problem.
func (p Problem) alone() error { return &Error{Problems: []Problem{p}} }
