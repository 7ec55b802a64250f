package conformance

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/lukko-dev/lukko/core"
)

// instead replaces an error of one kind.
func instead(err, of, by error) error {
	if errors.Is(err, of) {
		return by
	}
	return err
}

// turns gives the other goroutines their turn, so that the window between
// two steps is wide enough to be met.
func turns() {
	for range 20 {
		runtime.Gosched()
	}
}

var brokenReads = []brokenStore{
	backend("get-says-denied-is-missing", "MUST/Get/denied-is-not-missing", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			return s, instead(err, core.ErrPermissionDenied, core.ErrNotFound)
		}
	}),
	backend("get-says-outage-is-missing", "MUST/Get/outage-is-unavailable", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			return s, instead(err, core.ErrUnavailable, core.ErrNotFound)
		}
	}),
	backend("get-says-missing-is-outage", "MUST/Get/missing-is-not-found", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			return s, instead(err, core.ErrNotFound, errors.New("404"))
		}
	}),
	backend("get-says-bad-credential-is-denied", "MUST/Get/expired-credential-is-unauthenticated", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			return s, instead(err, core.ErrUnauthenticated, core.ErrPermissionDenied)
		}
	}),
	backend("get-says-corrupt-is-outage", "MUST/Get/corrupt-is-corrupt", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			return s, instead(err, core.ErrCorrupt, errors.New("unexpected end of file"))
		}
	}),
	backend("get-reads-its-own-format-only", "MUST/Get/reads-what-others-wrote", func(p *patched) {
		const own = "own:"
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			return p.model.Set(ctx, id, core.String(own+v.Reveal()), o)
		}
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			if err != nil {
				return s, err
			}
			text, ok := strings.CutPrefix(s.Value.Reveal(), own)
			if !ok {
				return core.Secret{}, core.ErrCorrupt
			}
			s.Value = core.String(text)
			return s, nil
		}
	}),
	backend("get-caches-for-ever", "MUST/Get/returns-what-was-stored", func(p *patched) {
		var mu sync.Mutex
		cache := map[string]core.Secret{}
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			mu.Lock()
			s, ok := cache[id+o.Version]
			mu.Unlock()
			if ok {
				return s, nil
			}
			s, err := p.model.Get(ctx, id, o)
			if err == nil {
				mu.Lock()
				cache[id+o.Version] = s
				mu.Unlock()
			}
			return s, err
		}
	}),
	backend("stat-tells-no-version", "MUST/Stat/agrees-with-get", func(p *patched) {
		p.stat = func(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
			info, err := p.model.Stat(ctx, id, o)
			info.Version = ""
			return info, err
		}
	}),
	backend("stat-says-denied-is-missing", "MUST/Stat/denied-is-not-missing", func(p *patched) {
		p.stat = func(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
			info, err := p.model.Stat(ctx, id, o)
			return info, instead(err, core.ErrPermissionDenied, core.ErrNotFound)
		}
	}),
	backend("stat-ignores-the-version", "MUST/AtVersion/returns-that-version", func(p *patched) {
		p.stat = func(ctx context.Context, id string, _ core.GetOptions) (core.Info, error) {
			return p.model.Stat(ctx, id, core.GetOptions{})
		}
	}),
	backend("stat-of-what-is-missing-is-empty", "MUST/Stat/missing-is-not-found", func(p *patched) {
		p.stat = func(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
			info, err := p.model.Stat(ctx, id, o)
			return info, instead(err, core.ErrNotFound, nil)
		}
	}),
}

