package chain_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

func TestListMergesTheLayersAnIDOnce(t *testing.T) {
	t.Parallel()
	var seen record
	c := build(t, chain.Config{
		Layers: []chain.Layer{
			layer("env", env(map[string]string{"shop/x": "env"})),
			layer("over", reading(memory.With(map[string]string{"shop/a": "1", "shop/b": "1", "other": "1"}))),
			layer("base", memory.With(map[string]string{"shop/b": "2", "shop/c": "2", "other": "2"})),
			layer("old", reading(memory.With(map[string]string{"shop/a": "3", "shop/c": "3", "shop/d": "3"}))),
		},
		OnFallThrough: events(&seen),
	})
	list := c.List(t.Context(), "shop/")
	for range 2 { // each range starts anew
		infos, err := collect(t, list)
		if err != nil {
			t.Errorf("List: %v", err)
		}
		equal(t, "List", sources(infos), []string{"shop/a over", "shop/b over", "shop/c base", "shop/d old"})
		equal(t, "what can't list is reported", seen.take(), []string{"not listed: list  in env: unsupported operation"})
	}
	for info, err := range list {
		if err != nil || info.Version == "" {
			t.Errorf("List: %+v, %v; want the version where the listing carries it", info, err)
		}
		break // left early
	}
	if infos, err := collect(t, list); err != nil || len(infos) != 4 {
		t.Errorf("List after one that was left early: %v, %v", sources(infos), err)
	}
}

