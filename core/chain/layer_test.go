package chain_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

// lazy is a layer whose Open takes a time and counts its runs.
type lazy struct {
	runs  atomic.Int64
	takes time.Duration
	svc   core.SecretService
	err   atomic.Pointer[error]
	// deaf: it does not obey its context.
	deaf bool
}

func (l *lazy) open(ctx context.Context) (core.SecretService, error) {
	l.runs.Add(1)
	if l.deaf {
		time.Sleep(l.takes)
	} else if l.takes > 0 {
		select {
		case <-time.After(l.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := l.err.Load(); err != nil {
		return nil, *err
	}
	return l.svc, nil
}

func (l *lazy) fail(err error) *lazy {
	if err == nil {
		l.err.Store(nil)
	} else {
		l.err.Store(&err)
	}
	return l
}

func (l *lazy) layer(name string) chain.Layer { return chain.Layer{Name: name, Open: l.open} }

func TestALocalAnswerOpensNothingBelow(t *testing.T) {
	t.Parallel()
	cloud := &lazy{svc: memory.With(map[string]string{"B": "cloud"})}
	c := build(t, chain.Config{
		Layers:  []chain.Layer{layer("local", memory.With(map[string]string{"A": "local"})), cloud.layer("cloud")},
		WriteTo: "local",
	})
	for _, op := range readOps {
		if _, err := op.call(t.Context(), c, "A"); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	set(t, c, "A", "new")
	set(t, c, "A", "newer", core.IfVersion("local:2"))
	reads(t, c, "A", "new", "local", core.AtVersion("local:2"))
	if _, err := c.Capabilities(t.Context()); err != nil {
		t.Errorf("Capabilities: %v", err)
	}
	if err := c.Delete(t.Context(), "A"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if n := cloud.runs.Load(); n != 0 {
		t.Errorf("the layer below was opened %d times", n)
	}
	reads(t, c, "B", "cloud", "cloud")
	reads(t, c, "B", "cloud", "cloud")
	if n := cloud.runs.Load(); n != 1 {
		t.Errorf("the layer below was opened %d times, want once", n)
	}
}

func TestCapabilitiesOpensLayersOnlyDownToTheWrittenOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		writeTo string
		most    []int64 // how often each layer may be opened
	}{
		{"a", []int64{1, 0, 0}},
		{"b", []int64{1, 1, 0}},
		{"c", []int64{1, 1, 1}},
		{"", []int64{1, 1, 1}},
	} {
		var layers []chain.Layer
		var lazies []*lazy
		for _, name := range []string{"a", "b", "c"} {
			l := &lazy{svc: memory.New(memory.Config{})}
			lazies = append(lazies, l)
			layers = append(layers, l.layer(name))
		}
		c := build(t, chain.Config{Layers: layers, WriteTo: test.writeTo})
		if _, err := c.Capabilities(t.Context()); err != nil {
			t.Errorf("Capabilities: %v", err)
		}
		for i, l := range lazies {
			if n := l.runs.Load(); n > test.most[i] {
				t.Errorf("WriteTo %q: layer %d was opened %d times, want at most %d", test.writeTo, i, n, test.most[i])
			}
		}
	}
}

func TestALayerIsOpenedOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := &lazy{svc: memory.With(map[string]string{"A": "1"}), takes: 10 * time.Second}
		c := build(t, chain.Config{Layers: []chain.Layer{cloud.layer("cloud")}})
		start := time.Now()
		var waiters sync.WaitGroup
		for i := range 20 {
			waiters.Go(func() {
				ctx := t.Context()
				if i%2 == 1 { // also the first to come may leave, without harm to the others
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Duration(i)*100*time.Millisecond)
					defer cancel()
				}
				_, err := c.Get(ctx, "A")
				took := time.Since(start)
				if i%2 == 0 && (err != nil || took != 10*time.Second) {
					t.Errorf("a waiter: %v after %s", err, took)
				}
				if i%2 == 1 && (!errors.Is(err, context.DeadlineExceeded) || took != time.Duration(i)*100*time.Millisecond) {
					t.Errorf("a waiter that leaves: %v after %s", err, took)
				}
			})
		}
		waiters.Wait()
		if n := cloud.runs.Load(); n != 1 {
			t.Errorf("Open ran %d times, want once", n)
		}
	})
}

