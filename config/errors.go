package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// ErrNotFound is what the error of [Locate] matches where there is no
// lukko.yaml.
var ErrNotFound = errors.New("no " + FileName)

// ErrUnknownEnvironment is what an error matches whose environment is not in
// the file, or is not named and has no default.
var ErrUnknownEnvironment = errors.New("unknown environment")

// Error is the error of a lukko.yaml. It lists all that is wrong at once, and
// repeats no value of the file.
type Error struct {
	Path   string  // the file; empty where there is none
	Faults []Fault // never empty; in the order of the file
	Err    error   // what it matches: fs.ErrNotExist, ErrNotFound, …; nil for what is wrong within
}

// Fault is one thing that is wrong.
type Fault struct {
	Line, Column int    // from 1; 0 where it is about the whole file
	What         string // in words, with what to do
}

func (f Fault) compare(other Fault) int {
	return cmp.Or(cmp.Compare(f.Line, other.Line), cmp.Compare(f.Column, other.Column))
}

// Error returns one line for each fault: file, line, column, what is wrong.
func (e *Error) Error() string {
	name := FileName
	if e.Path != "" {
		name = filepath.Base(e.Path)
	}
	var b strings.Builder
	for i, f := range e.Faults {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(name)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
		}
		b.WriteString(": " + core.Printable(f.What))
	}
	return b.String()
}

// Unwrap returns what the error matches.
func (e *Error) Unwrap() error { return e.Err }

// Format writes the text of Error for every verb.
func (e *Error) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = io.WriteString(s, strconv.Quote(e.Error()))
		return
	}
	_, _ = io.WriteString(s, e.Error())
}

// unreadable is the error of a file that can't be read.
func unreadable(path string, err error) error {
	e := &Error{Path: path}
	what := "it can't be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Err, what = fs.ErrNotExist, "there is no such file; lukko init writes one"
	case errors.Is(err, fs.ErrPermission):
		e.Err, what = fs.ErrPermission, "there is no permission to read it"
	}
	e.Faults = []Fault{{What: what}}
	return e
}
