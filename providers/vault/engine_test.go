package vault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// as is the environment of a token at a server.
func as(address, token string) *vars {
	return environ(map[string]string{"VAULT_ADDR": address, "VAULT_TOKEN": token})
}

// storeOf is a store over a mount, as a token.
func storeOf(t testing.TB, kv vaulttest.KV, token string) *core.Store {
	t.Helper()
	return providertest.Closed(t, open(t, vault.Config{Mount: kv.Mount, Lookup: as(kv.Server().Address, token).lookup}))
}

// rootStore is a store over a mount, as root.
func rootStore(t testing.TB, kv vaulttest.KV) *core.Store {
	t.Helper()
	return storeOf(t, kv, kv.Server().RootToken)
}

// hasHint reports whether an error says a text in its hint.
func hasHint(err error, text string) bool {
	e := (*core.Error)(nil)
	return errors.As(err, &e) && strings.Contains(e.Hint, text)
}

func TestEngineIsFoundByWhoMayReadOneSecretOnly(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	slashes := "team/" + strings.ToLower(providertest.Canary()) + "/kv"
	for name, kv := range map[string]vaulttest.KV{
		"version 1":                   srv.MountKV(t, 1),
		"version 2":                   srv.MountKV(t, 2),
		"version 1 at a path in deep": srv.MountKVAt(t, slashes+"1", 1),
		"version 2 at a path in deep": srv.MountKVAt(t, slashes+"2", 2),
	} {
		kv.Put(t, "app/a", map[string]any{"k": "v"})
		path := kv.Mount + "/app/a"
		if kv.Version == 2 {
			path = kv.Mount + "/data/app/a"
		}
		token := srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, `path "`+path+`" { capabilities = ["read"] }`)}})
		store := storeOf(t, kv, token)
		caps, err := store.Capabilities(t.Context())
		if err != nil || caps.Versions != (kv.Version == 2) || caps.IfVersion != (kv.Version == 2) || !caps.Set {
			t.Errorf("%s: it claims %+v, %v", name, caps, err)
		}
		if s, err := store.Get(t.Context(), "app/a"); err != nil || s.Value.Reveal() != `{"k":"v"}` || (s.Version != "") != (kv.Version == 2) {
			t.Errorf("%s: the secret does not read, with version %q, %v", name, s.Version, err)
		}
		if _, err := store.Stat(t.Context(), "app/a"); err != nil {
			t.Errorf("%s: Stat of who may only read the value: %v", name, err)
		}
		// Beside it, all is denied and nothing is missing.
		for what, err := range map[string]error{
			"Get of another": read(t, store, "app/b"),
			"Delete":         store.Delete(t.Context(), "app/a"),
		} {
			if !errors.Is(err, core.ErrPermissionDenied) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
}