func TestAnOpenOutlivesTheCallThatBeganIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := &lazy{svc: memory.With(map[string]string{"A": "1"}), takes: 10 * time.Second}
		c := build(t, chain.Config{Layers: []chain.Layer{cloud.layer("cloud")}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Get(ctx, "A"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get: %v", err)
		}
		start := time.Now()
		reads(t, c, "A", "1", "cloud")
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("the next call waits %s, want the 9s that are left", took)
		}
		if n := cloud.runs.Load(); n != 1 {
			t.Errorf("Open ran %d times, want once", n)
		}
	})
}

func TestAnOpenHasItsOwnTimeLimit(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		for _, fallThrough := range [][]error{nil, {core.ErrUnavailable}} {
			t.Run(fmt.Sprintf("deaf %v, falls through %v", deaf, fallThrough), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					cloud := &lazy{svc: memory.New(memory.Config{}), takes: time.Hour, deaf: deaf}
					c := build(t, chain.Config{
						Layers:      []chain.Layer{cloud.layer("cloud"), layer("base", memory.With(map[string]string{"A": "1"}))},
						FallThrough: fallThrough,
					})
					start := time.Now()
					secret, err := c.Get(t.Context(), "A")
					if took := time.Since(start); took != chain.OpenTimeout {
						t.Errorf("the call waits %s, want %s", took, chain.OpenTimeout)
					}
					if fallThrough != nil {
						if err != nil || secret.Source != "base" {
							t.Errorf("Get: %v", err)
						}
						return
					}
					if !errors.Is(err, core.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "30s") {
						t.Errorf("Get: %v, want unavailable, and the limit", err)
					}
					synctest.Wait()
					if _, again := c.Get(t.Context(), "A"); again == nil || again.Error() != err.Error() {
						t.Errorf("the next call says %v, and the first %v", again, err)
					}
				})
			})
		}
	}
}

func TestTheContextOfAnOpenEndsWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var opening context.Context
		c := build(t, chain.Config{Layers: []chain.Layer{{Name: "cloud", Open: func(ctx context.Context) (core.SecretService, error) {
			opening = ctx
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != chain.OpenTimeout || ctx.Value(key{}) != nil {
				t.Error("Open has the caller's context and not one of its own")
			}
			return memory.With(map[string]string{"A": "1"}), nil
		}}}})
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "the caller's"), time.Second)
		defer cancel()
		if _, err := c.Get(ctx, "A"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if opening.Err() == nil {
			t.Error("the context of an Open that is over is still alive, and so is its timer")
		}
	})
}

type key struct{}

func TestAFailedOpenIsTriedAgainAfterAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := (&lazy{svc: memory.With(map[string]string{"A": "1"})}).fail(core.ErrUnauthenticated)
		c := build(t, chain.Config{Layers: []chain.Layer{cloud.layer("cloud")}})
		get := func(want error, runs int64) {
			t.Helper()
			for range 3 {
				_, err := c.Get(t.Context(), "A")
				if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), `"cloud"`) {
					t.Errorf("Get: %v, want %v of layer cloud", err, want)
				}
			}
			if n := cloud.runs.Load(); n != runs {
				t.Errorf("Open ran %d times, want %d", n, runs)
			}
		}
		get(core.ErrUnauthenticated, 1)
		time.Sleep(chain.OpenPause - time.Nanosecond)
		get(core.ErrUnauthenticated, 1)
		time.Sleep(time.Nanosecond)
		get(core.ErrUnauthenticated, 2)
		cloud.fail(nil)
		get(core.ErrUnauthenticated, 2)
		time.Sleep(chain.OpenPause)
		get(nil, 3)
		time.Sleep(chain.OpenPause)
		get(nil, 3)
	})
}

