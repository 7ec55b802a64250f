package core

import (
	"context"
	"sync"
	"sync/atomic"
)

// Each calls work for 0 to n-1, at most limit at a time (at least one), and
// returns what each returned. It is for authors of backends and decorators. After ctx
// has ended no call begins any more, and its error stands for those that did
// not. All calls have ended when Each returns. It is safe for concurrent use.
func Each(ctx context.Context, n, limit int, work func(i int) error) []error {
	errs := make([]error, n)
	var next atomic.Int64
	run := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if errs[i] = ctx.Err(); errs[i] == nil {
				errs[i] = work(i)
			}
		}
	}
	var others sync.WaitGroup
	for range min(n, limit) - 1 {
		others.Go(run)
	}
	func() {
		defer others.Wait() // also if work panics
		run()
	}()
	return errs
}

// GetEach is the GetMany of a [BatchGetter] that reads one by one, at most
// limit at a time: for a backend that has no batch, and that knows better than
// [BatchConcurrency] how many reads it bears. get reads one secret; ids are distinct.
// It is safe for concurrent use.
func GetEach(ctx context.Context, ids []string, limit int, get func(ctx context.Context, id string) (Secret, error)) (map[string]Secret, error) {
	secrets := make([]Secret, len(ids))
	errs := Each(ctx, len(ids), limit, func(i int) (err error) {
		secrets[i], err = get(ctx, ids[i])
		return err
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	got := make(map[string]Secret, len(ids))
	failed := map[string]error{}
	for i, id := range ids {
		switch {
		case errs[i] == nil:
			got[id] = secrets[i]
		case !isNotFound(errs[i]):
			failed[id] = errs[i]
		}
	}
	if len(failed) > 0 {
		return got, &BatchError{ByID: failed}
	}
	return got, nil
}
