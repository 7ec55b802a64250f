// Command quickstart shows the main job of Lukko on real files with real
// encryption: a secret is declared with a struct, stored encrypted, read typed,
// rotated, and overridden by the environment. It needs no account, writes to
// a temporary folder only, and exits non-zero if anything it says is untrue.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/examples/internal/tell"
	"github.com/lukko-dev/lukko/examples/quickstart/secrets"
	"github.com/lukko-dev/lukko/providers/env"
	"github.com/lukko-dev/lukko/providers/file"
)

func main() {
	if err := run(context.Background(), os.Stdout, newStripe); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, serve func(key string) *fakeStripe) error {
	say := tell.Teller{Out: out}
	dir, err := os.MkdirTemp("", "lukko-quickstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	say.Title("An encrypted store: plain age files, to be committed beside the code")
	you, err := file.CreateIdentity(filepath.Join(dir, "identity.txt"), file.IdentityOptions{})
	if err != nil {
		return err
	}
	settings := file.Config{Dir: filepath.Join(dir, "store"), UserDir: dir, LookupEnv: noEnvironment}
	if err := file.Init(ctx, settings, you); err != nil {
		return err
	}
	store, err := file.New(settings)
	if err != nil {
		return err
	}
	defer store.Close()
	say.Line("you read it as %s…", you.Key[:20])

	// The methods of typed are made from the declarations, by lukko generate.
	typed := secrets.NewTypedSecretService(store)

	say.Title("The secret is declared, and missing")
	_, err = typed.Stripe(ctx)
	if err := expect(err, core.ErrNotFound); err != nil {
		return err
	}
	say.Line("%v", err)

	say.Title("A publishable key is no secret key, says the schema")
	wrong := secrets.StripeCredentials{APIKey: core.String("pk_test_51NotASecret"), WebhookSecret: core.String("whsec_a")}
	err = typed.SetStripe(ctx, wrong)
	if err := errors.Join(expect(err, core.ErrInvalidValue), hides(err, wrong)); err != nil {
		return err
	}
	say.Line("%v", err)

	say.Title("Stored encrypted, read typed")
	first := secrets.StripeCredentials{APIKey: core.String("sk_test_51First"), WebhookSecret: core.String("whsec_first")}
	if err := typed.SetStripe(ctx, first); err != nil {
		return err
	}
	loaded, err := typed.Load(ctx) // one batch for all that a program declares
	if err != nil {
		return err
	}
	defer loaded.Close()
	server := serve("sk_test_51First")
	defer server.Close()
	// The loaded getter never blocks and never fails.
	if err := charge(ctx, server, loaded.Stripe()); err != nil {
		return err
	}
	say.Line("a value prints as %v, and signs a request: the server verified it", loaded.Stripe().APIKey)

	say.Title("On disk there is no byte of it in clear text")
	if err := encrypted(dir, first); err != nil {
		return err
	}
	say.Line("and without Lukko: age -d -i identity.txt store/secrets/STRIPE_CREDENTIALS.age")

	say.Title("A rotation, and the loaded handle follows")
	second := secrets.StripeCredentials{APIKey: core.String("sk_test_52Second"), WebhookSecret: core.String("whsec_second")}
	if err := typed.SetStripe(ctx, second); err != nil {
		return err
	}
	server.rotate("sk_test_52Second")
	if err := loaded.Refresh(ctx); err != nil { // it polls by itself, too: once a minute
		return err
	}
	if err := charge(ctx, server, loaded.Stripe()); err != nil {
		return err
	}
	if err := errors.Join(refused(charge(ctx, server, first)), encrypted(dir, second)); err != nil {
		return err
	}
	say.Line("the server verified the new key, and refuses the old one")

	say.Title("The same code, with the environment in front of the store")
	for _, variables := range []map[string]string{
		{},
		{"STRIPE_CREDENTIALS": `{"apiKey":"sk_test_53Local","webhookSecret":"whsec_local"}`},
	} {
		layers, err := chain.New(chain.Config{Layers: []chain.Layer{
			{Name: "env", Service: env.New(env.Config{Lookup: lookupIn(variables)})},
			{Name: "store", Service: store},
		}})
		if err != nil {
			return err
		}
		answered, err := useChain(ctx, layers, server, variables)
		if err != nil {
			return err
		}
		say.Line("%d in the environment: layer %q answered, and the server verified its key", len(variables), answered)
	}
	say.Title("All of this was true: checked, not only said")
	return nil
}
