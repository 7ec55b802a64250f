package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// effect tells what an operation may have done when its backend fails.
type effect bool

const (
	read  effect = false
	write effect = true
)

// wrap makes the [*Error] that a caller sees of what a backend returned.
//
// A kind that the backend gives is believed. An error of no kind is, on a
// read, ErrUnavailable; on a write, ErrIndeterminate. A context's error is
// passed on only if it is the caller's context that has ended: a client's own
// time limit is no business of the caller's deadline handling. No foreign
// error goes into the chain, since its text can quote what it choked on.
func (s *Store) wrap(ctx context.Context, op, id string, eff effect, err error) *Error {
	e := &Error{Op: op, Provider: s.provider, ID: id, Kind: KindOf(err)}
	believed := false
	if given := (*Error)(nil); errors.As(err, &given) && given != nil {
		e.Op = cmp.Or(given.Op, op)
		e.Provider = cmp.Or(given.Provider, s.provider)
		e.Code, e.RequestID, e.Hint = given.Code, given.RequestID, given.Hint
		believed = given.unwritten
	}
	if below := (*fromBelow)(nil); errors.As(err, &below) {
		e.Hint = ""
		if e.Kind == ErrInvalidID { //nolint:errorlint // a Kind is a sentinel itself
			e.Hint = "the backend can't hold the name that this id has there"
		}
	}
	if nw := (*notWritten)(nil); errors.As(err, &nw) {
		believed = true
	}
	if e.Kind == errors.ErrUnsupported && !holds(err, errors.ErrUnsupported) {
		// Some errors of the system say of themselves that they are "unsupported",
		// whatever was done before them. Only the sentinel itself promises that
		// nothing has changed.
		e.Kind = nil
	}
	ended := ctx.Err()
	switch {
	case e.Kind == ErrIndeterminate:
		e.Err = ended
	case e.Kind != nil:
	case eff == write && !believed:
		e.Kind, e.Err = ErrIndeterminate, ended
	case ended != nil:
		e.Err, e.unwritten = ended, isWrite(op)
	default:
		e.Kind = ErrUnavailable
	}
	if e.Err == nil {
		e.Err = foreign(err)
	}
	return e
}

// holds reports whether target itself is in the tree of err.
func holds(err, target error) bool {
	if err == target { //nolint:errorlint // identity is the point
		return true
	}
	switch e := err.(type) { //nolint:errorlint // one link at a time
	case interface{ Unwrap() error }:
		return holds(e.Unwrap(), target)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return holds(err, target) })
	}
	return false
}

// foreign is what may be shown of an error: the Go type of the first one in
// its chain that is neither ours nor a plain wrapper; nil if there is none.
func foreign(err error) error {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // one link of the chain at a time
		case typeOnly:
			return e
		case *Error:
			if e != nil {
				err = e.Err
				continue
			}
		}
		if isKind(err) {
			return nil
		}
		name := fmt.Sprintf("%T", err)
		next := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && next == nil { //nolint:errorlint // as above
			if errs := many.Unwrap(); len(errs) > 0 {
				next = errs[0]
			}
		}
		plain := strings.HasPrefix(name, "*fmt.") || strings.HasPrefix(name, "*errors.") || name == "*core.notWritten" || name == "*core.fromBelow"
		if !plain || next == nil {
			return typeOnly{name}
		}
		err = next
	}
	return nil
}
