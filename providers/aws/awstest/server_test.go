package awstest_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// The environment alone must do, as users have it: the SDK's own loading finds the
// endpoint, the region and the keys.
func TestTheEnvironmentOfTheSettingsIsAllThatAnSDKNeeds(t *testing.T) {
	fake := awstest.New(t, func(c *awstest.Config) { c.Region, c.Account = "eu-central-1", "999988887777" })
	t.Setenv("AWS_PROFILE", "someone's own")
	for name, value := range fake.Settings().Env() {
		t.Setenv(name, value)
	}
	if _, err := fake.Set("db", "one"); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatalf("loading the configuration: %T", err)
	}
	w := &world{Server: fake, Client: sm.NewFromConfig(cfg), t: t}
	w.wantValue("db", "one")
	if about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: new("db")}); err != nil || !strings.HasPrefix(*about.ARN, "arn:aws:secretsmanager:eu-central-1:999988887777:secret:db-") {
		t.Errorf("the ARN is %v and %v", about, err)
	}
}

func TestAHandlerCanBeServedInAnyWay(t *testing.T) {
	t.Parallel()
	fake := awstest.NewHandler()
	if fake.URL() != "" {
		t.Errorf("a handler listens on %q", fake.URL())
	}
	srv := httptest.NewTLSServer(fake)
	t.Cleanup(srv.Close)
	w := &world{Server: fake, t: t, Client: client(t, fake, func(o *sm.Options) {
		o.BaseEndpoint, o.HTTPClient = &srv.URL, srv.Client()
	})}
	w.create("db", "one")
	w.wantValue("db", "one")
}

func TestAPreparationKeepsTheRulesAndAsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) { c.Authorize = func(awstest.Access) bool { return false } })
	w.Inject(awstest.Fault{Times: -1})
	first, err := w.Set("db", "one")
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.Set("db", "two")
	if err != nil || first == second || first == "" {
		t.Errorf("the versions are %s and %s, %v", first, second, err)
	}
	var refused *awstest.APIError
	for name, value := range map[string]string{"bad name": "x", "empty": "", "big": strings.Repeat("x", 65_537)} {
		if _, err := w.Set(name, value); !errors.As(err, &refused) || refused.Code != "ValidationException" || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if calls := w.Calls(); len(calls) != 0 {
		t.Errorf("the calls are %v", calls)
	}
}
