package vault_test

import (
	"testing"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// Two programs that read one secret: with the API client alone, and with this
// provider.
const (
	bareProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/vault/api"
)

func main() {
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	secret, err := client.KVv2("secret").Get(context.Background(), "app/password")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(secret.Data))
}
`
	lukkoProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/providers/vault"
)

func main() {
	ctx := context.Background()
	store, err := core.Open(ctx, "vault:///secret")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer store.Close()
	secret, err := store.Get(ctx, "app/password")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(secret.Value.Reveal()))
}
`
)

func TestALinkedProgramIsLittleLargerThanWithTheBareClient(t *testing.T) {
	t.Parallel()
	providertest.LittleLarger(t, bareProgram, lukkoProgram)
}

func TestTheProviderLinksNoOtherAndNothingOfTheTests(t *testing.T) {
	t.Parallel()
	providertest.LinksOnly(t, "providers/vault")
}
