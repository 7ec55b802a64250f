package aws_test

import (
	"testing"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// Two programs that read one secret: with the SDK alone, and with this
// provider.
const (
	bareProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client := secretsmanager.NewFromConfig(cfg)
	secret, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("app/password")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(aws.ToString(secret.SecretString)))
}
`
	lukkoProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/providers/aws"
)

func main() {
	ctx := context.Background()
	store, err := core.Open(ctx, "aws:")
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

func TestALinkedProgramIsLittleLargerThanWithTheBareSDK(t *testing.T) {
	t.Parallel()
	providertest.LittleLarger(t, bareProgram, lukkoProgram)
}

func TestTheProviderLinksNoOtherAndNothingOfTheTests(t *testing.T) {
	t.Parallel()
	providertest.LinksOnly(t, "providers/aws")
}
