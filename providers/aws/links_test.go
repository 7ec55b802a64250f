package aws_test

import (
	"testing"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// bareProgram reads one secret with the SDK alone.
const bareProgram = `package main

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

func TestALinkedProgramIsLittleLargerThanWithTheBareSDK(t *testing.T) {
	t.Parallel()
	providertest.LittleLarger(t, bareProgram, providertest.Reader("providers/aws", "aws:"))
}

func TestTheProviderLinksNoOtherAndNothingOfTheTests(t *testing.T) {
	t.Parallel()
	providertest.LinksOnly(t, "providers/aws")
}
