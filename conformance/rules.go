package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lukko-dev/lukko/core"
)

// The rules that the guard holds every call against. Each is the name of the
// case that reports it.
const (
	ruleCoreError          = "MUST/Errors/are-core-errors"
	ruleNamed              = "MUST/Errors/name-what-was-asked-for"
	ruleOneKind            = "MUST/Errors/match-one-kind"
	ruleReadsDetermined    = "MUST/Errors/reads-are-never-indeterminate"
	ruleContextErrors      = "MUST/Errors/context-errors-only-when-the-caller-ended"
	ruleNothingBesideError = "MUST/Errors/come-with-no-result"
	ruleOnePlace           = "MUST/GetMany/each-id-in-one-place"
	ruleErrorLast          = "MUST/Iterators/an-error-is-the-last-pair"
	ruleInfoID             = "MUST/Info/has-the-id-asked-for"
	ruleErrorLeak          = "MUST/Leaks/errors-hold-no-value"
	ruleInfoLeak           = "MUST/Leaks/infos-hold-no-value"
)

const (
	read  = false
	write = true
)

// kinds are all kinds of errors.
var kinds = []error{
	core.ErrNotFound, core.ErrPermissionDenied, core.ErrUnauthenticated, core.ErrUnavailable,
	core.ErrExhausted, core.ErrConflict, core.ErrIndeterminate, core.ErrInvalidID, core.ErrInvalidValue,
	core.ErrInvalidOption, core.ErrCorrupt, core.ErrClosed, errors.ErrUnsupported,
}

// result watches what a call on one id returned.
func (g *guard) result(ctx context.Context, op, id string, info core.Info, err error, effect bool) {
	if err != nil {
		g.failed(ctx, op, id, err, effect)
		return
	}
	g.info(op, id, info)
}

func (g *guard) info(op, id string, info core.Info) {
	if info.ID != id {
		g.broken(ruleInfoID, "%s(%q) returned an Info with the ID %q", op, id, info.ID)
	}
	// Nothing else of an Info could hold a value. That a Value does not print is
	// core's own promise.
	if g.t.marks.in(info.Version) || g.t.marks.in(info.Source) {
		g.broken(ruleInfoLeak, "the Version or the Source that %s returned shows a value, or a part of one", op)
	}
}

// failed watches an error of a call on one id; id is empty where the call is
// on none.
func (g *guard) failed(ctx context.Context, op, id string, err error, effect bool) {
	g.leak(op, err)
	var batch *core.BatchError
	if (op == "List" || op == "Versions") && errors.As(err, &batch) {
		g.noKind(op, err)
		for item, err := range batch.ByID {
			g.single(ctx, op, item, err, effect)
		}
		return
	}
	g.single(ctx, op, id, err, effect)
}

func (g *guard) single(ctx context.Context, op, id string, err error, effect bool) {
	var e *core.Error
	if !errors.As(err, &e) {
		g.broken(ruleCoreError, "%s returned an error of type %T, with no *core.Error in it", op, err)
		return
	}
	if core.CheckID(id) != nil {
		id = "" // an invalid id is not repeated
	}
	if e.Op == "" || e.Provider == "" || e.ID != id {
		g.broken(ruleNamed, "%s(%q) returned an error with the Op %q, the Provider %q and the ID %q", op, id, e.Op, e.Provider, e.ID)
	}
	g.kind(ctx, op, err)
	if !effect && errors.Is(err, core.ErrIndeterminate) {
		g.broken(ruleReadsDetermined, "%s returned %v", op, err)
	}
}

// kind watches that an error matches one kind, or the caller's context.
func (g *guard) kind(ctx context.Context, op string, err error) {
	matched := 0
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			matched++
		}
	}
	ended := ctx.Err()
	ofContext := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case ofContext && ended == nil:
		g.broken(ruleContextErrors, "%s returned %v, while the caller's context goes on", op, err)
	case matched > 1:
		g.broken(ruleOneKind, "%s returned %v, which matches %d kinds", op, err, matched)
	case matched == 0 && !ofContext:
		g.broken(ruleOneKind, "%s returned %v, which matches no kind", op, err)
	}
}

// noKind watches that a BatchError matches nothing by itself.
func (g *guard) noKind(op string, err error) {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			g.broken(ruleOneKind, "%s returned a BatchError that matches %q by itself", op, kind)
		}
	}
}

// batch watches what GetMany returned.
func (g *guard) batch(ctx context.Context, ids []string, got map[string]core.Secret, err error) {
	const op = "GetMany"
	asked := map[string]bool{}
	for _, id := range ids {
		asked[id] = true
	}
	for id, secret := range got {
		if !asked[id] {
			g.broken(ruleOnePlace, "GetMany returned %q, which was not asked for", id)
		}
		g.info(op, id, secret.Info)
	}
	if err == nil {
		return
	}
	g.leak(op, err)
	var batch *core.BatchError
	if !errors.As(err, &batch) {
		g.single(ctx, op, "", err, read)
		if got != nil {
			g.broken(ruleOnePlace, "GetMany returned a map of %d beside an error of the whole call", len(got))
		}
		return
	}
	g.noKind(op, err)
	if len(batch.ByID) == 0 {
		g.broken(ruleOnePlace, "GetMany returned a BatchError with nothing in it")
	}
	for id, err := range batch.ByID {
		if _, both := got[id]; both {
			g.broken(ruleOnePlace, "GetMany returned %q both in the map and in the BatchError", id)
		}
		switch {
		case !asked[id]:
			g.broken(ruleOnePlace, "GetMany returned an error for %q, which was not asked for", id)
		case err == nil:
			g.broken(ruleOnePlace, "GetMany returned a nil error for %q", id)
			continue
		case errors.Is(err, core.ErrNotFound):
			g.broken(ruleOnePlace, "GetMany returned an error for %q, which is not found and belongs into neither place", id)
		}
		g.leak(op, err)
		g.single(ctx, op, id, err, read)
	}
}

// leak searches everything that an error can print as.
func (g *guard) leak(op string, err error) {
	if err == nil {
		return
	}
	for err := range chain(err) {
		texts := []string{err.Error()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, err))
		}
		if j, jerr := json.Marshal(err); jerr == nil {
			texts = append(texts, string(j))
		}
		for _, text := range texts {
			if g.t.marks.in(text) {
				g.broken(ruleErrorLeak, "an error of %s shows a value, or a part of one (type %T)", op, err)
				return
			}
		}
	}
}

// chain yields every error in the tree of err.
func chain(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) { walk(err, yield) }
}

func walk(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	switch e := err.(type) { //nolint:errorlint // one link at a time
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), yield)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if !walk(err, yield) {
				return false
			}
		}
	}
	return true
}

func typeName(v any) string { return fmt.Sprintf("%T", v) }
