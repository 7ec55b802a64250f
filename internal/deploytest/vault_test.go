package deploytest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// vaultProject is one with three secrets below shop/ in a mount.
func vaultProject(t testing.TB, kv vaulttest.KV) project {
	t.Helper()
	return load(t, fmt.Sprintf(`
environments:
  production: vault:///%s?prefix=shop/&kv=%d
secrets:
  STRIPE: {schema: {type: object}}
  db/main: {schema: {type: string}}
  EXTRA: {optional: true}
`, kv.Mount, kv.Version))
}

// openVault opens the environment with a token that has a policy and nothing else.
func openVault(t testing.TB, srv *vaulttest.Server, p project, rules string) (store *core.Store, token string) {
	t.Helper()
	token = srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, rules)}, TTL: 10 * time.Minute, NoDefaultPolicy: true})
	env := map[string]string{"VAULT_ADDR": srv.Address, "VAULT_TOKEN": token}
	opened, err := p.OpenWith(t.Context(), "production", core.Schemes{"vault": vault.Opener(vault.Config{
		Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})})
	if err != nil {
		t.Fatal(err)
	}
	return providertest.Closed(t, opened).Store, token
}

func vaultRules(t testing.TB, p project, change func(*policy.Input)) string {
	t.Helper()
	in := policy.Input{Metas: p.metas, Environment: p.environment(t, "production")}
	if change != nil {
		change(&in)
	}
	rules, err := policy.Vault(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(rules)
}

// fill puts the secrets that must be there where they are, and beside them what is
// nobody's business.
func fill(t testing.TB, kv vaulttest.KV) {
	t.Helper()
	kv.Put(t, "shop/STRIPE", map[string]any{"apiKey": "sk"})
	kv.Put(t, "shop/db/main", map[string]any{"lukko_text": "postgres://…"})
	for _, other := range []string{"shop/STRIPE2", "shop/db", "shop/db/other", "STRIPE", "other/STRIPE", "shop/STRIPE/below"} {
		kv.Put(t, other, map[string]any{"a": "b"})
	}
}

func TestAProgramCanDoWithItsVaultPolicyAllThatItDoesAndNothingElse(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{2, 1} {
		t.Run(fmt.Sprintf("of KV version %d", version), func(t *testing.T) {
			t.Parallel()
			elsewhere := srv.MountKV(t, version)
			elsewhere.Put(t, "shop/STRIPE", map[string]any{"a": "b"})
			for _, who := range []struct {
				name   string
				change func(*policy.Input)
				writes []string
				looks  bool // at versions
			}{
				{"a reader", nil, nil, false},
				{"a reader of versions", func(in *policy.Input) { in.Versions = true }, nil, true},
				{"a writer of one", func(in *policy.Input) { in.Write = []string{"db/main"} }, []string{"db/main"}, false},
				{"a writer of all", func(in *policy.Input) { in.ReadWrite = true }, []string{"STRIPE", "db/main", "EXTRA"}, false},
			} {
				t.Run(who.name, func(t *testing.T) {
					t.Parallel()
					kv := srv.MountKV(t, version)
					fill(t, kv)
					p := vaultProject(t, kv)
					store, token := openVault(t, srv, p, vaultRules(t, p, who.change))
					ctx := t.Context()

					may := reading(ctx, store, p.secrets())
					if version == 2 && who.looks {
						may = append(may, step{"Versions", versions(ctx, store, "STRIPE")})
					}
					for _, id := range who.writes {
						may = append(may, vaultWrites(t, store, id, version)...)
					}
					for _, name := range denied(t, may) {
						t.Errorf("%s is denied", name)
					}

					var mayNot []step
					raw := func(method, path string, body any) {
						mayNot = append(mayNot, step{method + " " + path, func() error {
							if status := srv.DoAs(t, token, method, path, body).Status; status != http.StatusForbidden {
								return fmt.Errorf("the server answers %d", status)
							}
							return core.ErrPermissionDenied
						}})
					}
					data, metadata := kv.Mount+"/", kv.Mount+"/"
					write := any(map[string]any{"a": "b"})
					if version == 2 {
						data, metadata = kv.Mount+"/data/", kv.Mount+"/metadata/"
						write = map[string]any{"data": write}
						for _, verb := range []string{"delete", "undelete", "destroy"} {
							raw("PUT", kv.Mount+"/"+verb+"/shop/STRIPE", map[string]any{"versions": []int{1}})
						}
						raw("PUT", metadata+"shop/STRIPE", map[string]any{"max_versions": 1})
						raw("DELETE", metadata+"shop/STRIPE", nil)
						raw("PUT", kv.Mount+"/config", map[string]any{"max_versions": 1})
						if !who.looks {
							raw("GET", metadata+"shop/STRIPE", nil)
						}
					}
					for _, other := range []string{"shop/STRIPE2", "shop/db", "shop/db/other", "STRIPE", "other/STRIPE", "shop/STRIPE/below"} {
						raw("GET", data+other, nil)
						raw("PUT", data+other, write)
						raw("DELETE", data+other, nil)
						if version == 2 {
							raw("GET", metadata+other, nil)
						}
					}
					for _, folder := range []string{"", "shop/", "shop/db/"} {
						raw("LIST", metadata+folder, nil)
					}
					raw("GET", strings.Replace(data, kv.Mount, elsewhere.Mount, 1)+"shop/STRIPE", nil)
					raw("DELETE", data+"shop/STRIPE", nil)
					raw("GET", "sys/policies/acl/default", nil)
					raw("POST", "auth/token/create", map[string]any{})
					for _, id := range []string{"STRIPE", "db/main", "EXTRA"} {
						if !slices.Contains(who.writes, id) {
							raw("PUT", data+"shop/"+id, write)
						}
					}
					mayNot = append(mayNot,
						step{"List", listing(ctx, store)},
						step{"Delete", func() error { return store.Delete(ctx, "STRIPE") }},
					)
					got := denied(t, mayNot)
					for _, s := range mayNot {
						if !slices.Contains(got, s.name) {
							t.Errorf("%s is allowed", s.name)
						}
					}
				})
			}
		})
	}
}

// vaultWrites is what a program does that sets a secret, by all conditions that
// the engine has.
func vaultWrites(t testing.TB, store *core.Store, id string, version int) []step {
	t.Helper()
	ctx := t.Context()
	value := core.String(`{"apiKey":"new"}`)
	steps := []step{
		{"Set " + id, func() error { _, err := store.Set(ctx, id, value); return err }},
		{"Set " + id + " again", func() error { _, err := store.Set(ctx, id, core.String("text")); return err }},
		{"Set " + id + " if changed", func() error { _, err := store.Set(ctx, id, value, core.IfChanged()); return err }},
	}
	if version == 2 {
		steps = append(steps,
			step{"Set " + id + " if absent", func() error {
				_, err := store.Set(ctx, id, value, core.IfAbsent())
				if core.KindOf(err) == core.ErrConflict { //nolint:errorlint // a kind is the sentinel itself
					return nil
				}
				return err
			}},
			step{"Set " + id + " by its version", func() error {
				info, err := store.Stat(ctx, id)
				if err != nil {
					return err
				}
				_, err = store.Set(ctx, id, value, core.IfVersion(info.Version))
				return err
			}},
		)
	}
	return steps
}

// Without any single right of a policy something is denied that works with it.
func TestAVaultPolicyHoldsNoRightThatNothingNeeds(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{2, 1} {
		t.Run(fmt.Sprintf("of KV version %d", version), func(t *testing.T) {
			t.Parallel()
			kv := srv.MountKV(t, version)
			p := vaultProject(t, kv)
			rules := vaultRules(t, p, func(in *policy.Input) {
				in.Write = []string{"db/main"}
				in.Versions = version == 2
			})
			all := regexp.MustCompile(`"(create|read|update)"`).FindAllStringIndex(rules, -1)
			if len(all) < 5 {
				t.Fatalf("%d rights", len(all))
			}
			for _, at := range all {
				less := rules[:at[0]] + `"deny"` + rules[at[1]:]
				if line, _, _ := strings.Cut(rules[strings.LastIndex(rules[:at[0]], "\n")+1:], "\n"); strings.Contains(line, ",") {
					less = strings.NewReplacer("[, ", "[", ", ]", "]", ", , ", ", ").Replace(rules[:at[0]] + rules[at[1]:])
				}
				fill(t, kv)
				if version == 2 {
					kv.DeleteMetadata(t, "shop/db/main")
				} else {
					kv.Delete(t, "shop/db/main")
				}
				store, _ := openVault(t, srv, p, less)
				ctx := t.Context()
				steps := []step{
					{"Set of a new one", func() error { _, err := store.Set(ctx, "db/main", core.String("a")); return err }},
					{"Set", func() error { _, err := store.Set(ctx, "db/main", core.String("b")); return err }},
				}
				if version == 2 {
					for _, id := range []string{"STRIPE", "db/main", "EXTRA"} {
						steps = append(steps, step{"Versions", func() error { return missing(versions(ctx, store, id)()) }})
					}
				}
				if got := deniedOrGone(t, append(steps, reading(ctx, store, p.secrets())...)); len(got) == 0 {
					t.Errorf("nothing is denied without %s at byte %d of\n%s", rules[at[0]:at[1]], at[0], rules)
				}
			}
		})
	}
}

// deniedOrGone is denied, where what was denied leaves other steps without a
// value to find.
func deniedOrGone(t testing.TB, steps []step) (names []string) {
	t.Helper()
	for _, s := range steps {
		if err := s.do(); err != nil && isDenied(err) {
			names = append(names, s.name)
		}
	}
	return names
}
