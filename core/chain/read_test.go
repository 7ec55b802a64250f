package chain_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

func TestTheFirstLayerThatHasTheIDAnswers(t *testing.T) {
	t.Parallel()
	var calls record
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("over", store(&calls, "over", map[string]string{"BOTH": "over", "OVER": "over"})),
		layer("base", store(&calls, "base", map[string]string{"BOTH": "base", "BASE": "base"})),
	}})
	for _, test := range []struct{ id, from string }{
		{"BOTH", "over"},
		{"OVER", "over"},
		{"BASE", "base"},
	} {
		for _, op := range readOps {
			calls.take()
			from, err := op.call(t.Context(), c, test.id)
			if err != nil || from != test.from {
				t.Errorf("%s %s: from %q, %v; want from %q", op.name, test.id, from, err, test.from)
			}
			if asked := calls.take(); test.from == "over" && len(asked) != 1 {
				t.Errorf("%s %s asks more than the layer that answers: %q", op.name, test.id, asked)
			}
		}
		reads(t, c, test.id, test.from, test.from)
	}
	for _, op := range readOps {
		_, err := op.call(t.Context(), c, "NOWHERE")
		if !errors.Is(err, core.ErrNotFound) {
			t.Errorf("%s NOWHERE: %v, want not found", op.name, err)
		}
	}
	if _, err := c.Get(t.Context(), "NOWHERE"); !strings.Contains(err.Error(), "over, base") {
		t.Errorf("the error does not name the layers that were asked: %v", err)
	}
}

func TestAHintOfALayerThatDoesNotHaveTheIDIsKept(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("env", core.New("env", failing{&core.Error{Kind: core.ErrNotFound, Hint: "the variable is empty"}})),
		layer("base", memory.New(memory.Config{})),
	}})
	_, err := c.Get(t.Context(), "A")
	if !errors.Is(err, core.ErrNotFound) || !strings.Contains(err.Error(), `in layer "env": the variable is empty`) {
		t.Errorf("Get: %v, want not found with the hint of the layer", err)
	}
}

// failing is a Backend, or a part of a service, whose every read fails.
type failing struct{ err error }

func (f failing) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, f.err
}

// A failure is passed over if its kind is named, and then reported; with no
// other answer it is the answer, and never "not found", but for a layer that
// can't hold the id.
func TestWhatFallsThrough(t *testing.T) {
	t.Parallel()
	kinds := []error{
		core.ErrPermissionDenied, core.ErrUnauthenticated, core.ErrUnavailable, core.ErrExhausted,
		core.ErrInvalidID, core.ErrCorrupt, core.ErrClosed,
	}
	for _, kind := range kinds {
		for _, whole := range []bool{false, true} { // of a batch; or of the id alone
			for _, op := range readOps {
				t.Run(fmt.Sprintf("%v in %s, whole %v", kind, op.name, whole), func(t *testing.T) {
					t.Parallel()
					fault := memory.Fault{ID: "A", Err: kind}
					if whole {
						fault.ID = ""
					}
					var calls, seen record
					over := store(&calls, "over", nil)
					over.Inject(fault)
					base := store(&calls, "base", map[string]string{"A": "1"})
					layers := []chain.Layer{layer("over", over), layer("base", base)}

					strict := build(t, chain.Config{Layers: layers, OnFallThrough: events(&seen)})
					_, err := op.call(t.Context(), strict, "A")
					if !errors.Is(err, kind) {
						t.Errorf("not named: %v, want the failure of the layer above", err)
					}
					if !strings.Contains(err.Error(), `"over"`) || !strings.Contains(err.Error(), `"A"`) && !whole {
						t.Errorf("the error does not name the layer and the id: %v", err)
					}
					asked := calls.take()
					if slices.ContainsFunc(asked, func(s string) bool { return strings.HasPrefix(s, "base") }) {
						t.Errorf("not named, and the layer below is asked: %q", asked)
					}
					equal(t, "events where nothing falls through", seen.take(), nil)

					named := build(t, chain.Config{Layers: layers, FallThrough: []error{kind}, OnFallThrough: events(&seen)})
					from, err := op.call(t.Context(), named, "A")
					if err != nil || from != "base" {
						t.Errorf("named: from %q, %v; want the answer of base", from, err)
					}
					want := fmt.Sprintf("fell through: %s A in over: %v", op.name, kind)
					equal(t, "events", seen.take(), []string{want})

					if err := base.Delete(t.Context(), "A"); err != nil {
						t.Fatal(err)
					}
					_, err = op.call(t.Context(), named, "A")
					answer := kind
					if kind == core.ErrInvalidID { // it can't have it, and the other one hasn't
						answer = core.ErrNotFound
					}
					if core.KindOf(err) != answer {
						t.Errorf("no layer answers and one failed: %v, want %v", err, answer)
					}
					equal(t, "events", seen.take(), []string{want})
				})
			}
		}
	}
}

