package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// keyOf is the key of somebody, with every operation there is.
type keyOf struct {
	name, id, user string
	get            func() (string, error)
	set            func(value string, opts ...core.SetOption) error
	update         func(func(*stripeKeys) error) error
	remove         func(opts ...core.DeleteOption) error
	has            func() (bool, error)
	status         func() (credentials.Status, error)
}

// keys are the application's and a user's.
func (w *world) keys(ctx context.Context) []keyOf {
	keys := func(v string) stripeKeys { return stripeKeys{APIKey: core.String(v)} }
	key := func(v stripeKeys, err error) (string, error) { return v.APIKey.Reveal(), err }
	return []keyOf{
		{
			name: "stripe", id: "STRIPE",
			get:    func() (string, error) { return key(w.stripe.Get(ctx, w.store)) },
			set:    func(v string, opts ...core.SetOption) error { return w.stripe.Set(ctx, w.store, keys(v), opts...) },
			update: func(f func(*stripeKeys) error) error { return w.stripe.Update(ctx, w.store, f) },
			remove: func(opts ...core.DeleteOption) error { return w.stripe.Delete(ctx, w.store, opts...) },
			has:    func() (bool, error) { return w.stripe.Has(ctx, w.store) },
			status: func() (credentials.Status, error) { return w.stripe.Status(ctx, w.store) },
		},
		{
			name: "shop", id: "SHOP__bob", user: "bob",
			get:    func() (string, error) { return key(w.shop.Get(ctx, w.store, "bob")) },
			set:    func(v string, opts ...core.SetOption) error { return w.shop.Set(ctx, w.store, "bob", keys(v), opts...) },
			update: func(f func(*stripeKeys) error) error { return w.shop.Update(ctx, w.store, "bob", f) },
			remove: func(opts ...core.DeleteOption) error { return w.shop.Delete(ctx, w.store, "bob", opts...) },
			has:    func() (bool, error) { return w.shop.Has(ctx, w.store, "bob") },
			status: func() (credentials.Status, error) { return w.shop.Status(ctx, w.store, "bob") },
		},
	}
}

// eachKey runs f for the application's key and for a user's.
func eachKey(t *testing.T, f func(t *testing.T, w *world, k keyOf)) {
	t.Helper()
	for i, name := range []string{"the application's", "a user's"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f(t, w, w.keys(t.Context())[i])
		})
	}
}

func TestAKeyIsSetGotAndDeleted(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, w *world, k keyOf) {
		if has, err := k.has(); has || err != nil {
			t.Errorf("before: %t, %v", has, err)
		}
		for _, value := range []string{"sk_1", "sk_2"} { // the second replaces the first
			if err := k.set(value); err != nil {
				t.Fatal(err)
			}
			if got, err := k.get(); got != value || err != nil {
				t.Errorf("it is not what was set: %v", err)
			}
			if want := `{"apiKey":"` + value + `"}`; w.stored(t, k.id) != want {
				t.Errorf("it is not stored at %s", k.id)
			}
		}
		if has, err := k.has(); !has || err != nil {
			t.Errorf("after: %t, %v", has, err)
		}
		if status, err := k.status(); err != nil || status.State != credentials.StateOK || status.ID != k.id || status.User != k.user || status.Info.Version != "2" {
			t.Errorf("the status is %+v, %v", status, err)
		}
		if err := k.remove(); err != nil {
			t.Fatal(err)
		}
		if _, err := k.get(); !errors.Is(err, core.ErrNotFound) || w.stored(t, k.id) != "" {
			t.Errorf("it is still there: %v", err)
		}
	})
}

func TestAMissingOneSaysWhoseItIsAndWhereItIsConnected(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, _ *world, k keyOf) {
		_, getErr := k.get()
		status, err := k.status()
		if err != nil || status.State != credentials.StateMissing {
			t.Errorf("the status is %+v, %v", status, err)
		}
		for name, err := range map[string]error{"get": getErr, "delete": k.remove(), "status": status.Err, "update": k.update(func(*stripeKeys) error { return nil })} {
			var missing *credentials.MissingError
			if !errors.As(err, &missing) || !errors.Is(err, core.ErrNotFound) || !errors.Is(err, oauth2.ErrNotConnected) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if missing.Name != k.name || missing.User != k.user || missing.ID != k.id || missing.ConnectURL != "https://app.example.com/credentials/"+k.name || missing.OAuth2 {
				t.Errorf("%s: %+v", name, *missing)
			}
			for _, part := range []string{k.name, k.user, k.id, missing.ConnectURL} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %q lacks %q", name, err, part)
				}
			}
		}
	})
}

