package memory

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// backend is the Backend under the front.
type backend struct {
	clock   func() time.Time
	history int
	onCall  func(Call)
	faults  faults

	mu       sync.RWMutex // guards what follows; never held while anything else is called
	sequence uint64       // the last version that was made
	secrets  map[string]*secret
}

// secret is all that is kept of one id. Entries stay while there is a current
// or an earlier version, so a deleted id can be recovered.
type secret struct {
	current *version   // nil where the id has no value
	earlier []*version // the newest last
}

type version struct {
	info    core.Info
	value   core.Value
	corrupt bool
}

var (
	_ core.Backend     = (*backend)(nil)
	_ core.BatchGetter = (*backend)(nil)
	_ core.Statter     = (*backend)(nil)
	_ core.Setter      = (*backend)(nil)
	_ core.Deleter     = (*backend)(nil)
	_ core.Lister      = (*backend)(nil)
	_ core.Versioner   = (*backend)(nil)
	_ core.Capable     = (*backend)(nil)
)

// Capabilities claims everything.
func (b *backend) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{
		Set: true, Delete: true, Purge: true, List: true, Versions: true,
		AtVersion: true, IfAbsent: true, IfVersion: true,
	}, nil
}

func (b *backend) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	b.called("get", id)
	if err := b.faults.before(ctx, "get", id); err != nil {
		return core.Secret{}, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.read(id, o.Version)
}

func (b *backend) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	if b.onCall != nil {
		b.onCall(Call{Op: "get many", IDs: slices.Clone(ids)})
	}
	if err := b.faults.before(ctx, "get", ""); err != nil {
		return nil, err
	}
	failed := map[string]error{}
	for _, id := range ids {
		if err := b.faults.beforeItem(ctx, "get", id); err != nil {
			failed[id] = err
		}
	}
	got := make(map[string]core.Secret, len(ids))
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, id := range ids {
		if failed[id] != nil {
			continue
		}
		s, err := b.read(id, o.Version)
		switch {
		case err == nil:
			got[id] = s
		case core.KindOf(err) != core.ErrNotFound: //nolint:errorlint // a kind is a sentinel itself
			failed[id] = err
		}
	}
	if len(failed) > 0 {
		return got, &core.BatchError{ByID: failed}
	}
	return got, nil
}

func (b *backend) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	b.called("stat", id)
	if err := b.faults.before(ctx, "stat", id); err != nil {
		return core.Info{}, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	v := b.find(id, o.Version)
	if v == nil {
		return core.Info{}, core.ErrNotFound
	}
	return v.info, nil
}

func (b *backend) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	b.called("set", id)
	var info core.Info
	err := b.faults.write(ctx, "set", id, func() (err error) {
		info, err = b.set(id, value, o)
		return err
	})
	return info, err
}

func (b *backend) set(id string, value core.Value, o core.SetOptions) (core.Info, error) {
	created := b.clock().UTC().Round(0) // without the monotonic reading, which no other store can keep

	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.secrets[id]
	var current *version
	if s != nil {
		current = s.current
	}
	switch {
	case o.IfAbsent && current != nil:
		return core.Info{}, &core.Error{Kind: core.ErrConflict, Hint: "the id has a value already"}
	case o.IfVersion != "" && current == nil:
		return core.Info{}, &core.Error{Kind: core.ErrConflict, Hint: "the id has no value any more"}
	case o.IfVersion != "" && o.IfVersion != current.info.Version:
		return core.Info{}, &core.Error{Kind: core.ErrConflict, Hint: "another version is current; read it and decide again"}
	}
	if s == nil {
		s = &secret{}
		b.secrets[id] = s
	}
	b.retire(s)
	b.sequence++
	s.current = &version{
		info:  core.Info{ID: id, Version: strconv.FormatUint(b.sequence, 10), Created: created},
		value: value,
	}
	return s.current.info, nil
}

