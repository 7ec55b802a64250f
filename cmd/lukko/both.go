package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/lukko-dev/lukko/core"
)

// both reads secrets where they are, and variables where those are.
type both struct {
	secrets   core.SecretService
	variables *core.Store
	of        *variables // what variables is of; nil where there are none
}

func (b *both) isVariable(id string) bool {
	if b.of == nil {
		return false
	}
	d, ok := b.of.config.Declarations.ByID(id)
	return ok && d.Meta().Variable
}

func (b *both) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	if b.isVariable(id) {
		return b.variables.Get(ctx, id, o.Options()...)
	}
	return b.secrets.Get(ctx, id, o.Options()...)
}

func (b *both) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	found := map[string]core.Secret{}
	failed := &core.BatchError{ByID: map[string]error{}}
	read := func(svc core.SecretService, ids []string) {
		if len(ids) == 0 {
			return
		}
		some, err := svc.GetMany(ctx, ids, o.Options()...)
		maps.Copy(found, some)
		var each *core.BatchError
		switch {
		case err == nil:
		case errors.As(err, &each):
			maps.Copy(failed.ByID, each.ByID)
		default:
			for _, id := range ids {
				failed.ByID[id] = err
			}
		}
	}
	read(b.secrets, slices.DeleteFunc(slices.Clone(ids), b.isVariable))
	read(b.variables, slices.DeleteFunc(ids, func(id string) bool { return !b.isVariable(id) }))
	if len(failed.ByID) > 0 {
		return found, failed
	}
	return found, nil
}
