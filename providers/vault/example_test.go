package vault_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hashicorp/vault/api"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/vault"
)

// A mount of the server that VAULT_ADDR names, with the login that the
// environment has something for.
func Example() {
	ctx := context.Background()
	store, err := core.Open(ctx, "vault:///secret?prefix=shop/")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	secret, err := store.Get(ctx, "STRIPE_CREDENTIALS") // GET secret/data/shop/STRIPE_CREDENTIALS
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(secret) // its value prints as [REDACTED]
}

// In a pod, with the token of its service account.
func ExampleNew() {
	store, err := vault.New(vault.Config{
		Address: "https://vault.example.com:8200",
		Mount:   "team/kv",
		Login:   vault.Login{Method: "kubernetes", Role: "shop"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// Over a client that the program has already.
func ExampleNew_client() {
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	store, err := vault.New(vault.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// What is wrong in a URL is said before anything is asked of a server.
func ExampleOpener() {
	schemes := core.Schemes{"vault": vault.Opener(vault.Config{Concurrency: 16})}
	_, err := schemes.Open(context.Background(), "vault:///secret?kv=3")
	fmt.Println(err)
	// Output: vault open: invalid option: the key kv is 1 or 2
}