var brokenBatches = []brokenStore{
	backend("batch-swaps-neighbours", "MUST/GetMany/each-id-its-own-value", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			got, err := p.model.GetMany(ctx, ids, o)
			for i := 0; i+1 < len(ids); i += 2 {
				a, okA := got[ids[i]]
				b, okB := got[ids[i+1]]
				if okA && okB {
					got[ids[i]], got[ids[i+1]] = b, a
				}
			}
			return got, err
		}
	}),
	backend("batch-counts-on-the-order", "MUST/GetMany/missing-is-absent", func(p *patched) {
		// A vendor leaves out what it does not have; its answers are matched
		// to the ids by position.
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			got, err := p.model.GetMany(ctx, ids, o)
			shifted, n := map[string]core.Secret{}, 0
			for _, id := range ids {
				if s, ok := got[id]; ok {
					shifted[ids[n]] = s
					n++
				}
			}
			return shifted, err
		}
	}),
	backend("batch-swallows-denied", "MUST/GetMany/denied-is-not-missing", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			got, err := p.model.GetMany(ctx, ids, o)
			var batch *core.BatchError
			if errors.As(err, &batch) {
				maps.DeleteFunc(batch.ByID, func(_ string, err error) bool { return errors.Is(err, core.ErrPermissionDenied) })
				if len(batch.ByID) == 0 {
					err = nil
				}
			}
			return got, err
		}
	}),
	backend("batch-swallows-damage", "MUST/GetMany/corrupt-hides-no-others", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			got, err := p.model.GetMany(ctx, ids, o)
			var batch *core.BatchError
			if errors.As(err, &batch) {
				maps.DeleteFunc(batch.ByID, func(_ string, err error) bool { return errors.Is(err, core.ErrCorrupt) })
				if len(batch.ByID) == 0 {
					err = nil
				}
			}
			return got, err
		}
	}),
	backend("batch-fails-for-one-denied", "MUST/GetMany/denied-is-not-missing", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			got, err := p.model.GetMany(ctx, ids, o)
			var batch *core.BatchError
			if errors.As(err, &batch) {
				for _, err := range batch.ByID {
					if errors.Is(err, core.ErrPermissionDenied) {
						return nil, core.ErrPermissionDenied
					}
				}
			}
			return got, err
		}
	}),
	backend("batch-swallows-an-outage", "MUST/GetMany/outage-is-unavailable", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			got, err := p.model.GetMany(ctx, ids, o)
			return got, instead(err, core.ErrUnavailable, nil)
		}
	}),
	backend("batch-takes-100-at-most", "MUST/GetMany/of-many", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			return p.model.GetMany(ctx, ids[:min(len(ids), 100)], o)
		}
	}),
	backend("batch-loses-the-last-piece", "MUST/GetMany/of-many", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			const most = 20
			if len(ids) > most {
				ids = ids[:len(ids)/most*most]
			}
			return p.model.GetMany(ctx, ids, o)
		}
	}),
	backend("batch-ignores-the-version", "MUST/GetMany/at-version", func(p *patched) {
		p.getMany = func(ctx context.Context, ids []string, _ core.GetOptions) (map[string]core.Secret, error) {
			return p.model.GetMany(ctx, ids, core.GetOptions{})
		}
	}),
	backend("batch-mixes-concurrent-calls", "MUST/Concurrency/reads-do-not-mix", func(p *patched) {
		var mu sync.Mutex
		var last string
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			mu.Lock()
			last = id
			mu.Unlock()
			turns()
			mu.Lock()
			id = last
			mu.Unlock()
			return p.model.Get(ctx, id, o)
		}
	}),
}

