package schema

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// writeTries is how often a write that found that another one came first
// begins anew.
const writeTries = 8

// Set stores a value. It is validated, and decoded and compared as it would
// be read back, before anything is written.
//
// A value that is a JSON document replaces the one that is there. If that has
// names which T does not declare, since newer code wrote them, Set refuses
// with an [*Error] that matches core.ErrConflict; [Declaration.Update] keeps
// them. So it reads before it writes, and writes only over what it has seen,
// where the service claims IfVersion and IfAbsent. A T that is the stored
// bytes as they are is written without reading.
//
// With core.IfAbsent, core.IfVersion or core.IfChanged the write is as these
// say.
func (d *Declaration[T]) Set(ctx context.Context, svc core.SecretService, value T, opts ...core.SetOption) error {
	return d.def.write(svc, func() []Problem {
		stored, _, problems := encode(d.def, &value)
		if len(problems) > 0 {
			return problems
		}
		if d.def.plan.plain {
			return d.def.store(ctx, svc, stored, opts...)
		}
		absent := 0
		return retry(ctx, len(opts) == 0, func() []Problem {
			current, err := svc.Get(ctx, d.def.spec.ID, core.Fresh())
			if errors.Is(err, core.ErrNotFound) {
				absent++
			}
			switch {
			case errors.Is(err, core.ErrNotFound), errors.Is(err, core.ErrCorrupt), errors.Is(err, core.ErrInvalidValue):
				// There is nothing, or nothing that could be kept.
			case err != nil:
				p := d.def.readProblem(err)
				p.Detail = "Set reads first, so that it drops no fields that it does not declare"
				return []Problem{p}
			default:
				if problems := d.def.wouldDrop(current.Value); len(problems) > 0 {
					return problems
				}
			}
			if len(opts) > 0 {
				return d.def.store(ctx, svc, stored, opts...)
			}
			guard, problems := d.def.guard(ctx, svc, current.Version, err)
			if len(problems) > 0 {
				return problems
			}
			if absent == writeTries {
				// There is nothing, and yet it is not absent: a secret that was deleted
				// and can be recovered bars its id on some stores, until a write without a
				// condition.
				guard = nil
			}
			return d.def.store(ctx, svc, stored, guard...)
		})
	})
}

// Update reads the current value, lets change change it, and stores it with
// everything else that was there: names that T does not declare stay, and so
// does what change left alone, as it was written. Nothing is written if
// nothing has changed.
//
// A missing value is an [*Error] that matches core.ErrNotFound, an invalid
// one core.ErrInvalidValue. Where the service claims IfVersion the write is
// conditional on what was read: if another one came first, Update begins
// anew, and calls change again, a few times before it gives up with
// core.ErrConflict. Elsewhere the last writer wins. An error of change is
// returned as it is, and nothing is written.
func (d *Declaration[T]) Update(ctx context.Context, svc core.SecretService, change func(*T) error) error {
	var refused error
	err := d.def.write(svc, func() []Problem {
		return retry(ctx, true, func() []Problem {
			current, err := svc.Get(ctx, d.def.spec.ID, core.Fresh())
			if err != nil {
				return []Problem{d.def.readProblem(err)}
			}
			value, problems := decode[T](d.def, current.Value)
			if len(problems) > 0 {
				return problems
			}
			_, base, problems := encode(d.def, &value)
			if len(problems) > 0 {
				return problems
			}
			if refused = change(&value); refused != nil {
				return nil
			}
			next, problems := merge(d.def, current.Value, base, &value)
			if len(problems) > 0 || next.Equal(current.Value) {
				return problems
			}
			guard, problems := d.def.guard(ctx, svc, current.Version, nil)
			if len(problems) > 0 {
				return problems
			}
			return d.def.store(ctx, svc, next, guard...)
		})
	})
	if refused != nil {
		return refused
	}
	return err
}

// write checks what every write needs.
func (d *definition) write(svc core.SecretService, f func() []Problem) error {
	if problems := d.check(); len(problems) > 0 {
		return errorOf(problems)
	}
	if svc == nil {
		return errorOf([]Problem{d.problem("", RuleWrite, "", errNoService)})
	}
	return errorOf(f())
}

// retry begins anew, after a short pause, while the only problem is that
// another write came first.
func retry(ctx context.Context, again bool, f func() []Problem) []Problem {
	for try := 1; ; try++ {
		problems := f()
		conflict := len(problems) == 1 && problems[0].Rule == RuleWrite && errors.Is(problems[0].Err, core.ErrConflict)
		if !conflict || !again || try == writeTries {
			return problems
		}
		select {
		case <-ctx.Done():
			problems[0].Err = &core.Error{Op: "set", ID: problems[0].ID, Err: ctx.Err()}
			return problems
		case <-time.After(time.Duration(try) * time.Duration(1+rand.IntN(10)) * time.Millisecond):
		}
	}
}