func TestTheFailureOfTheFirstLayerIsTheAnswer(t *testing.T) {
	t.Parallel()
	for _, op := range readOps {
		denied, down := memory.New(memory.Config{}), memory.New(memory.Config{})
		denied.Inject(memory.Fault{Err: core.ErrPermissionDenied})
		down.Inject(memory.Fault{Err: core.ErrUnavailable})
		var seen record
		layers := []chain.Layer{layer("a", denied), layer("b", down), layer("c", memory.New(memory.Config{}))}
		passed := []string{
			"fell through: " + op.name + " A in a: permission denied",
			"fell through: " + op.name + " A in b: unavailable",
		}
		for n := 1; n <= len(layers); n++ {
			c := build(t, chain.Config{
				Layers:        layers[:n],
				WriteTo:       "a",
				FallThrough:   []error{core.ErrPermissionDenied, core.ErrUnavailable},
				OnFallThrough: events(&seen),
			})
			_, err := op.call(t.Context(), c, "A")
			if core.KindOf(err) != core.ErrPermissionDenied {
				t.Errorf("%s: %v, want the failure of the layer that comes first", op.name, err)
			}
			equal(t, op.name+" reports what it went on from", seen.take(), passed[:n-1])
		}
	}
}

func TestTheEndOfAContextNeverFallsThrough(t *testing.T) {
	t.Parallel()
	all := []error{core.ErrUnavailable, core.ErrPermissionDenied, core.ErrIndeterminate, core.ErrNotFound}
	for _, op := range readOps {
		t.Run(op.name+" while a layer is slow", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var calls, seen record
				over := store(&calls, "over", nil)
				over.Inject(memory.Fault{Delay: time.Hour})
				c := build(t, chain.Config{
					Layers:        []chain.Layer{layer("over", over), layer("base", store(&calls, "base", map[string]string{"A": "1"}))},
					FallThrough:   all,
					OnFallThrough: events(&seen),
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := op.call(ctx, c, "A")
				if !errors.Is(err, context.DeadlineExceeded) || core.KindOf(err) != nil {
					t.Errorf("%v, want the context's error alone", err)
				}
				if asked := calls.take(); len(asked) != 1 {
					t.Errorf("asked after the end: %q", asked)
				}
				equal(t, "events", seen.take(), nil)
			})
		})
		t.Run(op.name+" while a layer answers not found", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			// A service made without the front, which does not look at ctx.
			over := without{memory.New(memory.Config{OnCall: func(memory.Call) { cancel() }}), func(*core.Capabilities) {}}
			c := build(t, chain.Config{Layers: []chain.Layer{
				layer("over", over), layer("base", blind{memory.With(map[string]string{"A": "1"})}),
			}})
			from, err := op.call(ctx, c, "A")
			if !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrNotFound) || from != "" {
				t.Errorf("from %q: %v, want cancelled", from, err)
			}
		})
		t.Run(op.name+" while a layer fails in a way that falls through", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			over := memory.New(memory.Config{OnCall: func(memory.Call) { cancel() }})
			over.Inject(memory.Fault{Err: core.ErrUnavailable})
			below := &lazy{svc: memory.With(map[string]string{"A": "1"})}
			var seen record
			c := build(t, chain.Config{
				Layers: []chain.Layer{layer("over", over), below.layer("base")}, WriteTo: "over",
				FallThrough: all, OnFallThrough: events(&seen),
			})
			if from, err := op.call(ctx, c, "A"); err == nil || errors.Is(err, core.ErrNotFound) {
				t.Errorf("from %q: %v, want a failure", from, err)
			}
			equal(t, "events", seen.take(), nil)
			_ = c.Close() // which waits for an Open
			if below.runs.Load() != 0 {
				t.Error("a layer was opened after the end of the context")
			}
		})
		t.Run(op.name+" of a layer's own context", func(t *testing.T) {
			t.Parallel()
			var calls record
			c := build(t, chain.Config{
				Layers: []chain.Layer{
					layer("over", foreign{memory.New(memory.Config{}), context.DeadlineExceeded}),
					layer("base", store(&calls, "base", map[string]string{"A": "1"})),
				},
				FallThrough: all,
			})
			_, err := op.call(t.Context(), c, "A")
			if !errors.Is(err, core.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want unavailable, as it is not the caller's context that has ended", err)
			}
			equal(t, "calls below", calls.take(), nil)
		})
	}
}

// blind is a service that does not look at the context.
type blind struct{ secretService }

func (b blind) Get(_ context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
	return b.secretService.Get(context.Background(), id, opts...)
}

