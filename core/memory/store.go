package memory

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const provider = "memory"

// DefaultHistory is how many earlier versions of each secret a store keeps
// whose Config says nothing of it.
const DefaultHistory = 100

// Config says how a store behaves. Its zero value is fine.
type Config struct {
	// Clock tells the time that a version was made at; nil is time.Now.
	Clock func() time.Time

	// History is how many earlier versions of each secret are kept. 0 is
	// DefaultHistory; a negative number keeps none, and then what was deleted
	// can't be recovered.
	History int

	// OnCall is called at the beginning of each call that reaches the
	// backend, before any fault takes effect, and in the goroutine of the
	// call; nil is nobody. What the front refuses, such as an invalid id or a
	// context that has ended, does not reach the backend.
	OnCall func(Call)
}

// Call is what arrived at a store.
type Call struct {
	// Op is the operation, as [core.Error] names it: "get", "get many",
	// "stat", "set", "delete", "list", "versions".
	Op string

	// IDs is the id of the call, or those of a batch; none for a list.
	IDs []string
}

// Store is a store in memory. It is safe for concurrent use.
type Store struct {
	*core.Store
	backend *backend
}

var _ core.SecretService = (*Store)(nil)

func init() { core.Register(provider, open) }

// open opens "memory:".
func open(_ context.Context, u *url.URL) (*core.Store, error) {
	if _, err := core.Query(u); err != nil {
		return nil, err
	}
	if u.Host != "" || u.Path != "" || u.Opaque != "" {
		return nil, &core.Error{
			Kind: core.ErrInvalidOption,
			Hint: "a store in memory has no name; write memory: alone, and each opening is a store of its own",
		}
	}
	return New(Config{}).Store, nil
}

// New makes an empty store.
func New(c Config) *Store {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.History == 0 {
		c.History = DefaultHistory
	}
	b := &backend{
		clock:   c.Clock,
		history: max(c.History, 0),
		onCall:  c.OnCall,
		secrets: map[string]*secret{},
	}
	return &Store{Store: core.New(provider, b), backend: b}
}

// With makes a store that holds some secrets, set in the order of their ids.
// It is for tests, and panics if an id or a value is invalid.
func With(secrets map[string]string) *Store {
	s := New(Config{})
	for _, id := range slices.Sorted(maps.Keys(secrets)) {
		if _, err := s.Set(context.Background(), id, core.String(secrets[id])); err != nil {
			panic(err)
		}
	}
	return s
}