func TestListOfALayerThatFails(t *testing.T) {
	t.Parallel()
	items := func(kind error, ids ...string) (faults []memory.Fault) {
		for _, id := range ids {
			faults = append(faults, memory.Fault{ID: id, Op: "list", Err: kind})
		}
		return faults
	}
	for _, test := range []struct {
		name        string
		a, b        []memory.Fault
		fallThrough []error
		listed      []string
		failed      map[string]error // ids in a batch error
		whole       error
		events      []string
	}{
		{name: "the first", a: []memory.Fault{{Err: core.ErrUnavailable}}, whole: core.ErrUnavailable},
		{
			name: "the second", b: []memory.Fault{{Err: core.ErrUnavailable}},
			listed: []string{"A a", "BOTH a"}, whole: core.ErrUnavailable,
		},
		{
			name: "the first, which falls through", a: []memory.Fault{{Err: core.ErrUnavailable}},
			fallThrough: []error{core.ErrUnavailable},
			listed:      []string{"B b", "BOTH b"},
			events:      []string{"fell through: list  in a: unavailable"},
		},
		{
			name: "both, and both fall through",
			a:    []memory.Fault{{Err: core.ErrUnavailable}}, b: []memory.Fault{{Err: core.ErrPermissionDenied}},
			fallThrough: []error{core.ErrUnavailable, core.ErrPermissionDenied},
			whole:       core.ErrUnavailable,
			events:      []string{"fell through: list  in a: unavailable", "fell through: list  in b: permission denied"},
		},
		{
			name: "an item, which hides no other", a: items(core.ErrPermissionDenied, "A"),
			listed: []string{"B b", "BOTH a"}, failed: map[string]error{"A": core.ErrPermissionDenied},
		},
		{
			name: "an item, which a layer below has", a: items(core.ErrPermissionDenied, "BOTH"),
			listed: []string{"A a", "B b"}, failed: map[string]error{"BOTH": core.ErrPermissionDenied},
		},
		{
			name: "an item that falls through to a layer below", a: items(core.ErrPermissionDenied, "A", "BOTH"),
			fallThrough: []error{core.ErrPermissionDenied},
			listed:      []string{"B b", "BOTH b"}, failed: map[string]error{"A": core.ErrPermissionDenied},
			events: []string{"fell through: list A in a: permission denied", "fell through: list BOTH in a: permission denied"},
		},
		{
			name: "an item below, which is shadowed", b: items(core.ErrCorrupt, "BOTH"),
			listed: []string{"A a", "B b", "BOTH a"},
		},
		{
			name: "an item in each", a: items(core.ErrCorrupt, "A"), b: items(core.ErrCorrupt, "B"),
			listed: []string{"BOTH a"}, failed: map[string]error{"A": core.ErrCorrupt, "B": core.ErrCorrupt},
		},
		{
			name: "an item that falls through to one that does not", a: items(core.ErrPermissionDenied, "BOTH"), b: items(core.ErrCorrupt, "BOTH"),
			fallThrough: []error{core.ErrPermissionDenied},
			listed:      []string{"A a", "B b"}, failed: map[string]error{"BOTH": core.ErrCorrupt},
			events: []string{"fell through: list BOTH in a: permission denied"},
		},
		{
			name: "an item that falls through twice", a: items(core.ErrPermissionDenied, "BOTH"), b: items(core.ErrUnavailable, "BOTH"),
			fallThrough: []error{core.ErrPermissionDenied, core.ErrUnavailable},
			listed:      []string{"A a", "B b"}, failed: map[string]error{"BOTH": core.ErrPermissionDenied},
			events: []string{"fell through: list BOTH in a: permission denied", "fell through: list BOTH in b: unavailable"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := memory.With(map[string]string{"A": "a", "BOTH": "a"})
			b := memory.With(map[string]string{"B": "b", "BOTH": "b"})
			for _, f := range test.a {
				a.Inject(f)
			}
			for _, f := range test.b {
				b.Inject(f)
			}
			var seen record
			c := build(t, chain.Config{
				Layers:  []chain.Layer{layer("a", a), layer("b", b)},
				WriteTo: "b", FallThrough: test.fallThrough, OnFallThrough: events(&seen),
			})
			infos, err := collect(t, c.List(t.Context(), ""))
			equal(t, "listed", sources(infos), test.listed)
			reported := seen.take()
			equal(t, "events", sorted(reported), test.events)
			var batch *core.BatchError
			switch {
			case test.whole != nil:
				if core.KindOf(err) != test.whole {
					t.Errorf("List ends with %v, want %v", err, test.whole)
				}
			case len(test.failed) > 0:
				if !errors.As(err, &batch) || len(batch.ByID) != len(test.failed) {
					t.Fatalf("List ends with %v, want failures of %v", err, test.failed)
				}
				for id, kind := range test.failed {
					if core.KindOf(batch.ByID[id]) != kind {
						t.Errorf("List ends with %v of %s, want %v", batch.ByID[id], id, kind)
					}
				}
			case err != nil:
				t.Errorf("List ends with %v", err)
			}
		})
	}
}

func TestAListOfLayersThatAllFailToListIsUnsupported(t *testing.T) {
	t.Parallel()
	var lines []string
	// It claims what it can't do.
	liar := without{env(nil), func(c *core.Capabilities) { c.List = true }}
	c := build(t, chain.Config{
		Layers:        []chain.Layer{layer("liar", liar)},
		OnFallThrough: func(e chain.Event) { lines = append(lines, e.String()) },
	})
	infos, err := collect(t, c.List(t.Context(), ""))
	if len(infos) != 0 || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("List: %v, %v; want unsupported, and not an empty list", infos, err)
	}
	equal(t, "lines", lines, []string{
		`list: layer "liar" not listed: env list: unsupported operation: in layer "liar": this provider does not list`,
	})
}

func TestListOfItemsAgreesWithGet(t *testing.T) {
	t.Parallel()
	denied := memory.With(map[string]string{"A": "a"})
	denied.Inject(memory.Fault{ID: "A", Err: core.ErrPermissionDenied})
	c := build(t, chain.Config{
		Layers:  []chain.Layer{layer("a", denied), layer("b", memory.With(map[string]string{"A": "b"}))},
		WriteTo: "b",
	})
	infos, _ := collect(t, c.List(t.Context(), ""))
	_, err := c.Get(t.Context(), "A")
	if len(infos) != 0 || !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("listed %v, and Get is %v", sources(infos), err)
	}
}

