package chain_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	var calls, seen record
	over := store(&calls, "over", map[string]string{"OVER": "1", "BOTH": "1", "ALL": "1"})
	mid := store(&calls, "mid", map[string]string{"BOTH": "2", "ALL": "2", "MID": "2", "DENIED": "2"})
	base := store(&calls, "base", map[string]string{"ALL": "3", "BASE": "3", "DENIED": "3", "DOWN": "3"})
	over.Inject(memory.Fault{ID: "DENIED", Err: core.ErrPermissionDenied})
	over.Inject(memory.Fault{ID: "DOWN", Err: core.ErrUnavailable})
	over.Inject(memory.Fault{ID: "DENIED_ALONE", Err: core.ErrPermissionDenied})
	base.Inject(memory.Fault{ID: "OVER", Err: core.ErrUnavailable})
	c := build(t, chain.Config{
		Layers:      []chain.Layer{layer("over", over), layer("mid", mid), layer("base", base)},
		FallThrough: []error{core.ErrPermissionDenied}, OnFallThrough: events(&seen),
	})
	for _, test := range []struct {
		id, layer string
		shadowed  []string
		failed    map[string]error
		err       error
	}{
		{id: "ALL", layer: "over", shadowed: []string{"mid", "base"}},
		{id: "BOTH", layer: "over", shadowed: []string{"mid"}},
		{id: "BASE", layer: "base"},
		{id: "NONE", err: core.ErrNotFound},
		{id: "OVER", layer: "over", failed: map[string]error{"base": core.ErrUnavailable}},
		{id: "DENIED", layer: "mid", shadowed: []string{"base"}, failed: map[string]error{"over": core.ErrPermissionDenied}},
		{id: "DENIED_ALONE", failed: map[string]error{"over": core.ErrPermissionDenied}, err: core.ErrPermissionDenied},
		{id: "DOWN", shadowed: []string{"base"}, failed: map[string]error{"over": core.ErrUnavailable}, err: core.ErrUnavailable},
	} {
		t.Run(test.id, func(t *testing.T) {
			t.Parallel()
			got, err := c.Explain(t.Context(), "NONE", test.id, "BASE")
			if err != nil || len(got) != 3 || got[0].ID != "NONE" || got[2].Layer != "base" {
				t.Fatalf("Explain: %+v, %v; want each id in its place", got, err)
			}
			e := got[1]
			if e.ID != test.id || e.Layer != test.layer || core.KindOf(e.Err) != test.err {
				t.Errorf("%s is answered by %q, %v; want %q, %v", e.ID, e.Layer, e.Err, test.layer, test.err)
			}
			equal(t, "shadowed", e.Shadowed, test.shadowed)
			if len(e.Failed) != len(test.failed) {
				t.Errorf("failed: %v, want %v", e.Failed, test.failed)
			}
			for name, kind := range test.failed {
				if err := e.Failed[name]; core.KindOf(err) != kind || !strings.Contains(err.Error(), `"`+test.id+`"`) {
					t.Errorf("layer %s fails with %v, want %v of the id", name, err, kind)
				}
			}
			// What it says is what a read does.
			secret, err := c.Get(t.Context(), test.id)
			if secret.Source != e.Layer || core.KindOf(err) != core.KindOf(e.Err) {
				t.Errorf("Get is answered by %q, %v; Explain says %q, %v", secret.Source, err, e.Layer, e.Err)
			}
		})
	}
	t.Cleanup(func() {
		for _, call := range calls.take() {
			if !strings.Contains(call, " stat ") && !strings.Contains(call, " get ") {
				t.Errorf("a call that reads more than it must: %s", call)
			}
		}
	})
}

func TestExplainReadsNoValueAndReportsNothing(t *testing.T) {
	t.Parallel()
	var calls, seen record
	over := store(&calls, "over", nil)
	over.Inject(memory.Fault{Err: core.ErrUnavailable})
	c := build(t, chain.Config{
		Layers:      []chain.Layer{layer("over", over), layer("base", store(&calls, "base", map[string]string{"A": "1"}))},
		FallThrough: []error{core.ErrUnavailable}, OnFallThrough: events(&seen),
	})
	if _, err := c.Explain(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls", calls.take(), []string{"over stat [A]", "base stat [A]"})
	equal(t, "events", seen.take(), nil)
}

func TestExplainOpensEveryLayer(t *testing.T) {
	t.Parallel()
	cloud := (&lazy{}).fail(core.ErrUnauthenticated)
	c := build(t, chain.Config{Layers: []chain.Layer{layer("local", memory.With(map[string]string{"A": "1"})), cloud.layer("cloud")}})
	got, err := c.Explain(t.Context(), "A")
	if err != nil || len(got) != 1 || got[0].Layer != "local" || !errors.Is(got[0].Failed["cloud"], core.ErrUnauthenticated) {
		t.Errorf("Explain: %+v, %v; want local, and why cloud can't tell", got, err)
	}
}

func TestExplainOfManyIDs(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{}
	var ids []string
	for _, a := range "ABCDEFGHIJ" {
		for _, b := range "ABCDEFGHIJ" {
			id := string([]rune{a, b})
			ids = append(ids, id)
			if a != b {
				secrets[id] = "1"
			}
		}
	}
	c := build(t, chain.Config{Layers: []chain.Layer{layer("env", env(nil)), layer("base", memory.With(secrets))}})
	got, err := c.Explain(t.Context(), ids...)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("Explain: %d answers, %v", len(got), err)
	}
	for i, id := range ids {
		if want := map[bool]string{true: "base"}[secrets[id] != ""]; got[i].ID != id || got[i].Layer != want {
			t.Errorf("answer %d: %+v, want %s in %q", i, got[i], id, want)
		}
	}
	if none, err := c.Explain(t.Context()); err != nil || len(none) != 0 {
		t.Errorf("Explain of nothing: %v, %v", none, err)
	}
}

func TestExplainFailsAsAWhole(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{layer("a", memory.New(memory.Config{}))}})
	got, err := c.Explain(t.Context(), "A", "canary of a value")
	if got != nil || !errors.Is(err, core.ErrInvalidID) || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "index 1") {
		t.Errorf("Explain of what is no id: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var e *core.Error
	if got, err = c.Explain(ctx, "A"); got != nil || !errors.Is(err, context.Canceled) || !errors.As(err, &e) {
		t.Errorf("Explain with a context that has ended: %v, %v", got, err)
	}
}
