package schema

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Enforce returns a SecretService over svc whose Set refuses what a declared
// schema refuses: core.ErrInvalidValue, with what is wrong in the hint, and
// nothing is written. Ids that are not declared, and all other calls, pass
// through. Closing it does not close svc.
func Enforce(svc core.SecretService, decls ...Declared) *core.Store {
	e := enforced{svc: svc, byID: map[string][]Declared{}}
	if svc == nil {
		e.svc = core.New("schema", nothing{})
	}
	for _, d := range decls {
		id := d.base().spec.ID
		e.byID[id] = append(e.byID[id], d)
	}
	return core.New("schema", e)
}

// nothing is where a program forgot its service.
type nothing struct{}

func (nothing) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, errNoService
}

type enforced struct {
	svc  core.SecretService
	byID map[string][]Declared
}

var (
	_ core.BatchGetter = enforced{}
	_ core.Statter     = enforced{}
	_ core.Setter      = enforced{}
	_ core.Deleter     = enforced{}
	_ core.Lister      = enforced{}
	_ core.Versioner   = enforced{}
	_ core.Capable     = enforced{}
)

func (e enforced) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return e.svc.Get(ctx, id, o.Options()...)
}

func (e enforced) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	return e.svc.GetMany(ctx, ids, o.Options()...)
}

func (e enforced) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	return e.svc.Stat(ctx, id, o.Options()...)
}

func (e enforced) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	for _, d := range e.byID[id] {
		if err := d.Validate(value); err != nil {
			return core.Info{}, refusal(err)
		}
	}
	return e.svc.Set(ctx, id, value, o.Options()...)
}

func (e enforced) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	return e.svc.Delete(ctx, id, o.Options()...)
}

func (e enforced) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return e.svc.List(ctx, prefix)
}

func (e enforced) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return e.svc.Versions(ctx, id)
}

func (e enforced) Capabilities(ctx context.Context) (core.Capabilities, error) {
	return e.svc.Capabilities(ctx)
}

// refusal puts what is wrong with a value where the front keeps it.
func refusal(err error) error {
	var why []string
	var e *Error
	if errors.As(err, &e) {
		for _, p := range e.Problems {
			p.Name, p.ID = "", "" // the error has the id
			text := strings.TrimPrefix(p.String(), "all: ")
			why = append(why, strings.TrimPrefix(text, "a declaration: "))
		}
	}
	return &core.Error{Kind: core.ErrInvalidValue, Hint: strings.Join(slices.Compact(why), "; ")}
}
