package core_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// shelf is a backend that can do everything: it keeps the versions of each
// secret in a map.
type shelf struct {
	mu      sync.Mutex
	last    int // the last version given out, of any secret: so none is given out twice
	secrets map[string][]core.Secret
	deleted map[string]bool
}

func newShelf() *core.Store {
	return core.New("shelf", &shelf{secrets: map[string][]core.Secret{}, deleted: map[string]bool{}})
}

func (s *shelf) Get(_ context.Context, id string, o core.GetOptions) (core.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read(id, o)
}

func (s *shelf) read(id string, o core.GetOptions) (core.Secret, error) {
	versions := s.secrets[id]
	if len(versions) == 0 || s.deleted[id] {
		return core.Secret{}, core.ErrNotFound
	}
	for _, secret := range slices.Backward(versions) {
		if o.Version == "" || o.Version == secret.Version {
			return secret, nil
		}
	}
	return core.Secret{}, &core.Error{Kind: core.ErrNotFound, Hint: "no such version; Versions lists those that are kept"}
}

func (s *shelf) GetMany(_ context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]core.Secret{}
	for _, id := range ids {
		if secret, err := s.read(id, o); err == nil {
			found[id] = secret
		}
	}
	return found, nil
}

func (s *shelf) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	secret, err := s.Get(ctx, id, o)
	return secret.Info, err
}

func (s *shelf) Set(_ context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, err := s.read(id, core.GetOptions{})
	switch {
	case o.IfAbsent && err == nil, o.IfVersion != "" && current.Version != o.IfVersion:
		return core.Info{}, core.ErrConflict
	}
	s.last++
	info := core.Info{Version: strconv.Itoa(s.last), Created: time.Now()}
	s.secrets[id] = append(s.secrets[id], core.Secret{Info: info, Value: value})
	delete(s.deleted, id)
	return info, nil
}

func (s *shelf) Delete(_ context.Context, id string, o core.DeleteOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.secrets[id]) == 0 || s.deleted[id] && !o.Purge {
		return core.ErrNotFound
	}
	s.deleted[id] = true
	if o.Purge {
		delete(s.secrets, id)
	}
	return nil
}

func (s *shelf) List(_ context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		s.mu.Lock()
		var ids []string
		for id := range s.secrets {
			if strings.HasPrefix(id, prefix) && !s.deleted[id] {
				ids = append(ids, id)
			}
		}
		s.mu.Unlock() // the loop's body runs in yield, and may call again
		for _, id := range ids {
			if !yield(core.Info{ID: id}, nil) {
				return
			}
		}
	}
}

func (s *shelf) Versions(_ context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		s.mu.Lock()
		var versions []core.Secret
		if !s.deleted[id] {
			versions = slices.Clone(s.secrets[id])
		}
		s.mu.Unlock()
		for _, secret := range slices.Backward(versions) {
			if !yield(secret.Info, nil) {
				return
			}
		}
	}
}

func (s *shelf) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{
		Set: true, Delete: true, Purge: true, List: true, Versions: true,
		AtVersion: true, IfAbsent: true, IfVersion: true,
	}, nil
}

// A backend that can do more than read says so by more methods. The
// conformance suite tells whether it keeps what it claims.
func Example_fullBackend() {
	store := newShelf()
	ctx := context.Background()

	first, _ := store.Set(ctx, "DB_PASSWORD", core.String("hunter2"))
	second, _ := store.Set(ctx, "DB_PASSWORD", core.String("correct horse"), core.IfVersion(first.Version))
	same, _ := store.Set(ctx, "DB_PASSWORD", core.String("correct horse"), core.IfChanged())
	fmt.Println(first.Version, second.Version, same.Version)

	_, err := store.Set(ctx, "DB_PASSWORD", core.String("late"), core.IfVersion(first.Version))
	fmt.Println(errors.Is(err, core.ErrConflict))

	old, _ := store.Get(ctx, "DB_PASSWORD", core.AtVersion(first.Version))
	fmt.Println(old.Value.Reveal())

	for info, err := range store.Versions(ctx, "DB_PASSWORD") {
		fmt.Println(info.Version, err)
	}
	// Output:
	// 1 2 2
	// true
	// hunter2
	// 2 <nil>
	// 1 <nil>
}
