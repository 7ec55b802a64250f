package chain_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

func TestWritesGoToTheLayerThatIsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "b", "c"} {
		stores := map[string]*memory.Store{"a": memory.New(memory.Config{}), "b": memory.New(memory.Config{}), "c": memory.New(memory.Config{})}
		c := build(t, chain.Config{
			Layers:  []chain.Layer{layer("a", stores["a"]), layer("b", stores["b"]), layer("c", stores["c"])},
			WriteTo: name,
		})
		info := set(t, c, "A", "1")
		if info.ID != "A" || info.Source != name || info.Version != name+":1" {
			t.Errorf("Set: %+v, want version 1 of layer %s", info, name)
		}
		for other, s := range stores {
			if has, err := core.Has(t.Context(), s, "A"); err != nil || has != (other == name) {
				t.Errorf("WriteTo %s: layer %s has the id: %v, %v", name, other, has, err)
			}
		}
		if err := c.Delete(t.Context(), "A"); err != nil {
			t.Errorf("Delete: %v", err)
		}
		reads(t, c, "A", "", "")
		if err := c.Delete(t.Context(), "A"); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("second Delete: %v, want not found", err)
		}
		reads(t, c, "A", "1", name, core.AtVersion(info.Version))
		if err := c.Delete(t.Context(), "A", core.Purge()); err != nil {
			t.Errorf("Purge of a deleted id: %v", err)
		}
		reads(t, c, "A", "", "", core.AtVersion(info.Version))
	}
}

func TestWritesGoToTheOnlyLayerThatCan(t *testing.T) {
	t.Parallel()
	base := memory.New(memory.Config{})
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("env", env(nil)), layer("base", base), layer("old", reading(memory.New(memory.Config{}))),
	}})
	set(t, c, "A", "1")
	reads(t, base, "A", "1", "memory")
}

func TestAChainThatCanNotBeWrittenToSaysWhy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		config chain.Config
		says   []string
	}{
		{
			"no layer can",
			chain.Config{Layers: []chain.Layer{layer("env", env(nil)), layer("old", reading(memory.New(memory.Config{})))}},
			[]string{"no layer", "env, old"},
		},
		{
			"several can",
			chain.Config{Layers: []chain.Layer{
				layer("a", memory.New(memory.Config{})), layer("env", env(nil)), layer("b", memory.New(memory.Config{})),
			}},
			[]string{"a, b", "WriteTo"},
		},
		{
			"the one that is named can't",
			chain.Config{Layers: []chain.Layer{layer("env", env(nil)), layer("b", memory.New(memory.Config{}))}, WriteTo: "env"},
			[]string{`"env"`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := build(t, test.config)
			_, setErr := c.Set(t.Context(), "A", core.String("1"))
			for op, err := range map[string]error{"Set": setErr, "Delete": c.Delete(t.Context(), "A")} {
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%s: %v, want unsupported", op, err)
					continue
				}
				for _, word := range test.says {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%s does not say %q: %v", op, word, err)
					}
				}
			}
			caps, err := c.Capabilities(t.Context())
			if err != nil || caps.Set || caps.Delete || caps.Purge || caps.IfAbsent || caps.IfVersion {
				t.Errorf("Capabilities: %+v, %v; want none to write", caps, err)
			}
		})
	}
}

// What the next Get would not see is refused, and changes nothing.
func TestAShadowedSetIsAConflictThatNamesTheLayer(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]core.SetOption{nil, {core.IfVersion("base:1")}, {core.IfChanged()}} {
		base := memory.With(map[string]string{"A": "base"})
		c := build(t, chain.Config{Layers: []chain.Layer{
			layer("env", env(map[string]string{"A": "env"})), layer("base", base),
		}})
		_, err := c.Set(t.Context(), "A", core.String("new"), opts...)
		if !errors.Is(err, core.ErrConflict) || !strings.Contains(err.Error(), `"env"`) {
			t.Errorf("Set with %v: %v, want a conflict that names env", opts, err)
		}
		reads(t, base, "A", "base", "memory")
		set(t, c, "B", "1") // another id is free
		reads(t, c, "B", "1", "base")
	}
}