func TestAFailedOpenIsSubjectToFallThrough(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-a-token"
	for _, test := range []struct {
		name string
		err  error
		want error
	}{
		{"a kind", core.ErrUnauthenticated, core.ErrUnauthenticated},
		{"an error of core", &core.Error{Provider: "vault", Kind: core.ErrPermissionDenied, Code: "403", Hint: "log in"}, core.ErrPermissionDenied},
		{"an error of no kind", errors.New(canary), core.ErrUnavailable},
		{"a context that is not the caller's", context.DeadlineExceeded, core.ErrUnavailable},
		{"the store is not there", fmt.Errorf(canary+": %w", core.ErrNotFound), core.ErrUnavailable},
		{"the store is not there, says core", &core.Error{Kind: core.ErrNotFound, Hint: "run init"}, core.ErrUnavailable},
		{"the scheme is not linked", &core.Error{Kind: errors.ErrUnsupported, Hint: "import it"}, core.ErrInvalidOption},
	} {
		for _, op := range readOps {
			t.Run(test.name+" in "+op.name, func(t *testing.T) {
				t.Parallel()
				base := layer("base", memory.With(map[string]string{"A": "1"}))
				failed := (&lazy{}).fail(test.err).layer("cloud")
				strict := build(t, chain.Config{Layers: []chain.Layer{failed, base}, WriteTo: "base"})
				_, err := op.call(t.Context(), strict, "A")
				if core.KindOf(err) != test.want || strings.Contains(fmt.Sprintf("%+v", err), canary) {
					t.Errorf("not named: %v, want %v", err, test.want)
				}
				var below, e *core.Error
				if errors.As(test.err, &below) && (!errors.As(err, &e) || !strings.Contains(e.Hint, below.Hint) || e.Code != below.Code) {
					t.Errorf("the error does not say what Open said: %v", err)
				}
				var seen record
				named := build(t, chain.Config{
					Layers: []chain.Layer{failed, base}, WriteTo: "base",
					FallThrough: []error{test.want}, OnFallThrough: events(&seen),
				})
				from, err := op.call(t.Context(), named, "A")
				if err != nil || from != "base" {
					t.Errorf("named: from %q, %v; want base", from, err)
				}
				equal(t, "events", seen.take(), []string{fmt.Sprintf("fell through: %s A in cloud: %v", op.name, test.want)})
				if _, err := op.call(t.Context(), named, "NONE"); core.KindOf(err) != test.want {
					t.Errorf("no layer answers: %v, want %v", err, test.want)
				}
			})
		}
	}
}

func TestAListGoesOnPastALayerThatCanNotBeOpened(t *testing.T) {
	t.Parallel()
	down := (&lazy{}).fail(core.ErrUnavailable).layer("cloud")
	for _, writeTo := range []string{"", "base"} {
		var seen record
		c := build(t, chain.Config{
			Layers:  []chain.Layer{down, layer("base", memory.With(map[string]string{"A": "1"}))},
			WriteTo: writeTo, FallThrough: []error{core.ErrUnavailable}, OnFallThrough: events(&seen),
		})
		infos, err := collect(t, c.List(t.Context(), ""))
		if err != nil {
			t.Errorf("List: %v", err)
		}
		equal(t, "List", sources(infos), []string{"A base"})
		equal(t, "events", seen.take(), []string{"fell through: list  in cloud: unavailable"})
	}
}

func TestAnOpenThatNeverAnswersHarmsNobody(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(context.Context) (core.SecretService, error){
		"returns nothing":      func(context.Context) (core.SecretService, error) { return nil, nil },
		"ends its goroutine":   func(context.Context) (core.SecretService, error) { runtime.Goexit(); return nil, nil },
		"returns a lone error": func(context.Context) (core.SecretService, error) { return nil, errors.ErrUnsupported },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := chain.New(chain.Config{Layers: []chain.Layer{{Name: "cloud", Open: open}}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Get(t.Context(), "A"); core.KindOf(err) == nil || errors.Is(err, core.ErrNotFound) {
				t.Errorf("Get: %v, want a failure", err)
			}
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// closing is a service that counts its Close.
type closing struct {
	secretService
	closed atomic.Int64
	err    error
}

func (c *closing) Close() error {
	c.closed.Add(1)
	return c.err
}

func TestWhoOpenedCloses(t *testing.T) {
	t.Parallel()
	given := &closing{secretService: memory.New(memory.Config{})}
	opened := &closing{secretService: memory.With(map[string]string{"A": "1"})}
	unused := &closing{secretService: memory.New(memory.Config{})}
	unusedLayer := &lazy{svc: unused}
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("given", given), (&lazy{svc: opened}).layer("opened"), unusedLayer.layer("unused"),
	}})
	reads(t, c, "A", "1", "opened")
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if given.closed.Load() != 0 || opened.closed.Load() != 1 || unused.closed.Load() != 0 || unusedLayer.runs.Load() != 0 {
		t.Errorf("closed: given %d, opened %d, unused %d; want only the opened one, once",
			given.closed.Load(), opened.closed.Load(), unused.closed.Load())
	}
	for _, op := range readOps {
		if _, err := op.call(t.Context(), c, "A"); !errors.Is(err, core.ErrClosed) {
			t.Errorf("%s after Close: %v, want closed", op.name, err)
		}
	}
	if _, err := c.Explain(t.Context(), "A"); !errors.Is(err, core.ErrClosed) {
		t.Errorf("Explain after Close: %v, want closed", err)
	}
	if _, err := given.Stat(t.Context(), "A"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("the layer that was given: %v, want it open", err)
	}
}

func TestCloseReportsTheFirstFailureAndClosesAll(t *testing.T) {
	t.Parallel()
	a := &closing{secretService: memory.New(memory.Config{}), err: &core.Error{Kind: core.ErrExhausted}}
	b := &closing{secretService: memory.New(memory.Config{})}
	c := build(t, chain.Config{Layers: []chain.Layer{(&lazy{svc: a}).layer("a"), (&lazy{svc: b}).layer("b")}})
	_, _ = c.Get(t.Context(), "A")
	err := c.Close()
	if !errors.Is(err, core.ErrExhausted) || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("Close: %v, want the failure of layer a", err)
	}
	if b.closed.Load() != 1 {
		t.Error("layer b was left open")
	}
}

