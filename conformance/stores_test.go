package conformance_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

// Right stores of this repository raise no alarm, in each shape that a user
// may give them.

// inMemory is a store in memory with every hook. wrap makes of it what is
// tested; prefix is what the ids have there.
func inMemory(prefix string, wrap func(testing.TB, core.SecretService) core.SecretService) func(testing.TB) conformance.Subject {
	return func(t testing.TB) conformance.Subject {
		var mu sync.Mutex
		waiting := map[string]chan struct{}{}
		store := memory.New(memory.Config{OnCall: func(c memory.Call) {
			if len(c.IDs) != 1 {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if reached := waiting[c.IDs[0]]; reached != nil {
				close(reached)
				delete(waiting, c.IDs[0])
			}
		}})
		t.Cleanup(func() { _ = store.Close() })
		seed := func(id string, v core.Value) error {
			if n := v.Len(); n == 0 || n > core.MaxValueLen {
				return errors.ErrUnsupported
			}
			_, err := store.Set(context.Background(), prefix+id, v)
			return err
		}
		return conformance.Subject{
			Service: wrap(t, store),
			Seed:    seed,
			Deny: func(id string) error {
				store.Inject(memory.Fault{ID: prefix + id, Err: core.ErrPermissionDenied})
				return nil
			},
			Corrupt: func(id string) error {
				if !store.Corrupt(prefix + id) {
					return errors.New("there is nothing to damage")
				}
				return nil
			},
			Fail: func(kind error) func() {
				if errors.Is(kind, core.ErrExhausted) {
					return store.Inject(memory.Fault{Op: "set", Err: kind})
				}
				return store.Inject(memory.Fault{Err: kind})
			},
			Hold: func(id string) (<-chan struct{}, func()) {
				reached := make(chan struct{})
				mu.Lock()
				waiting[prefix+id] = reached
				mu.Unlock()
				// It goes on by itself after a while, so release has nothing
				// to do.
				store.Inject(memory.Fault{ID: prefix + id, Times: 1, Delay: 3 * time.Second})
				return reached, func() {}
			},
			Second: func() (core.SecretService, error) { return wrap(t, store), nil },
		}
	}
}

func asItIs(_ testing.TB, svc core.SecretService) core.SecretService {
	return struct{ core.SecretService }{svc} // the harness closes the store
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Harness{Open: func(t testing.TB) conformance.Subject {
		s := inMemory("", asItIs)(t)
		s.Service = s.Service.(struct{ core.SecretService }).SecretService // which the suite closes
		s.Second = nil
		return s
	}})
}

func TestPrefixOverMemoryConforms(t *testing.T) {
	t.Parallel()
	const prefix = "shop/eu:"
	conformance.Run(t, conformance.Harness{
		Open: inMemory(prefix, func(_ testing.TB, svc core.SecretService) core.SecretService { return core.Prefix(svc, prefix) }),
		// A prefix takes its bytes from the longest id.
		Refuses: func(id string) bool { return core.CheckID(prefix+id) != nil },
	})
}

// reader is a view that can only read, by hand and without core.New. It
// refuses as core.New would.
func TestReadOnlyViewConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Harness{Open: inMemory("", func(_ testing.TB, svc core.SecretService) core.SecretService {
		return core.New("view", reader{svc})
	})})
}

type reader struct{ svc core.SecretService }

func (r reader) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return r.svc.Get(ctx, id, o.Options()...)
}

func (r reader) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	return r.svc.GetMany(ctx, ids, o.Options()...)
}

func (r reader) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	return r.svc.Stat(ctx, id, o.Options()...)
}

func (r reader) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return r.svc.List(ctx, prefix)
}

func (r reader) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return r.svc.Versions(ctx, id)
}

func (r reader) Capabilities(ctx context.Context) (core.Capabilities, error) {
	c, err := r.svc.Capabilities(ctx)
	return core.Capabilities{List: c.List, Versions: c.Versions, AtVersion: c.AtVersion, Settle: c.Settle}, err
}

// getter is all that an author has to write.
type getter struct{ svc core.SecretService }

func (g getter) Get(ctx context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	secret, err := g.svc.Get(ctx, id)
	return core.Secret{Value: secret.Value}, err
}

func TestABackendWithGetAloneConforms(t *testing.T) {
	t.Parallel()
	t.Run("with secrets", func(t *testing.T) {
		t.Parallel()
		conformance.Run(t, conformance.Harness{Open: inMemory("", func(_ testing.TB, svc core.SecretService) core.SecretService {
			return core.New("getter", getter{svc})
		})})
	})
	t.Run("with nothing in it and no hook", func(t *testing.T) {
		t.Parallel()
		conformance.Run(t, conformance.Harness{Open: func(testing.TB) conformance.Subject {
			return conformance.Subject{Backend: getter{memory.New(memory.Config{})}}
		}})
	})
}

func TestAChainConforms(t *testing.T) {
	t.Parallel()
	layered := func(t testing.TB, svc core.SecretService) core.SecretService {
		above := core.New("above", getter{memory.New(memory.Config{})})
		c, err := chain.New(chain.Config{
			Layers:  []chain.Layer{{Name: "above", Service: above}, {Name: "below", Service: svc}},
			WriteTo: "below",
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	conformance.Run(t, conformance.Harness{Open: inMemory("", layered)})
}
