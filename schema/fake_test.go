package schema_test

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// StripeCredentials is the quickstart's.
type StripeCredentials struct {
	APIKey        core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
	WebhookSecret core.Value `json:"webhookSecret"`
}

// fake is a backend in memory that counts its calls and fails on demand.
type fake struct {
	mu      sync.Mutex
	secrets map[string]core.Secret
	writes  int
	gets    int
	batches int
	failing map[string]error // by id
	down    error            // of every call
	blind   bool             // no conditions claimed
	barred  map[string]bool  // ids of what was deleted and can be recovered
	before  func(id string)  // called before each write, unlocked
	hang    bool             // batches wait for their context
	fresh   int              // batches that asked to go past caches
}

func newFake(values map[string]string) *fake {
	f := &fake{secrets: map[string]core.Secret{}, failing: map[string]error{}}
	for id, value := range values {
		f.put(id, value)
	}
	return f
}

func (f *fake) service() *core.Store { return core.New("fake", f) }

// put stores a value as another process would.
func (f *fake) put(id, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store(id, core.String(value))
}

func (f *fake) store(id string, value core.Value) core.Info {
	f.writes++
	info := core.Info{ID: id, Version: strconv.Itoa(f.writes), Created: time.Now()}
	f.secrets[id] = core.Secret{Info: info, Value: value}
	return info
}

func (f *fake) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.secrets, id)
}

func (f *fake) fail(id string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing[id] = err
}

func (f *fake) breakDown(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = err
}

func (f *fake) stored(id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.secrets[id].Value.Reveal()
}

func (f *fake) count(n *int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *n
}

func (f *fake) get(id string) (core.Secret, error) {
	if err := errors.Join(f.down, f.failing[id]); err != nil {
		return core.Secret{}, err
	}
	secret, ok := f.secrets[id]
	if !ok {
		return core.Secret{}, core.ErrNotFound
	}
	return secret, nil
}

func (f *fake) Get(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gets++
	return f.get(id)
}

func (f *fake) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	f.mu.Lock()
	hang := f.hang
	f.batches++
	if o.Fresh {
		f.fresh++
	}
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return nil, f.down
	}
	got, failed := map[string]core.Secret{}, map[string]error{}
	for _, id := range ids {
		secret, err := f.get(id)
		if err != nil {
			failed[id] = err
			continue
		}
		got[id] = secret
	}
	if len(failed) > 0 {
		return got, &core.BatchError{ByID: maps.Clone(failed)}
	}
	return got, nil
}

func (f *fake) Set(_ context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	if f.before != nil {
		f.before(id)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := errors.Join(f.down, f.failing[id]); err != nil {
		return core.Info{}, err
	}
	current, ok := f.secrets[id]
	if o.IfAbsent && (ok || f.barred[id]) || o.IfVersion != "" && current.Version != o.IfVersion {
		return core.Info{}, core.ErrConflict
	}
	delete(f.barred, id)
	return f.store(id, value), nil
}

func (f *fake) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{Set: true, IfAbsent: !f.blind, IfVersion: !f.blind}, nil
}

// declare declares in a set of its own.
func declare[T any](spec schema.Spec) *schema.Declaration[T] {
	return schema.DeclareIn[T](new(schema.Set), spec)
}

// problems returns what an error lists.
func problems(t *testing.T, err error) []schema.Problem {
	t.Helper()
	var e *schema.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T (%v), want a *schema.Error", err, err)
	}
	return e.Problems
}