func TestListAndVersionsAreClaimedByTheWrittenLayer(t *testing.T) {
	t.Parallel()
	full := func() core.SecretService { return memory.With(map[string]string{"A": "1"}) }
	for _, test := range []struct {
		name    string
		layers  []chain.Layer
		writeTo string
		want    bool
	}{
		{"it can", []chain.Layer{layer("env", env(nil)), layer("w", full())}, "", true},
		{"it can't, and another can", []chain.Layer{
			layer("a", full()), layer("w", core.New("w", writeOnly{})),
		}, "w", false},
		{"there is none, and a layer can", []chain.Layer{layer("env", env(nil)), layer("a", reading(full()))}, "", true},
		{"there is none, and no layer can", []chain.Layer{layer("env", env(nil))}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := build(t, chain.Config{Layers: test.layers, WriteTo: test.writeTo})
			caps, err := c.Capabilities(t.Context())
			if err != nil || caps.List != test.want || caps.Versions != test.want || caps.AtVersion != test.want {
				t.Errorf("Capabilities: %+v, %v; want list, versions and AtVersion %v", caps, err, test.want)
			}
			_, listErr := collect(t, c.List(t.Context(), ""))
			_, versionsErr := collect(t, c.Versions(t.Context(), "A"))
			_, atErr := c.Get(t.Context(), "A", core.AtVersion("a:1"))
			for op, err := range map[string]error{"List": listErr, "Versions": versionsErr, "AtVersion": atErr} {
				if errors.Is(err, errors.ErrUnsupported) == test.want {
					t.Errorf("%s: %v; claimed: %v", op, err, test.want)
				}
			}
		})
	}
}

// writeOnly is a Backend that can be written to, and has no list and no
// versions.
type writeOnly struct{ readOnly }

func (writeOnly) Set(context.Context, string, core.Value, core.SetOptions) (core.Info, error) {
	return core.Info{}, nil
}

func TestListObeysItsContextBetweenLayers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	below := &lazy{svc: memory.With(map[string]string{"B": "b"})}
	c := build(t, chain.Config{
		Layers: []chain.Layer{
			layer("a", ending{memory.New(memory.Config{}), cancel}),
			layer("blind", blind{memory.New(memory.Config{})}),
			below.layer("b"),
		},
		WriteTo: "a",
	})
	infos, err := collect(t, c.List(ctx, ""))
	_ = c.Close() // which waits for an Open
	if below.runs.Load() != 0 {
		t.Error("a layer was opened after the end of the context")
	}
	if len(infos) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, %v; want cancelled", sources(infos), err)
	}
}

// ending is a service whose list ends the context and then just stops, as one
// made without the front may do.
type ending struct {
	secretService
	cancel context.CancelFunc
}

func (e ending) List(context.Context, string) iter.Seq2[core.Info, error] {
	return func(func(core.Info, error) bool) { e.cancel() }
}

func TestAVersionsIteratorIsLeftEarlyAndRangedTwice(t *testing.T) {
	t.Parallel()
	base := memory.New(memory.Config{})
	for i := range 3 {
		set(t, base, "A", fmt.Sprint(i))
	}
	c := build(t, chain.Config{Layers: []chain.Layer{layer("env", env(nil)), layer("base", base)}})
	all := c.Versions(t.Context(), "A")
	for info, err := range all {
		if err != nil || info.Version != "base:3" {
			t.Errorf("Versions begin with %+v, %v; want the newest", info, err)
		}
		break
	}
	infos, err := collect(t, all)
	var versions []string
	for _, info := range infos {
		versions = append(versions, info.ID+" "+info.Version)
	}
	if err != nil {
		t.Errorf("Versions: %v", err)
	}
	equal(t, "Versions", versions, []string{"A base:3", "A base:2", "A base:1"})
}
