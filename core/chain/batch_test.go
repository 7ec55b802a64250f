package chain_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

func TestABatchIsOneBatchALayerForWhatIsStillMissing(t *testing.T) {
	t.Parallel()
	var calls record
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("a", store(&calls, "a", map[string]string{"1": "a", "2": "a"})),
		layer("b", store(&calls, "b", map[string]string{"2": "b", "3": "b"})),
		layer("c", store(&calls, "c", map[string]string{"3": "c", "4": "c"})),
	}})
	for _, test := range []struct {
		ids         []string
		found, asks []string
	}{
		{[]string{"1", "2"}, []string{"1 a", "2 a"}, []string{"a get many [1 2]"}},
		{[]string{"3", "1"}, []string{"1 a", "3 b"}, []string{"a get many [3 1]", "b get many [3]"}},
		{
			[]string{"1", "2", "3", "4", "5", "1"},
			[]string{"1 a", "2 a", "3 b", "4 c"},
			[]string{"a get many [1 2 3 4 5]", "b get many [3 4 5]", "c get many [4 5]"},
		},
		{nil, nil, nil},
	} {
		got, err := c.GetMany(t.Context(), test.ids)
		if err != nil || got == nil {
			t.Errorf("GetMany %v: %v", test.ids, err)
		}
		equal(t, fmt.Sprintf("answers to %v", test.ids), answers(t, got), test.found)
		equal(t, fmt.Sprintf("calls for %v", test.ids), calls.take(), test.asks)
	}
}

// answers is a line for each secret, and checks that its parts agree.
func answers(t *testing.T, got map[string]core.Secret) (lines []string) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(got)) {
		secret := got[id]
		if secret.ID != id || secret.Value.Reveal() != secret.Source {
			t.Errorf("%s: %+v from another layer or of another id", id, secret.Info)
		}
		lines = append(lines, id+" "+secret.Source)
	}
	return lines
}

