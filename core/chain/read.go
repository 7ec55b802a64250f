package chain

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

func (b *backend) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	secret, l, err := read(ctx, b, "get", id, o, func(svc core.SecretService, opts []core.GetOption) (core.Secret, error) {
		return svc.Get(ctx, id, opts...)
	})
	if err != nil {
		return core.Secret{}, err
	}
	l.sign(&secret.Info)
	return secret, nil
}

func (b *backend) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	info, l, err := read(ctx, b, "stat", id, o, func(svc core.SecretService, opts []core.GetOption) (core.Info, error) {
		return svc.Stat(ctx, id, opts...)
	})
	if err != nil {
		return core.Info{}, err
	}
	l.sign(&info)
	return info, nil
}

// read asks the layer that the version names, or one after another, and
// returns the first answer and the layer that gave it.
func read[T any](ctx context.Context, b *backend, op, id string, o core.GetOptions,
	call func(core.SecretService, []core.GetOption) (T, error),
) (answer T, from *layer, err error) {
	if o.Version != "" {
		l, o, err := b.atVersion(o)
		if err != nil {
			return answer, nil, err
		}
		answer, err = ask(ctx, l, o, call)
		if err != nil {
			return answer, nil, l.fault(ctx, err)
		}
		return answer, l, nil
	}
	var missed misses
	for i, l := range b.layers {
		answer, err := ask(ctx, l, o, call)
		if err == nil {
			return answer, l, nil
		}
		if err := b.pass(ctx, &missed, i, op, id, err); err != nil {
			return answer, nil, err
		}
	}
	return answer, nil, missed.answer(b)
}

func ask[T any](ctx context.Context, l *layer, o core.GetOptions, call func(core.SecretService, []core.GetOption) (T, error)) (answer T, err error) {
	svc, err := l.use(ctx)
	if err != nil {
		return answer, err
	}
	return call(svc, o.Options())
}

// atVersion returns the layer that a version names, and the options there.
func (b *backend) atVersion(o core.GetOptions) (*layer, core.GetOptions, error) {
	l, below, ok := b.layerOf(o.Version)
	if !ok {
		return nil, o, &core.Error{Kind: core.ErrNotFound, Hint: b.noSuchLayer()}
	}
	o.Version = below
	return l, o, nil
}

// misses is what the layers said that did not answer a read.
type misses struct {
	failure *core.Error // of the first layer that failed, and may have the id
	refused *core.Error // of the first layer that can't hold the id, and so doesn't have it
	absent  bool        // some layer said that it doesn't have it
	hints   []string    // of those, where they say more
}

// pass says that layer i did not answer: nil if the next one is asked, else
// the error that ends the read.
func (b *backend) pass(ctx context.Context, missed *misses, i int, op, id string, err error) error {
	l, last := b.layers[i], i == len(b.layers)-1
	if end := b.judge(ctx, missed, l, err); end != nil {
		return end
	}
	switch {
	case last:
		return nil
	case !notFound(err):
		b.report(FellThrough, op, l, id, l.fault(ctx, err))
	}
	return ctx.Err() // or the next layers, unasked, would look like ones that don't have it
}

// judge keeps what a layer that did not answer said, and returns the error
// that ends the read, or nil if a read goes on.
func (b *backend) judge(ctx context.Context, missed *misses, l *layer, err error) *core.Error {
	if notFound(err) {
		missed.absent = true
		if e, ok := err.(*core.Error); ok && e.Hint != "" { //nolint:errorlint // a hint of a wrapped one can be missed
			missed.hints = append(missed.hints, l.hint(e.Hint))
		}
		return nil
	}
	fault := l.fault(ctx, err)
	if !b.passes(ctx, err) {
		return fault
	}
	switch {
	case refusesID(err):
		missed.refused = cmp.Or(missed.refused, fault)
	default:
		missed.failure = cmp.Or(missed.failure, fault)
	}
	return nil
}

// answer is the answer when no layer gave one.
func (m *misses) answer(b *backend) *core.Error {
	switch {
	case m.failure != nil:
		return m.failure
	case m.refused != nil && !m.absent:
		return m.refused // by all layers
	}
	hint := "no layer has it: " + b.names
	if len(m.hints) > 0 {
		hint += fmt.Sprintf(" (%s)", strings.Join(m.hints, "; "))
	}
	return &core.Error{Kind: core.ErrNotFound, Hint: hint}
}
