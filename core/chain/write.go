package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Capabilities opens layers only down to the written one, if WriteTo names it.
func (b *backend) Capabilities(ctx context.Context) (core.Capabilities, error) {
	if b.writeTo == nil {
		s, err := b.survey(ctx)
		if err != nil {
			return core.Capabilities{}, err
		}
		return s.capabilities(), nil
	}
	c, err := b.writeTo.capabilities(ctx)
	if err != nil {
		return core.Capabilities{}, err
	}
	if c.IfAbsent {
		c.IfAbsent, err = b.writesAlone(ctx)
	}
	return c, err
}

func (l *layer) capabilities(ctx context.Context) (core.Capabilities, error) {
	svc, err := l.use(ctx)
	if err != nil {
		return core.Capabilities{}, l.fault(ctx, err)
	}
	c, err := svc.Capabilities(ctx)
	if err != nil {
		return core.Capabilities{}, l.fault(ctx, err)
	}
	return c, nil
}

// writesAlone reports whether no layer but the one that WriteTo names can be
// written to. A layer below it that would have to be opened may be one, and so
// may a layer that fails in a way that reads pass over.
func (b *backend) writesAlone(ctx context.Context) (bool, error) {
	below := b.layers[slices.Index(b.layers, b.writeTo)+1:]
	if slices.ContainsFunc(below, func(l *layer) bool { return l.open != nil }) {
		return false, nil
	}
	for _, l := range b.layers {
		if l == b.writeTo {
			continue
		}
		c, err := l.capabilities(ctx)
		switch {
		case err == nil && !c.Set:
		case err == nil || b.passes(ctx, err):
			return false, nil
		default:
			return false, err
		}
	}
	return true, nil
}

// survey is what all layers of a chain without WriteTo can do.
type survey struct {
	writers []*layer
	claims  []core.Capabilities
}

func (b *backend) survey(ctx context.Context) (s survey, err error) {
	for _, l := range b.layers {
		c, err := l.capabilities(ctx)
		if err != nil {
			if e := (*core.Error)(nil); errors.As(err, &e) && e.Err == nil {
				known := *e
				known.Hint += "; name the layer to write to in WriteTo, and this one need not be asked what it can do"
				err = &known
			}
			return s, err
		}
		if c.Set {
			s.writers = append(s.writers, l)
		}
		s.claims = append(s.claims, c)
	}
	return s, nil
}

func (s survey) capabilities() (c core.Capabilities) {
	if len(s.writers) == 1 {
		i := slices.IndexFunc(s.claims, func(c core.Capabilities) bool { return c.Set })
		return s.claims[i]
	}
	for _, layer := range s.claims { // the chain only reads
		c.List = c.List || layer.List
		c.Versions = c.Versions || layer.Versions
		c.AtVersion = c.AtVersion || layer.AtVersion
	}
	return c
}

// writer returns the layer that is written to. Nothing has been written when
// it fails.
func (b *backend) writer(ctx context.Context) (*layer, core.SecretService, error) {
	l := b.writeTo
	if l == nil {
		s, err := b.survey(ctx)
		if err != nil {
			return nil, nil, core.NotWritten(err)
		}
		switch len(s.writers) {
		case 0:
			return nil, nil, &core.Error{Kind: errors.ErrUnsupported, Hint: "no layer can be written to: " + b.names}
		case 1:
			l = s.writers[0]
		default:
			var names []string
			for _, l := range s.writers {
				names = append(names, l.name)
			}
			return nil, nil, &core.Error{
				Kind: errors.ErrUnsupported,
				Hint: "several layers can be written to: " + strings.Join(names, ", ") + "; name one of them in WriteTo",
			}
		}
	}
	svc, err := l.use(ctx)
	if err != nil {
		return nil, nil, core.NotWritten(l.fault(ctx, err))
	}
	return l, svc, nil
}

func (b *backend) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	target, svc, err := b.writer(ctx)
	if err != nil {
		return core.Info{}, err
	}
	if o.IfVersion != "" {
		l, below, ok := b.layerOf(o.IfVersion)
		switch {
		case !ok:
			return core.Info{}, &core.Error{Kind: core.ErrConflict, Hint: b.noSuchLayer()}
		case l != target:
			return core.Info{}, &core.Error{
				Kind: core.ErrConflict,
				Hint: fmt.Sprintf("the version is one of layer %q, and layer %q is written to", l.name, target.name),
			}
		}
		o.IfVersion = below
	}
	if err := b.visible(ctx, target, id, o); err != nil {
		return core.Info{}, core.NotWritten(err)
	}
	info, err := svc.Set(ctx, id, value, o.Options()...)
	if err != nil {
		return core.Info{}, target.blame(err)
	}
	target.sign(&info)
	return info, nil
}

// visible returns an error unless the next Get of id would be answered by
// what is written to target; with IfAbsent also if a layer below has the id. A
// layer that fails is treated as reads treat it.
func (b *backend) visible(ctx context.Context, target *layer, id string, o core.SetOptions) error {
	above := true
	for _, l := range b.layers {
		if l == target {
			above = false
			continue
		}
		if !above && !o.IfAbsent {
			break
		}
		err := l.stat(ctx, id)
		switch {
		case err == nil && above:
			return &core.Error{Kind: core.ErrConflict, Hint: fmt.Sprintf(
				"layer %q has the id and would hide what is written to layer %q; remove it there first", l.name, target.name)}
		case err == nil:
			return &core.Error{Kind: core.ErrConflict, Hint: fmt.Sprintf("layer %q has a value already", l.name)}
		case notFound(err):
		case b.passes(ctx, err):
			b.report(FellThrough, "set", l, id, l.fault(ctx, err))
		default:
			return unseen(l.fault(ctx, err))
		}
	}
	return ctx.Err() // so that no write begins after its end
}

// unseen is the failure of a layer that was only asked whether it would hide a
// write. The call that failed is the write.
func unseen(e *core.Error) error {
	e.Op = ""
	e.Hint += "; it may have the id and hide what would be written, so nothing was"
	return e
}

// stat reports whether a layer has the id: nil, ErrNotFound, or why it can't
// tell. Without options, as the next Get will be without.
func (l *layer) stat(ctx context.Context, id string) error {
	svc, err := l.use(ctx)
	if err != nil {
		return err
	}
	_, err = svc.Stat(ctx, id)
	return err
}

func (b *backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	target, svc, err := b.writer(ctx)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return core.NotWritten(err)
	}
	if err := svc.Delete(ctx, id, o.Options()...); err != nil {
		return target.blame(err)
	}
	if b.hook != nil {
		b.uncovered(ctx, target, id)
	}
	return nil
}

// uncovered reports which layer the next Get of a deleted id is answered by.
// The delete has succeeded, so nothing here is an error of it.
func (b *backend) uncovered(ctx context.Context, target *layer, id string) {
	for _, l := range b.layers {
		if l == target {
			continue
		}
		err := l.stat(ctx, id)
		switch {
		case err == nil:
			b.report(Uncovered, "delete", l, id, nil)
			return
		case notFound(err), refusesID(err):
		default:
			b.report(Uncovered, "delete", l, id, l.fault(ctx, err))
		}
		if ctx.Err() != nil {
			return
		}
	}
}
