package gcp_test

import (
	"testing"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// Two programs that read one secret: with Google's client alone, and with this
// provider.
const (
	bareProgram = `package main

import (
	"context"
	"fmt"
	"os"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

func main() {
	ctx := context.Background()
	client, err := secretmanager.NewClient(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer client.Close()
	secret, err := client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: "projects/my-project/secrets/PASSWORD/versions/latest"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(secret.GetPayload().GetData()))
}
`
	lukkoProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/providers/gcp"
)

func main() {
	ctx := context.Background()
	store, err := core.Open(ctx, "gcp://my-project")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer store.Close()
	secret, err := store.Get(ctx, "PASSWORD")
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
	providertest.LinksOnly(t, "providers/gcp")
}