func TestALayerBelowHidesNothing(t *testing.T) {
	t.Parallel()
	var calls record
	over := memory.New(memory.Config{})
	c := build(t, chain.Config{
		Layers:  []chain.Layer{layer("over", over), layer("base", store(&calls, "base", map[string]string{"A": "base"}))},
		WriteTo: "over",
	})
	set(t, c, "A", "over")
	reads(t, c, "A", "over", "over")
	equal(t, "calls below", calls.take(), nil)
}

// The shadow check treats a failing layer as reads do.
func TestALayerAboveThatFailsAtTheShadowCheck(t *testing.T) {
	t.Parallel()
	over := memory.New(memory.Config{})
	over.Inject(memory.Fault{Err: core.ErrPermissionDenied})
	base := memory.New(memory.Config{})
	layers := []chain.Layer{layer("over", over), layer("base", base)}

	var seen record
	strict := build(t, chain.Config{Layers: layers, WriteTo: "base", OnFallThrough: events(&seen)})
	_, err := strict.Set(t.Context(), "A", core.String("1"))
	var e *core.Error
	if !errors.As(err, &e) || core.KindOf(err) != core.ErrPermissionDenied || e.Op != "set" || !strings.Contains(e.Hint, `"over"`) {
		t.Errorf("not named: %v, want the failure of over", err)
	}
	reads(t, base, "A", "", "")
	equal(t, "events", seen.take(), nil)

	named := build(t, chain.Config{
		Layers: layers, WriteTo: "base", FallThrough: []error{core.ErrPermissionDenied}, OnFallThrough: events(&seen),
	})
	set(t, named, "A", "1")
	equal(t, "events", seen.take(), []string{"fell through: set A in over: permission denied"})
}

// A failure before the write is never taken for a write that may have
// happened, also if it is of no kind.
func TestWhatFailsBeforeTheWriteIsNotIndeterminate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]*chain.Chain{
		"shadow check": build(t, chain.Config{
			Layers: []chain.Layer{
				layer("over", foreign{memory.New(memory.Config{}), errors.New("no kind")}), layer("base", memory.New(memory.Config{})),
			},
			WriteTo: "base",
		}),
		"capabilities": build(t, chain.Config{Layers: []chain.Layer{layer("base", vague{memory.New(memory.Config{})})}}),
		"opening": build(t, chain.Config{Layers: []chain.Layer{{
			Name: "base",
			Open: func(context.Context) (core.SecretService, error) { return nil, errors.New("no kind") },
		}}}),
		"opening of the named": build(t, chain.Config{
			Layers: []chain.Layer{{
				Name: "base",
				Open: func(context.Context) (core.SecretService, error) { return nil, errors.New("no kind") },
			}},
			WriteTo: "base",
		}),
	} {
		_, err := c.Set(ctx, "A", core.String("1"))
		if core.KindOf(err) != core.ErrUnavailable {
			t.Errorf("%s: %v, want unavailable", name, err)
		}
	}
	cancel()

	ctx, cancel = context.WithCancel(t.Context())
	over := memory.New(memory.Config{OnCall: func(memory.Call) { cancel() }})
	var calls record
	c := build(t, chain.Config{
		Layers:  []chain.Layer{layer("over", over), layer("base", blindWriter{store(&calls, "base", nil)})},
		WriteTo: "base",
	})
	_, err := c.Set(ctx, "A", core.String("1"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrIndeterminate) {
		t.Errorf("cancelled before the write: %v, want the context's error alone", err)
	}
	equal(t, "writes begun after the end of the context", calls.take(), nil)
}

func TestADeleteDoesNotBeginAfterTheEndOfItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var calls record
	ends := func(*core.Capabilities) { cancel() }
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("base", blindWriter{without{store(&calls, "base", map[string]string{"A": "1"}), ends}}),
	}})
	err := c.Delete(ctx, "A")
	if !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrIndeterminate) {
		t.Errorf("Delete: %v, want the context's error alone", err)
	}
	equal(t, "writes begun after the end of the context", calls.take(), nil)
}

// vague is a service whose Capabilities fail with an error of no kind.
type vague struct{ secretService }

func (vague) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{}, &core.Error{}
}

// blindWriter is a service whose writes do not look at the context.
type blindWriter struct{ secretService }

func (b blindWriter) Delete(_ context.Context, id string, opts ...core.DeleteOption) error {
	return b.secretService.Delete(context.Background(), id, opts...)
}

func (b blindWriter) Set(_ context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
	return b.secretService.Set(context.Background(), id, v, opts...)
}