func TestCloseWaitsForAnOpenInProgressAndClosesWhatItOpens(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("deaf %v", deaf), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opened := &closing{secretService: memory.New(memory.Config{})}
				cloud := &lazy{svc: opened, takes: 10 * time.Second, deaf: deaf}
				c, err := chain.New(chain.Config{Layers: []chain.Layer{cloud.layer("cloud")}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, _ = c.Get(ctx, "A")
				start := time.Now()
				if err := c.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				// One that obeys is told to end, as nobody waits for it.
				if took, want := time.Since(start), map[bool]time.Duration{false: 0, true: 9 * time.Second}[deaf]; took != want {
					t.Errorf("Close took %s, want %s", took, want)
				}
				if n := opened.closed.Load(); (n == 1) != deaf {
					t.Errorf("what was opened was closed %d times; opened: %v", n, deaf)
				}
				// synctest fails the test if a goroutine is left.
			})
		})
	}
}

func TestCloseWaitsForCallsInFlight(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *chain.Chain) error{
		"Get": func(ctx context.Context, c *chain.Chain) error { _, err := c.Get(ctx, "A"); return err },
		"Explain": func(ctx context.Context, c *chain.Chain) error {
			got, err := c.Explain(ctx, "A")
			if err == nil {
				err = got[0].Err
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := memory.With(map[string]string{"A": "1"})
				slow.Inject(memory.Fault{Delay: 10 * time.Second})
				opened := &closing{secretService: slow}
				c := build(t, chain.Config{Layers: []chain.Layer{(&lazy{svc: opened}).layer("slow")}})
				var callErr error
				var calls sync.WaitGroup
				calls.Go(func() { callErr = call(t.Context(), c) })
				synctest.Wait() // until it is in the layer
				start := time.Now()
				if err := c.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				if took := time.Since(start); took != 10*time.Second {
					t.Errorf("Close took %s, want the 10s of the call", took)
				}
				calls.Wait()
				if callErr != nil {
					t.Errorf("the call in flight: %v", callErr)
				}
			})
		})
	}
}

func TestNoGoroutineIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which fails if one is
		a := &lazy{svc: memory.With(map[string]string{"A": "1"}), takes: time.Second}
		b := (&lazy{takes: time.Second}).fail(core.ErrUnavailable)
		c, err := chain.New(chain.Config{
			Layers: []chain.Layer{a.layer("a"), b.layer("b")}, WriteTo: "a", FallThrough: []error{core.ErrUnavailable},
		})
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for i := range 50 {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Millisecond)
				defer cancel()
				id := []string{"A", "B"}[i%2]
				_, _ = c.Get(ctx, id)
				_, _ = c.GetMany(ctx, []string{"A", "B", "C"})
				_, _ = c.Set(ctx, id, core.String("2"))
				_, _ = c.Explain(ctx, "A", "B", "C")
				for range c.List(ctx, "") {
					break
				}
				_ = c.Delete(ctx, id)
			})
		}
		calls.Wait()
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}
