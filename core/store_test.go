package core_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/lukko-dev/lukko/core"
)

// calls is every method of a service on one id, as a func that returns its
// error.
func calls(t *testing.T, svc core.SecretService, id string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":     func(ctx context.Context) error { _, err := svc.Get(ctx, id); return err },
		"GetMany": func(ctx context.Context) error { _, err := svc.GetMany(ctx, []string{id}); return err },
		"Stat":    func(ctx context.Context) error { _, err := svc.Stat(ctx, id); return err },
		"Set":     func(ctx context.Context) error { _, err := svc.Set(ctx, id, core.String("x")); return err },
		"Delete":  func(ctx context.Context) error { return svc.Delete(ctx, id) },
		"List":    func(ctx context.Context) error { _, err := collect(t, svc.List(ctx, id)); return err },
		"Versions": func(ctx context.Context) error {
			_, err := collect(t, svc.Versions(ctx, id))
			return err
		},
	}
}

func TestAContextThatHasEndedCallsNothing(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{t: t, claims: func(context.Context) (core.Capabilities, error) {
		t.Error("the backend's Capabilities was called")
		return everything, nil
	}})
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadlineCause(t.Context(), time.Unix(0, 0), vendorError{canary})
	defer cancel()
	all := calls(t, store, "ID")
	all["Capabilities"] = func(ctx context.Context) error { _, err := store.Capabilities(ctx); return err }
	for want, ctx := range map[string]context.Context{"Canceled": canceled, "DeadlineExceeded": late} {
		for name, call := range all {
			err := call(ctx)
			if matches(err) != want {
				t.Errorf("%s: got %v, want the context's error and no kind", name, err)
			}
			checkNoCanary(t, err)
		}
	}
}

func TestAnInvalidIDCallsNothingAndIsNotRepeated(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{t: t})
	for _, id := range []string{"", canary + "\n", strings.Repeat("x", 256), canary + "//x", "a/../" + canary} {
		for name, call := range calls(t, store, id) {
			if name == "List" {
				continue // it takes a prefix, which may be one of these
			}
			err := call(t.Context())
			if matches(err) != "ErrInvalidID" {
				t.Errorf("%s of an id of %d bytes: got %v, want ErrInvalidID", name, len(id), err)
				continue
			}
			checkNoCanary(t, err)
		}
	}
}

func TestValuesHaveOneByteTo64KiB(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size      int
		read, set string
	}{
		{0, "ErrNotFound", "ErrInvalidValue"},
		{1, "", ""},
		{core.MaxValueLen, "", ""},
		{core.MaxValueLen + 1, "ErrInvalidValue", "ErrInvalidValue"},
	} {
		value := strings.Repeat("x", test.size)
		full := &funcs{t: t, get: valued(value)}
		if test.set == "" {
			full.set = func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) {
				return core.Info{}, nil
			}
		}
		_, getErr := core.New("fake", full).Get(t.Context(), "ID")
		_, statErr := core.New("fake", valued(value)).Stat(t.Context(), "ID")
		_, setErr := core.New("fake", full).Set(t.Context(), "ID", core.String(value))
		for name, got := range map[string][2]string{
			"Get":  {matches(getErr), test.read},
			"Stat": {matches(statErr), test.read},
			"Set":  {matches(setErr), test.set},
		} {
			if got[0] != got[1] {
				t.Errorf("%s of %d bytes matches %q, want %q", name, test.size, got[0], got[1])
			}
		}
		many, manyErr := core.New("fake", valued(value)).GetMany(t.Context(), []string{"ID"})
		var batch *core.BatchError
		switch {
		case test.read == "" && (manyErr != nil || len(many) != 1),
			test.read == "ErrNotFound" && (manyErr != nil || len(many) != 0),
			test.read == "ErrInvalidValue" && (!errors.As(manyErr, &batch) || matches(batch.ByID["ID"]) != "ErrInvalidValue"):
			t.Errorf("GetMany of %d bytes: %d found, %v", test.size, len(many), manyErr)
		}
	}
	_, err := core.New("fake", valued("")).Get(t.Context(), "ID")
	if err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("the error of an empty value does not say so: %v", err)
	}
	_, err = core.New("fake", valued(strings.Repeat("x", core.MaxValueLen+1))).Get(t.Context(), "ID")
	if err == nil || !strings.Contains(err.Error(), "65536") {
		t.Errorf("the error of a value that is too large does not name the limit: %v", err)
	}
}

