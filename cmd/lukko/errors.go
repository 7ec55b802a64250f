package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// The exit codes.
const (
	exitYes     = 0 // done, or the answer is yes
	exitNo      = 1 // the answer is no: missing, invalid, conflict
	exitUnknown = 2 // it could not be told: usage, configuration, denied, unreachable
)

// cliError is an error of the command line itself.
type cliError struct {
	code int
	what string
	hint string // what to do next
}

func (e *cliError) Error() string {
	if e.hint == "" {
		return e.what
	}
	return e.what + ": " + e.hint
}

func failure(code int, what, hint string) error { return &cliError{code, what, hint} }

func usage(what, hint string) error { return &cliError{exitUnknown, what, hint} }

// answered is the error of a command that has printed its answer and has
// nothing to add but the exit code.
type answered int

func (answered) Error() string { return "the answer was printed" }

// answer returns nil for exitYes.
func answer(code int) error {
	if code == exitYes {
		return nil
	}
	return answered(code)
}

// exitCode tells what an error means to whoever called the command.
func exitCode(err error) int {
	var own *cliError
	var printed answered
	var batch *core.BatchError
	switch {
	case err == nil:
		return exitYes
	case errors.As(err, &printed):
		return int(printed)
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &batch):
		code := exitNo
		for _, err := range batch.ByID {
			code = max(code, exitCode(err))
		}
		return code
	case errors.Is(err, schema.ErrDeclaration):
		return exitUnknown
	case errors.Is(err, oauth2.ErrReauthorize):
		return exitNo // it is known: the account is not connected any more
	}
	// Damaged data is an answer: what is stored is not valid. A write whose
	// outcome is unknown is none.
	switch core.KindOf(err) {
	case core.ErrNotFound, core.ErrInvalidValue, core.ErrConflict, core.ErrCorrupt:
		return exitNo
	}
	return exitUnknown
}

// describe is what is printed of an error: at most three lines, what failed
// and what to do next.
func describe(ctx context.Context, err error) string {
	var printed answered
	if errors.As(err, &printed) {
		return ""
	}
	const most = 3
	text := explain(ctx, err)
	if len(text) > most {
		text = append(text[:most-1:most-1], strings.Join(text[most-1:], "; "))
	}
	var b strings.Builder
	for i, l := range text {
		if i == 0 {
			b.WriteString("lukko: ")
		} else {
			b.WriteString("  ")
		}
		b.WriteString(line(l) + "\n")
	}
	return b.String()
}

// explain says what failed, then what to do next.
func explain(ctx context.Context, err error) []string {
	var own *cliError
	var lukko *core.Error
	var declared *schema.Error
	var batch *core.BatchError
	var file *config.Error
	what, hint, ofAccount := explainAccount(ctx, err)
	switch {
	case ofAccount:
	case errors.As(err, &own):
		what, hint = own.what, own.hint
	case errors.As(err, &file):
		return strings.Split(file.Error(), "\n")
	case errors.As(err, &declared):
		what, hint = problems(declared)
	case errors.As(err, &batch):
		what, hint = batch.Error(), each(batch)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil && core.KindOf(err) == nil:
		what = "interrupted"
	case errors.As(err, &lukko):
		short := *lukko
		short.Hint = ""
		what, hint = short.Error(), lukko.Hint
	default:
		what = fmt.Sprintf("an unexpected error of type %T", err)
		hint = "please report it; see lukko version"
	}
	if hint == "" {
		return []string{what}
	}
	return []string{what, hint}
}

// each tells of the first ids of a batch that failed.
func each(batch *core.BatchError) string {
	const most = 3
	var text []string
	for i, id := range slices.Sorted(maps.Keys(batch.ByID)) {
		if i == most {
			text = append(text, fmt.Sprintf("and %d more", len(batch.ByID)-most))
			break
		}
		text = append(text, batch.ByID[id].Error())
	}
	return strings.Join(text, "; ")
}

// problems tells all problems of a declared secret in two lines.
func problems(e *schema.Error) (what, hint string) {
	if len(e.Problems) == 1 {
		p := e.Problems[0]
		if inner := (*core.Error)(nil); errors.As(p.Err, &inner) && p.Rule != schema.RuleDeclaration {
			short := *inner
			short.Hint = ""
			return short.Error(), inner.Hint
		}
		return p.String(), ""
	}
	var rest []string
	for _, p := range e.Problems {
		rest = append(rest, p.String())
	}
	return fmt.Sprintf("%d problems", len(rest)), strings.Join(rest, "; ")
}

// line makes one line that no terminal can be fooled with.
func line(s string) string {
	return core.Printable(strings.ReplaceAll(strings.TrimSpace(s), "\n", "; "))
}
