package vault

import (
	"context"
	"iter"

	"github.com/lukko-dev/lukko/core"
)

// backend is what core.New gets: each call goes to the version of the engine
// that is mounted.
type backend struct {
	conn   *conn
	engine *detector
}

var _ interface {
	core.Backend
	core.BatchGetter
	core.Statter
	core.Setter
	core.Deleter
	core.Lister
	core.Versioner
	core.Capable
} = (*backend)(nil)

// kv is one version of the engine.
type kv interface {
	get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error)
	stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error)
	set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error)
	delete(ctx context.Context, id string, purge bool) error
	versions(ctx context.Context, id string) ([]core.Info, error)

	// folder is the path of a listing; found is the Info of a key that it
	// names, or core.ErrNotFound.
	folder(dir string) string
	found(ctx context.Context, id string) (core.Info, error)
}

func (b *backend) kv(ctx context.Context) (kv, error) {
	version, err := b.engine.kv(ctx)
	if err != nil {
		return nil, err
	}
	if version == 1 {
		return v1{b.conn, b.engine}, nil
	}
	return v2{b.conn, b.engine}, nil
}

func (b *backend) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	engine, err := b.kv(ctx)
	if err != nil {
		return core.Secret{}, err
	}
	return engine.get(ctx, id, o)
}

// GetMany reads one by one, as Vault has no batch, and as many at a time as
// there may be requests.
func (b *backend) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	engine, err := b.kv(ctx) // once, and not by all of them at a time
	if err != nil {
		return nil, err
	}
	return core.GetEach(ctx, ids, cap(b.conn.slots), func(ctx context.Context, id string) (core.Secret, error) {
		return engine.get(ctx, id, o)
	})
}

func (b *backend) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	engine, err := b.kv(ctx)
	if err != nil {
		return core.Info{}, err
	}
	return engine.stat(ctx, id, o)
}

func (b *backend) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	if err := b.engine.confirm(ctx); err != nil {
		return core.Info{}, err
	}
	engine, err := b.kv(ctx)
	if err != nil {
		return core.Info{}, err
	}
	return engine.set(ctx, id, value, o)
}

func (b *backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	if err := b.engine.confirm(ctx); err != nil {
		return err
	}
	engine, err := b.kv(ctx)
	if err != nil {
		return err
	}
	return engine.delete(ctx, id, o.Purge)
}

func (b *backend) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		var infos []core.Info
		engine, err := b.kv(ctx)
		if err == nil {
			infos, err = engine.versions(ctx, id)
		}
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(core.Info{}, err)
		}
	}
}

func (b *backend) Capabilities(ctx context.Context) (core.Capabilities, error) {
	version, err := b.engine.kv(ctx)
	if err != nil {
		return core.Capabilities{}, err
	}
	full := version == 2
	return core.Capabilities{
		Set: true, Delete: true, List: true,
		Purge: full, Versions: full, AtVersion: full, IfAbsent: full, IfVersion: full,
	}, nil
}

// Close ends the login, and what renews it.
func (b *backend) Close() error {
	b.conn.close()
	return nil
}

// missing is the answer to a read of what is not there. That is believed of an
// engine that the server has confirmed.
func (d *detector) missing(ctx context.Context, a answer, hint string) error {
	if !a.absent() {
		return a.foreign()
	}
	if err := d.confirm(ctx); err != nil {
		return err
	}
	return &core.Error{Kind: core.ErrNotFound, Code: "404", Hint: hint}
}

const noSecret = "no secret of this id is in the engine"
