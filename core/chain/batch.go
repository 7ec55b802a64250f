package chain

import (
	"context"
	"errors"

	"github.com/lukko-dev/lukko/core"
)

// GetMany makes one batch a layer, of the ids that no layer above has
// answered.
func (b *backend) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	if o.Version != "" {
		return b.getManyAt(ctx, ids, o)
	}
	all := batch{
		backend: b, found: make(map[string]core.Secret, len(ids)),
		failed: map[string]error{}, passed: map[string]error{}, absent: map[string]bool{},
	}
	for i, l := range b.layers {
		if len(ids) == 0 {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := l.getMany(ctx, ids, o)
		ids = all.sortOut(ctx, i, ids, got, err)
	}
	return all.result(ids)
}

// getManyAt reads from the layer that a version names. A version of no layer
// is one that no id has.
func (b *backend) getManyAt(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	l, o, err := b.atVersion(o)
	if err != nil {
		return nil, nil
	}
	answers, err := l.getMany(ctx, ids, o)
	var some *core.BatchError
	if err != nil && !errors.As(err, &some) {
		return nil, l.fault(ctx, err)
	}
	got := make(map[string]core.Secret, len(answers))
	for id, secret := range answers {
		l.sign(&secret.Info)
		got[id] = secret
	}
	if some == nil {
		return got, nil
	}
	failed := map[string]error{}
	for id, err := range some.ByID {
		failed[id] = l.fault(ctx, err)
	}
	return got, &core.BatchError{ByID: failed}
}

// getMany asks one layer.
func (l *layer) getMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	svc, err := l.use(ctx)
	if err != nil {
		return nil, err
	}
	return svc.GetMany(ctx, ids, o.Options()...)
}

// batch is what is known of a batch on its way down the layers.
type batch struct {
	*backend
	found  map[string]core.Secret
	failed map[string]error // for good
	passed map[string]error // the first failure that was passed over
	absent map[string]bool  // some layer said that it doesn't have the id
	whole  error            // the first failure of a layer's batch as a whole
}

// sortOut takes the answer of layer i, and returns the ids that the next one
// is asked for.
func (b *batch) sortOut(ctx context.Context, i int, ids []string, got map[string]core.Secret, err error) (next []string) {
	l := b.layers[i]
	var some *core.BatchError
	var whole error // made once, so that result knows it again
	if err != nil && !errors.As(err, &some) {
		whole = l.fault(ctx, err)
		if b.whole == nil {
			b.whole = whole
		}
	}
	for _, id := range ids {
		failure, fault := err, whole
		if whole == nil {
			failure = nil
			if some != nil {
				failure = some.ByID[id]
			}
			secret, ok := got[id]
			switch {
			case failure == nil && ok:
				l.sign(&secret.Info)
				b.found[id] = secret
				continue
			case failure == nil || notFound(failure):
				b.absent[id] = true
				next = append(next, id)
				continue
			}
			fault = l.fault(ctx, failure)
		}
		if !b.passes(ctx, failure) {
			b.failed[id] = fault
			continue
		}
		if b.passed[id] == nil || refusesID(b.passed[id]) && !refusesID(fault) {
			b.passed[id] = fault
		}
		if i < len(b.layers)-1 {
			b.report(FellThrough, "get many", l, id, fault)
		}
		next = append(next, id)
	}
	return next
}

// result is the answer of the batch; missing are the ids that no layer
// answered. Where all that there is to say is that a layer's batch failed as
// a whole, the chain's has too.
func (b *batch) result(missing []string) (map[string]core.Secret, error) {
	for _, id := range missing {
		if err := b.passed[id]; err != nil && (!b.absent[id] || !refusesID(err)) {
			b.failed[id] = err
		}
	}
	same := b.whole != nil && len(b.found) == 0 && len(b.failed) > 0
	for _, err := range b.failed {
		same = same && err == b.whole //nolint:errorlint // the very same
	}
	switch {
	case same:
		return nil, b.whole
	case len(b.failed) > 0:
		return b.found, &core.BatchError{ByID: b.failed}
	}
	return b.found, nil
}