func TestEachIDOfABatchIsInOnePlace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		a, b        []memory.Fault
		fallThrough []error
		found       []string
		failed      map[string]error
		whole       error
		events      []string
	}{
		{
			name:   "an id that fails is not asked for below",
			a:      []memory.Fault{{ID: "BOTH", Err: core.ErrPermissionDenied}},
			found:  []string{"A a", "B b"},
			failed: map[string]error{"BOTH": core.ErrPermissionDenied},
		},
		{
			name:        "an id that falls through is",
			a:           []memory.Fault{{ID: "BOTH", Err: core.ErrPermissionDenied}},
			fallThrough: []error{core.ErrPermissionDenied},
			found:       []string{"A a", "B b", "BOTH b"},
			events:      []string{"fell through: get many BOTH in a: permission denied"},
		},
		{
			name:        "an id that falls through to nobody has failed",
			a:           []memory.Fault{{ID: "NONE", Err: core.ErrPermissionDenied}},
			fallThrough: []error{core.ErrPermissionDenied},
			found:       []string{"A a", "B b", "BOTH a"},
			failed:      map[string]error{"NONE": core.ErrPermissionDenied},
			events:      []string{"fell through: get many NONE in a: permission denied"},
		},
		{
			name:   "a layer below that is down takes only what is missing with it",
			b:      []memory.Fault{{Err: core.ErrUnavailable}},
			found:  []string{"A a", "BOTH a"},
			failed: map[string]error{"B": core.ErrUnavailable, "NONE": core.ErrUnavailable},
		},
		{
			name:  "a layer above that is down takes all with it",
			a:     []memory.Fault{{Err: core.ErrUnavailable}},
			whole: core.ErrUnavailable,
		},
		{
			name: "an id fails above, and the layer below is down",
			a: []memory.Fault{
				{ID: "A", Err: core.ErrPermissionDenied}, {ID: "BOTH", Err: core.ErrPermissionDenied},
			},
			b: []memory.Fault{{Err: core.ErrUnavailable}},
			failed: map[string]error{
				"A": core.ErrPermissionDenied, "BOTH": core.ErrPermissionDenied,
				"B": core.ErrUnavailable, "NONE": core.ErrUnavailable,
			},
		},
		{
			name:        "a layer above that is down falls through",
			a:           []memory.Fault{{Err: core.ErrUnavailable}},
			fallThrough: []error{core.ErrUnavailable},
			found:       []string{"B b", "BOTH b"},
			failed:      map[string]error{"A": core.ErrUnavailable, "NONE": core.ErrUnavailable},
			events: []string{
				"fell through: get many A in a: unavailable", "fell through: get many B in a: unavailable",
				"fell through: get many BOTH in a: unavailable", "fell through: get many NONE in a: unavailable",
			},
		},
		{
			name:        "all are down",
			a:           []memory.Fault{{Err: core.ErrUnavailable}},
			b:           []memory.Fault{{Err: core.ErrUnavailable}},
			fallThrough: []error{core.ErrUnavailable},
			whole:       core.ErrUnavailable,
			events: []string{
				"fell through: get many A in a: unavailable", "fell through: get many B in a: unavailable",
				"fell through: get many BOTH in a: unavailable", "fell through: get many NONE in a: unavailable",
			},
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
				Layers:      []chain.Layer{layer("a", a), layer("b", b)},
				FallThrough: test.fallThrough, OnFallThrough: events(&seen),
			})
			got, err := c.GetMany(t.Context(), []string{"A", "B", "BOTH", "NONE"})
			equal(t, "found", answers(t, got), test.found)
			equal(t, "events", seen.take(), test.events)
			if test.whole != nil {
				if got != nil || core.KindOf(err) != test.whole {
					t.Errorf("GetMany: %v, %v; want no map and %v", got, err, test.whole)
				}
				return
			}
			var batch *core.BatchError
			if (len(test.failed) > 0) != errors.As(err, &batch) {
				t.Fatalf("GetMany: %v; want failures of %v", err, test.failed)
			}
			if batch == nil {
				return
			}
			if len(batch.ByID) != len(test.failed) {
				t.Errorf("failed: %v, want %v", batch.ByID, test.failed)
			}
			for id, kind := range test.failed {
				if core.KindOf(batch.ByID[id]) != kind {
					t.Errorf("%s: %v, want %v", id, batch.ByID[id], kind)
				}
			}
		})
	}
}

func TestAnswersNobodyAskedForDoNotReplaceOthers(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("a", memory.With(map[string]string{"A": "a"})),
		layer("b", chatty{memory.With(map[string]string{"A": "b", "B": "b"})}),
	}})
	got, err := c.GetMany(t.Context(), []string{"A", "B"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "answers", answers(t, got), []string{"A a", "B b"})
}

func TestNotFoundInABatchErrorFallsThrough(t *testing.T) {
	t.Parallel()
	c := build(t, chain.Config{Layers: []chain.Layer{
		layer("a", foreign{memory.New(memory.Config{}), &core.BatchError{ByID: map[string]error{"A": core.ErrNotFound, "B": nil}}}),
		layer("b", memory.With(map[string]string{"A": "b", "B": "b"})),
	}})
	got, err := c.GetMany(t.Context(), []string{"A", "B"})
	if err != nil {
		t.Error(err)
	}
	equal(t, "answers", answers(t, got), []string{"A b", "B b"})
}

// chatty is a service that answers A whatever it is asked for.
type chatty struct{ secretService }

func (c chatty) GetMany(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
	return c.secretService.GetMany(ctx, append(slices.Clone(ids), "A"), opts...)
}

func TestABatchWhoseContextEndsFailsAsAWhole(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := memory.New(memory.Config{OnCall: func(memory.Call) { cancel() }})
	b.Inject(memory.Fault{Delay: 1 << 40})
	c := build(t, chain.Config{Layers: []chain.Layer{layer("a", memory.New(memory.Config{})), layer("b", b)}})
	got, err := c.GetMany(ctx, []string{"A", "B"})
	if got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("GetMany: %v, %v; want cancelled", got, err)
	}
}
