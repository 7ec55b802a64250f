package credentials_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// barring is a store as AWS is one: a secret that was deleted and not purged
// bars its id from a write that wants it to be absent.
type barring struct {
	*memory.Store
	noPurge bool // it isn't allowed

	mu     sync.Mutex
	barred map[string]bool
}

func (b *barring) service() *core.Store {
	b.barred = map[string]bool{}
	return core.New("barring", backend{b})
}

// backend is a barring as an author writes one.
type backend struct{ *barring }

func (b backend) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return b.Store.Get(ctx, id, o)
}

func (b backend) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.barred[id] && o.IfAbsent {
		return core.Info{}, core.ErrConflict
	}
	info, err := b.Store.Set(ctx, id, value, o)
	if err == nil {
		delete(b.barred, id)
	}
	return info, err
}

func (b backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o.Purge && b.noPurge {
		return core.ErrPermissionDenied
	}
	err := b.Store.Delete(ctx, id, o)
	if err == nil {
		b.barred[id] = !o.Purge
	}
	return err
}

func (b backend) Capabilities(ctx context.Context) (core.Capabilities, error) {
	return core.Capabilities{Set: true, Delete: true, Purge: true, IfAbsent: true, IfVersion: true}, nil
}

func TestWhatWasDeletedCanBeSetAgainWhereItBarsItsID(t *testing.T) {
	t.Parallel()
	b := &barring{Store: memory.New(memory.Config{})}
	w := newWorld(t, func(cfg *credentials.Config) { cfg.Secrets = b.service() })
	ctx := t.Context()
	for range 2 {
		for name, err := range map[string]error{
			"a key":      w.notion.Set(ctx, w.store, "bob", core.String("key")),
			"a document": w.shop.Set(ctx, w.store, "bob", stripeKeys{APIKey: core.String("sk_1")}),
			"a token":    w.github.Set(ctx, w.store, "bob", oauth2.Token{AccessToken: core.String("token")}),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.notion.Set(ctx, w.store, "bob", core.String("other"), core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
			t.Errorf("what is there: %v", err)
		}
		for _, err := range []error{
			w.notion.Delete(ctx, w.store, "bob"), w.shop.Delete(ctx, w.store, "bob"), w.github.Delete(ctx, w.store, "bob"),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAClaimLeavesNothingThatBarsTheNext(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*world) error{
		"deleting the credential": func(w *world) error { return w.github.Delete(context.Background(), w.store, "bob") },
		"deleting the user":       func(w *world) error { return w.store.DeleteUser(context.Background(), "bob") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &barring{Store: memory.New(memory.Config{})}
			w := newWorld(t, func(cfg *credentials.Config) { cfg.Secrets = b.service() })
			for _, id := range []string{"GITHUB__bob", "GITHUB__bob_CLAIM"} {
				b.Seed(id, core.String("{}"))
			}
			if err := remove(w); err != nil {
				t.Fatal(err)
			}
			if b.barred["GITHUB__bob_CLAIM"] || !b.barred["GITHUB__bob"] {
				t.Error("the claim can be recovered, or the tokens can't")
			}
			b.noPurge = true // who may not purge deletes
			b.Seed("GITHUB__bob_CLAIM", core.String("{}"))
			err := w.store.DeleteUser(t.Context(), "bob")
			if _, gone := b.Get(t.Context(), "GITHUB__bob_CLAIM"); err != nil || !errors.Is(gone, core.ErrNotFound) {
				t.Errorf("without the right to purge: %v", err)
			}
		})
	}
}
