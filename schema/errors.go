package schema

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// ErrDeclaration is what an [*Error] matches whose declaration is wrong: a
// bad schema, a Go type that can't be stored, one id with two schemas. It is
// a mistake in the program, not in what is stored.
var ErrDeclaration = errors.New("wrong declaration")

// A Problem is one thing that is wrong, without a value or a part of one.
type Problem struct {
	Name  string // the declaration's name
	ID    string // its id
	Place string // its file and line

	// Pointer is where in the document, as a JSON pointer (RFC 6901); empty
	// for the whole. A name that is not declared shows as "*".
	Pointer string

	// Rule is the keyword of JSON Schema that does not hold, such as
	// "required" or "pattern", or one of the package's own, a Rule constant.
	Rule string

	// Detail says in words what the rule asks for. It comes from the
	// declaration, never from what is stored.
	Detail string

	// Err is the kind: core.ErrInvalidValue, [ErrDeclaration], or what the
	// service returned, a [*core.Error].
	Err error
}

// The rules beside the keywords of JSON Schema.
const (
	RuleDeclaration = "declaration" // the declaration is wrong
	RuleMissing     = "missing"     // the id has no value
	RuleGroup       = "group"       // none of a group is there, or more than one
	RuleRead        = "read"        // the service could not tell: denied, unreachable, …
	RuleWrite       = "write"       // the service did not store it, or it is not known whether
	RuleJSON        = "json"        // no JSON document
	RuleDuplicate   = "duplicate"   // a name that an object has already
	RuleUnicode     = "unicode"     // a lone surrogate, or bytes that are no UTF-8
	RuleNumber      = "number"      // a number too large to be worked with
	RuleRange       = "range"       // a number that the Go type can't hold
	RuleDecode      = "decode"      // the Go type refuses it
	RuleEncode      = "encode"      // the Go value can't be stored as JSON
	RuleRoundTrip   = "roundtrip"   // the Go value would come back as another one
	RuleUndeclared  = "undeclared"  // writing would drop fields that are not declared
	RuleEffort      = "effort"      // validating would take too long
)

// String returns the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.Name != "" && p.Name != p.ID:
		b.WriteString(core.Printable(p.Name) + " (" + core.Printable(p.ID) + ")")
	case p.ID != "":
		b.WriteString(core.Printable(p.ID))
	case p.Rule == RuleDeclaration:
		b.WriteString("a declaration")
	default:
		b.WriteString("all")
	}
	if p.Pointer != "" {
		b.WriteString(": " + core.Printable(p.Pointer))
	}
	b.WriteString(": ")
	switch p.Rule {
	case RuleDeclaration:
		b.WriteString(ErrDeclaration.Error())
		if p.Place != "" {
			b.WriteString(" at " + core.Printable(p.Place))
		}
	case RuleMissing, RuleGroup, RuleRead, RuleWrite:
		b.WriteString(safeText(p.Err))
	default:
		b.WriteString(p.Rule)
	}
	if p.Detail != "" {
		sep := ": "
		if hintOf(p.Err) != "" {
			sep = "; " // as the text of Err ends with its hint
		}
		b.WriteString(sep + core.Printable(p.Detail))
	}
	return b.String()
}

// Error is the error of every call of this package that failed. It lists all
// problems at once.
//
// errors.Is matches the kinds of its problems: core.ErrNotFound for a missing
// secret, core.ErrInvalidValue for an invalid one, [ErrDeclaration] for a
// wrong declaration, and what the service said. If some secrets could not be
// told about (denied, unreachable), only their kinds match: a caller that
// asks for ErrNotFound must not take a denied secret for an absent one.
type Error struct {
	Problems []Problem // never empty; in the order of the declarations
}

// Error returns one problem in one line, and several in one line each.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "schema: " + e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "schema: %d problems", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// Unwrap returns the kinds that the Error matches.
func (e *Error) Unwrap() []error {
	var told, untold []error
	for _, p := range e.Problems {
		switch {
		case p.Err == nil:
		case p.untold():
			untold = append(untold, p.Err)
		default:
			told = append(told, p.Err)
		}
	}
	if len(untold) > 0 {
		return untold
	}
	return told
}

// Format writes the text of Error for every verb.
func (e *Error) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = io.WriteString(s, strconv.Quote(e.Error()))
		return
	}
	_, _ = io.WriteString(s, e.Error())
}

// untold reports whether the problem is that nobody knows.
func (p Problem) untold() bool { return p.Rule == RuleRead || p.Rule == RuleWrite }

// errorOf returns an error that lists the problems; nil if there are none.
func errorOf(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Problems: problems}
}

// safeText is the text of an error whose text is known to hold no secret, or
// the Go type of any other.
func safeText(err error) string {
	switch e := err.(type) { //nolint:errorlint // a wrapper's text would be somebody else's
	case nil:
		return "failed"
	case *core.Error:
		return e.Error()
	case *core.BatchError:
		return e.Error()
	}
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, core.ErrNotFound, ErrDeclaration} {
		if err == known { //nolint:errorlint // as above
			return known.Error()
		}
	}
	return fmt.Sprintf("an error of type %T", err)
}
