package gcp_test

import (
	"crypto/rand"
	"maps"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// vars is an environment that can change while a store is open.
type vars struct {
	mu  sync.Mutex
	set map[string]string
}

func environ(set map[string]string) *vars { return &vars{set: maps.Clone(set)} }

func (v *vars) lookup(name string) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.set[name]
	return value, ok
}

// bare is an environment without anything.
func bare(string) (string, bool) { return "", false }

// canary is a value that no output may have.
func canary() string { return "CANARY-" + rand.Text() }

// open is a store that is closed with its test.
func open(t testing.TB, cfg gcp.Config) *core.Store {
	t.Helper()
	if cfg.Lookup == nil {
		cfg.Lookup = bare
	}
	if cfg.Project == "" {
		cfg.Project = gcptest.ProjectID
	}
	store, err := gcp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return closed(t, store)
}

func closed(t testing.TB, store *core.Store) *core.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