func TestAWriteThatWasCutStaysIndeterminate(t *testing.T) {
	t.Parallel()
	base := memory.New(memory.Config{})
	base.Inject(memory.Fault{Cut: memory.CutAfter})
	c := build(t, chain.Config{
		Layers: []chain.Layer{layer("env", env(nil)), layer("base", base)}, FallThrough: []error{core.ErrUnavailable},
	})
	_, err := c.Set(t.Context(), "A", core.String("1"))
	if core.KindOf(err) != core.ErrIndeterminate || !strings.Contains(err.Error(), `"base"`) {
		t.Errorf("Set: %v, want indeterminate in layer base", err)
	}
	if err := c.Delete(t.Context(), "A"); core.KindOf(err) != core.ErrIndeterminate {
		t.Errorf("Delete: %v, want indeterminate", err)
	}
}

// A service made without the front says nothing of what it has written.
func TestAWriteThatFailsInAnUnknownWayIsIndeterminate(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{layer("base", mute{memory.New(memory.Config{})})}})
	_, err := c.Set(t.Context(), "A", core.String("1"))
	if core.KindOf(err) != core.ErrIndeterminate || strings.Contains(err.Error(), "canary") {
		t.Errorf("Set: %v, want indeterminate", err)
	}
}

type mute struct{ secretService }

func (mute) Set(context.Context, string, core.Value, ...core.SetOption) (core.Info, error) {
	return core.Info{}, errors.New("canary-of-a-value")
}

func TestACapabilitiesThatFailsIsTheAnswer(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{layer("base", vague{memory.New(memory.Config{})})}, WriteTo: "base"})
	_, err := c.Capabilities(t.Context())
	if !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), `"base"`) {
		t.Errorf("Capabilities: %v, want the failure of base", err)
	}
}

func TestIfVersionGoesToTheLayerThatTheVersionNames(t *testing.T) {
	t.Parallel()
	old := memory.With(map[string]string{"A": "old", "B": "old"})
	over := memory.With(map[string]string{"A": "over"})
	c := build(t, chain.Config{Layers: []chain.Layer{layer("over", over), layer("old", old)}, WriteTo: "over"})

	secret, err := c.Get(t.Context(), "A")
	if err != nil {
		t.Fatal(err)
	}
	set(t, c, "A", "new", core.IfVersion(secret.Version))
	if _, err := c.Set(t.Context(), "A", core.String("newer"), core.IfVersion(secret.Version)); !errors.Is(err, core.ErrConflict) {
		t.Errorf("Set over an earlier version: %v, want a conflict", err)
	}
	reads(t, c, "A", "new", "over")

	below, err := c.Get(t.Context(), "B")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Set(t.Context(), "B", core.String("new"), core.IfVersion(below.Version))
	if !errors.Is(err, core.ErrConflict) || !strings.Contains(err.Error(), `layer "old"`) {
		t.Errorf("Set over a version of another layer: %v, want a conflict that names it", err)
	}
	reads(t, c, "B", "old", "old")
}

func TestIfAbsentIsClaimedOnlyWhenNoOtherLayerCanBeWrittenTo(t *testing.T) {
	t.Parallel()
	full := func() core.SecretService { return memory.New(memory.Config{}) }
	lazy := func(name string, svc core.SecretService) chain.Layer {
		return chain.Layer{Name: name, Open: func(context.Context) (core.SecretService, error) { return svc, nil }}
	}
	for _, test := range []struct {
		name    string
		layers  []chain.Layer
		writeTo string
		want    bool
	}{
		{"alone", []chain.Layer{layer("w", full())}, "", true},
		{"alone and named", []chain.Layer{layer("w", full())}, "w", true},
		{"under one that only reads", []chain.Layer{layer("env", env(nil)), layer("w", full())}, "", true},
		{"under one that only reads, named", []chain.Layer{layer("env", env(nil)), layer("w", full())}, "w", true},
		{"under one that can be written to", []chain.Layer{layer("o", full()), layer("w", full())}, "w", false},
		{"over one that can be written to", []chain.Layer{layer("w", full()), layer("b", full())}, "w", false},
		{"over one that only reads", []chain.Layer{layer("w", full()), layer("b", reading(full()))}, "w", true},
		{"all lazy", []chain.Layer{lazy("env", env(nil)), lazy("w", full())}, "", true},
		{"named, under a lazy one that only reads", []chain.Layer{lazy("env", env(nil)), lazy("w", full())}, "w", true},
		{"named, over a lazy one", []chain.Layer{layer("w", full()), lazy("env", env(nil))}, "w", false},
		{"where the layer can't", []chain.Layer{layer("w", without{full(), func(c *core.Capabilities) { c.IfAbsent = false }})}, "w", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := build(t, chain.Config{Layers: test.layers, WriteTo: test.writeTo})
			for range 2 { // opening layers does not change the answer
				caps, err := c.Capabilities(t.Context())
				if err != nil || caps.IfAbsent != test.want || !caps.Set || !caps.IfVersion {
					t.Errorf("Capabilities: %+v, %v; want IfAbsent %v", caps, err, test.want)
				}
				if _, err := c.Get(t.Context(), "NONE"); !errors.Is(err, core.ErrNotFound) {
					t.Errorf("Get: %v", err)
				}
			}
			_, err := c.Set(t.Context(), "A", core.String("1"), core.IfAbsent())
			if test.want && err != nil || !test.want && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("Set with IfAbsent: %v; claimed: %v", err, test.want)
			}
		})
	}
}

