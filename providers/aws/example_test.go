package aws_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/aws"
)

// A region, with the credentials that the SDK finds.
func Example() {
	ctx := context.Background()
	store, err := core.Open(ctx, "aws://eu-west-1?prefix=shop/")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	secret, err := store.Get(ctx, "STRIPE_CREDENTIALS") // GetSecretValue of shop/STRIPE_CREDENTIALS
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(secret) // its value prints as [REDACTED]
}

// A role of another account, and a key for what is made there.
func ExampleNew() {
	store, err := aws.New(context.Background(), aws.Config{
		Region:  "eu-west-1",
		RoleARN: "arn:aws:iam::444455556666:role/shop", ExternalID: "shop-1",
		KMSKey: "alias/shop",
		Tags:   map[string]string{"team": "shop"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// Over a client that the program has already.
func ExampleNew_client() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	store, err := aws.New(ctx, aws.Config{Client: secretsmanager.NewFromConfig(cfg)})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// What is wrong in a URL is said before anything is asked of the service.
func ExampleOpener() {
	schemes := core.Schemes{"aws": aws.Opener(aws.Config{Concurrency: 16})}
	_, err := schemes.Open(context.Background(), "aws://eu-west-1?recovery_days=3")
	fmt.Println(err)
	// Output: aws open: invalid option: the key recovery_days is a number of days, 7 to 30
}
