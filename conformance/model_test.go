package conformance

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// disk is what the connections of a model share, and what the hooks act on.
type disk struct {
	mu        sync.Mutex
	secrets   map[string][]stored // versions, oldest first
	deleted   map[string]bool
	seq       int
	denied    map[string]bool
	corrupted map[string]bool
	failing   error
	holds     map[string]*held
}

type stored struct {
	version string
	created time.Time
	value   []byte
}

type held struct {
	reached, release chan struct{}
	once             sync.Once
}

func newDisk() *disk {
	return &disk{
		secrets: map[string][]stored{}, deleted: map[string]bool{}, denied: map[string]bool{},
		corrupted: map[string]bool{}, holds: map[string]*held{},
	}
}

// model is a right backend that can do everything. The broken ones are made
// of it.
type model struct {
	*disk
	claims core.Capabilities
}

var everything = core.Capabilities{
	Set: true, Delete: true, Purge: true, List: true, Versions: true, AtVersion: true, IfAbsent: true, IfVersion: true,
}

func newModel() *model { return &model{disk: newDisk(), claims: everything} }

// begin is where a call arrives.
func (m *model) begin(ctx context.Context, id string, effect bool) error {
	if err := ctx.Err(); err != nil {
		return core.NotWritten(err)
	}
	m.mu.Lock()
	h := m.holds[id]
	delete(m.holds, id)
	failing, denied := m.failing, m.denied[id]
	m.mu.Unlock()
	if h != nil {
		close(h.reached)
		select {
		case <-h.release:
		case <-ctx.Done():
			return core.NotWritten(ctx.Err())
		}
	}
	switch {
	case errors.Is(failing, core.ErrExhausted) && effect == read:
	case failing != nil:
		return failing
	}
	if denied {
		return core.ErrPermissionDenied
	}
	return nil
}

// find returns a version of id, the current one if version is empty. The
// lock is held.
func (m *model) find(id, version string) (stored, error) {
	all := m.secrets[id]
	if len(all) == 0 || m.deleted[id] {
		return stored{}, core.ErrNotFound
	}
	if version == "" {
		return all[len(all)-1], nil
	}
	for _, v := range all {
		if v.version == version {
			return v, nil
		}
	}
	return stored{}, core.ErrNotFound
}

// peek is what is there, whatever the hooks say.
func (m *model) peek(id string) (stored, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, err := m.find(id, "")
	return v, err == nil
}

func (v stored) info(id string) core.Info {
	return core.Info{ID: id, Version: v.version, Created: v.created, Source: "model"}
}

func (m *model) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	if err := m.begin(ctx, id, read); err != nil {
		return core.Secret{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.corrupted[id] {
		return core.Secret{}, core.ErrCorrupt
	}
	v, err := m.find(id, o.Version)
	if err != nil {
		return core.Secret{}, err
	}
	return core.Secret{Info: v.info(id), Value: core.Bytes(v.value)}, nil
}

func (m *model) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	if err := m.begin(ctx, "", read); err != nil {
		return nil, err
	}
	got, failed := map[string]core.Secret{}, map[string]error{}
	for _, id := range ids {
		secret, err := m.Get(ctx, id, o)
		switch {
		case err == nil:
			got[id] = secret
		case !errors.Is(err, core.ErrNotFound):
			failed[id] = err
		}
	}
	if len(failed) > 0 {
		return got, &core.BatchError{ByID: failed}
	}
	return got, nil
}

func (m *model) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	secret, err := m.Get(ctx, id, o)
	return secret.Info, err
}

func (m *model) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	if err := m.begin(ctx, id, write); err != nil {
		return core.Info{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.holdsFor(id, o); err != nil {
		return core.Info{}, err
	}
	v := m.apply(id, value.RevealBytes())
	if err := ctx.Err(); err != nil {
		return core.Info{}, err // the answer is lost
	}
	return v.info(id), nil
}

// holdsFor checks a write's condition. The lock is held.
func (m *model) holdsFor(id string, o core.SetOptions) error {
	current, err := m.find(id, "")
	switch {
	case o.IfAbsent && err == nil:
		return core.ErrConflict
	case o.IfVersion != "" && (err != nil || current.version != o.IfVersion):
		return core.ErrConflict
	}
	return nil
}

// apply stores a version. The lock is held.
func (m *model) apply(id string, value []byte) stored {
	m.seq++
	v := stored{version: "v" + strconv.Itoa(m.seq), created: time.Now(), value: value}
	m.secrets[id] = append(m.secrets[id], v)
	delete(m.deleted, id)
	delete(m.corrupted, id)
	return v
}

func (m *model) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	if err := m.begin(ctx, id, write); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.secrets[id]) == 0 || m.deleted[id] && !o.Purge {
		return core.ErrNotFound
	}
	m.deleted[id] = true
	if o.Purge {
		m.purge(id)
	}
	return ctx.Err()
}

