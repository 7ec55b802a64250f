package core

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
)

// List implements [SecretService].
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	const op = "list"
	return func(yield func(Info, error) bool) {
		if hint := prefixFault(prefix); hint != "" {
			yield(Info{}, s.invalidID(op, hint))
			return
		}
		if err := s.admit(ctx, op, ""); err != nil {
			yield(Info{}, err)
			return
		}
		if s.lister == nil {
			s.gate.leave()
			yield(Info{}, s.unsupported(op, "", "this provider does not list"))
			return
		}
		wanted := func(id string) bool { return idFault(id) == "" && strings.HasPrefix(id, prefix) }
		s.iterate(ctx, iteration{
			op:  op,
			seq: func() iter.Seq2[Info, error] { return s.lister.List(ctx, prefix) },
			keep: func(info *Info) bool {
				s.complete(info, info.ID)
				return wanted(info.ID)
			},
			items: func(failed *BatchError) map[string]error {
				byID := maps.Clone(failed.ByID)
				maps.DeleteFunc(byID, func(id string, err error) bool { return err == nil || !wanted(id) })
				return byID
			},
		}, yield)
	}
}

// Versions implements [SecretService].
func (s *Store) Versions(ctx context.Context, id string) iter.Seq2[Info, error] {
	const op = "versions"
	return func(yield func(Info, error) bool) {
		if err := s.enter(ctx, op, id); err != nil {
			yield(Info{}, err)
			return
		}
		if s.versions == nil {
			s.gate.leave()
			yield(Info{}, s.unsupported(op, id, "this provider keeps no versions, or does not show them"))
			return
		}
		none := true
		s.iterate(ctx, iteration{
			op: op, id: id,
			seq: func() iter.Seq2[Info, error] { return s.versions.Versions(ctx, id) },
			keep: func(info *Info) bool {
				s.complete(info, id)
				return true
			},
			// Whatever the backend names its items by, all are of this id.
			items: func(failed *BatchError) map[string]error {
				all := errors.Join(slices.Collect(maps.Values(failed.ByID))...)
				if all == nil {
					return nil
				}
				return map[string]error{id: all}
			},
		}, func(info Info, err error) bool {
			none = false
			return yield(info, err)
		})
		if none {
			yield(Info{}, s.wrap(ctx, op, id, read, ErrNotFound))
		}
	}
}

// iteration is what is particular to one range.
type iteration struct {
	op, id string
	seq    func() iter.Seq2[Info, error]
	keep   func(*Info) bool                          // completes an Info; false drops it
	items  func(failed *BatchError) map[string]error // by id, what of a failed batch was asked for
}

// iterate passes on what a backend's iterator yields, and holds the rules of
// iterators: an error is the last pair, and the caller's context ends it. The
// gate, which is entered when iterate is called, is left while the loop's
// body runs, since the body is no call: it may even Close the store.
func (s *Store) iterate(ctx context.Context, it iteration, yield func(Info, error) bool) {
	inside := true
	leave := func() {
		if inside {
			inside = false
			s.gate.leave()
		}
	}
	defer leave()
	end := func(err error) {
		leave()
		yield(Info{}, err)
	}
	for info, err := range it.seq() {
		if err != nil {
			if err = s.lastError(ctx, it, err); err != nil {
				end(err)
			}
			return
		}
		if ended := ctx.Err(); ended != nil {
			end(s.wrap(ctx, it.op, it.id, read, ended))
			return
		}
		if !it.keep(&info) {
			continue
		}
		leave()
		if !yield(info, nil) {
			return
		}
		if !s.gate.enter() {
			yield(Info{}, s.closed(it.op, it.id))
			return
		}
		inside = true
	}
	// A backend whose iterator just stops when the context ends would make a
	// part look like the whole.
	if ended := ctx.Err(); ended != nil {
		end(s.wrap(ctx, it.op, it.id, read, ended))
	}
}

// lastError wraps what ends an iterator: a batch of items that could not be
// read, each by its id, or a failure of the whole.
func (s *Store) lastError(ctx context.Context, it iteration, err error) error {
	failed, ok := asBatch(err)
	if ended := ctx.Err(); ok && ended != nil {
		err, ok = ended, false // what comes after the items may be missing too
	}
	switch {
	case !ok:
		return s.wrap(ctx, it.op, it.id, read, err)
	case failed == nil:
		return nil
	}
	byID := map[string]error{}
	for id, err := range it.items(failed) {
		byID[id] = s.wrap(ctx, it.op, id, read, err)
	}
	if len(byID) == 0 {
		return nil
	}
	return &BatchError{ByID: byID}
}
