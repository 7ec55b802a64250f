package schema

import (
	"context"
	"errors"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// readings is what one batch read found.
type readings struct {
	secrets map[string]core.Secret
	failed  map[string]error
	err     error // the whole batch failed
}

// readMany reads ids in one batch.
func readMany(ctx context.Context, svc core.SecretService, ids []string, opts ...core.GetOption) (r readings) {
	if svc == nil {
		return readings{err: errNoService}
	}
	secrets, err := svc.GetMany(ctx, ids, opts...)
	r.secrets = secrets
	var batch *core.BatchError
	switch {
	case err == nil:
	case errors.As(err, &batch):
		r.failed = batch.ByID
	default:
		r.err = err
	}
	return r
}

var errNoService = &core.Error{Op: "get", Kind: core.ErrInvalidOption, Hint: "the service is nil; open one with core.Open or a provider"}

// of returns the secret of a declaration, or why there is none.
func (r readings) of(d *definition) (core.Secret, *Problem) {
	id := d.spec.ID
	err := r.err
	if err == nil {
		err = r.failed[id]
	}
	if err == nil {
		if secret, ok := r.secrets[id]; ok && !secret.Value.IsZero() {
			return secret, nil
		}
		err = &core.Error{Op: "get", ID: id, Kind: core.ErrNotFound}
	}
	p := d.readProblem(err)
	return core.Secret{}, &p
}

// readProblem makes a problem of what a service returned on a read.
func (d *definition) readProblem(err error) Problem {
	rule, detail := RuleRead, ""
	switch {
	case errors.Is(err, core.ErrNotFound):
		var advice []string
		if hintOf(err) == "" { // else the service has said what to do
			advice = append(advice, "store it, as with: lukko set "+d.spec.ID)
		}
		if d.spec.DocsURL != "" {
			advice = append(advice, "how to get one: "+d.spec.DocsURL)
		}
		rule, detail = RuleMissing, strings.Join(advice, "; ")
	case errors.Is(err, core.ErrInvalidID) && !core.IsPortable(d.spec.ID):
		detail = notPortable
	}
	return d.problem("", rule, detail, err)
}

func hintOf(err error) string {
	if e := (*core.Error)(nil); errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// isMissing reports whether err says that one value is missing, and nothing
// else.
func isMissing(err error) bool {
	var e *Error
	return errors.As(err, &e) && len(e.Problems) == 1 && e.Problems[0].Rule == RuleMissing
}

// get reads and decodes one value.
func (d *Declaration[T]) get(ctx context.Context, svc core.SecretService, opts ...core.GetOption) (value T, secret core.Secret, err error) {
	if problems := d.def.check(); len(problems) > 0 {
		return value, secret, errorOf(problems)
	}
	if svc == nil {
		return value, secret, errorOf([]Problem{d.def.readProblem(errNoService)})
	}
	secret, err = svc.Get(ctx, d.def.spec.ID, opts...)
	if err != nil {
		return value, secret, errorOf([]Problem{d.def.readProblem(err)})
	}
	value, problems := decode[T](d.def, secret.Value)
	return value, secret, errorOf(problems)
}

// decode makes a T of a stored value. With problems it is the zero T.
func decode[T any](d *definition, value core.Value) (T, []Problem) {
	var v T
	problems := d.decodeInto(value, &v)
	if len(problems) > 0 {
		v = *new(T)
	}
	return v, problems
}