var brokenWrites = []brokenStore{
	backend("set-returns-the-version-before", "MUST/Set/returns-the-info-of-its-version", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			before, ok := p.peek(id)
			info, err := p.model.Set(ctx, id, v, o)
			if err == nil && ok {
				return before.info(id), nil
			}
			return info, err
		}
	}),
	backend("set-says-full-is-unavailable", "MUST/Set/full-is-exhausted", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			return info, instead(err, core.ErrExhausted, core.ErrUnavailable)
		}
	}),
	backend("set-swallows-a-full-disk", "MUST/Set/full-is-exhausted", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			return info, instead(err, core.ErrExhausted, nil)
		}
	}),
	backend("set-says-unavailable-of-what-it-wrote", "MUST/Set/outage-is-told-honestly", func(p *patched) {
		// The answer was lost, and the error of the lost answer is taken for
		// one of the request.
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			if errors.Is(err, core.ErrUnavailable) {
				p.mu.Lock()
				p.apply(id, v.RevealBytes())
				p.mu.Unlock()
			}
			return info, err
		}
	}),
	backend("set-says-denied-is-missing", "MUST/Set/denied-writes-nothing", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			return info, instead(err, core.ErrPermissionDenied, core.ErrNotFound)
		}
	}),
	backend("set-over-damage-is-an-outage", "MUST/Set/over-a-corrupt-secret-heals-it", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			p.mu.Lock()
			damaged := p.corrupted[id]
			p.mu.Unlock()
			if damaged {
				return core.Info{}, core.NotWritten(errors.New("unexpected end of file"))
			}
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("set-writes-in-two-halves", "MUST/Concurrency/reads-and-writes-are-whole", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			before, ok := p.peek(id)
			info, err := p.model.Set(ctx, id, v, o)
			if err != nil || !ok {
				return info, err
			}
			whole, old := v.RevealBytes(), before.value
			half := slices.Concat(whole[:len(whole)/2], old[len(old)/2:])
			p.write(id, info.Version, half)
			turns()
			p.write(id, info.Version, whole)
			return info, nil
		}
	}),
	backend("set-deletes-before-it-writes", "MUST/Concurrency/reads-and-writes-are-whole", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if o == (core.SetOptions{}) && ctx.Err() == nil {
				p.mu.Lock()
				gone := len(p.secrets[id]) > 0 && p.failing == nil && !p.denied[id] && p.holds[id] == nil
				if gone {
					p.deleted[id] = true
				}
				p.mu.Unlock()
				turns()
			}
			info, err := p.model.Set(ctx, id, v, o)
			if errors.Is(err, context.Canceled) {
				err = nil // it finishes what it began
			}
			return info, err
		}
	}),
	backend("set-leaves-the-end-of-the-old", "MUST/Values/one-does-not-touch-the-next", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			// Only where it shows for sure, to keep to one case.
			if before, ok := p.peek(id); ok && len(before.value) > v.Len()+5000 {
				b := slices.Clone(before.value)
				copy(b, v.RevealBytes())
				v = core.Bytes(b)
			}
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("set-keeps-64-KiB-out", "MUST/Values/64-kib", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if v.Len() >= core.MaxValueLen {
				return core.Info{}, core.ErrInvalidValue
			}
			return p.model.Set(ctx, id, v, o)
		}
	}),
}

// write changes a version in place.
func (m *model) write(id, version string, value []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, v := range m.secrets[id] {
		if v.version == version {
			m.secrets[id] = slices.Clone(m.secrets[id])
			m.secrets[id][i].value = value
		}
	}
}

