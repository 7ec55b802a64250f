package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/providers/vault"
)

// No module of a provider may know another one, so a chain of two is tested here.

// layered is a chain of the two that is written to Vault.
type layered struct {
	name      string
	version   int  // of the KV engine
	vaultLast bool // the file store is asked first
	readOnly  bool // the file store can't be written to, so that IfAbsent holds
}

func TestConformanceOfVaultInAChainWithTheFileStore(t *testing.T) {
	t.Parallel()
	all := []layered{
		{name: "Vault above files that are only read", version: 2, readOnly: true},
		{name: "Vault version 1 above files that are only read", version: 1, readOnly: true},
	}
	if os.Getenv("LUKKO_TRIAL") == "1" {
		all = append(all,
			layered{name: "Vault above files", version: 2},
			layered{name: "Vault below files", version: 2, vaultLast: true},
		)
	}
	for _, l := range all {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, conformance.Harness{
				Open:    l.subject,
				Refuses: func(id string) bool { return l.version == 1 && strings.Contains(id, "..") },
			})
		})
	}
}

func (l layered) subject(t testing.TB) conformance.Subject {
	t.Helper()
	srv := vaulttest.Shared(t)
	kv := srv.MountKV(t, l.version)
	proxy := faultproxy.NewHTTP(t, srv.Address)
	allow := fmt.Sprintf("path \"%s/*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\"] }\n", kv.Mount)
	policy := srv.Policy(t, allow)
	var mu sync.Mutex
	token := ""
	login := func() {
		made := srv.Token(t, vaulttest.Role{Policies: []string{policy}})
		mu.Lock()
		defer mu.Unlock()
		token = made
	}
	login()
	lookup := func(name string) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		value := map[string]string{"VAULT_ADDR": proxy.URL(), "VAULT_TOKEN": token, "VAULT_MAX_RETRIES": "1"}[name]
		return value, value != ""
	}
	paths := func(id string) []string {
		if l.version == 1 {
			return []string{kv.Mount + "/" + id}
		}
		return []string{kv.Mount + "/data/" + id, kv.Mount + "/metadata/" + id}
	}
	files := fileStore(t)
	open := func() (core.SecretService, error) {
		below := files
		if l.readOnly {
			below = core.New("file", reader{files})
		}
		layers := []chain.Layer{
			{Name: "vault", Open: func(context.Context) (core.SecretService, error) {
				return vault.New(vault.Config{Mount: kv.Mount, Lookup: lookup})
			}},
			{Name: "file", Service: below},
		}
		if l.vaultLast {
			layers[0], layers[1] = layers[1], layers[0]
		}
		cfg := chain.Config{Layers: layers, WriteTo: "vault"}
		if !l.readOnly {
			cfg.FallThrough = []error{core.ErrInvalidID} // of files, whose names are shorter than an id may be
		}
		return chain.New(cfg)
	}
	svc, err := open()
	if err != nil {
		t.Fatal(err)
	}
	return conformance.Subject{
		Service: svc,
		Second:  open,
		Reopen:  open,
		Seed: func(id string, value core.Value) error {
			var data map[string]any
			if json.Unmarshal(value.RevealBytes(), &data) != nil || len(data) == 0 {
				data = map[string]any{"lukko_base64": value.RevealBytes()}
			}
			kv.Put(t, id, data)
			return nil
		},
		Corrupt: func(id string) error {
			kv.Put(t, id, map[string]any{"lukko_base64": "no base64"})
			return nil
		},
		Deny: func(id string) error {
			rules := allow
			for _, path := range paths(id) {
				rules += fmt.Sprintf("path %q { capabilities = [\"deny\"] }\n", path)
			}
			if r := srv.Do(t, http.MethodPut, "sys/policies/acl/"+policy, map[string]any{"policy": rules}); r.Status != http.StatusNoContent {
				return fmt.Errorf("the policy is refused with %d", r.Status)
			}
			return nil
		},
		Fail: func(kind error) (restore func()) {
			switch {
			case errors.Is(kind, core.ErrUnavailable):
				return proxy.Do(faultproxy.Rule{Fault: faultproxy.LoseRequest})
			case errors.Is(kind, core.ErrUnauthenticated):
				old, _ := lookup("VAULT_TOKEN")
				srv.RevokeToken(t, old)
				return login
			}
			return nil
		},
		Hold: func(id string) (reached <-chan struct{}, release func()) {
			there, until := make(chan struct{}), make(chan struct{})
			var once, free sync.Once
			stop := proxy.Do(faultproxy.Rule{Times: 1, Fault: faultproxy.Hold(until), Match: func(r *http.Request) bool {
				for _, path := range paths(id) {
					if r.URL.Path == "/v1/"+path {
						once.Do(func() { close(there) })
						return true
					}
				}
				return false
			}})
			return there, func() { free.Do(func() { stop(); close(until) }) }
		},
	}
}

// fileStore is an empty one with an identity of its own.
func fileStore(t testing.TB) core.SecretService {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := file.Config{
		Dir: filepath.Join(dir, "secrets"), UserDir: filepath.Join(dir, "user"),
		Identities: []age.Identity{identity}, Notice: func(string) {},
	}
	if err := file.Init(t.Context(), cfg, file.Recipient{Key: identity.Recipient().String()}); err != nil {
		t.Fatal(err)
	}
	store, err := file.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// reader is as much of a service as one may have who only reads. An id that it
// can't hold it has not.
type reader struct{ svc core.SecretService }

func (r reader) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	secret, err := r.svc.Get(ctx, id, o)
	if errors.Is(err, core.ErrInvalidID) {
		err = &core.Error{Kind: core.ErrNotFound}
	}
	return secret, err
}

func (r reader) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return r.svc.List(ctx, prefix)
}

func (r reader) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	if _, err := r.Get(ctx, id, core.GetOptions{}); err != nil {
		return func(yield func(core.Info, error) bool) { yield(core.Info{}, err) }
	}
	return r.svc.Versions(ctx, id)
}

func (r reader) Capabilities(ctx context.Context) (core.Capabilities, error) {
	caps, err := r.svc.Capabilities(ctx)
	return core.Capabilities{List: caps.List, Versions: caps.Versions, AtVersion: caps.AtVersion}, err
}
