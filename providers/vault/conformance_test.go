package vault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)


func open(t testing.TB, cfg vault.Config) *core.Store {
	t.Helper()
	store, err := vault.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// writerPolicy is the README's, for all of a mount.
func writerPolicy(kv vaulttest.KV) string {
	if kv.Version == 1 {
		return fmt.Sprintf(`path %q { capabilities = ["create", "read", "update", "delete", "list"] }`, kv.Mount+"/*")
	}
	return fmt.Sprintf(`
		path %q { capabilities = ["create", "read", "update", "delete"] }
		path %q { capabilities = ["read", "list", "delete"] }`,
		kv.Mount+"/data/*", kv.Mount+"/metadata/*")
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, version := range []int{2, 1} {
		for _, who := range []string{"root", "writer"} {
			t.Run(fmt.Sprintf("KV version %d as %s", version, who), func(t *testing.T) {
				t.Parallel()
				srv := vaulttest.Shared(t)
				conformance.Run(t, conformance.Harness{
					Open:    func(t testing.TB) conformance.Subject { return subject(t, srv, version, who) },
					Refuses: func(id string) bool { return version == 1 && strings.Contains(id, "..") },
				})
			})
		}
	}
}

// subject is a store over a mount of its own.
func subject(t testing.TB, srv *vaulttest.Server, version int, who string) conformance.Subject {
	kv := srv.MountKV(t, version)
	token := srv.RootToken
	if who == "writer" {
		token = srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, writerPolicy(kv))}})
	}
	var mu sync.Mutex
	current := token
	lookup := func(name string) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		switch name {
		case "VAULT_ADDR":
			return srv.Address, true
		case "VAULT_TOKEN":
			return current, true
		}
		return "", false
	}
	cfg := vault.Config{Mount: kv.Mount, Lookup: lookup}
	again := func() (core.SecretService, error) { return vault.New(cfg) }
	s := conformance.Subject{
		Service: open(t, cfg),
		Second:  again,
		Reopen:  again,
		Seed: func(id string, value core.Value) error {
			var data map[string]any
			dec := json.NewDecoder(strings.NewReader(value.Reveal()))
			dec.UseNumber()
			if err := dec.Decode(&data); err != nil || data == nil || len(data) == 0 || dec.More() {
				return errors.ErrUnsupported
			}
			kv.Put(t, id, data)
			return nil
		},
		Corrupt: func(id string) error {
			kv.Put(t, id, map[string]any{"lukko_base64": "no base64"})
			return nil
		},
	}
	if who == "writer" {
		s.Deny = func(id string) error {
			rules := writerPolicy(kv)
			path := kv.Mount + "/" + id
			if version == 2 {
				path = kv.Mount + "/data/" + id
				rules += fmt.Sprintf("\npath %q { capabilities = [\"deny\"] }", kv.Mount+"/metadata/"+id)
			}
			rules += fmt.Sprintf("\npath %q { capabilities = [\"deny\"] }", path)
			fresh := srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, rules)}})
			mu.Lock()
			defer mu.Unlock()
			current = fresh
			srv.RevokeToken(t, token)
			return nil
		}
	}
	return s
}