func (m *model) purge(id string) {
	delete(m.secrets, id)
	delete(m.deleted, id)
	delete(m.corrupted, id)
}

// page is how many items the listing takes at a time.
const page = 50

// after returns the ids of the next page. The lock is not held.
func (m *model) after(last, prefix string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(m.secrets)), func(id string) bool {
		return m.deleted[id] || id <= last || !strings.HasPrefix(id, prefix)
	})
	return ids[:min(len(ids), page)]
}

func (m *model) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		failed := map[string]error{}
		for last := ""; ; {
			if err := m.begin(ctx, "", read); err != nil {
				yield(core.Info{}, err)
				return
			}
			ids := m.after(last, prefix)
			for _, id := range ids {
				m.mu.Lock()
				v, err := m.find(id, "")
				if m.corrupted[id] {
					err = core.ErrCorrupt
				}
				m.mu.Unlock()
				switch {
				case errors.Is(err, core.ErrNotFound):
				case err != nil:
					failed[id] = err
				case !yield(v.info(id), nil):
					return
				}
			}
			if len(ids) < page {
				break
			}
			last = ids[len(ids)-1]
		}
		if len(failed) > 0 {
			yield(core.Info{}, &core.BatchError{ByID: failed})
		}
	}
}

func (m *model) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		if err := m.begin(ctx, id, read); err != nil {
			yield(core.Info{}, err)
			return
		}
		m.mu.Lock()
		all := slices.Clone(m.secrets[id])
		if m.deleted[id] {
			all = nil
		}
		m.mu.Unlock()
		for _, v := range slices.Backward(all) {
			if !yield(v.info(id), nil) {
				return
			}
		}
	}
}

func (m *model) Capabilities(context.Context) (core.Capabilities, error) { return m.claims, nil }

// hooks offers everything that can be done to a model.
func (m *model) hooks() Subject {
	d := m.disk
	return Subject{
		Seed: func(id string, value core.Value) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			m.apply(id, value.RevealBytes())
			return nil
		},
		Deny:    func(id string) error { return d.mark(d.denied, id) },
		Corrupt: func(id string) error { return d.mark(d.corrupted, id) },
		Fail: func(kind error) func() {
			d.fail(kind)
			return func() { d.fail(nil) }
		},
		Hold: func(id string) (<-chan struct{}, func()) {
			h := &held{reached: make(chan struct{}), release: make(chan struct{})}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.holds[id] = h
			return h.reached, func() { h.once.Do(func() { close(h.release) }) }
		},
	}
}

func (d *disk) mark(set map[string]bool, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	set[id] = true
	return nil
}

func (d *disk) fail(kind error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = kind
}

// patched is a model with some of its methods replaced. Each gets the model's
// own.
type patched struct {
	*model
	get      func(context.Context, string, core.GetOptions) (core.Secret, error)
	getMany  func(context.Context, []string, core.GetOptions) (map[string]core.Secret, error)
	stat     func(context.Context, string, core.GetOptions) (core.Info, error)
	set      func(context.Context, string, core.Value, core.SetOptions) (core.Info, error)
	del      func(context.Context, string, core.DeleteOptions) error
	list     func(context.Context, string) iter.Seq2[core.Info, error]
	versions func(context.Context, string) iter.Seq2[core.Info, error]
	caps     func(context.Context) (core.Capabilities, error)
	close    func() error
}

func (p *patched) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	if p.get != nil {
		return p.get(ctx, id, o)
	}
	return p.model.Get(ctx, id, o)
}