func (b *backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	b.called("delete", id)
	return b.faults.write(ctx, "delete", id, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		s := b.secrets[id]
		if s == nil || s.current == nil && !o.Purge {
			return core.ErrNotFound
		}
		b.retire(s)
		if o.Purge || len(s.earlier) == 0 {
			delete(b.secrets, id)
		}
		return nil
	})
}

// List yields in the order of the ids what there was when the range began.
func (b *backend) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		if b.onCall != nil {
			b.onCall(Call{Op: "list"})
		}
		if err := b.faults.before(ctx, "list", ""); err != nil {
			yield(core.Info{}, err)
			return
		}
		failed := map[string]error{}
		for _, info := range b.snapshot(prefix) {
			if err := b.faults.beforeItem(ctx, "list", info.ID); err != nil {
				failed[info.ID] = err
				continue
			}
			if !yield(info, nil) {
				return
			}
		}
		if len(failed) > 0 {
			yield(core.Info{}, &core.BatchError{ByID: failed})
		}
	}
}

func (b *backend) snapshot(prefix string) []core.Info {
	b.mu.RLock()
	defer b.mu.RUnlock()
	infos := make([]core.Info, 0, len(b.secrets))
	for id, s := range b.secrets {
		if s.current != nil && strings.HasPrefix(id, prefix) {
			infos = append(infos, s.current.info)
		}
	}
	slices.SortFunc(infos, func(a, b core.Info) int { return strings.Compare(a.ID, b.ID) })
	return infos
}

func (b *backend) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		b.called("versions", id)
		if err := b.faults.before(ctx, "versions", id); err != nil {
			yield(core.Info{}, err)
			return
		}
		for _, info := range b.versionsOf(id) {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// versionsOf is empty for an id without a value, which the front answers with
// ErrNotFound.
func (b *backend) versionsOf(id string) (infos []core.Info) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.secrets[id]
	if s == nil || s.current == nil {
		return nil
	}
	infos = append(infos, s.current.info)
	for _, v := range slices.Backward(s.earlier) {
		infos = append(infos, v.info)
	}
	return infos
}

// Seed stores a value behind the front, as somebody's other tool would: no
// fault hits it, OnCall does not hear of it, and nothing checks it, so the
// value may be empty or too large. It returns the Info of the version.
func (s *Store) Seed(id string, value core.Value) core.Info {
	info, _ := s.backend.set(id, value, core.SetOptions{}) // fails on a condition only
	info.Source = provider
	return info
}

// Corrupt makes what is stored under an id unreadable, as a disk or a hand
// that edits does: reading the value is ErrCorrupt until it is written again.
// It reports whether the id had a value.
func (s *Store) Corrupt(id string) bool {
	b := s.backend
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.secrets[id]
	if kept == nil || kept.current == nil {
		return false
	}
	kept.current.corrupt = true
	return true
}

// called tells the observer. A slice is made only if there is one.
func (b *backend) called(op, id string) {
	if b.onCall != nil {
		b.onCall(Call{Op: op, IDs: []string{id}})
	}
}

// find returns the current version, or the one that is named; nil if there is
// none. The lock is held.
func (b *backend) find(id, named string) *version {
	s := b.secrets[id]
	if s == nil {
		return nil
	}
	if named == "" || s.current != nil && s.current.info.Version == named {
		return s.current
	}
	for _, v := range s.earlier {
		if v.info.Version == named {
			return v
		}
	}
	return nil
}

func (b *backend) read(id, named string) (core.Secret, error) {
	v := b.find(id, named)
	switch {
	case v == nil:
		return core.Secret{}, core.ErrNotFound
	case v.corrupt:
		return core.Secret{}, core.ErrCorrupt
	}
	return core.Secret{Info: v.info, Value: v.value}, nil
}

// retire makes the current version an earlier one, and drops those that the
// history has no room for. The lock is held.
func (b *backend) retire(s *secret) {
	if s.current == nil {
		return
	}
	s.earlier = append(s.earlier, s.current)
	s.current = nil
	if over := len(s.earlier) - b.history; over > 0 {
		s.earlier = slices.Delete(s.earlier, 0, over)
	}
}