func TestTheFrontFillsInTheInfo(t *testing.T) {
	t.Parallel()
	backend := getFunc(func(context.Context, string, core.GetOptions) (core.Secret, error) {
		return core.Secret{Info: core.Info{ID: "NATIVE", Version: "7"}, Value: core.String("x")}, nil
	})
	store := core.New("fake", backend)
	secret, err := store.Get(t.Context(), "ID")
	if want := (core.Info{ID: "ID", Version: "7", Source: "fake"}); err != nil || secret.Info != want {
		t.Errorf("Get gives %+v, %v, want %+v", secret.Info, err, want)
	}
	info, err := store.Stat(t.Context(), "ID")
	if want := (core.Info{ID: "ID", Version: "7", Source: "fake"}); err != nil || info != want {
		t.Errorf("Stat gives %+v, %v, want %+v", info, err, want)
	}
}

func TestHasTellsAbsentFromDenied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		get  getFunc
		has  bool
		kind string
	}{
		{valued("x"), true, ""},
		{failing(core.ErrNotFound), false, ""},
		{failing(core.ErrPermissionDenied), false, "ErrPermissionDenied"},
	} {
		has, err := core.Has(t.Context(), core.New("fake", test.get), "ID")
		if has != test.has || matches(err) != test.kind {
			t.Errorf("got %v, %v, want %v and %q", has, err, test.has, test.kind)
		}
	}
}

func TestHasPassesItsOptionsOn(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{t: t, stat: func(_ context.Context, _ string, o core.GetOptions) (core.Info, error) {
		if o != (core.GetOptions{Version: "1", Fresh: true}) {
			t.Errorf("the backend got %+v", o)
		}
		return core.Info{}, nil
	}})
	if has, err := core.Has(t.Context(), store, "ID", core.AtVersion("1"), core.Fresh()); !has || err != nil {
		t.Errorf("got %v, %v", has, err)
	}
}

func TestCloseWaitsForTheCallsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		closed := false
		store := core.New("fake", &funcs{
			t: t,
			get: func(context.Context, string, core.GetOptions) (core.Secret, error) {
				<-release
				if closed {
					t.Error("the backend was closed while a call was in flight")
				}
				return core.Secret{Value: core.String("x")}, nil
			},
			close: func() error { closed = true; return errors.New(canary) },
		})
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if _, err := store.Get(t.Context(), "ID"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		errs := make([]error, 2)
		for i := range errs {
			group.Go(func() { errs[i] = store.Close() })
		}
		synctest.Wait()
		if closed || errs[0] != nil || errs[1] != nil {
			t.Fatal("Close did not wait")
		}
		if _, err := store.Get(t.Context(), "ID"); matches(err) != "ErrClosed" {
			t.Errorf("a call after Close began: got %v, want ErrClosed", err)
		}
		close(release)
		group.Wait()
		if !closed || errs[0] == nil || !errors.Is(errs[0], errs[1]) {
			t.Errorf("both Closes should return the backend's failure, and return %v and %v", errs[0], errs[1])
		}
		checkNoCanary(t, errs[0])
		for name, call := range calls(t, store, "ID") {
			if err := call(t.Context()); matches(err) != "ErrClosed" {
				t.Errorf("%s after Close: got %v, want ErrClosed", name, err)
			}
		}
		if _, err := store.Capabilities(t.Context()); matches(err) != "ErrClosed" {
			t.Errorf("Capabilities after Close: got %v, want ErrClosed", err)
		}
	})
}