func TestWhatIsNoKVEngineOfThatNameIsSaidSo(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	v1, v2 := srv.MountKV(t, 1), srv.MountKV(t, 2)
	for _, kv := range []vaulttest.KV{v1, v2} {
		kv.Put(t, "a", map[string]any{"k": "v"})
		kv.Put(t, "data/a", map[string]any{"k": "v"})
	}
	limited := srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, readmePolicy("writer", v1, "")+readmePolicy("writer", v2, ""))}})
	for _, c := range []struct {
		name        string
		cfg         vault.Config
		kind        error // as root
		hint        string
		limitedKind error
	}{
		{"another engine", vault.Config{Mount: "cubbyhole"}, core.ErrInvalidOption, "no KV engine", core.ErrInvalidOption},
		{"another engine and kv=1", vault.Config{Mount: "cubbyhole", KV: 1}, core.ErrInvalidOption, "no KV engine", core.ErrInvalidOption},
		{"no mount", vault.Config{Mount: "nowhere"}, core.ErrPermissionDenied, "the mount is not there", core.ErrPermissionDenied},
		{"a mount and a folder of version 1", vault.Config{Mount: v1.Mount + "/data"}, core.ErrInvalidOption, "as prefix", core.ErrInvalidOption},
		{"a mount and a folder of version 2", vault.Config{Mount: v2.Mount + "/shop"}, core.ErrInvalidOption, "as prefix", nil},
		{"version 1 as 2", vault.Config{Mount: v1.Mount, KV: 2}, core.ErrInvalidOption, "version that kv says", core.ErrInvalidOption},
		{"version 2 as 1", vault.Config{Mount: v2.Mount, KV: 1}, core.ErrInvalidOption, "version", core.ErrInvalidOption},
	} {
		for who, token := range map[string]string{"root": srv.RootToken, "a writer": limited} {
			kind := c.kind
			if who != "root" {
				kind = c.limitedKind
			}
			cfg := c.cfg
			cfg.Lookup = as(srv.Address, token).lookup
			for _, call := range calls {
				store := open(t, cfg) // each first call of a store
				err := call.do(t.Context(), store)
				switch {
				case call.name == "Capabilities" && cfg.KV != 0: // as it was told
				case errors.Is(err, core.ErrNotFound), err == nil:
					t.Errorf("%s: %s as %s: %v", c.name, call.name, who, err)
				case kind != nil && !errors.Is(err, kind):
					t.Errorf("%s: %s as %s is %v, want %v", c.name, call.name, who, err, kind)
				case who == "root" && !hasHint(err, c.hint):
					t.Errorf("%s: %s as %s does not say %q: %v", c.name, call.name, who, c.hint, err)
				}
				shut(t, store)
			}
		}
	}
	// Nothing went to a wrong place.
	for _, kv := range []vaulttest.KV{v1, v2} {
		if got := kv.List(t, ""); !slices.Equal(got, []string{"a", "data/"}) {
			t.Errorf("version %d holds %q at the end", kv.Version, got)
		}
		if got := kv.List(t, "data"); !slices.Equal(got, []string{"a"}) {
			t.Errorf("version %d holds %q under data/ at the end", kv.Version, got)
		}
		if len(kv.Data(t, "a")) != 1 || len(kv.Data(t, "data/a")) != 1 {
			t.Errorf("version %d: a secret has changed", kv.Version)
		}
	}
}

// calls are all that a store can do, each on the id "a".
var calls = []struct {
	name string
	do   func(context.Context, *core.Store) error
}{
	{"Get", func(ctx context.Context, s *core.Store) error { _, err := s.Get(ctx, "b"); return err }},
	{"GetMany", func(ctx context.Context, s *core.Store) error {
		got, err := s.GetMany(ctx, []string{"b"})
		return single(err, len(got))
	}},
	{"Stat", func(ctx context.Context, s *core.Store) error { _, err := s.Stat(ctx, "b"); return err }},
	{"Set", func(ctx context.Context, s *core.Store) error {
		_, err := s.Set(ctx, "a", core.String(`{"x":"y","z":"w"}`))
		return err
	}},
	{"Delete", func(ctx context.Context, s *core.Store) error { return s.Delete(ctx, "a") }},
	{"List", func(ctx context.Context, s *core.Store) (err error) {
		for _, err = range s.List(ctx, "none/") {
		}
		return single(err, 0)
	}},
	{"Capabilities", func(ctx context.Context, s *core.Store) error { _, err := s.Capabilities(ctx); return err }},
}

// single is the error of the one id that a batch failed for.
func single(err error, got int) error {
	batch := (*core.BatchError)(nil)
	if errors.As(err, &batch) {
		for _, err := range batch.ByID {
			return err
		}
	}
	if err == nil && got == 0 {
		return core.ErrNotFound // absent is a claim that it is not there
	}
	return err
}

func TestAKVThatIsRightWorksAndIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{1, 2} {
		kv := srv.MountKV(t, version)
		x := newTap(t, srv.Address, nil)
		store := providertest.Closed(t, open(t, vault.Config{Mount: kv.Mount, KV: version, Lookup: as(x.URL, srv.RootToken).lookup}))
		if _, err := store.Set(t.Context(), "a", core.String("x")); err != nil {
			t.Error(err)
		}
		if err := read(t, store, "a"); err != nil {
			t.Error(err)
		}
		if err := read(t, store, "b"); !errors.Is(err, core.ErrNotFound) {
			t.Error(err)
		}
		if n := x.count("sys/internal"); n != 1 {
			t.Errorf("KV version %d: the server was asked %d times", version, n)
		}
	}
}

