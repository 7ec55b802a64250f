// Command vault shows a secret in Vault or OpenBao: declared with a struct,
// stored as fields that Vault's own tools show, read typed, and rotated while
// the program runs. It stores and removes one secret, and exits non-zero if
// anything it says is untrue.
//
// It needs a server with a KV version 2 engine at secret/, and a token that may
// write below lukko-example/ there:
//
//	vault server -dev -dev-root-token-id=root &
//	VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=root go run ./examples/vault
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/providers/vault" // the scheme vault
	"github.com/lukko-dev/lukko/schema"
)

// A secret is a struct, and what is declared of it.
type StripeCredentials struct {
	APIKey        core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
	WebhookSecret core.Value `json:"webhookSecret"`
}

var Stripe = schema.Declare[StripeCredentials](schema.Spec{
	Name: "stripe", ID: "STRIPE_CREDENTIALS",
	DisplayName: "Stripe API", Description: "API keys for Stripe payment processing",
	DocsURL: "https://docs.stripe.com/keys",
})

func (c StripeCredentials) equal(other StripeCredentials) bool {
	return c.APIKey.Equal(other.APIKey) && c.WebhookSecret.Equal(other.WebhookSecret)
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	store, err := core.Open(ctx, "vault:///secret?prefix=lukko-example/") // asks nothing of the server yet
	if err != nil {
		return err
	}
	defer store.Close()

	fmt.Fprintln(out, "● Declared, and not there yet")
	_, err = Stripe.Get(ctx, store)
	switch {
	case err == nil:
		return errors.New("there is such a secret already; it stays as it is")
	case !errors.Is(err, core.ErrNotFound):
		return err
	}
	fmt.Fprintln(out, " ", err)

	fmt.Fprintln(out, "● Stored: each member is a field of the secret in Vault")
	first := StripeCredentials{APIKey: core.String("sk_test_51First"), WebhookSecret: core.String("whsec_first")}
	if err := Stripe.Set(ctx, store, first); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, store.Delete(context.WithoutCancel(ctx), Stripe.Meta().ID, core.Purge()))
	}()
	fields, err := fieldsInVault(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "  Vault's own client sees", fields, "as `vault kv get -mount=secret lukko-example/STRIPE_CREDENTIALS` does")

	fmt.Fprintln(out, "● Read, typed and validated: one batch for all that a program declares")
	loaded, err := schema.Load(ctx, store, Stripe)
	if err != nil {
		return err
	}
	defer loaded.Close()
	stripe := Stripe.From(loaded) // its Get never blocks and never fails
	if !stripe.Get().equal(first) {
		return errors.New("what was read is not what was stored")
	}
	fmt.Fprintln(out, "  a value prints as", stripe.Get().APIKey)

	fmt.Fprintln(out, "● Rotated, and the handle follows")
	second := StripeCredentials{APIKey: core.String("sk_test_52Second"), WebhookSecret: core.String("whsec_second")}
	if err := Stripe.Set(ctx, store, second); err != nil {
		return err
	}
	if err := loaded.Refresh(ctx); err != nil { // it polls by itself, too: once a minute
		return err
	}
	if !stripe.Get().equal(second) {
		return errors.New("the handle does not follow the rotation")
	}

	fmt.Fprintln(out, "● Vault keeps both versions")
	versions := 0
	for info, err := range store.Versions(ctx, Stripe.Meta().ID) {
		if err != nil {
			return err
		}
		versions++
		fmt.Fprintln(out, "  version", info.Version)
	}
	if versions != 2 {
		return fmt.Errorf("%d versions, want 2", versions)
	}
	return nil
}

// fieldsInVault are the names of the secret's fields, read without Lukko.
func fieldsInVault(ctx context.Context) ([]string, error) {
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		return nil, err
	}
	secret, err := client.KVv2("secret").Get(ctx, "lukko-example/STRIPE_CREDENTIALS")
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(secret.Data)), nil
}
