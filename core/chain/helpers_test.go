package chain_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

// record keeps what was seen, from many goroutines.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (l *record) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// take returns what was seen since the last time.
func (l *record) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

// store is a memory store that keeps a log of its calls.
func store(calls *record, name string, secrets map[string]string) *memory.Store {
	s := memory.New(memory.Config{OnCall: func(c memory.Call) { calls.add("%s %s %v", name, c.Op, c.IDs) }})
	for _, id := range slices.Sorted(keys(secrets)) {
		if _, err := s.Set(context.Background(), id, core.String(secrets[id])); err != nil {
			panic(err)
		}
	}
	calls.take()
	return s
}

func keys(m map[string]string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// readOnly is a Backend with Get alone, as env is: no list, no versions.
type readOnly map[string]string

func (r readOnly) Get(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	if v, ok := r[id]; ok {
		return core.Secret{Value: core.String(v)}, nil
	}
	return core.Secret{}, core.ErrNotFound
}

func env(secrets map[string]string) *core.Store { return core.New("env", readOnly(secrets)) }

// secretService lets a fake embed a service without a promoted method being
// the field's name.
type secretService = core.SecretService

// without is a service that lacks some of its capabilities.
type without struct {
	secretService
	lacks func(*core.Capabilities)
}

func (w without) Capabilities(ctx context.Context) (core.Capabilities, error) {
	c, err := w.secretService.Capabilities(ctx)
	w.lacks(&c)
	return c, err
}

func noSet(c *core.Capabilities) { c.Set = false }

// reading is a service that can't be written to.
func reading(svc core.SecretService) core.SecretService { return without{svc, noSet} }

func layer(name string, svc core.SecretService) chain.Layer {
	return chain.Layer{Name: name, Service: svc}
}

func build(t *testing.T, c chain.Config) *chain.Chain {
	t.Helper()
	built, err := chain.New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() { _ = built.Close() })
	return built
}

// events is a hook that keeps a line for each event.
func events(l *record) func(chain.Event) {
	return func(e chain.Event) {
		kind := core.KindOf(e.Err)
		if kind == nil {
			l.add("%s: %s %s in %s", e.Reason, e.Op, e.ID, e.Layer)
			return
		}
		l.add("%s: %s %s in %s: %v", e.Reason, e.Op, e.ID, e.Layer, kind)
	}
}

func set(t *testing.T, svc core.SecretService, id, value string, opts ...core.SetOption) core.Info {
	t.Helper()
	info, err := svc.Set(t.Context(), id, core.String(value), opts...)
	if err != nil {
		t.Fatalf("Set %s: %v", id, err)
	}
	return info
}

// reads fails the test unless id reads as value from the layer; an empty
// value stands for not found.
func reads(t *testing.T, svc core.SecretService, id, value, from string, opts ...core.GetOption) {
	t.Helper()
	secret, err := svc.Get(t.Context(), id, opts...)
	switch {
	case value == "":
		if !errors.Is(err, core.ErrNotFound) {
			t.Errorf("Get %s: %v, want not found", id, err)
		}
	case err != nil:
		t.Errorf("Get %s: %v", id, err)
	case secret.Value.Reveal() != value || secret.Source != from:
		t.Errorf("Get %s: %q from %q, want %q from %q", id, secret.Value.Reveal(), secret.Source, value, from)
	}
}

func collect(t *testing.T, seq iter.Seq2[core.Info, error]) (infos []core.Info, last error) {
	t.Helper()
	for info, err := range seq {
		if last != nil {
			t.Error("something was yielded after an error")
		}
		if err != nil {
			last = err
			continue
		}
		infos = append(infos, info)
	}
	return infos, last
}

// sources is a line for each Info: its id and the layer that it is from.
func sources(infos []core.Info) (lines []string) {
	for _, info := range infos {
		lines = append(lines, info.ID+" "+info.Source)
	}
	slices.Sort(lines)
	return lines
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// readOps are the reads of one id, each with its error for that id.
var readOps = []struct {
	name string
	call func(context.Context, core.SecretService, string) (source string, err error)
}{
	{"get", func(ctx context.Context, s core.SecretService, id string) (string, error) {
		secret, err := s.Get(ctx, id)
		return secret.Source, err
	}},
	{"stat", func(ctx context.Context, s core.SecretService, id string) (string, error) {
		info, err := s.Stat(ctx, id)
		return info.Source, err
	}},
	{"get many", func(ctx context.Context, s core.SecretService, id string) (string, error) {
		got, err := s.GetMany(ctx, []string{id})
		var batch *core.BatchError
		if errors.As(err, &batch) {
			err = batch.ByID[id]
		}
		if _, ok := got[id]; !ok && err == nil {
			err = core.ErrNotFound
		}
		return got[id].Source, err
	}},
	{"versions", func(ctx context.Context, s core.SecretService, id string) (source string, err error) {
		for info, failed := range s.Versions(ctx, id) {
			if failed != nil {
				return source, failed
			}
			source = info.Source
		}
		return source, nil
	}},
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}