func (b blind) List(_ context.Context, prefix string) iter.Seq2[core.Info, error] {
	return b.secretService.List(context.Background(), prefix)
}

func (b blind) Stat(_ context.Context, id string, opts ...core.GetOption) (core.Info, error) {
	return b.secretService.Stat(context.Background(), id, opts...)
}

func (b blind) GetMany(_ context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
	return b.secretService.GetMany(context.Background(), ids, opts...)
}

// foreign is a service made without the front, whose reads fail with an error
// of its own.
type foreign struct {
	secretService
	err error
}

func (f foreign) Get(context.Context, string, ...core.GetOption) (core.Secret, error) {
	return core.Secret{}, f.err
}

func (f foreign) Stat(context.Context, string, ...core.GetOption) (core.Info, error) {
	return core.Info{}, f.err
}

func (f foreign) GetMany(context.Context, []string, ...core.GetOption) (map[string]core.Secret, error) {
	return nil, f.err
}

func (f foreign) Versions(context.Context, string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) { yield(core.Info{}, f.err) }
}

func TestTheTextOfAForeignErrorIsSeenByNobody(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-a-value"
	var seen []chain.Event
	c := build(t, chain.Config{
		Layers: []chain.Layer{
			layer("over", foreign{memory.New(memory.Config{}), fmt.Errorf("%s: %w", canary, core.ErrUnavailable)}),
			layer("base", memory.With(map[string]string{"A": "1"})),
		},
		FallThrough:   []error{core.ErrUnavailable},
		OnFallThrough: func(e chain.Event) { seen = append(seen, e) },
	})
	for _, op := range readOps {
		if from, err := op.call(t.Context(), c, "A"); err != nil || from != "base" {
			t.Errorf("%s: from %q, %v", op.name, from, err)
		}
		if _, err := op.call(t.Context(), c, "B"); !errors.Is(err, core.ErrUnavailable) || strings.Contains(fmt.Sprintf("%+v", err), canary) {
			t.Errorf("%s: %+v", op.name, err)
		}
	}
	if len(seen) != 2*len(readOps) {
		t.Errorf("%d events, want %d", len(seen), 2*len(readOps))
	}
	for _, e := range seen {
		for err := e.Err; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(fmt.Sprintf("%+v %#v", err, err), canary) {
				t.Errorf("an event shows the text: %+v", err)
			}
		}
		if line := fmt.Sprint(e); strings.Contains(line, canary) || !strings.Contains(line, `layer "over" fell through`) {
			t.Errorf("the line of an event: %s", line)
		}
	}
}

func TestVersionsCarryTheirLayer(t *testing.T) {
	t.Parallel()
	over, base := memory.New(memory.Config{}), memory.New(memory.Config{})
	set(t, base, "A", "base one")
	set(t, base, "A", "base two")
	set(t, over, "A", "over one")
	c := build(t, chain.Config{Layers: []chain.Layer{layer("over", over), layer("base", base)}, WriteTo: "base"})

	secret, err := c.Get(t.Context(), "A")
	if err != nil || secret.Version != "over:1" {
		t.Errorf("Get: version %q, %v; want over:1", secret.Version, err)
	}
	for _, test := range []struct{ version, value, from string }{
		{"over:1", "over one", "over"},
		{"base:1", "base one", "base"}, // though a layer above has the id
		{"base:2", "base two", "base"},
		{"base:9", "", ""},
		{"over:2", "", ""}, // another layer's number
	} {
		reads(t, c, "A", test.value, test.from, core.AtVersion(test.version))
		info, err := c.Stat(t.Context(), "A", core.AtVersion(test.version))
		if (err == nil) != (test.value != "") || err == nil && (info.Version != test.version || info.Source != test.from) {
			t.Errorf("Stat at %s: %+v, %v", test.version, info, err)
		}
		got, err := c.GetMany(t.Context(), []string{"A", "B"}, core.AtVersion(test.version))
		if err != nil || got["A"].Value.Reveal() != test.value {
			t.Errorf("GetMany at %s: %v, %v", test.version, got, err)
		}
		if test.value != "" && got["A"].Version != test.version {
			t.Errorf("GetMany at %s: version %s", test.version, got["A"].Version)
		}
	}
}