func TestAPanicOfABackendDoesNotKeepTheStoreOpen(t *testing.T) {
	t.Parallel()
	inside := func(func(core.Info, error) bool) { panic("backend") }
	tooFar := func(yield func(core.Info, error) bool) {
		yield(core.Info{ID: "ID"}, nil)
		yield(core.Info{ID: "ID"}, nil) // whatever the first one said
	}
	for name, list := range map[string]func(context.Context, string) seq{
		"a method":                         func(context.Context, string) seq { panic("backend") },
		"an iterator":                      func(context.Context, string) seq { return inside },
		"an iterator that is left":         func(context.Context, string) seq { return tooFar },
		"no iterator, which can't be used": func(context.Context, string) seq { return nil },
	} {
		store := core.New("fake", &funcs{
			t:    t,
			get:  func(context.Context, string, core.GetOptions) (core.Secret, error) { panic("backend") },
			stat: func(context.Context, string, core.GetOptions) (core.Info, error) { panic("backend") },
			getMany: func(context.Context, []string, core.GetOptions) (map[string]core.Secret, error) {
				panic("backend")
			},
			set:    func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) { panic("backend") },
			delete: func(context.Context, string, core.DeleteOptions) error { panic("backend") },
			list:   list, versions: list,
		})
		all := calls(t, store, "ID")
		all["List"] = func(ctx context.Context) error {
			for range store.List(ctx, "") {
				break
			}
			return nil
		}
		all["Versions"] = func(ctx context.Context) error {
			for range store.Versions(ctx, "ID") {
				break
			}
			return nil
		}
		for method, call := range all {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: the panic of %s was swallowed", method, name)
					}
				}()
				_ = call(t.Context())
			}()
		}
		if err := store.Close(); err != nil { // which would hang if a call were still inside
			t.Error(err)
		}
	}
}

func TestAPanicAmongSingleReadsWaitsForTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var inside atomic.Int64
		store := core.New("fake", getFunc(func(context.Context, string, core.GetOptions) (core.Secret, error) {
			inside.Add(1)
			defer inside.Add(-1)
			var stack [4096]byte
			if bytes.Contains(stack[:runtime.Stack(stack[:], false)], []byte("core.(*Store).GetMany(")) {
				// The goroutine of the caller; a panic of another ends the program.
				synctest.Wait() // for the others to be inside
				go func() {
					synctest.Wait() // for GetMany to wait for them
					close(release)
				}()
				panic("backend")
			}
			<-release
			return core.Secret{Value: core.String("x")}, nil
		}))
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
			if n := inside.Load(); n != 0 {
				t.Errorf("%d reads go on after GetMany", n)
			}
		}()
		_, _ = store.GetMany(t.Context(), []string{"A", "B", "C"})
	})
}

func TestNewRefusesNil(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New(nil) did not panic")
		}
	}()
	core.New("fake", nil)
}

