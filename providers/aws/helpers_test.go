package aws_test

import (
	"context"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// settings are those of a store over a fake, which takes nothing from this
// machine. at is the fake's address, or a proxy's before it; empty: the fake's.
func settings(fake *awstest.Server, at string) aws.Config {
	s := fake.Settings()
	if at == "" {
		at = s.URL
	}
	return aws.Config{
		Region: s.Region, Endpoint: at, Conditions: aws.ConditionsOn,
		Load: []func(*config.LoadOptions) error{
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, s.SessionToken)),
			config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
		},
	}
}

// open makes a store that is closed with its test.
func open(t testing.TB, cfg aws.Config) *core.Store {
	t.Helper()
	store, err := aws.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return providertest.Closed(t, store)
}

// bare is the SDK's client as programs make it.
func bare(t testing.TB, fake *awstest.Server) *secretsmanager.Client {
	t.Helper()
	s := fake.Settings()
	return secretsmanager.New(secretsmanager.Options{
		Region: s.Region, BaseEndpoint: &s.URL,
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, s.SessionToken),
	})
}

// set writes a value, and returns its version.
func set(t testing.TB, store *core.Store, id, value string, opts ...core.SetOption) string {
	t.Helper()
	info, err := store.Set(t.Context(), id, core.String(value), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return info.Version
}

// want checks the current value of an id.
func want(t testing.TB, store *core.Store, id, value string) {
	t.Helper()
	secret, err := store.Get(context.WithoutCancel(t.Context()), id)
	if err != nil || secret.Value.Reveal() != value {
		t.Errorf("%q has not the value that it should have, %v", id, err)
	}
}

// long is n, or many in the long form of the tests.
func long(n, many int) int {
	if os.Getenv("LUKKO_TRIAL") == "1" {
		return many
	}
	return n
}
