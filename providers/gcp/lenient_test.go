package gcp_test

import (
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// What the capabilities say needs nothing that a lenient stand-in lacks: no write or
// delete goes by an etag, which AddSecretVersion does not take anyway; no read goes by an
// alias, but by a number or latest; states and numbers are everybody's. So the same is
// claimed of both, the whole suite runs on both (TestConformance), and there is no
// capability that could be claimed less. What is less is named here, beside what
// Google itself does.
func TestAStandInIsClaimedToDoTheSameAndShowsLess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		cfg             gcp.Config
		do              func(t *testing.T, srv *gcptest.Server, store *core.Store) (core.Secret, error)
		strict, lenient error
		reads           string // what the lenient one gives in place of an error
	}{
		{
			name: "a damaged value is told by its checksum, and not without one",
			do: func(t *testing.T, srv *gcptest.Server, store *core.Store) (core.Secret, error) {
				srv.Seed("a", []byte("1"))
				srv.Damage("a")
				return store.Get(t.Context(), "a")
			},
			strict: core.ErrCorrupt, reads: "0",
		},
		{
			name: "latest=strict means what the service calls latest, which on a stand-in skips disabled versions",
			cfg:  gcp.Config{StrictLatest: true},
			do: func(t *testing.T, srv *gcptest.Server, store *core.Store) (core.Secret, error) {
				srv.Seed("a", []byte("1"), []byte("2"))
				disable(t, srv.Client(t), "a", "2")
				return store.Get(t.Context(), "a")
			},
			strict: core.ErrNotFound, reads: "1",
		},
		{
			name: "a mistyped project is denied, and only empty where every project exists",
			cfg:  gcp.Config{Project: "mistyped-project"},
			do: func(t *testing.T, _ *gcptest.Server, store *core.Store) (core.Secret, error) {
				return store.Get(t.Context(), "a")
			},
			strict: core.ErrPermissionDenied, lenient: core.ErrNotFound,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			claimed := make(map[core.Capabilities]bool)
			for personality, want := range map[gcptest.Personality]error{gcptest.Strict: c.strict, gcptest.Lenient: c.lenient} {
				srv := gcptest.New(t, gcptest.WithPersonality(personality))
				store := over(t, srv.Endpoint, c.cfg)
				caps, err := store.Capabilities(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				claimed[caps] = true
				secret, err := c.do(t, srv, store)
				if core.KindOf(err) != want { //nolint:errorlint // a kind is the sentinel itself
					t.Errorf("personality %d: %v, want %v", personality, err, want)
				}
				if want == nil && secret.Value.Reveal() != c.reads {
					t.Errorf("personality %d: another value than the one that this stand-in has", personality)
				}
			}
			if len(claimed) != 1 {
				t.Errorf("the personalities are claimed to do different things: %v", claimed)
			}
		})
	}
}
