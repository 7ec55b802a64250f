package deploytest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/oauth2"
)

// accountsOf is a project with a credential of each kind, in a store.
func accountsOf(t testing.TB, url string) project {
	t.Helper()
	return load(t, `
environments: {production: '`+url+`'}
secrets:
  STRIPE: {}
credentials:
  bank: {secretID: BANK}
  crm:
    secretID: CRM_APP
    tokenSecretID: CRM
    oauth2: {tokenURL: https://crm.example.com/token, grant: client_credentials}
  github: {secretID: GITHUB_APP, tokenSecretID: GITHUB, perUser: true, oauth2: {provider: github}}
  maps: {secretID: MAPS, perUser: true}
`)
}

// tokens is the endpoint of a provider that always gives some.
type tokens struct{}

func (tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	body := `{"access_token":"a","token_type":"Bearer","expires_in":3600}`
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// using is what a program does with its credentials as it runs. The secrets that
// people store are there.
func using(t testing.TB, p project, svc *core.Store) []step {
	t.Helper()
	ctx := t.Context()
	store, err := credentials.New(credentials.Config{Secrets: svc, Set: p.Credentials, Endpoints: tokens{}, OneProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	bank := credential[*credentials.Credential[core.Value]](t, p, "bank")
	crm := credential[*credentials.Credential[oauth2.Token]](t, p, "crm")
	github := credential[*credentials.UserCredential[oauth2.Token]](t, p, "github")
	maps := credential[*credentials.UserCredential[core.Value]](t, p, "maps")
	token := oauth2.Token{AccessToken: core.String("t"), RefreshToken: core.String("r")}

	steps := []step{
		{"Configured", second(store.Configured(ctx))},
		{"Missing", second(store.Missing(ctx))},
		{"the key of the application", func() error { _, err := bank.Get(ctx, store); return err }},
		{"a first token", func() error { _, err := crm.Get(ctx, store); return err }},
		{"Refresh", func() error {
			client, err := crm.Client(store)
			if err == nil {
				err = client.Refresh(ctx)
			}
			return err
		}},
		{"Status", func() error { _, err := crm.Status(ctx, store); return err }},
		{"Delete", func() error { return crm.Delete(ctx, store) }},
		// Without a condition: in AWS one that was deleted is not absent.
		{"a token after that", func() error { return crm.Set(ctx, store, token, core.IfChanged()) }},
	}
	for _, user := range []string{"ann", "../bob", strings.Repeat("x", 300)} {
		steps = append(steps,
			step{"MissingFor", func() error { _, err := store.MissingFor(ctx, user); return err }},
			step{"Set of a user's tokens", func() error { return github.Set(ctx, store, user, token) }},
			step{"Set of a user's key", func() error { return maps.Set(ctx, store, user, core.String("k")) }},
			step{"Set of a user's key again", func() error { return maps.Set(ctx, store, user, core.String("l")) }},
			step{"Get of a user's tokens", func() error { _, err := github.Get(ctx, store, user); return err }},
			step{"Get of a user's key", func() error { _, err := maps.Get(ctx, store, user); return err }},
			step{"Has", func() error { _, err := maps.Has(ctx, store, user); return err }},
			step{"UserCredentials", func() error { _, err := store.UserCredentials(ctx, user); return err }},
			step{"the request of a user", func() error {
				_, err := maps.FromContext(credentials.WithUser(ctx, store, user))
				return err
			}},
			step{"Delete of a user's key", func() error { return maps.Delete(ctx, store, user) }},
			step{"DeleteUser", func() error { return store.DeleteUser(ctx, user) }},
		)
	}
	return steps
}

// listingUsers is who has a credential, as a step.
func listingUsers(t testing.TB, p project, svc *core.Store) step {
	t.Helper()
	store, err := credentials.New(credentials.Config{Secrets: svc, Set: p.Credentials})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	maps := credential[*credentials.UserCredential[core.Value]](t, p, "maps")
	return step{"Users", func() error {
		for _, err := range maps.Users(t.Context(), store) {
			if err != nil {
				return err
			}
		}
		return nil
	}}
}

func credential[C credentials.Declared](t testing.TB, p project, name string) C {
	t.Helper()
	d, _ := p.Credentials.ByName(name)
	c, ok := d.(C)
	if !ok {
		t.Fatalf("%s is a %T", name, d)
	}
	return c
}

// second is the error of a call, as a step.
func second[T any](_ T, err error) func() error { return func() error { return err } }

func (p project) accounts() []credentials.Meta {
	var metas []credentials.Meta
	for d := range p.Credentials.All() {
		metas = append(metas, d.Meta())
	}
	return metas
}

func TestAProgramCanUseItsCredentialsWithItsVaultPolicyAndNothingElse(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{2, 1} {
		for _, lists := range []bool{false, true} {
			t.Run(fmt.Sprintf("of KV version %d, with the right to list users %v", version, lists), func(t *testing.T) {
				t.Parallel()
				kv := srv.MountKV(t, version)
				kv.Put(t, "shop/BANK", map[string]any{"lukko_text": "k"})
				kv.Put(t, "shop/STRIPE", map[string]any{"a": "b"})
				for _, app := range []string{"shop/CRM_APP", "shop/GITHUB_APP"} {
					kv.Put(t, app, map[string]any{"clientId": "id", "clientSecret": "s"})
				}
				others := []string{"shop/GITHUB", "shop/GITHUB_", "shop/MAPS", "shop/CRM_", "shop/CRM_OTHER", "shop/CRM__ann", "shop/OTHER__ann", "GITHUB__ann"}
				for _, other := range others {
					kv.Put(t, other, map[string]any{"a": "b"})
				}
				p := accountsOf(t, fmt.Sprintf("vault:///%s?prefix=shop/&kv=%d", kv.Mount, version))
				var notes []string
				rules := vaultRules(t, p, func(in *policy.Input) {
					in.Credentials, in.Users = p.accounts(), lists
					in.Note = func(text string) { notes = append(notes, text) }
				})
				if (len(notes) == 1 && strings.Contains(notes[0], "all names in the same folder")) != lists {
					t.Errorf("notes: %q", notes)
				}
				store, token := openVault(t, srv, p, rules)
				for _, name := range denied(t, append(using(t, p, store), reading(t.Context(), store, p.secrets())...)) {
					t.Errorf("%s is denied with\n%s", name, rules)
				}
				if got := denied(t, []step{listingUsers(t, p, store)}); (len(got) == 0) != lists {
					t.Errorf("%q is denied", got)
				}

				data, write := kv.Mount+"/", any(map[string]any{"a": "b"})
				if version == 2 {
					data, write = kv.Mount+"/data/", map[string]any{"data": write}
				}
				forbidden := func(method, path string, body any) {
					if status := srv.DoAs(t, token, method, path, body).Status; status != http.StatusForbidden {
						t.Errorf("%s %s is answered %d", method, path, status)
					}
				}
				for _, other := range others {
					forbidden("GET", data+other, nil)
					forbidden("PUT", data+other, write)
					forbidden("DELETE", data+other, nil)
				}
				for _, given := range []string{"shop/BANK", "shop/CRM_APP", "shop/GITHUB_APP", "shop/STRIPE"} {
					forbidden("PUT", data+given, write)
					forbidden("DELETE", data+given, nil)
				}
				forbidden("LIST", strings.Replace(data, "/data/", "/metadata/", 1), nil)
			})
		}
	}
}

func TestAProgramCanUseItsCredentialsWithItsAWSPolicyAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, lists := range []bool{false, true} {
		t.Run(fmt.Sprintf("with the right to list users %v", lists), func(t *testing.T) {
			t.Parallel()
			p := accountsOf(t, "aws://eu-west-1?prefix=shop/")
			e := enforce(t)
			store := e.open(t, p)
			ctx := t.Context()
			for name, value := range map[string]string{
				"shop/STRIPE": "s", "shop/BANK": "k", "shop/CRM_APP": `{"clientId":"id"}`, "shop/GITHUB_APP": `{"clientId":"id"}`,
				"shop/GITHUB": "x", "shop/MAPS": "x", "shop/CRM_OTHER": "x", "shop/CRM__ann": "x",
			} {
				if _, err := e.Set(name, value); err != nil {
					t.Fatal(err)
				}
			}
			rules := awsPolicy(t, p, func(in *policy.Input) { in.Credentials, in.Users = p.accounts(), lists })
			e.as(rules)
			for _, name := range denied(t, append(using(t, p, store), reading(ctx, store, p.secrets())...)) {
				t.Errorf("%s is denied", name)
			}
			if got := denied(t, []step{listingUsers(t, p, store)}); (len(got) == 0) != lists {
				t.Errorf("%q is denied", got)
			}
			for _, s := range rules.Statement {
				for _, action := range s.Action {
					if !e.asked[action] {
						t.Errorf("the policy holds %s, which nothing asked for", action)
					}
				}
			}
			var mayNot []step
			for _, id := range []string{"GITHUB", "MAPS", "CRM_OTHER", "CRM__ann"} {
				mayNot = append(mayNot, step{"Get " + id, func() error { _, err := store.Get(ctx, id); return err }})
			}
			for _, id := range []string{"BANK", "CRM_APP", "GITHUB_APP", "STRIPE", "GITHUB", "CRM_OTHER", "CRM__ann"} {
				mayNot = append(mayNot,
					step{"Set " + id, func() error { _, err := store.Set(ctx, id, core.String("x")); return err }},
					step{"Delete " + id, func() error { return store.Delete(ctx, id) }},
				)
			}
			got := denied(t, mayNot)
			for _, s := range mayNot {
				if !slices.Contains(got, s.name) {
					t.Errorf("%s is allowed", s.name)
				}
			}
		})
	}
}
