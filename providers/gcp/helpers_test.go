package gcp_test

import (
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// environ is an environment of these variables alone.
func environ(set map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { value, ok := set[name]; return value, ok }
}

// bare is an environment without anything.
func bare(string) (string, bool) { return "", false }

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
	return providertest.Closed(t, store)
}