var brokenConditions = []brokenStore{
	backend("if-version-is-claimed-and-ignored", "MUST/IfVersion/another-version-conflicts", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			o.IfVersion = ""
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("if-absent-is-claimed-and-ignored", "MUST/IfAbsent/creates-once", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			o.IfAbsent = false
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("if-version-checks-then-writes", "MUST/IfVersion/one-winner", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if o.IfVersion == "" {
				return p.model.Set(ctx, id, v, o)
			}
			if err := p.checkAlone(ctx, id, o); err != nil {
				return core.Info{}, err
			}
			return p.model.Set(ctx, id, v, core.SetOptions{})
		}
	}),
	backend("if-version-locks-out-its-own-kind-only", "MUST/IfVersion/holds-beside-other-writes", func(p *patched) {
		var mu sync.Mutex
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if o.IfVersion == "" {
				turns() // its window is as wide as the others'
				return p.model.Set(ctx, id, v, o)
			}
			mu.Lock()
			defer mu.Unlock()
			if err := p.checkAlone(ctx, id, o); err != nil {
				return core.Info{}, err
			}
			// The others, who take no lock, have every chance to come in between.
			for range 100 {
				if now, err := p.model.Stat(ctx, id, core.GetOptions{}); err != nil || now.Version != o.IfVersion {
					break
				}
				turns()
			}
			return p.model.Set(ctx, id, v, core.SetOptions{})
		}
	}),
	backend("if-absent-checks-then-writes", "MUST/IfAbsent/one-winner", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if !o.IfAbsent {
				return p.model.Set(ctx, id, v, o)
			}
			if err := p.checkAlone(ctx, id, o); err != nil {
				return core.Info{}, err
			}
			return p.model.Set(ctx, id, v, core.SetOptions{})
		}
	}),
	backend("if-absent-overwrites-after-a-delete", "MUST/IfAbsent/after-a-delete", func(p *patched) {
		// Once deleted, an id counts as absent for ever.
		var mu sync.Mutex
		once := map[string]bool{}
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			mu.Lock()
			once[id] = true
			mu.Unlock()
			return p.model.Delete(ctx, id, o)
		}
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			mu.Lock()
			if o.IfAbsent && once[id] {
				o.IfAbsent = false
			}
			mu.Unlock()
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("if-version-compares-numbers", "MUST/IfVersion/another-version-conflicts", func(p *patched) {
		number := func(s string) int {
			n, _ := strconv.Atoi(strings.ReplaceAll(s, "v", ""))
			return n
		}
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if now, ok := p.peek(id); ok && o.IfVersion != "" && number(o.IfVersion) == number(now.version) {
				o.IfVersion = now.version
			}
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("if-version-creates-what-is-missing", "MUST/IfVersion/of-what-is-missing-conflicts", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			p.mu.Lock()
			if len(p.secrets[id]) == 0 || p.deleted[id] {
				o.IfVersion = ""
			}
			p.mu.Unlock()
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("if-version-of-what-is-missing-is-not-found", "MUST/IfVersion/of-what-is-missing-conflicts", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			if o.IfVersion != "" && errors.Is(err, core.ErrConflict) {
				if _, getErr := p.model.Get(ctx, id, core.GetOptions{}); errors.Is(getErr, core.ErrNotFound) {
					err = core.ErrNotFound
				}
			}
			return info, err
		}
	}),
	backend("if-version-tells-the-winner-that-it-lost", "MUST/IfVersion/writes-over-its-version", func(p *patched) {
		// A retry of the write sees its own version and calls it a mismatch.
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			if err == nil && o.IfVersion != "" {
				return p.model.Set(ctx, id, v, o)
			}
			return info, err
		}
	}),
	{name: "conditions-by-a-lock-of-the-process", aim: "MUST/Store/conditions-hold-across-connections", open: func(m *model) Subject {
		connection := func() *patched {
			p := &patched{model: m}
			var mu sync.Mutex
			p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
				if o == (core.SetOptions{}) {
					return m.Set(ctx, id, v, o)
				}
				mu.Lock()
				defer mu.Unlock()
				if err := m.checkAlone(ctx, id, o); err != nil {
					return core.Info{}, err
				}
				return m.Set(ctx, id, v, core.SetOptions{})
			}
			return p
		}
		return Subject{Backend: connection(), Second: func() (core.SecretService, error) {
			return core.New("model", connection()), nil
		}}
	}},
	backend("claims-if-absent-without-doing-it", "MUST/IfAbsent/creates-once", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if o.IfAbsent {
				return core.Info{}, errors.ErrUnsupported
			}
			return p.model.Set(ctx, id, v, o)
		}
	}),
}

// checkAlone checks a condition in a step of its own, and lets others in
// before the next one.
func (m *model) checkAlone(ctx context.Context, id string, o core.SetOptions) error {
	if err := m.begin(ctx, id, write); err != nil {
		return err
	}
	m.mu.Lock()
	err := m.holdsFor(id, o)
	m.mu.Unlock()
	turns()
	return err
}

