package core

import (
	"context"
	"errors"
	"iter"
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
		s.iterate(ctx, op, "", s.lister.List(ctx, prefix), yield, func(info *Info) bool {
			s.complete(info, info.ID)
			return idFault(info.ID) == "" && strings.HasPrefix(info.ID, prefix)
		})
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
		s.iterate(ctx, op, id, s.versions.Versions(ctx, id), func(info Info, err error) bool {
			none = false
			return yield(info, err)
		}, func(info *Info) bool {
			s.complete(info, id)
			return true
		})
		if none {
			yield(Info{}, s.wrap(ctx, op, id, read, ErrNotFound))
		}
	}
}

// iterate passes on what a backend's iterator yields, and holds the rules of
// iterators: an error is the last pair, and the caller's context ends it. The
// gate, which is entered when iterate is called, is left while the loop's
// body runs, since the body is no call: it may even Close the store.
func (s *Store) iterate(ctx context.Context, op, id string, seq iter.Seq2[Info, error],
	yield func(Info, error) bool, keep func(*Info) bool,
) {
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
	for info, err := range seq {
		if ended := ctx.Err(); ended != nil {
			end(s.wrap(ctx, op, id, read, ended))
			return
		}
		if err != nil {
			if err = s.lastError(ctx, op, id, err); err != nil {
				end(err)
			}
			return
		}
		if !keep(&info) {
			continue
		}
		leave()
		if !yield(info, nil) {
			return
		}
		if !s.gate.enter() {
			yield(Info{}, s.closed(op, id))
			return
		}
		inside = true
	}
	// A backend whose iterator just stops when the context ends would make a
	// part look like the whole.
	if ended := ctx.Err(); ended != nil {
		end(s.wrap(ctx, op, id, read, ended))
	}
}

// lastError wraps what ends an iterator: a batch of items that could not be
// read, each by its id, or a failure of the whole.
func (s *Store) lastError(ctx context.Context, op, id string, err error) error {
	var failed *BatchError
	if !errors.As(err, &failed) {
		return s.wrap(ctx, op, id, read, err)
	}
	byID := make(map[string]error, len(failed.ByID))
	for item, err := range failed.ByID {
		if err != nil && idFault(item) == "" {
			byID[item] = s.wrap(ctx, op, item, read, err)
		}
	}
	if len(byID) == 0 {
		return nil
	}
	return &BatchError{ByID: byID}
}