func TestManyGoroutinesUseOneStore(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{
		t: t, get: valued("x"),
		getMany: func(_ context.Context, ids []string, _ core.GetOptions) (map[string]core.Secret, error) {
			return map[string]core.Secret{ids[0]: {Value: core.String("x")}}, nil
		},
		stat:     func(context.Context, string, core.GetOptions) (core.Info, error) { return core.Info{}, nil },
		set:      func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) { return core.Info{}, nil },
		delete:   func(context.Context, string, core.DeleteOptions) error { return nil },
		list:     func(context.Context, string) seq { return pairs(nil, "ID", "ID2") },
		versions: func(context.Context, string) seq { return pairs(nil, "ID") },
	})
	var group sync.WaitGroup
	for range 8 {
		for name, call := range calls(t, store, "ID") {
			group.Go(func() {
				for range 100 {
					if err := call(t.Context()); err != nil && matches(err) != "ErrClosed" {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	}
	group.Go(func() { _ = store.Close() })
	group.Wait()
}

// The context ends while the front looks at what the write depends on.
func TestNoWriteBeginsAfterTheEndOfTheContext(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *core.Store) error{
		"Set IfAbsent": func(ctx context.Context, s *core.Store) error {
			_, err := s.Set(ctx, "ID", core.String("x"), core.IfAbsent())
			return err
		},
		"Set IfChanged": func(ctx context.Context, s *core.Store) error {
			_, err := s.Set(ctx, "ID", core.String("x"), core.IfChanged())
			return err
		},
		"Delete Purge": func(ctx context.Context, s *core.Store) error { return s.Delete(ctx, "ID", core.Purge()) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		store := core.New("fake", &funcs{ // no func to write: one that began would fail the test
			t: t,
			get: func(context.Context, string, core.GetOptions) (core.Secret, error) {
				cancel()
				return core.Secret{}, core.ErrNotFound
			},
			claims: func(context.Context) (core.Capabilities, error) { cancel(); return everything, nil },
		})
		if err := call(ctx, store); matches(err) != "Canceled" {
			t.Errorf("%s: got %v, want the context's error and no other", name, err)
		}
	}
}

// tracked is a context that tells whether anything still holds it.
type tracked struct {
	context.Context
	_ [64]byte // so that it shares its memory with nothing
}

func TestNothingKeepsAContext(t *testing.T) {
	t.Parallel()
	full := core.New("fake", &funcs{
		t: t, get: valued("x"),
		getMany:  func(context.Context, []string, core.GetOptions) (map[string]core.Secret, error) { return nil, nil },
		stat:     func(context.Context, string, core.GetOptions) (core.Info, error) { return core.Info{}, nil },
		set:      func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) { return core.Info{}, nil },
		delete:   func(context.Context, string, core.DeleteOptions) error { return nil },
		list:     func(context.Context, string) seq { return pairs(nil, "p_ID") },
		versions: func(context.Context, string) seq { return pairs(nil, "ID") },
	})
	single := core.New("fake", valued("x"))
	for name, svc := range map[string]*core.Store{"a full store": full, "one that only reads": single, "one under a prefix": core.Prefix(full, "p_")} {
		held := map[string]weak.Pointer[tracked]{}
		for method, call := range calls(t, svc, "ID") {
			ctx := &tracked{Context: context.Background()}
			held[method] = weak.Make(ctx)
			if err := call(ctx); err != nil && matches(err) != "ErrUnsupported" {
				t.Errorf("%s of %s: %v", method, name, err)
			}
		}
		for range 3 { // a frame that is gone may be looked at once more
			runtime.GC()
		}
		for method, ctx := range held {
			if ctx.Value() != nil {
				t.Errorf("%s of %s keeps its context", method, name)
			}
		}
		runtime.KeepAlive(svc)
	}
}

// A lock held while a backend is called would never be got again here.
func TestABackendMayCallItsOwnStore(t *testing.T) {
	t.Parallel()
	var store *core.Store
	again := func(ctx context.Context, op string) {
		if ctx.Value(again{}) == nil {
			ctx = context.WithValue(ctx, again{}, true)
			for method, call := range calls(t, store, "ID") {
				if err := call(ctx); err != nil {
					t.Errorf("%s inside %s: %v", method, op, err)
				}
			}
		}
	}
	store = core.New("fake", &funcs{
		t: t,
		get: func(ctx context.Context, _ string, _ core.GetOptions) (core.Secret, error) {
			again(ctx, "Get")
			return core.Secret{Value: core.String("x")}, nil
		},
		getMany: func(ctx context.Context, _ []string, _ core.GetOptions) (map[string]core.Secret, error) {
			again(ctx, "GetMany")
			return nil, nil
		},
		stat: func(ctx context.Context, _ string, _ core.GetOptions) (core.Info, error) {
			again(ctx, "Stat")
			return core.Info{}, nil
		},
		set: func(ctx context.Context, _ string, _ core.Value, _ core.SetOptions) (core.Info, error) {
			again(ctx, "Set")
			return core.Info{}, nil
		},
		delete: func(ctx context.Context, _ string, _ core.DeleteOptions) error { again(ctx, "Delete"); return nil },
		list: func(ctx context.Context, _ string) seq {
			again(ctx, "List")
			return pairs(nil, "ID")
		},
		versions: func(ctx context.Context, _ string) seq {
			again(ctx, "Versions")
			return pairs(nil, "ID")
		},
	})
	for method, call := range calls(t, store, "ID") {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

type again struct{}
