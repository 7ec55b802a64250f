package core_test

import (
	"context"
	"iter"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// getFunc is a backend that can only read.
type getFunc func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error)

func (f getFunc) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return f(ctx, id, o)
}

// funcs is a backend that can do everything, each by a func of the test. One
// that is nil fails the test when it is called: the front must not have got
// there.
type funcs struct {
	t        *testing.T
	get      getFunc
	getMany  func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error)
	stat     func(ctx context.Context, id string, o core.GetOptions) (core.Info, error)
	set      func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error)
	delete   func(ctx context.Context, id string, o core.DeleteOptions) error
	list     func(ctx context.Context, prefix string) iter.Seq2[core.Info, error]
	versions func(ctx context.Context, id string) iter.Seq2[core.Info, error]
	claims   func(ctx context.Context) (core.Capabilities, error)
	close    func() error
}

func (f *funcs) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	if f.get == nil {
		f.t.Error("the backend's Get was called")
		return core.Secret{}, core.ErrNotFound
	}
	return f.get(ctx, id, o)
}

func (f *funcs) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	if f.getMany == nil {
		f.t.Error("the backend's GetMany was called")
		return nil, nil
	}
	return f.getMany(ctx, ids, o)
}

func (f *funcs) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	if f.stat == nil {
		f.t.Error("the backend's Stat was called")
		return core.Info{}, core.ErrNotFound
	}
	return f.stat(ctx, id, o)
}

func (f *funcs) Set(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
	if f.set == nil {
		f.t.Error("the backend's Set was called")
		return core.Info{}, nil
	}
	return f.set(ctx, id, v, o)
}

func (f *funcs) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	if f.delete == nil {
		f.t.Error("the backend's Delete was called")
		return nil
	}
	return f.delete(ctx, id, o)
}

func (f *funcs) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	if f.list == nil {
		f.t.Error("the backend's List was called")
		return func(func(core.Info, error) bool) {}
	}
	return f.list(ctx, prefix)
}

func (f *funcs) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	if f.versions == nil {
		f.t.Error("the backend's Versions was called")
		return func(func(core.Info, error) bool) {}
	}
	return f.versions(ctx, id)
}

func (f *funcs) Capabilities(ctx context.Context) (core.Capabilities, error) {
	if f.claims == nil {
		return everything, nil
	}
	return f.claims(ctx)
}

func (f *funcs) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// raw is a service that was not made by New: it has none of the front's
// duties done for it.
type raw struct{ f *funcs }

var _ core.SecretService = raw{}

func (r raw) Get(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
	return r.f.Get(ctx, id, core.GetOptions{})
}

func (r raw) GetMany(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
	return r.f.GetMany(ctx, ids, core.GetOptions{})
}

func (r raw) Stat(ctx context.Context, id string, opts ...core.GetOption) (core.Info, error) {
	return r.f.Stat(ctx, id, core.GetOptions{})
}

func (r raw) Set(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
	return r.f.Set(ctx, id, v, core.SetOptions{})
}

func (r raw) Delete(ctx context.Context, id string, opts ...core.DeleteOption) error {
	return r.f.Delete(ctx, id, core.DeleteOptions{})
}

func (r raw) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return r.f.List(ctx, prefix)
}

func (r raw) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return r.f.Versions(ctx, id)
}

func (r raw) Capabilities(ctx context.Context) (core.Capabilities, error) {
	return r.f.Capabilities(ctx)
}

var everything = core.Capabilities{
	Set: true, Delete: true, Purge: true, List: true, Versions: true,
	AtVersion: true, IfAbsent: true, IfVersion: true,
}

// canary is what must never be seen in an error.
const canary = "CANARY-7f3a"

// valued is a getFunc that always answers.
func valued(value string) getFunc {
	return func(context.Context, string, core.GetOptions) (core.Secret, error) {
		return core.Secret{Info: core.Info{Version: "v1"}, Value: core.String(value)}, nil
	}
}

// failing is a getFunc that always fails.
func failing(err error) getFunc {
	return func(context.Context, string, core.GetOptions) (core.Secret, error) { return core.Secret{}, err }
}

// pairs yields infos, then err if it is not nil.
func pairs(err error, ids ...string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		for _, id := range ids {
			if !yield(core.Info{ID: id}, nil) {
				return
			}
		}
		if err != nil {
			yield(core.Info{}, err)
		}
	}
}

// collect ranges over seq and checks that an error is the last pair.
func collect(t *testing.T, seq iter.Seq2[core.Info, error]) (ids []string, err error) {
	t.Helper()
	for info, e := range seq {
		if err != nil {
			t.Errorf("a pair came after the error: %v, %v", info, e)
		}
		if err = e; err == nil {
			ids = append(ids, info.ID)
		}
	}
	return ids, err
}