var brokenDeletes = []brokenStore{
	backend("delete-is-silent-about-what-is-missing", "MUST/Delete/of-what-is-missing-is-not-found", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			return instead(p.model.Delete(ctx, id, o), core.ErrNotFound, nil)
		}
	}),
	backend("delete-takes-a-prefix", "MUST/Delete/leaves-others-alone", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			err := p.model.Delete(ctx, id, o)
			if err == nil {
				p.mu.Lock()
				for other := range p.secrets {
					if strings.HasPrefix(other, id) {
						p.deleted[other] = true
					}
				}
				p.mu.Unlock()
			}
			return err
		}
	}),
	backend("delete-leaves-it-in-the-list", "MUST/Delete/removes", func(p *patched) {
		var mu sync.Mutex
		gone := map[string]bool{}
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			err := p.model.Delete(ctx, id, o)
			if err == nil {
				mu.Lock()
				gone[id] = true
				mu.Unlock()
			}
			return err
		}
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				seen := map[string]bool{}
				for info, err := range p.model.List(ctx, prefix) {
					seen[info.ID] = true
					if !yield(info, err) || err != nil {
						return
					}
				}
				mu.Lock()
				left := slices.Collect(maps.Keys(gone))
				mu.Unlock()
				for _, id := range left {
					if strings.HasPrefix(id, prefix) && !seen[id] && !yield(core.Info{ID: id}, nil) {
						return
					}
				}
			}
		}
	}),
	backend("delete-leaves-its-versions", "MUST/Delete/removes", func(p *patched) {
		p.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				p.mu.Lock()
				deleted := p.deleted[id]
				all := slices.Clone(p.secrets[id])
				p.mu.Unlock()
				if !deleted {
					p.model.Versions(ctx, id)(yield)
					return
				}
				for _, v := range slices.Backward(all) {
					if !yield(v.info(id), nil) {
						return
					}
				}
			}
		}
	}),
	backend("delete-writes-an-empty-value", "MUST/Delete/removes", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			if o.Purge {
				return p.model.Delete(ctx, id, o)
			}
			if _, err := p.model.Get(ctx, id, core.GetOptions{}); err != nil {
				return err
			}
			_, err := p.model.Set(ctx, id, core.Value{}, core.SetOptions{})
			return err
		}
	}),
	backend("delete-starts-versions-again", "SHOULD/Delete/versions-are-not-reused", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			err := p.model.Delete(ctx, id, o)
			if err == nil {
				p.mu.Lock()
				p.seq = 0
				p.purge(id)
				p.mu.Unlock()
			}
			return err
		}
	}),
	backend("purge-only-deletes", "MUST/Purge/works-on-deleted-ids", func(p *patched) {
		p.del = func(ctx context.Context, id string, _ core.DeleteOptions) error {
			return p.model.Delete(ctx, id, core.DeleteOptions{})
		}
	}),
	backend("purge-leaves-the-history", "MUST/Purge/removes", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			p.mu.Lock()
			all := p.secrets[id]
			p.mu.Unlock()
			err := p.model.Delete(ctx, id, o)
			if err == nil && o.Purge {
				p.mu.Lock()
				p.secrets[id], p.deleted[id] = all, true
				p.mu.Unlock()
			}
			return err
		}
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			if errors.Is(err, core.ErrNotFound) && o.Version != "" {
				p.mu.Lock()
				defer p.mu.Unlock()
				for _, v := range p.secrets[id] {
					if v.version == o.Version {
						return core.Secret{Info: v.info(id), Value: core.Bytes(v.value)}, nil
					}
				}
			}
			return s, err
		}
	}),
	backend("purge-looks-for-what-reads-show", "MUST/Purge/works-on-deleted-ids", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			if _, err := p.model.Stat(ctx, id, core.GetOptions{}); errors.Is(err, core.ErrNotFound) {
				return err
			}
			return p.model.Delete(ctx, id, o)
		}
	}),
	backend("purge-starts-versions-again", "SHOULD/Purge/versions-are-not-reused", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			err := p.model.Delete(ctx, id, o)
			if err == nil && o.Purge {
				p.mu.Lock()
				p.seq = 0
				p.mu.Unlock()
			}
			return err
		}
	}),
	backend("purge-is-silent-about-what-is-missing", "MUST/Purge/of-what-is-missing-is-not-found", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			err := p.model.Delete(ctx, id, o)
			if o.Purge {
				err = instead(err, core.ErrNotFound, nil)
			}
			return err
		}
	}),
	backend("delete-says-denied-is-missing", "MUST/Delete/denied-is-not-missing", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			return instead(p.model.Delete(ctx, id, o), core.ErrPermissionDenied, core.ErrNotFound)
		}
	}),
	backend("delete-says-unavailable-of-what-it-deleted", "MUST/Delete/outage-is-told-honestly", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			err := p.model.Delete(ctx, id, o)
			if errors.Is(err, core.ErrUnavailable) {
				p.mu.Lock()
				p.deleted[id] = true
				p.mu.Unlock()
			}
			return err
		}
	}),
}

