package core

import (
	"context"
	"slices"
	"strconv"
)

// BatchConcurrency is how many single reads a GetMany runs at a time over a
// backend that is no [BatchGetter].
const BatchConcurrency = 16

// GetMany implements [SecretService].
func (s *Store) GetMany(ctx context.Context, ids []string, opts ...GetOption) (map[string]Secret, error) {
	const op = "get many"
	for i, id := range ids {
		if hint := idFault(id); hint != "" {
			return nil, s.invalidID(op, "at index "+strconv.Itoa(i)+": "+hint)
		}
	}
	if err := s.admit(ctx, op, ""); err != nil {
		return nil, err
	}
	defer s.gate.leave()
	o, err := s.readOptions(ctx, op, "", opts)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return map[string]Secret{}, nil
	}
	ids = distinct(ids)
	var got map[string]Secret
	if s.batch != nil {
		got, err = s.batch.GetMany(ctx, slices.Clone(ids), o)
	} else {
		got, err = GetEach(ctx, ids, BatchConcurrency, func(ctx context.Context, id string) (Secret, error) {
			return s.backend.Get(ctx, id, o)
		})
	}
	failed, partly := asBatch(err)
	if err != nil && !partly {
		return nil, s.wrap(ctx, op, "", read, err)
	}
	found, failures := s.sortOut(ctx, ids, got, failed)
	// A backend that just stops when the context ends would make the ids that
	// it did not come to look like ones that are not there.
	if ended := ctx.Err(); ended != nil && len(found)+len(failures) < len(ids) {
		return nil, s.wrap(ctx, op, "", read, ended)
	}
	if len(failures) > 0 {
		return found, &BatchError{ByID: failures}
	}
	return found, nil
}

// distinct returns each id once, in the order of the first ones.
func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	once := make([]string, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			once = append(once, id)
		}
	}
	return once
}

// sortOut puts each id that was asked for into exactly one place, and drops
// what a backend answered unasked. failed may be nil.
func (s *Store) sortOut(ctx context.Context, ids []string, got map[string]Secret, failed *BatchError) (found map[string]Secret, errs map[string]error) {
	found = make(map[string]Secret, len(got))
	errs = map[string]error{}
	for _, id := range ids {
		secret, ok := got[id]
		var err error
		if failed != nil {
			err = failed.ByID[id]
		}
		if err == nil && ok {
			err = readFault(secret.Value)
		}
		switch {
		case err != nil && isNotFound(err):
		case err != nil:
			errs[id] = s.wrap(ctx, "get", id, read, err)
		case ok:
			s.complete(&secret.Info, id)
			found[id] = secret
		}
	}
	return found, errs
}
