package chain_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

func TestNewRefusesWhatMakesNoChain(t *testing.T) {
	t.Parallel()
	svc := memory.New(memory.Config{})
	open := func(context.Context) (core.SecretService, error) {
		t.Error("New opened a layer")
		return svc, nil
	}
	good := []chain.Layer{layer("a", svc), {Name: "b", Open: open}}
	for _, test := range []struct {
		name   string
		config chain.Config
		says   string // empty: it is fine
	}{
		{"two layers", chain.Config{Layers: good}, ""},
		{"a layer to write to", chain.Config{Layers: good, WriteTo: "b"}, ""},
		{"kinds that fall through", chain.Config{Layers: good, FallThrough: []error{
			core.ErrUnavailable, core.ErrPermissionDenied, core.ErrNotFound, errors.ErrUnsupported,
		}}, ""},
		{"no layer", chain.Config{}, "at least one layer"},
		{"a layer without a name", chain.Config{Layers: []chain.Layer{layer("", svc)}}, "layer 1"},
		{"a name with a colon", chain.Config{Layers: []chain.Layer{layer("a", svc), layer("b:c", svc)}}, "layer 2"},
		{"a name with a space", chain.Config{Layers: []chain.Layer{layer("a b", svc)}}, "layer 1"},
		{"a name twice", chain.Config{Layers: []chain.Layer{layer("a", svc), layer("a", svc)}}, `"a"`},
		{"a layer of nothing", chain.Config{Layers: []chain.Layer{{Name: "a"}}}, "needs one"},
		{"a layer of both", chain.Config{Layers: []chain.Layer{{Name: "a", Service: svc, Open: open}}}, "needs one"},
		{"a layer to write to that is not there", chain.Config{Layers: good, WriteTo: "c"}, "a, b"},
		{"a nil kind", chain.Config{Layers: good, FallThrough: []error{nil}}, "FallThrough"},
		{"a context's error", chain.Config{Layers: good, FallThrough: []error{context.Canceled}}, "FallThrough"},
		{"a foreign error", chain.Config{Layers: good, FallThrough: []error{io.EOF}}, "FallThrough"},
		{"a wrapped kind", chain.Config{Layers: good, FallThrough: []error{fmt.Errorf("%w", core.ErrUnavailable)}}, "FallThrough"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := chain.New(test.config)
			if test.says == "" {
				if err != nil {
					t.Fatalf("New: %v", err)
				}
				if err := c.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				return
			}
			if c != nil || !errors.Is(err, core.ErrInvalidOption) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("New: %v, want an invalid option that says %q", err, test.says)
			}
		})
	}
}

func TestAConfigMayChangeAfterNew(t *testing.T) {
	t.Parallel()
	down := memory.New(memory.Config{})
	down.Inject(memory.Fault{Err: core.ErrUnavailable})
	config := chain.Config{
		Layers:      []chain.Layer{layer("a", down), layer("b", memory.With(map[string]string{"A": "1"}))},
		FallThrough: []error{core.ErrUnavailable},
	}
	c := build(t, config)
	config.Layers[1] = layer("b", memory.New(memory.Config{}))
	config.FallThrough[0] = core.ErrCorrupt
	reads(t, c, "A", "1", "b")
}

func TestAChainIsAServiceOfTheChainProvider(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{layer("a", memory.With(map[string]string{"A": "1"}))}})
	var _ core.SecretService = c
	if got := c.Provider(); got != "chain" {
		t.Errorf("Provider: %q", got)
	}
	// Under a prefix, as Open serves it, its answers stay its own.
	under := core.Prefix(c, "shop/")
	info := set(t, under, "A", "2")
	if info.Version != "a:2" || info.Source != "a" || info.ID != "A" {
		t.Errorf("Set under a prefix: %+v", info)
	}
	reads(t, c, "shop/A", "2", "a")
}

// The hook may call the chain: nothing is locked while it runs.
func TestTheHookMayCallTheChain(t *testing.T) {
	t.Parallel()
	down := memory.New(memory.Config{})
	down.Inject(memory.Fault{ID: "A", Err: core.ErrUnavailable})
	var c *chain.Chain
	var inner []string
	c = build(t, chain.Config{
		Layers:      []chain.Layer{(&lazy{svc: down}).layer("a"), (&lazy{svc: memory.With(map[string]string{"A": "1", "B": "2"})}).layer("b")},
		FallThrough: []error{core.ErrUnavailable},
		OnFallThrough: func(e chain.Event) {
			secret, err := c.Get(context.Background(), "B")
			if err != nil {
				t.Errorf("Get in the hook: %v", err)
			}
			inner = append(inner, e.ID+secret.Value.Reveal())
		},
	})
	reads(t, c, "A", "1", "b")
	if !slices.Equal(inner, []string{"A2"}) {
		t.Errorf("the hook saw %v", inner)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	over := memory.With(map[string]string{"OVER": "1"})
	over.Inject(memory.Fault{ID: "DOWN", Err: core.ErrUnavailable})
	base := memory.With(map[string]string{"DOWN": "2", "BASE": "2"})
	var seen record
	c := build(t, chain.Config{
		Layers:        []chain.Layer{(&lazy{svc: over}).layer("over"), (&lazy{svc: base}).layer("base")},
		WriteTo:       "base",
		FallThrough:   []error{core.ErrUnavailable},
		OnFallThrough: events(&seen),
	})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			id := fmt.Sprintf("NEW_%d", i)
			set(t, c, id, "3")
			reads(t, c, id, "3", "base")
			reads(t, c, "OVER", "1", "over")
			reads(t, c, "DOWN", "2", "base")
			got, err := c.GetMany(t.Context(), []string{"OVER", "DOWN", "BASE", id, "NONE"})
			if err != nil || len(got) != 4 {
				t.Errorf("GetMany: %d answers, %v", len(got), err)
			}
			if _, err := collect(t, c.List(t.Context(), "NEW_")); err != nil {
				t.Errorf("List: %v", err)
			}
			if got, err := c.Explain(t.Context(), "OVER", id); err != nil || got[0].Layer != "over" || got[1].Layer != "base" {
				t.Errorf("Explain: %+v, %v", got, err)
			}
			if err := c.Delete(t.Context(), id); err != nil {
				t.Errorf("Delete: %v", err)
			}
			reads(t, c, id, "", "")
		})
	}
	all.Wait()
}

// One allocation over the layer's own: the version with the layer's name.
func TestGetAllocatesItsVersionAlone(t *testing.T) {
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("a", memory.With(map[string]string{"A": "1"})), layer("env", env(map[string]string{"B": "1"})),
	}})
	ctx := t.Context()
	for id, want := range map[string]float64{"A": 1, "B": 0} {
		layer := map[string]core.SecretService{"A": memory.With(map[string]string{"A": "1"}), "B": env(map[string]string{"B": "1"})}[id]
		below := testing.AllocsPerRun(100, func() { _, _ = layer.Get(ctx, id) })
		if id == "B" { // which the layer above answers with not found
			over := memory.New(memory.Config{})
			below += testing.AllocsPerRun(100, func() { _, _ = over.Get(ctx, id) })
		}
		if got := testing.AllocsPerRun(100, func() { _, _ = c.Get(ctx, id) }); got > below+want {
			t.Errorf("Get %s makes %v allocations, its layers %v; want at most %v more", id, got, below, want)
		}
	}
}