// listing replaces the items of a list.
func listing(p *patched, f func(prefix string, infos []core.Info) []core.Info) {
	p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
		return func(yield func(core.Info, error) bool) {
			infos, err := collect(p.model.List(ctx, ""))
			infos = f(prefix, infos)
			for _, info := range infos {
				if !yield(info, nil) {
					return
				}
			}
			if err != nil {
				yield(core.Info{}, err)
			}
		}
	}
}

func under(prefix string, infos []core.Info) []core.Info {
	return slices.DeleteFunc(infos, func(i core.Info) bool { return !strings.HasPrefix(i.ID, prefix) })
}

var brokenLists = []brokenStore{
	backend("list-stops-at-its-page", "MUST/List/pages-past-100", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) []core.Info {
			infos = under(prefix, infos)
			return infos[:min(len(infos), 100)]
		})
	}),
	backend("list-stops-at-1000", "MUST/List/pages-past-1000", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) []core.Info {
			infos = under(prefix, infos)
			return infos[:min(len(infos), 1000)]
		})
	}),
	backend("list-repeats-where-pages-meet", "MUST/List/pages-past-100", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) (twice []core.Info) {
			for i, info := range under(prefix, infos) {
				twice = append(twice, info)
				if i > 0 && i%100 == 0 {
					twice = append(twice, info)
				}
			}
			return twice
		})
	}),
	backend("list-skips-where-pages-meet", "MUST/List/pages-past-100", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) (some []core.Info) {
			for i, info := range under(prefix, infos) {
				if i == 0 || i%100 != 0 {
					some = append(some, info)
				}
			}
			return some
		})
	}),
	backend("list-loses-the-last-page-that-is-not-full", "MUST/List/yields-each-id-once", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) []core.Info {
			infos = under(prefix, infos)
			return infos[:len(infos)/2*2]
		})
	}),
	backend("list-of-nothing-is-not-found", "MUST/List/of-nothing-is-empty", func(p *patched) {
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				none := true
				for info, err := range p.model.List(ctx, prefix) {
					none = false
					if !yield(info, err) {
						return
					}
				}
				if none {
					yield(core.Info{}, core.ErrNotFound)
				}
			}
		}
	}),
	backend("list-fails-before-the-first-write", "MUST/List/of-an-empty-store-is-empty", func(p *patched) {
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				p.mu.Lock()
				empty := p.seq == 0
				p.mu.Unlock()
				if empty {
					yield(core.Info{}, errors.New("no such table"))
					return
				}
				p.model.List(ctx, prefix)(yield)
			}
		}
	}),
	{
		name: "list-yields-a-buffer", aim: "MUST/Aliasing/infos-stay-what-they-were", only: "MUST/Aliasing/",
		open: func(m *model) Subject {
			p := &patched{model: m}
			buffer := make([]byte, core.MaxIDLen)
			p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
				return func(yield func(core.Info, error) bool) {
					for info, err := range m.List(ctx, prefix) {
						n := copy(buffer, info.ID)
						info.ID = alias(buffer[:n]).Reveal()
						if !yield(info, err) {
							return
						}
					}
				}
			}
			return Subject{Backend: p}
		},
	},
	backend("list-fails-beside-writes", "MUST/Concurrency/everything-at-once", func(p *patched) {
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				p.mu.Lock()
				before := p.seq
				p.mu.Unlock()
				infos, err := collect(p.model.List(ctx, prefix))
				changed := false
				for i := 0; i < 100 && !changed; i++ {
					turns()
					p.mu.Lock()
					changed = p.seq != before
					p.mu.Unlock()
				}
				if changed {
					err = core.ErrCorrupt
				}
				for _, info := range infos {
					if !yield(info, nil) {
						return
					}
				}
				if err != nil {
					yield(core.Info{}, err)
				}
			}
		}
	}),
	backend("list-matches-words", "MUST/List/prefix-is-bytes", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) []core.Info {
			return slices.DeleteFunc(infos, func(i core.Info) bool {
				rest, ok := strings.CutPrefix(i.ID, prefix)
				return !ok || rest != "" && prefix != "" && !strings.HasSuffix(prefix, "_") && rest[0] != '_'
			})
		})
	}),
	backend("list-matches-folders", "MUST/List/prefix-is-bytes", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) []core.Info {
			return slices.DeleteFunc(infos, func(i core.Info) bool {
				return prefix != "" && i.ID != prefix && !strings.HasPrefix(i.ID, strings.TrimSuffix(prefix, "/")+"/")
			})
		})
	}),
	backend("list-matches-patterns", "MUST/List/prefix-holds-special-bytes", func(p *patched) {
		listing(p, func(prefix string, infos []core.Info) []core.Info {
			re, err := regexp.Compile("^" + prefix)
			return slices.DeleteFunc(infos, func(i core.Info) bool { return err != nil || !re.MatchString(i.ID) })
		})
	}),
	backend("list-stops-at-what-it-cannot-read", "MUST/List/what-is-unreadable-hides-nothing", func(p *patched) {
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				infos, err := collect(p.model.List(ctx, prefix))
				var batch *core.BatchError
				if errors.As(err, &batch) {
					err = core.ErrCorrupt
					infos = infos[:1]
				}
				for _, info := range infos {
					if !yield(info, nil) {
						return
					}
				}
				if err != nil {
					yield(core.Info{}, err)
				}
			}
		}
	}),
	backend("list-leaves-out-what-it-cannot-read", "MUST/List/what-is-unreadable-hides-nothing", func(p *patched) {
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range p.model.List(ctx, prefix) {
					var batch *core.BatchError
					if errors.As(err, &batch) || !yield(info, err) {
						return
					}
				}
			}
		}
	}),
	backend("list-is-empty-in-an-outage", "MUST/List/an-outage-is-an-error", func(p *patched) {
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range p.model.List(ctx, prefix) {
					if errors.Is(err, core.ErrUnavailable) || !yield(info, err) {
						return
					}
				}
			}
		}
	}),
	backend("list-is-short-when-a-page-fails", "MUST/List/an-outage-on-the-way-is-an-error", func(p *patched) {
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				seen := 0
				for info, err := range p.model.List(ctx, prefix) {
					if seen++; seen > 1 && errors.Is(err, core.ErrUnavailable) || !yield(info, err) {
						return
					}
				}
			}
		}
	}),
	backend("list-holds-its-lock", "MUST/List/calls-in-the-loop", func(p *patched) {
		var mu sync.RWMutex
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				mu.RLock()
				defer mu.RUnlock()
				p.model.List(ctx, prefix)(yield)
			}
		}
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			for !mu.TryLock() { // so that this test's goroutines end
				if err := ctx.Err(); err != nil {
					return core.Info{}, core.NotWritten(err)
				}
				runtime.Gosched()
			}
			defer mu.Unlock()
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("list-keeps-its-cursor-when-left", "MUST/List/may-be-left", func(p *patched) {
		// One cursor for the whole connection, put back only at the end.
		var mu sync.Mutex
		at := ""
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				mu.Lock()
				from := at
				mu.Unlock()
				for info, err := range p.model.List(ctx, prefix) {
					if err == nil && info.ID <= from {
						continue
					}
					mu.Lock()
					at = info.ID
					mu.Unlock()
					if !yield(info, err) {
						return
					}
				}
				mu.Lock()
				at = ""
				mu.Unlock()
			}
		}
	}),
}