func TestAThousandCallersAskOnceWhichEngineItIs(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	kv := srv.MountKV(t, 2)
	kv.Put(t, "a", map[string]any{"k": "v"})
	// The answer waits until all are there.
	var all sync.WaitGroup
	all.Add(1000)
	x := newTap(t, srv.Address, func(r *http.Request) {
		if strings.Contains(r.URL.Path, "sys/internal") {
			all.Wait()
		}
	})
	store := providertest.Closed(t, open(t, vault.Config{Mount: kv.Mount, Lookup: as(x.URL, srv.RootToken).lookup}))
	var callers sync.WaitGroup
	for range 1000 {
		callers.Go(func() {
			all.Done()
			if _, err := store.Capabilities(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := x.count("sys/internal"); n != 1 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestAnEngineUpgradedUnderAnOpenStoreIsNoLossOfSecrets(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, given := range []int{0, 1} {
		kv := srv.MountKV(t, 1)
		for i := range 200 {
			kv.Put(t, fmt.Sprintf("n%d", i), map[string]any{"k": "v"})
		}
		kv.Put(t, "a", map[string]any{"k": "v"})
		store := providertest.Closed(t, open(t, vault.Config{Mount: kv.Mount, KV: given, Lookup: as(srv.Address, srv.RootToken).lookup}))
		if err := read(t, store, "a"); err != nil {
			t.Fatal(err)
		}
		if err := read(t, store, "none"); !errors.Is(err, core.ErrNotFound) {
			t.Fatal(err)
		}
		if r := srv.Do(t, http.MethodPost, "sys/mounts/"+kv.Mount+"/tune", map[string]any{"options": map[string]any{"version": "2"}}); r.Status != http.StatusOK && r.Status != http.StatusNoContent {
			t.Fatalf("the engine is not upgraded: %d", r.Status)
		}
		upgraded := srv.KV(kv.Mount, 2)
		// Until the store has seen it, nothing is taken to be missing.
		for range 20 {
			if err := read(t, store, "n1"); errors.Is(err, core.ErrNotFound) {
				t.Errorf("kv=%d: what is there is not found", given)
			}
		}
		providertest.Until(t, "the upgrade is done", func() bool { return upgraded.Get(t, "n1").Status == http.StatusOK })
		if given == 1 {
			for _, call := range calls {
				if err := call.do(t.Context(), store); call.name != "Capabilities" && (!errors.Is(err, core.ErrInvalidOption) || !hasHint(err, "upgraded")) {
					t.Errorf("%s of a store that was told of version 1: %v", call.name, err)
				}
			}
			continue
		}
		if s, err := store.Get(t.Context(), "n1"); err != nil || s.Version == "" {
			t.Errorf("the store does not see that it was upgraded: version %q, %v", s.Version, err)
		}
		if info, err := store.Set(t.Context(), "n1", core.String("x")); err != nil || !strings.HasPrefix(info.Version, "2-") {
			t.Errorf("a Set after the upgrade made version %q, %v", info.Version, err)
		}
	}
}

func TestNamespaceIsAHeaderOnceAndInNoPath(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	kv := srv.MountKV(t, 2)
	role := srv.AppRole(t, vaulttest.Role{Policies: []string{srv.Policy(t, writerPolicy(kv))}})
	var mu sync.Mutex
	var wrong []string
	seen := 0
	x := newTap(t, srv.Address, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen++
		if got := r.Header.Values("X-Vault-Namespace"); !slices.Equal(got, []string{"team/a"}) || strings.Contains(r.URL.String(), "team") {
			wrong = append(wrong, r.Method+" "+r.URL.Path)
		}
		r.Header.Del("X-Vault-Namespace") // the open edition has none
	})
	for name, url := range map[string]string{
		"in the URL":         "vault:///" + kv.Mount + "?namespace=team/a",
		"in the environment": "vault:///" + kv.Mount,
	} {
		set := map[string]string{"VAULT_ADDR": x.URL, "VAULT_ROLE_ID": role.RoleID, "VAULT_SECRET_ID": role.SecretID}
		if !strings.Contains(url, "?") {
			set["VAULT_NAMESPACE"] = "team/a"
		}
		schemes := core.Schemes{"vault": vault.Opener(vault.Config{Lookup: environ(set).lookup})}
		store, err := schemes.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Set(t.Context(), "a", core.String("x")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, call := range calls {
			_ = call.do(t.Context(), store)
		}
		shut(t, store)
	}
	if len(wrong) > 0 || seen < 20 {
		t.Errorf("of %d requests these have the namespace otherwise than once in a header: %q", seen, wrong)
	}
}

func shut(t testing.TB, store *core.Store) {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
