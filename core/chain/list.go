package chain

import (
	"context"
	"errors"
	"iter"

	"github.com/lukko-dev/lukko/core"
)

// List yields what the layers list, an id once, from the first layer that has
// it. It keeps the ids of all layers but the last in memory while it runs.
func (b *backend) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		if err := b.claims(ctx, "list", func(c core.Capabilities) bool { return c.List }); err != nil {
			yield(core.Info{}, err)
			return
		}
		m := merge{backend: b, seen: map[string]bool{}, failed: map[string]error{}}
		for i := range b.layers {
			more, err := m.layer(ctx, i, prefix, yield)
			if err != nil {
				yield(core.Info{}, err)
			}
			if err != nil || !more {
				return
			}
		}
		if err := m.end(); err != nil {
			yield(core.Info{}, err)
		}
	}
}

// claims refuses what the chain can do by some layer but does not claim. A
// failure that reads pass over is left to the layers that come.
func (b *backend) claims(ctx context.Context, op string, has func(core.Capabilities) bool) error {
	c, err := b.Capabilities(ctx)
	switch {
	case err != nil && b.passes(ctx, err):
		return nil
	case err != nil:
		return err
	case !has(c):
		return &core.Error{Kind: errors.ErrUnsupported, Hint: "the chain claims " + op + " only if the layer that is written to does"}
	}
	return nil
}

// merge is the state of one list.
type merge struct {
	*backend
	seen   map[string]bool  // ids that no further layer may yield
	failed map[string]error // items that could not be read, by id
	passed error            // the first failure of a whole layer that was passed over
	listed bool             // some layer could be listed
}

// layer yields what layer i lists. It returns false if the loop was left, or
// the error that ends the list.
func (m *merge) layer(ctx context.Context, i int, prefix string, yield func(core.Info, error) bool) (more bool, err error) {
	l, last := m.layers[i], i == len(m.layers)-1
	svc, err := l.use(ctx)
	if err == nil {
		for info, failed := range svc.List(ctx, prefix) {
			if failed != nil {
				err = failed
				break
			}
			if m.seen[info.ID] {
				continue
			}
			if !last {
				m.seen[info.ID] = true
			}
			delete(m.failed, info.ID)
			l.sign(&info)
			if !yield(info, nil) {
				return false, nil
			}
		}
	}
	var items *core.BatchError
	switch {
	case err == nil:
		m.listed = true
	case errors.As(err, &items):
		m.listed = true
		m.items(ctx, l, items)
	case unsupported(err):
		m.report(NotListed, "list", l, "", l.fault(ctx, err))
	case m.passes(ctx, err):
		fault := l.fault(ctx, err)
		m.report(FellThrough, "list", l, "", fault)
		if m.passed == nil {
			m.passed = fault
		}
	default:
		return false, l.fault(ctx, err)
	}
	return true, nil
}

// items keeps what a layer could not read. A Get of such an id would fail as
// the item did, so a layer below lists it only where reads pass over that.
func (m *merge) items(ctx context.Context, l *layer, items *core.BatchError) {
	for id, err := range items.ByID {
		if m.seen[id] {
			continue
		}
		fault := l.fault(ctx, err)
		if !m.passes(ctx, err) {
			m.seen[id] = true
			m.failed[id] = fault
			continue
		}
		m.report(FellThrough, "list", l, id, fault)
		if m.failed[id] == nil {
			m.failed[id] = fault
		}
	}
}

// end is the last word of a list: nil if there is nothing to say.
func (m *merge) end() error {
	switch {
	case len(m.failed) > 0:
		return &core.BatchError{ByID: m.failed}
	case m.listed:
		return nil
	case m.passed != nil:
		return m.passed
	}
	return &core.Error{Kind: errors.ErrUnsupported, Hint: "no layer can list: " + m.names}
}

// Versions yields the versions in the layer that answers the id.
func (b *backend) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		if err := b.claims(ctx, "versions", func(c core.Capabilities) bool { return c.Versions }); err != nil {
			yield(core.Info{}, err)
			return
		}
		var missed misses
		for i, l := range b.layers {
			answered, err := l.versions(ctx, id, yield)
			if err != nil && !answered {
				err = b.pass(ctx, &missed, i, "versions", id, err)
			} else if err != nil {
				err = l.fault(ctx, err)
			}
			if err != nil {
				yield(core.Info{}, err)
			}
			if err != nil || answered {
				return
			}
		}
		yield(core.Info{}, missed.answer(b))
	}
}

// versions yields what one layer has. answered is true if it has the id, also
// if an error came after that or the loop was left.
func (l *layer) versions(ctx context.Context, id string, yield func(core.Info, error) bool) (answered bool, err error) {
	svc, err := l.use(ctx)
	if err != nil {
		return false, err
	}
	for info, failed := range svc.Versions(ctx, id) {
		if failed != nil {
			err = failed
			break
		}
		answered = true
		l.sign(&info)
		if !yield(info, nil) {
			return true, nil
		}
	}
	switch {
	case answered:
		return true, err
	case err == nil:
		return false, core.ErrNotFound
	case !unsupported(err):
		return false, err
	}
	// It can't show versions; whether it has the id is another question.
	if err := l.stat(ctx, id); err != nil {
		return false, err
	}
	return true, &core.Error{Kind: errors.ErrUnsupported, Hint: "it answers this id and shows no versions"}
}