var brokenVersions = []brokenStore{
	backend("versions-sorted-as-text", "MUST/Versions/newest-first", func(p *patched) {
		p.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return reordered(p.model.Versions(ctx, id), func(infos []core.Info) {
				slices.SortFunc(infos, func(a, b core.Info) int { return cmp.Compare(b.Version, a.Version) })
			})
		}
	}),
	backend("versions-oldest-first", "MUST/Versions/the-current-one-is-first", func(p *patched) {
		p.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return reordered(p.model.Versions(ctx, id), slices.Reverse)
		}
	}),
	backend("version-is-a-time-in-seconds", "MUST/Versions/name-one-value-each", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			if err == nil {
				now := strconv.FormatInt(time.Now().Unix(), 10)
				p.rename(id, info.Version, now)
				info.Version = now
			}
			return info, err
		}
	}),
	backend("version-is-a-hash-of-the-value", "MUST/Versions/tell-nothing-of-the-value", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			if err == nil {
				name := sha256Hex(v.Reveal())[:16]
				p.rename(id, info.Version, name)
				info.Version = name
			}
			return info, err
		}
	}),
	backend("version-is-named-in-another-step", "MUST/Versions/are-distinct-under-concurrency", func(p *patched) {
		var mu sync.Mutex
		n := 0
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			mu.Lock()
			next := n + 1
			mu.Unlock()
			turns()
			info, err := p.model.Set(ctx, id, v, o)
			if err == nil {
				name := "n" + strconv.Itoa(next)
				p.rename(id, info.Version, name)
				info.Version = name
			}
			mu.Lock()
			n = max(n, next)
			mu.Unlock()
			return info, err
		}
	}),
	backend("version-that-is-unknown-is-the-current-one", "MUST/AtVersion/an-unknown-version-is-not-found", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			if errors.Is(err, core.ErrNotFound) {
				return p.model.Get(ctx, id, core.GetOptions{})
			}
			return s, err
		}
	}),
	backend("at-version-is-claimed-and-ignored", "MUST/AtVersion/returns-that-version", func(p *patched) {
		p.get = func(ctx context.Context, id string, _ core.GetOptions) (core.Secret, error) {
			return p.model.Get(ctx, id, core.GetOptions{})
		}
	}),
	backend("at-version-looks-in-all-ids", "MUST/AtVersion/of-another-id-is-not-its-value", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			if o.Version != "" && ctx.Err() == nil {
				p.mu.Lock()
				defer p.mu.Unlock()
				for other, all := range p.secrets {
					for _, v := range all {
						if v.version == o.Version && !p.deleted[other] {
							return core.Secret{Info: v.info(id), Value: core.Bytes(v.value)}, nil
						}
					}
				}
				return core.Secret{}, core.ErrNotFound
			}
			return p.model.Get(ctx, id, o)
		}
	}),
	backend("at-version-keeps-the-current-one-only", "SHOULD/AtVersion/the-previous-one-is-kept", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, core.GetOptions{})
			if err == nil && o.Version != "" && o.Version != s.Version {
				return core.Secret{}, core.ErrNotFound
			}
			return s, err
		}
		p.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return reordered(p.model.Versions(ctx, id), nil)
		}
	}),
	backend("versions-lists-what-cannot-be-read", "MUST/Versions/can-be-read", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, core.GetOptions{})
			if err == nil && o.Version != "" && o.Version != s.Version {
				return core.Secret{}, core.ErrNotFound
			}
			return s, err
		}
	}),
	backend("versions-are-empty-in-an-outage", "MUST/Versions/an-outage-is-an-error", func(p *patched) {
		p.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range p.model.Versions(ctx, id) {
					if errors.Is(err, core.ErrUnavailable) || !yield(info, err) {
						return
					}
				}
			}
		}
	}),
	backend("versions-says-denied-is-missing", "MUST/Versions/denied-is-not-missing", func(p *patched) {
		p.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range p.model.Versions(ctx, id) {
					if !yield(info, instead(err, core.ErrPermissionDenied, core.ErrNotFound)) {
						return
					}
				}
			}
		}
	}),
	backend("capabilities-change", "MUST/Capabilities/are-consistent", func(p *patched) {
		var mu sync.Mutex
		n := 0
		p.caps = func(context.Context) (core.Capabilities, error) {
			mu.Lock()
			defer mu.Unlock()
			n++
			c := everything
			c.Settle = time.Duration(n % 2) // of no effect else
			return c, nil
		}
	}),
}

// reordered is an iterator's items in another order; nil keeps the first
// only.
func reordered(seq iter.Seq2[core.Info, error], f func([]core.Info)) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		infos, err := collect(seq)
		if f != nil {
			f(infos)
		} else {
			infos = infos[:min(len(infos), 1)]
		}
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(core.Info{}, err)
		}
	}
}

// rename gives a version another name.
func (m *model) rename(id, version, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, v := range m.secrets[id] {
		if v.version == version {
			m.secrets[id] = slices.Clone(m.secrets[id])
			m.secrets[id][i].version = name
		}
	}
}

// alias makes a Value that shares the bytes of b, as careless code does.
func alias(b []byte) core.Value { return core.String(unsafe.String(unsafe.SliceData(b), len(b))) }