func TestAVersionOfNoLayerIsAClearError(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("over", reading(memory.New(memory.Config{}))),
		layer("base", memory.With(map[string]string{"A": "1"})),
	}})
	for _, version := range []string{"1", "elsewhere:1", "base", "base:", ":1", "BASE:1"} {
		_, err := c.Get(t.Context(), "A", core.AtVersion(version))
		if !errors.Is(err, core.ErrNotFound) || !strings.Contains(err.Error(), "over, base") {
			t.Errorf("Get at %q: %v, want not found, and the names of the layers", version, err)
		}
		got, err := c.GetMany(t.Context(), []string{"A"}, core.AtVersion(version))
		if err != nil || len(got) != 0 {
			t.Errorf("GetMany at %q: %v, %v; want nothing", version, got, err)
		}
		_, err = c.Set(t.Context(), "A", core.String("2"), core.IfVersion(version))
		if !errors.Is(err, core.ErrConflict) || !strings.Contains(err.Error(), "over, base") {
			t.Errorf("Set over %q: %v, want a conflict, and the names of the layers", version, err)
		}
	}
	reads(t, c, "A", "1", "base")
}

func TestAVersionThatFailsDoesNotFallThrough(t *testing.T) {
	t.Parallel()
	over := memory.With(map[string]string{"A": "over"})
	over.Inject(memory.Fault{Err: core.ErrUnavailable})
	c := build(t, chain.Config{
		Layers:      []chain.Layer{layer("over", over), layer("base", memory.With(map[string]string{"A": "base"}))},
		WriteTo:     "base",
		FallThrough: []error{core.ErrUnavailable},
	})
	if _, err := c.Get(t.Context(), "A", core.AtVersion("over:1")); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Get: %v, want the failure of the layer that the version names", err)
	}
	if _, err := c.GetMany(t.Context(), []string{"A"}, core.AtVersion("over:1")); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("GetMany: %v, want the failure of the layer that the version names", err)
	}
}

func TestABatchAtAVersionKeepsWhatItCould(t *testing.T) {
	t.Parallel()
	base := memory.With(map[string]string{"A": "1"})
	base.Inject(memory.Fault{ID: "B", Err: core.ErrPermissionDenied})
	c := build(t, chain.Config{Layers: []chain.Layer{layer("base", base)}})
	got, err := c.GetMany(t.Context(), []string{"A", "B", "C"}, core.AtVersion("base:1"))
	var batch *core.BatchError
	if !errors.As(err, &batch) || len(batch.ByID) != 1 || !errors.Is(batch.ByID["B"], core.ErrPermissionDenied) {
		t.Errorf("GetMany: %v, want B denied", err)
	}
	if len(got) != 1 || got["A"].Version != "base:1" || got["A"].Source != "base" {
		t.Errorf("GetMany: %v, want A at base:1", got)
	}
}

func TestAVersionMayHoldTheSeparatorItself(t *testing.T) {
	t.Parallel()
	inner := build(t, chain.Config{Layers: []chain.Layer{layer("deep", memory.With(map[string]string{"A": "1"}))}})
	outer := build(t, chain.Config{Layers: []chain.Layer{layer("inner", inner)}})
	secret, err := outer.Get(t.Context(), "A")
	if err != nil || secret.Version != "inner:deep:1" {
		t.Fatalf("Get: version %q, %v", secret.Version, err)
	}
	reads(t, outer, "A", "1", "inner", core.AtVersion(secret.Version))
	set(t, outer, "A", "2", core.IfVersion(secret.Version))
	reads(t, outer, "A", "2", "inner")
}

func TestALayerWithoutVersionsHasNone(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("env", env(map[string]string{"A": "1"})), layer("base", memory.With(map[string]string{"B": "2"})),
	}})
	if info, err := c.Stat(t.Context(), "A"); err != nil || info.Version != "" || info.Source != "env" {
		t.Errorf("Stat: %+v, %v; want no version, from env", info, err)
	}
	_, err := collect(t, c.Versions(t.Context(), "A"))
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), `"env"`) {
		t.Errorf("Versions of what env answers: %v, want unsupported by env", err)
	}
	infos, err := collect(t, c.Versions(t.Context(), "B"))
	if err != nil || len(infos) != 1 || infos[0].Version != "base:1" {
		t.Errorf("Versions of what base answers: %+v, %v", infos, err)
	}
	if _, err := collect(t, c.Versions(t.Context(), "C")); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Versions of what none has: %v, want not found", err)
	}
}

func TestFreshReachesTheLayers(t *testing.T) {
	t.Parallel()
	var calls record
	spy := core.New("spy", optionSpy{&calls})
	c := build(t, chain.Config{Layers: []chain.Layer{layer("a", spy), layer("b", spy)}})
	_, _ = c.Get(t.Context(), "A")
	_, _ = c.Get(t.Context(), "A", core.Fresh())
	equal(t, "options", calls.take(), []string{
		"{Version: Fresh:false}", "{Version: Fresh:false}", "{Version: Fresh:true}", "{Version: Fresh:true}",
	})
}

type optionSpy struct{ calls *record }

func (s optionSpy) Get(_ context.Context, _ string, o core.GetOptions) (core.Secret, error) {
	s.calls.add("%+v", o)
	return core.Secret{}, core.ErrNotFound
}
