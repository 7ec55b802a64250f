package gcp_test

import (
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// https://cloud.google.com/secret-manager/docs/reference/consistency
func TestAVersionIsReadByItsNumberAtOnceAndElseInTime(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(time.Now())
	srv := gcptest.New(t, gcptest.WithClock(clock.Now))
	store := over(t, srv.Endpoint, gcp.Config{})
	if _, err := store.Set(t.Context(), "a", core.String("old")); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	srv.SetLag(gcp.Settle)
	info, err := store.Set(t.Context(), "a", core.String("new"))
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := store.Get(t.Context(), "a", core.AtVersion(info.Version)); err != nil || secret.Value.Reveal() != "new" {
		t.Errorf("a read by the number: version %q, error %v", secret.Version, err)
	}
	if secret, err := store.Get(t.Context(), "a"); err != nil || secret.Value.Reveal() != "old" {
		t.Errorf("a read without it: version %q, error %v; the fake lags", secret.Version, err)
	}
	clock.Advance(gcp.Settle)
	if secret, err := store.Get(t.Context(), "a"); err != nil || secret.Version != info.Version {
		t.Errorf("a read after the claimed time: version %q, error %v", secret.Version, err)
	}
	// A secret is created and gets its version though others don't see it yet.
	if info, err := store.Set(t.Context(), "b", core.String("v")); err != nil || info.Version != "1" {
		t.Errorf("version %q, error %v", info.Version, err)
	}
}
