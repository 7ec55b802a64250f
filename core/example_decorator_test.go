package core_test

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/lukko-dev/lukko/core"
)

// readOnly is a decorator: a Backend over a SecretService. It has the methods
// that read, and no others. That is all it takes: the front answers for the
// rest that they are unsupported, and no method of svc shines through.
type readOnly struct{ svc core.SecretService }

func (r readOnly) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return r.svc.Get(ctx, id, o.Options()...)
}

func (r readOnly) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	return r.svc.GetMany(ctx, ids, o.Options()...)
}

func (r readOnly) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	return r.svc.Stat(ctx, id, o.Options()...)
}

func (r readOnly) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return r.svc.List(ctx, prefix)
}

func (r readOnly) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return r.svc.Versions(ctx, id)
}

func (r readOnly) Capabilities(ctx context.Context) (core.Capabilities, error) {
	c, err := r.svc.Capabilities(ctx)
	return core.Capabilities{
		List: c.List, Versions: c.Versions, AtVersion: c.AtVersion, Settle: c.Settle,
	}, err
}

// ReadOnly hands out a service without the right to write to it.
func ReadOnly(svc core.SecretService) *core.Store { return core.New("read-only", readOnly{svc}) }

// A decorator goes under the front like any backend. Errors from below keep
// their kind, code and provider, and carry the id that its caller asked for.
func Example_decorator() {
	shelf := newShelf()
	ctx := context.Background()
	_, _ = shelf.Set(ctx, "DB_PASSWORD", core.String("hunter2"))

	store := ReadOnly(core.Prefix(shelf, "DB_"))
	secret, err := store.Get(ctx, "PASSWORD")
	fmt.Println(secret.ID, secret.Value, secret.Source, err)

	_, err = store.Get(ctx, "USER")
	fmt.Println(err)

	_, err = store.Set(ctx, "PASSWORD", core.String("new"))
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	// Output:
	// PASSWORD [REDACTED] shelf <nil>
	// shelf get "USER": not found
	// true
}
