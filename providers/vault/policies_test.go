package vault_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// The policies that tests run with are those that the README gives to users.
var readmePolicies = sync.OnceValue(func() map[string]string {
	text, err := os.ReadFile("README.md")
	if err != nil {
		panic(err)
	}
	policies := map[string]string{}
	for _, found := range regexp.MustCompile("(?s)A (reader|writer):\n\n```hcl\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		policies[found[1]] = found[2]
	}
	if policies["reader"] == "" || policies["writer"] == "" {
		panic("README.md does not name the two policies")
	}
	return policies
})

// readmePolicy is the README's policy of a reader or a writer for what is under
// a prefix of a mount; "without data in the path and metadata for version 1".
func readmePolicy(who string, kv vaulttest.KV, prefix string) string {
	rules := readmePolicies()[who]
	for _, kind := range []string{"data/", "metadata/"} {
		to := kv.Mount + "/"
		if kv.Version == 2 {
			to += kind
		}
		rules = strings.ReplaceAll(rules, `"secret/`+kind+`shop/`, `"`+to+prefix)
	}
	if strings.Contains(rules, "secret/") {
		panic("a rule of the README was not understood")
	}
	return rules
}

func writerPolicy(kv vaulttest.KV) string { return readmePolicy("writer", kv, "") }

// Each right that a policy of the README has is one that something needs: without it
// a call fails that works with it.
func TestTheREADMEsPoliciesHoldNoRightThatNothingNeeds(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{2, 1} {
		for _, who := range []string{"reader", "writer"} {
			kv := srv.MountKV(t, version)
			rules := readmePolicy(who, kv, "shop/")
			if denied := deniedCalls(t, srv, kv, who, rules); len(denied) > 0 {
				t.Errorf("KV version %d: a %s is denied %q", version, who, denied)
			}
			right := regexp.MustCompile(`"(create|read|update|delete|list)"`)
			for _, at := range right.FindAllStringIndex(rules, -1) {
				name := rules[at[0]:at[1]]
				if version == 1 && strings.Count(rules, name) > 1 {
					continue // two rules for one path, of which one is enough
				}
				less := strings.NewReplacer("[, ", "[", ", ]", "]", ", , ", ", ").Replace(rules[:at[0]] + rules[at[1]:])
				if denied := deniedCalls(t, srv, kv, who, less); len(denied) == 0 {
					t.Errorf("KV version %d: a %s is denied nothing without the right at byte %d of its policy, %s", version, who, at[0], name)
				}
			}
		}
	}
}

// deniedCalls returns which calls the rules deny of all that a reader or a writer
// does.
func deniedCalls(t testing.TB, srv *vaulttest.Server, kv vaulttest.KV, who, rules string) (denied []string) {
	t.Helper()
	for _, id := range []string{"shop/a", "shop/b", "shop/c"} {
		kv.Put(t, id, map[string]any{"a": "b"})
	}
	if kv.Version == 2 {
		kv.DeleteMetadata(t, "shop/new")
	} else {
		kv.Delete(t, "shop/new")
	}
	token := srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, rules)}})
	store := providertest.Closed(t, open(t, vault.Config{Mount: kv.Mount, Lookup: environ(map[string]string{"VAULT_ADDR": srv.Address, "VAULT_TOKEN": token}).lookup}))
	calls := map[string]func() error{
		"Get":  func() error { _, err := store.Get(t.Context(), "shop/a"); return err },
		"Stat": func() error { _, err := store.Stat(t.Context(), "shop/a"); return err },
		"List": func() error {
			for _, err := range store.List(t.Context(), "shop/") {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"Versions": func() error {
			for _, err := range store.Versions(t.Context(), "shop/a") {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	if who == "writer" {
		value := core.String("x")
		calls["Set of a new id"] = func() error { _, err := store.Set(t.Context(), "shop/new", value); return err }
		calls["Set"] = func() error { _, err := store.Set(t.Context(), "shop/a", value); return err }
		calls["Delete"] = func() error { return store.Delete(t.Context(), "shop/b") }
		calls["Purge"] = func() error { return store.Delete(t.Context(), "shop/c", core.Purge()) }
	}
	for name, call := range calls {
		switch err := call(); core.KindOf(err) {
		case nil:
			if err != nil {
				denied = append(denied, name+" (a batch)")
			}
		case core.ErrPermissionDenied:
			denied = append(denied, name)
		default:
			if kv.Version == 2 {
				t.Errorf("KV version %d, %s as %s: %v", kv.Version, name, who, fmt.Sprint(err))
			}
		}
	}
	return denied
}

func open(t testing.TB, cfg vault.Config) *core.Store {
	t.Helper()
	store, err := vault.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
