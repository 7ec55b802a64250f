package vault_test

import (
	"testing"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// bareProgram reads one secret with the API client alone.
const bareProgram = `package main

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

func TestALinkedProgramIsLittleLargerThanWithTheBareClient(t *testing.T) {
	t.Parallel()
	providertest.LittleLarger(t, bareProgram, providertest.Reader("providers/vault", "vault:///secret"))
}

func TestTheProviderLinksNoOtherAndNothingOfTheTests(t *testing.T) {
	t.Parallel()
	providertest.LinksOnly(t, "providers/vault")
}
