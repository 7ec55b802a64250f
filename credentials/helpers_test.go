package credentials_test

import (
	"context"
	"errors"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
	"github.com/lukko-dev/lukko/schema"
)

// canary is in every secret that must not be seen.
const canary = "canary-7f3a"

// settings are those of a provider that nobody asks.
func settings() *oauth2.Settings {
	return &oauth2.Settings{
		AuthURL: "https://auth.example.com/authorize", TokenURL: "https://auth.example.com/token",
		Scopes: []string{"read", "write"}, AllowedHosts: []string{"api.example.com"},
	}
}

func newSet() *credentials.Set { return &credentials.Set{Secrets: new(schema.Set)} }

// stripeKeys is a key within a document.
type stripeKeys struct {
	APIKey  core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
	Webhook core.Value `json:"webhook,omitzero"`
}

// world is a store of credentials of each kind over a memory, with the calls
// that arrive there.
type world struct {
	set   *credentials.Set
	mem   *memory.Store
	calls *calls
	store *credentials.Store
	api   *api // of every host, and the provider's endpoints

	stripe *credentials.Credential[stripeKeys]       // the application's key
	bot    *credentials.Credential[oauth2.Token]     // its account
	notion *credentials.UserCredential[core.Value]   // a key of each user
	shop   *credentials.UserCredential[stripeKeys]   // a document of each user
	github *credentials.UserCredential[oauth2.Token] // an account of each user
}

func newWorld(t *testing.T, change ...func(*credentials.Config)) *world {
	t.Helper()
	w := &world{set: newSet(), calls: new(calls)}
	w.mem = memory.New(memory.Config{OnCall: w.calls.add})
	w.stripe = credentials.DeclareIn[stripeKeys](w.set, credentials.Spec{
		Name: "stripe", DisplayName: "Stripe", SecretID: "STRIPE", KeyAt: "/apiKey", Hosts: []string{"api.example.com"}, Auth: httpauth.Bearer(),
	})
	w.bot = credentials.DeclareIn[oauth2.Token](w.set, credentials.Spec{
		Name: "bot", DisplayName: "The bot", SecretID: "BOT_APP", TokenSecretID: "BOT", OAuth2: settings(),
	})
	w.notion = credentials.DeclarePerUserIn[core.Value](w.set, credentials.Spec{
		Name: "notion", DisplayName: "Notion", SecretID: "NOTION", Hosts: []string{"api.example.com"}, Auth: httpauth.Bearer(), DocsURL: "https://example.com/docs",
	})
	w.shop = credentials.DeclarePerUserIn[stripeKeys](w.set, credentials.Spec{
		Name: "shop", SecretID: "SHOP", KeyAt: "/apiKey", Hosts: []string{"api.example.com"}, Auth: httpauth.Bearer(), Optional: true,
	})
	w.github = credentials.DeclarePerUserIn[oauth2.Token](w.set, credentials.Spec{
		Name: "github", DisplayName: "GitHub", SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", OAuth2: settings(),
	})
	if err := w.set.Check(); err != nil {
		t.Fatal(err)
	}
	cfg := credentials.Config{
		Secrets: w.mem, Set: w.set,
		ConnectURL: func(name, user string) string { return "https://app.example.com/credentials/" + name },
	}
	w.api = &api{}
	cfg.Transport, cfg.Endpoints = w.api, w.api
	for _, f := range change {
		f(&cfg)
	}
	store, err := credentials.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w.store = store
	return w
}

// put stores a value as somebody else does, without a call that is counted.
func (w *world) put(id, value string) { w.mem.Seed(id, core.String(value)) }

// stored returns what is at an id; empty if nothing is.
func (w *world) stored(t *testing.T, id string) string {
	t.Helper()
	secret, err := w.mem.Get(context.Background(), id)
	if err != nil && !errors.Is(err, core.ErrNotFound) {
		t.Fatal(err)
	}
	return secret.Value.Reveal()
}