func TestIfAbsentMeansAbsentInEveryLayer(t *testing.T) {
	t.Parallel()
	base := memory.With(map[string]string{"BASE": "base"})
	c := build(t, chain.Config{
		Layers: []chain.Layer{
			layer("env", env(map[string]string{"ENV": "env"})),
			layer("base", base),
			layer("old", reading(memory.With(map[string]string{"OLD": "old"}))),
		},
	})
	for id, name := range map[string]string{"ENV": `"env"`, "BASE": `"base"`, "OLD": `"old"`} {
		_, err := c.Set(t.Context(), id, core.String("new"), core.IfAbsent())
		if !errors.Is(err, core.ErrConflict) || !strings.Contains(err.Error(), name) {
			t.Errorf("Set %s if absent: %v, want a conflict that names %s", id, err, name)
		}
	}
	if infos, err := collect(t, base.List(t.Context(), "")); err != nil || len(infos) != 1 {
		t.Errorf("refused writes have changed the layer: %v, %v", infos, err)
	}
	var winners atomic.Int64
	var writers sync.WaitGroup
	for range 32 {
		writers.Go(func() {
			if _, err := c.Set(t.Context(), "NEW", core.String("new"), core.IfAbsent()); err == nil {
				winners.Add(1)
			} else if !errors.Is(err, core.ErrConflict) {
				t.Errorf("a loser is told %v", err)
			}
		})
	}
	writers.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d writers won, want 1", winners.Load())
	}
}

func TestIfChangedComparesWithWhatTheChainReads(t *testing.T) {
	t.Parallel()
	base := memory.With(map[string]string{"A": "1"})
	old := reading(memory.With(map[string]string{"B": "1"}))
	c := build(t, chain.Config{Layers: []chain.Layer{layer("base", base), layer("old", old)}})
	if info := set(t, c, "A", "1", core.IfChanged()); info.Version != "base:1" {
		t.Errorf("an equal value made %+v", info)
	}
	if info := set(t, c, "B", "1", core.IfChanged()); info.Version != "old:1" {
		t.Errorf("a value that the chain reads already made %+v", info)
	}
	set(t, c, "B", "2", core.IfChanged())
	reads(t, c, "B", "2", "base")
}

func TestADeleteReportsWhatItUncovers(t *testing.T) {
	t.Parallel()
	denied := memory.New(memory.Config{})
	denied.Inject(memory.Fault{Err: core.ErrPermissionDenied})
	for _, test := range []struct {
		name   string
		layers []chain.Layer
		events []string
	}{
		{"nothing", []chain.Layer{layer("w", nil), layer("b", memory.New(memory.Config{}))}, nil},
		{"a layer below", []chain.Layer{
			layer("w", nil), layer("a", memory.New(memory.Config{})),
			layer("b", memory.With(map[string]string{"A": "b"})), layer("c", memory.With(map[string]string{"A": "c"})),
		}, []string{"uncovered: delete A in b"}},
		{"a layer above, which still answers", []chain.Layer{
			layer("env", env(map[string]string{"A": "env"})), layer("w", nil), layer("b", memory.With(map[string]string{"A": "b"})),
		}, []string{"uncovered: delete A in env"}},
		{"a layer that does not tell", []chain.Layer{
			layer("w", nil), layer("denied", denied), layer("b", memory.With(map[string]string{"A": "b"})),
		}, []string{"uncovered: delete A in denied: permission denied", "uncovered: delete A in b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var seen record
			written := memory.With(map[string]string{"A": "w"})
			for i := range test.layers {
				if test.layers[i].Name == "w" {
					test.layers[i].Service = written
				}
			}
			c := build(t, chain.Config{Layers: test.layers, WriteTo: "w", OnFallThrough: events(&seen)})
			if err := c.Delete(t.Context(), "A"); err != nil {
				t.Errorf("Delete: %v", err)
			}
			reads(t, written, "A", "", "")
			equal(t, "events", seen.take(), test.events)
			if err := c.Delete(t.Context(), "A"); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("second Delete: %v, want not found", err)
			}
			equal(t, "events of a delete that did nothing", seen.take(), nil)
		})
	}
}

func TestADeleteLooksForWhatItUncoversNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	written := memory.New(memory.Config{OnCall: func(c memory.Call) {
		if c.Op == "delete" {
			cancel()
		}
	}})
	set(t, written, "A", "1")
	var seen record
	below := &lazy{svc: memory.New(memory.Config{})}
	c := build(t, chain.Config{
		Layers:  []chain.Layer{layer("w", written), layer("b", memory.New(memory.Config{})), below.layer("c")},
		WriteTo: "w", OnFallThrough: events(&seen),
	})
	if err := c.Delete(ctx, "A"); err != nil {
		t.Errorf("Delete, which was done when its context ended: %v", err)
	}
	equal(t, "events", seen.take(), []string{"uncovered: delete A in b"})
	_ = c.Close() // which waits for an Open
	if below.runs.Load() != 0 {
		t.Error("a layer was opened after the end of the context")
	}
}

func TestIfAbsentIsNotClaimedWhereALayerCanNotBeAsked(t *testing.T) {
	t.Parallel()
	layers := []chain.Layer{(&lazy{}).fail(core.ErrUnavailable).layer("over"), layer("w", memory.New(memory.Config{}))}
	strict := build(t, chain.Config{Layers: layers, WriteTo: "w"})
	if _, err := strict.Capabilities(t.Context()); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Capabilities: %v, want the failure of over", err)
	}
	named := build(t, chain.Config{Layers: layers, WriteTo: "w", FallThrough: []error{core.ErrUnavailable}})
	if caps, err := named.Capabilities(t.Context()); err != nil || caps.IfAbsent || !caps.Set {
		t.Errorf("Capabilities: %+v, %v; want all but IfAbsent", caps, err)
	}
}

func TestADeleteThatNobodyWatchesAsksNoOtherLayer(t *testing.T) {
	t.Parallel()
	var calls record
	c := build(t, chain.Config{
		Layers:  []chain.Layer{layer("w", memory.With(map[string]string{"A": "1"})), layer("b", store(&calls, "b", nil))},
		WriteTo: "w",
	})
	if err := c.Delete(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls below", calls.take(), nil)
}

func TestSettleIsThatOfTheWrittenLayer(t *testing.T) {
	t.Parallel()
	slow := without{memory.New(memory.Config{}), func(c *core.Capabilities) { c.Settle = 7 }}
	for name, want := range map[string]bool{"slow": true, "quick": false} {
		c := build(t, chain.Config{Layers: []chain.Layer{layer("quick", memory.New(memory.Config{})), layer("slow", slow)}, WriteTo: name})
		caps, err := c.Capabilities(t.Context())
		if err != nil || (caps.Settle == 7) != want {
			t.Errorf("WriteTo %s: Settle %v, %v", name, caps.Settle, err)
		}
	}
}

func TestAFailureToTellWhichLayerIsWrittenToIsTheAnswer(t *testing.T) {
	t.Parallel()
	down := func(context.Context) (core.SecretService, error) { return nil, core.ErrUnavailable }
	base := memory.New(memory.Config{})
	c := build(t, chain.Config{Layers: []chain.Layer{layer("base", base), {Name: "cloud", Open: down}}})
	_, err := c.Set(t.Context(), "A", core.String("1"))
	if !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), `"cloud"`) || !strings.Contains(err.Error(), "WriteTo") {
		t.Errorf("Set: %v, want unavailable, the layer, and the way out", err)
	}
	reads(t, base, "A", "", "")
}
