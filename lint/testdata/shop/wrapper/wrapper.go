// Package wrapper has functions that hand on ids.
package wrapper

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

type Reader struct{ Svc core.SecretService }

func (r *Reader) Read(ctx context.Context, id string) core.Value {
	s, _ := r.Svc.Get(ctx, id)
	return s.Value
}

func All(ctx context.Context, svc core.SecretService, ids ...string) {
	svc.GetMany(ctx, ids)
	for _, id := range ids {
		each(ctx, svc, id)
	}
}

func each(ctx context.Context, svc core.SecretService, id string) { svc.Stat(ctx, id) }

// Renamed is a decorator: it makes ids of the ids that it is asked for.
type Renamed struct {
	svc    core.SecretService
	prefix string
}

func (r *Renamed) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return r.svc.Get(ctx, r.prefix+id, o.Options()...)
}

func (r *Renamed) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	below := make([]string, len(ids))
	for i, id := range ids {
		below[i] = r.prefix + id
	}
	return r.svc.GetMany(ctx, below, o.Options()...)
}
