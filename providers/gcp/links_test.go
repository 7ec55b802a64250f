package gcp_test

import (
	"testing"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// bareProgram reads one secret with Google's client alone.
const bareProgram = `package main

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

func TestALinkedProgramIsLittleLargerThanWithTheBareClient(t *testing.T) {
	t.Parallel()
	providertest.LittleLarger(t, bareProgram, providertest.Reader("providers/gcp", "gcp://my-project"))
}

func TestTheProviderLinksNoOtherAndNothingOfTheTests(t *testing.T) {
	t.Parallel()
	providertest.LinksOnly(t, "providers/gcp")
}
