package schema

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// readings is what one batch read found.
type readings struct {
	secrets map[string]core.Secret
	failed  map[string]error
	err     error // the whole batch failed

	environment string                  // where this is; empty if that is not known
	groups      map[*definition]Problem // of the members of a group that is not as it must be
}

// readMany reads declarations in one batch.
func readMany(ctx context.Context, svc core.SecretService, environment string, defs []*definition, opts ...core.GetOption) (r readings) {
	r.environment = environment
	if svc == nil {
		r.err = errNoService
		return r
	}
	ids := make([]string, len(defs))
	for i, d := range defs {
		ids[i] = d.spec.ID
	}
	secrets, err := svc.GetMany(ctx, ids, opts...)
	r.secrets = secrets
	var batch *core.BatchError
	switch {
	case err == nil:
	case errors.As(err, &batch):
		r.failed = maps.Clone(batch.ByID)
		maps.DeleteFunc(r.failed, func(_ string, err error) bool { return errors.Is(err, core.ErrNotFound) })
	default:
		r.err = err
	}
	r.judgeGroups(defs)
	return r
}

var errNoService = &core.Error{Op: "get", Kind: core.ErrInvalidOption, Hint: "the service is nil; open one with core.Open or a provider"}

// of returns the secret of a declaration, or why there is none; for a variable
// that is not set its default, of which the Info has no Source.
func (r readings) of(d *definition) (core.Secret, *Problem) {
	id := d.spec.ID
	err := r.err
	if err == nil {
		err = r.failed[id]
	}
	if err == nil {
		if r.has(id) {
			return r.secrets[id], nil
		}
		if p := d.plan; p != nil && !p.fallback.IsZero() {
			return core.Secret{Info: core.Info{ID: id}, Value: p.fallback}, nil
		}
		err = &core.Error{Op: "get", ID: id, Kind: core.ErrNotFound}
	}
	p := d.readProblem(err)
	if p.Rule == RuleMissing && r.environment == "" && len(d.spec.RequiredIn) > 0 {
		p.Detail = strings.TrimPrefix(p.Detail+"; it is required in "+strings.Join(d.spec.RequiredIn, ", ")+
			" only: where this is another environment, LUKKO_ENV says which", "; ")
	}
	return core.Secret{}, &p
}

// has reports whether an id has a value.
func (r readings) has(id string) bool {
	secret, ok := r.secrets[id]
	return ok && !secret.Value.IsZero()
}

// readProblem makes a problem of what a service returned on a read.
func (d *definition) readProblem(err error) Problem {
	rule, detail := RuleRead, ""
	switch {
	case errors.Is(err, core.ErrNotFound):
		var advice []string
		if hintOf(err) == "" { // else the service has said what to do
			advice = append(advice, "store it, as with: lukko "+d.command())
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

// command is how the command line gives it a value.
func (d *definition) command() string {
	switch {
	case d.variable:
		return "var set " + d.spec.ID + " VALUE"
	case d.spec.Generate != "":
		return "set --generate " + d.spec.ID
	}
	return "set " + d.spec.ID
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
	if err != nil && errors.Is(err, core.ErrNotFound) && !d.def.plan.fallback.IsZero() && !asksVersion(opts) {
		secret, err = core.Secret{Info: core.Info{ID: d.def.spec.ID}, Value: d.def.plan.fallback}, nil
	}
	if err != nil {
		return value, secret, errorOf([]Problem{d.def.readProblem(err)})
	}
	value, problems := decode[T](d.def, secret.Value)
	return value, secret, errorOf(problems)
}

// asksVersion reports whether one version is asked for, which a default is not.
func asksVersion(opts []core.GetOption) bool {
	if len(opts) == 0 {
		return false
	}
	o, err := core.GetOptionsOf(opts...)
	return err != nil || o.Version != ""
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