// GetMany of a patched Get is made of that.
func (p *patched) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	if p.getMany != nil {
		return p.getMany(ctx, ids, o)
	}
	if p.get == nil {
		return p.model.GetMany(ctx, ids, o)
	}
	if err := p.begin(ctx, "", read); err != nil {
		return nil, err
	}
	got, failed := map[string]core.Secret{}, map[string]error{}
	for _, id := range ids {
		if secret, err := p.get(ctx, id, o); err == nil {
			got[id] = secret
		} else {
			failed[id] = err
		}
	}
	return got, &core.BatchError{ByID: failed}
}

func (p *patched) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	switch {
	case p.stat != nil:
		return p.stat(ctx, id, o)
	case p.get != nil:
		secret, err := p.get(ctx, id, o)
		return secret.Info, err
	}
	return p.model.Stat(ctx, id, o)
}

func (p *patched) Set(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
	if p.set != nil {
		return p.set(ctx, id, v, o)
	}
	return p.model.Set(ctx, id, v, o)
}

func (p *patched) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	if p.del != nil {
		return p.del(ctx, id, o)
	}
	return p.model.Delete(ctx, id, o)
}

func (p *patched) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	if p.list != nil {
		return p.list(ctx, prefix)
	}
	return p.model.List(ctx, prefix)
}

func (p *patched) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	if p.versions != nil {
		return p.versions(ctx, id)
	}
	return p.model.Versions(ctx, id)
}

func (p *patched) Capabilities(ctx context.Context) (core.Capabilities, error) {
	if p.caps != nil {
		return p.caps(ctx)
	}
	return p.model.Capabilities(ctx)
}

func (p *patched) Close() error {
	if p.close != nil {
		return p.close()
	}
	return nil
}

// service is a SecretService that somebody wrote without core.New: it passes
// everything on by hand, but for what is replaced.
type service struct {
	next     *core.Store
	get      func(context.Context, string, ...core.GetOption) (core.Secret, error)
	getMany  func(context.Context, []string, ...core.GetOption) (map[string]core.Secret, error)
	stat     func(context.Context, string, ...core.GetOption) (core.Info, error)
	set      func(context.Context, string, core.Value, ...core.SetOption) (core.Info, error)
	del      func(context.Context, string, ...core.DeleteOption) error
	list     func(context.Context, string) iter.Seq2[core.Info, error]
	versions func(context.Context, string) iter.Seq2[core.Info, error]
	caps     func(context.Context) (core.Capabilities, error)
	close    func() error
}

func (s *service) Get(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
	if s.get != nil {
		return s.get(ctx, id, opts...)
	}
	return s.next.Get(ctx, id, opts...)
}

func (s *service) GetMany(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
	if s.getMany != nil {
		return s.getMany(ctx, ids, opts...)
	}
	return s.next.GetMany(ctx, ids, opts...)
}

func (s *service) Stat(ctx context.Context, id string, opts ...core.GetOption) (core.Info, error) {
	if s.stat != nil {
		return s.stat(ctx, id, opts...)
	}
	return s.next.Stat(ctx, id, opts...)
}

func (s *service) Set(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
	if s.set != nil {
		return s.set(ctx, id, v, opts...)
	}
	return s.next.Set(ctx, id, v, opts...)
}

func (s *service) Delete(ctx context.Context, id string, opts ...core.DeleteOption) error {
	if s.del != nil {
		return s.del(ctx, id, opts...)
	}
	return s.next.Delete(ctx, id, opts...)
}

func (s *service) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	if s.list != nil {
		return s.list(ctx, prefix)
	}
	return s.next.List(ctx, prefix)
}

func (s *service) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	if s.versions != nil {
		return s.versions(ctx, id)
	}
	return s.next.Versions(ctx, id)
}

func (s *service) Capabilities(ctx context.Context) (core.Capabilities, error) {
	if s.caps != nil {
		return s.caps(ctx)
	}
	return s.next.Capabilities(ctx)
}

func (s *service) Close() error {
	if s.close != nil {
		return s.close()
	}
	return s.next.Close()
}

// whole is a right service written without core.New.
func whole(m *model) *service { return &service{next: core.New("model", m)} }

// onlyGet is the smallest backend; it has nothing.
type onlyGet struct{}

func (onlyGet) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, core.ErrNotFound
}