// store writes a value that was checked.
func (d *definition) store(ctx context.Context, svc core.SecretService, value core.Value, opts ...core.SetOption) []Problem {
	if _, err := svc.Set(ctx, d.spec.ID, value, opts...); err != nil {
		p := d.problem("", RuleWrite, "", err)
		if errors.Is(err, core.ErrInvalidID) && !core.IsPortable(d.spec.ID) {
			p.Detail = notPortable
		}
		return []Problem{p}
	}
	return nil
}

// guard is the option that lets a write succeed only over what was read,
// where the service claims one. read is the error of the reading.
func (d *definition) guard(ctx context.Context, svc core.SecretService, version string, read error) ([]core.SetOption, []Problem) {
	can, err := svc.Capabilities(ctx)
	switch {
	case err != nil:
		return nil, []Problem{d.problem("", RuleWrite, "", err)}
	case errors.Is(read, core.ErrNotFound) && can.IfAbsent:
		return []core.SetOption{core.IfAbsent()}, nil
	case read == nil && version != "" && can.IfVersion:
		return []core.SetOption{core.IfVersion(version)}, nil
	}
	return nil, nil
}

// wouldDrop tells that writing over what is stored would drop names of it.
func (d *definition) wouldDrop(current core.Value) []Problem {
	tree, _ := parse(current.RevealBytes())
	at, found := drops(d.typ, tree, nil)
	if !found {
		return nil
	}
	return []Problem{d.problem(d.plan.schema.shown(at, tree), RuleUndeclared,
		"what is stored has a field that this declaration does not know, and Set would drop it; Update keeps it", core.ErrConflict)}
}

// encode makes what is stored of a value, a *T, and the tree of it. It has
// been validated, decoded and compared.
func encode[T any](d *definition, value *T) (core.Value, any, []Problem) {
	if d.plan.plain {
		stored := plainBytes(reflect.ValueOf(value).Elem())
		return stored, nil, checkStored(d, stored, nil, value)
	}
	tree, faults := encodeTree(reflect.ValueOf(value).Elem())
	if len(faults) > 0 {
		return core.Value{}, nil, d.invalid(faults, tree)
	}
	stored := core.Bytes(write(tree))
	return stored, tree, checkStored(d, stored, tree, value)
}

// checkStored validates what would be stored, and compares what would be read
// back.
func checkStored[T any](d *definition, stored core.Value, tree any, value *T) []Problem {
	if n := stored.Len(); n > core.MaxValueLen {
		return []Problem{d.problem("", "maxLength", "it would be larger than the 64 KiB that a secret may have", core.ErrInvalidValue)}
	}
	back, problems := decode[T](d, stored)
	if len(problems) > 0 {
		return problems
	}
	if !same(reflect.ValueOf(value).Elem(), reflect.ValueOf(&back).Elem()) {
		return []Problem{d.problem("", RuleRoundTrip,
			"it would not come back as it is: a zero that omitempty leaves out and a default fills in, or a Go type that does not read what it writes", core.ErrInvalidValue)}
	}
	return nil
}

func plainBytes(v reflect.Value) core.Value {
	switch {
	case v.Type() == valueType:
		return v.Interface().(core.Value)
	case v.Kind() == reflect.String:
		return core.String(v.String())
	default:
		return core.Bytes(v.Bytes())
	}
}

// merge makes what is stored of a value that was changed, with all that is
// stored now and not declared.
func merge[T any](d *definition, current core.Value, base any, value *T) (core.Value, []Problem) {
	next, tree, problems := encode(d, value)
	if len(problems) > 0 || d.plan.plain {
		return next, problems
	}
	if equalTrees(base, tree) {
		return current, nil
	}
	stored, _ := parse(current.RevealBytes())
	k := keeper{}
	merged := k.keep(d.typ, stored, base, tree, nil)
	if len(k.lost) > 0 {
		return core.Value{}, []Problem{d.problem(d.plan.schema.shown(k.lost[0], stored), RuleUndeclared,
			"the item has a field that this declaration does not know, and it is not plain which of the new items it belongs to", core.ErrConflict)}
	}
	next = core.Bytes(write(merged))
	return next, checkStored(d, next, merged, value)
}