func TestDeniedAndUnreachableAreNeverMissing(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{core.ErrPermissionDenied, core.ErrUnavailable, core.ErrUnauthenticated, core.ErrCorrupt} {
		eachKey(t, func(t *testing.T, w *world, k keyOf) {
			w.mem.Inject(memory.Fault{Err: kind})
			_, getErr := k.get()
			has, hasErr := k.has()
			status, statusErr := k.status()
			for name, err := range map[string]error{
				"get": getErr, "has": hasErr, "status": statusErr, "the status's": status.Err, "delete": k.remove(),
				"update": k.update(func(*stripeKeys) error { return nil }),
			} {
				if !errors.Is(err, kind) || errors.Is(err, core.ErrNotFound) || errors.Is(err, oauth2.ErrNotConnected) {
					t.Errorf("%s: %v, want %v", name, err, kind)
				}
			}
			if has || status.State != credentials.StateUnknown {
				t.Errorf("has %t, status %s", has, status.State)
			}
			if err := k.set("sk_1"); !errors.Is(err, kind) {
				t.Errorf("set: %v, want %v", err, kind)
			}
		})
	}
}

func TestAnInvalidOneIsToldAndNotStored(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, w *world, k keyOf) {
		if err := k.set("pk_" + canary); !errors.Is(err, core.ErrInvalidValue) || strings.Contains(err.Error(), canary) {
			t.Errorf("set: %v", err)
		}
		if w.stored(t, k.id) != "" {
			t.Error("it is stored")
		}
		w.put(k.id, `{"apiKey":"pk_`+canary+`"}`)
		_, err := k.get()
		status, statusErr := k.status()
		for name, err := range map[string]error{"get": err, "status": status.Err} {
			if !errors.Is(err, core.ErrInvalidValue) || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), k.id) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if statusErr != nil || status.State != credentials.StateInvalid {
			t.Errorf("the status is %s, %v", status.State, statusErr)
		}
		if err := k.set("sk_1"); err != nil { // which mends it
			t.Error(err)
		}
	})
}

func TestUpdateKeepsWhatIsNotDeclaredAndSetRefusesToDropIt(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, w *world, k keyOf) {
		w.put(k.id, `{"apiKey":"sk_1","added":7}`)
		if err := k.set("sk_2"); !errors.Is(err, core.ErrConflict) {
			t.Errorf("set: %v", err)
		}
		err := k.update(func(v *stripeKeys) error { v.APIKey = core.String("sk_3"); return nil })
		if got := w.stored(t, k.id); err != nil || got != `{"added":7,"apiKey":"sk_3"}` {
			t.Errorf("update: %v, %s", err, got)
		}
		refused := fmt.Errorf("mine: %w", core.ErrNotFound)
		if err := k.update(func(*stripeKeys) error { return refused }); err != refused { //nolint:errorlint // as it is
			t.Errorf("update that is refused: %v", err)
		}
	})
}

func TestOfTwoFirstWritersOneIsTold(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, w *world, k keyOf) {
		// Both have found nothing before either writes.
		var found sync.WaitGroup
		found.Add(2)
		w.calls.on("set", func() { found.Done(); found.Wait() })
		errs := make(chan error, 2)
		for _, value := range []string{"sk_1", "sk_2"} {
			go func() { errs <- k.set(value) }()
		}
		a, b := <-errs, <-errs
		if (a == nil) == (b == nil) {
			t.Fatalf("the one is told %v, the other %v", a, b)
		}
		lost := errors.Join(a, b)
		if !errors.Is(lost, core.ErrConflict) || !strings.Contains(lost.Error(), k.id) {
			t.Errorf("the second is told %v", lost)
		}
	})
}

func TestAWriterThatCameBetweenIsNotOverwritten(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, w *world, k keyOf) {
		w.put(k.id, `{"apiKey":"sk_1"}`)
		var once sync.Once
		w.calls.on("stat", func() {
			once.Do(func() { // after it was read, before it is written
				w.calls.on("set", func() { w.calls.on("set", nil); w.put(k.id, `{"apiKey":"sk_between"}`) })
			})
		})
		if err := k.set("sk_2"); !errors.Is(err, core.ErrConflict) {
			t.Errorf("got %v", err)
		}
		if got := w.stored(t, k.id); got != `{"apiKey":"sk_between"}` {
			t.Error("it is overwritten")
		}
	})
}

func TestSetWithAnOptionIsAsItSays(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, w *world, k keyOf) {
		if err := k.set("sk_1", core.IfAbsent()); err != nil {
			t.Fatal(err)
		}
		if err := k.set("sk_2", core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
			t.Errorf("if absent: %v", err)
		}
		if err := k.set("sk_2", core.IfVersion("99")); !errors.Is(err, core.ErrConflict) {
			t.Errorf("if version: %v", err)
		}
		if err := k.set("sk_1", core.IfChanged()); err != nil {
			t.Error(err)
		}
		if info, err := w.mem.Stat(t.Context(), k.id); err != nil || info.Version != "1" {
			t.Errorf("it has version %s, %v", info.Version, err)
		}
	})
}

func TestAPlainStoreIsWrittenWithoutConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *credentials.Config) { c.Secrets = unconditional{c.Secrets} })
	for range 2 {
		for _, k := range w.keys(t.Context()) {
			if err := k.set("sk_1"); err != nil {
				t.Errorf("%s: %v", k.name, err)
			}
		}
	}
}

// unconditional is a service that claims no condition.
type unconditional struct{ core.SecretService }

func (unconditional) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{Set: true, Delete: true, List: true}, nil
}

func (u unconditional) Set(ctx context.Context, id string, value core.Value, opts ...core.SetOption) (core.Info, error) {
	if o, _ := core.SetOptionsOf(opts...); o.IfAbsent || o.IfVersion != "" {
		return core.Info{}, &core.Error{Op: "set", ID: id, Kind: errors.ErrUnsupported}
	}
	return u.SecretService.Set(ctx, id, value, opts...)
}

func TestPurgeLeavesNothingToRecover(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, w *world, k keyOf) {
		w.put(k.id, `{"apiKey":"sk_1"}`)
		if err := k.remove(core.Purge()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.mem.Get(t.Context(), k.id, core.AtVersion("1")); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeysOfTheApplicationAreWhereItsSecretsAre(t *testing.T) {
	t.Parallel()
	apps := memory.With(map[string]string{"STRIPE": `{"apiKey":"sk_app"}`, "SHOP__bob": `{"apiKey":"sk_app"}`, "NOTION": "app", "NOTION__bob": "app"})
	w := newWorld(t, func(c *credentials.Config) { c.Apps = apps })
	if got, err := w.stripe.Get(t.Context(), w.store); err != nil || got.APIKey.Reveal() != "sk_app" {
		t.Errorf("the application's: %v", err)
	}
	if _, err := w.shop.Get(t.Context(), w.store, "bob"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("the user's is read where the application's are: %v", err)
	}
	if err := w.stripe.Set(t.Context(), w.store, stripeKeys{APIKey: core.String("sk_new")}); err != nil || w.stored(t, "STRIPE") != "" {
		t.Errorf("the application's is written elsewhere: %v", err)
	}
	missing, err := w.store.Missing(t.Context())
	if err != nil || len(missing) != 1 || missing[0].Name != "bot" {
		t.Errorf("missing are %+v, %v", missing, err)
	}
}

func TestAClosedStoreAnswersErrClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scope := w.store.Scope("part", w.shop)
	if err := scope.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.shop.Has(t.Context(), w.store, "bob"); err != nil {
		t.Errorf("Close of a scope closes the store: %v", err)
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.calls.take()
	for name, err := range w.everyOperation(t.Context(), w.store, "bob") {
		if !errors.Is(err, core.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.shop.Has(t.Context(), scope, "bob"); !errors.Is(err, core.ErrClosed) {
		t.Errorf("a scope: %v", err)
	}
	if calls := w.calls.take(); len(calls) > 0 {
		t.Errorf("calls arrived: %q", calls)
	}
}

func TestAStoreThatIsNilIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var none *credentials.Store
	for name, err := range w.everyOperation(t.Context(), none.Scope("part", w.shop), "bob") {
		if !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := credentials.New(credentials.Config{}); !errors.Is(err, core.ErrInvalidOption) {
		t.Errorf("New without a service: %v", err)
	}
}

func TestACredentialOfAnotherSetIsRefused(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	for name, err := range other.everyOperation(t.Context(), w.store, "bob") {
		if strings.HasPrefix(name, "store ") {
			continue
		}
		if !errors.Is(err, credentials.ErrDeclaration) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := w.calls.take(); slices.ContainsFunc(calls, func(c string) bool { return !strings.HasPrefix(c, "get many") && !strings.HasPrefix(c, "delete") }) {
		t.Errorf("calls arrived: %q", calls)
	}
}

func TestAWrongDeclarationBreaksItselfAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := credentials.DeclarePerUserIn[string](w.set, credentials.Spec{Name: "wrong", SecretID: "no id"})
	if _, err := wrong.Get(t.Context(), w.store, "bob"); !errors.Is(err, credentials.ErrDeclaration) {
		t.Errorf("got %v", err)
	}
	w.put("SHOP__bob", `{"apiKey":"sk_bob"}`)
	if got, err := w.shop.Get(t.Context(), w.store, "bob"); err != nil || got.APIKey.Reveal() != "sk_bob" {
		t.Errorf("another: %v", err)
	}
	if got, err := w.shop.FromContext(credentials.WithUser(t.Context(), w.store, "bob")); err != nil || got.APIKey.Reveal() != "sk_bob" {
		t.Errorf("another, of a request: %v", err)
	}
}
