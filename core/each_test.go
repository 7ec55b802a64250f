package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestEachCallsForEveryNumberAndAFewAtATime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ n, limit, most int }{
		{0, 4, 0}, {1, 4, 1}, {3, 8, 3}, {100, 4, 4}, {5, 1, 1}, {5, 0, 1}, {5, -1, 1},
	} {
		t.Run(fmt.Sprintf("%d by %d", test.n, test.limit), func(t *testing.T) {
			t.Parallel()
			// Each call waits until as many are there as may be, so that fewer would
			// hang and more would be counted.
			var now, most atomic.Int64
			full := make(chan struct{})
			calls := make([]atomic.Int64, test.n)
			errs := core.Each(t.Context(), test.n, test.limit, func(i int) error {
				calls[i].Add(1)
				n := now.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				if n == int64(test.most) {
					select {
					case <-full:
					default:
						close(full)
					}
				}
				<-full
				now.Add(-1)
				return fmt.Errorf("%d", i)
			})
			if most.Load() != int64(test.most) || len(errs) != test.n {
				t.Errorf("%d at a time, want %d; %d errors", most.Load(), test.most, len(errs))
			}
			for i := range test.n {
				if calls[i].Load() != 1 || errs[i].Error() != fmt.Sprint(i) {
					t.Errorf("%d was called %d times, and returned %v", i, calls[i].Load(), errs[i])
				}
			}
		})
	}
}

func TestEachBeginsNothingAfterItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	errs := core.Each(ctx, 10, 1, func(int) error {
		if calls++; calls == 3 {
			cancel()
		}
		return nil
	})
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
	for i, err := range errs {
		if errors.Is(err, context.Canceled) != (i >= 3) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestGetEachPutsEachIDInOnePlace(t *testing.T) {
	t.Parallel()
	get := func(_ context.Context, id string) (core.Secret, error) {
		switch id {
		case "MISSING":
			return core.Secret{}, fmt.Errorf("wrapped: %w", core.ErrNotFound)
		case "DENIED":
			return core.Secret{}, core.ErrPermissionDenied
		}
		return core.Secret{Value: core.String(id)}, nil
	}
	got, err := core.GetEach(t.Context(), []string{"A", "MISSING", "DENIED", "B"}, 2, get)
	batch := (*core.BatchError)(nil)
	if !errors.As(err, &batch) || len(batch.ByID) != 1 || !errors.Is(batch.ByID["DENIED"], core.ErrPermissionDenied) {
		t.Errorf("failed: %v", err)
	}
	if len(got) != 2 || got["A"].Value.Reveal() != "A" || got["B"].Value.Reveal() != "B" {
		t.Errorf("found %d", len(got))
	}
	if _, err := core.GetEach(t.Context(), []string{"A"}, 2, get); err != nil {
		t.Errorf("all found: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := core.GetEach(ctx, []string{"A"}, 2, get); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v, %v", got, err)
	}
}
