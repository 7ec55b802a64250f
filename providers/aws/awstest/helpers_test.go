package awstest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a fake with a clock of its own and a client by the unmodified SDK.
type world struct {
	*awstest.Server
	*sm.Client
	t     *testing.T
	clock *awstest.Clock
}

func newWorld(t *testing.T, configure ...func(*awstest.Config)) *world {
	t.Helper()
	clock := awstest.NewClock(start)
	fake := awstest.New(t, append([]func(*awstest.Config){func(c *awstest.Config) { c.Clock = clock.Now }}, configure...)...)
	return &world{Server: fake, Client: client(t, fake), t: t, clock: clock}
}

// client makes one call a request, so that a test sees what the wire says.
func client(t *testing.T, fake *awstest.Server, change ...func(*sm.Options)) *sm.Client {
	t.Helper()
	set := fake.Settings()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return sm.New(sm.Options{
		Region:       set.Region,
		BaseEndpoint: aws.String(set.URL),
		Credentials:  keys(set.AccessKeyID, set.SecretAccessKey, set.SessionToken),
		HTTPClient:   &http.Client{Transport: transport, Timeout: 20 * time.Second},
		Retryer:      aws.NopRetryer{},
	}, change...)
}

func keys(id, secret, token string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	})
}

// token is a ClientRequestToken of 32 characters that tells what it is for.
func token(name string) *string {
	return aws.String(name + strings.Repeat("-", 32-len(name)))
}

// wantCode fails unless err is the API's error of that code; "" is none.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	switch {
	case code == "" && err != nil:
		t.Fatalf("got %v, want no error", err)
	case code == "":
	case !errors.As(err, &api):
		t.Fatalf("got %v, want the API's %s", err, code)
	case api.ErrorCode() != code:
		t.Fatalf("got %s (%s), want %s", api.ErrorCode(), api.ErrorMessage(), code)
	}
}

func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}

func (w *world) create(name, value string) *sm.CreateSecretOutput {
	w.t.Helper()
	in := &sm.CreateSecretInput{Name: &name}
	if value != "" {
		in.SecretString = &value
	}
	out, err := w.CreateSecret(w.t.Context(), in)
	if err != nil {
		w.t.Fatalf("creating %s: %v", name, err)
	}
	return out
}

func (w *world) put(id, value string, version *string, stages ...string) *sm.PutSecretValueOutput {
	w.t.Helper()
	out, err := w.PutSecretValue(w.t.Context(), &sm.PutSecretValueInput{SecretId: &id, SecretString: &value, ClientRequestToken: version, VersionStages: stages})
	if err != nil {
		w.t.Fatalf("putting to %s: %v", id, err)
	}
	return out
}

func (w *world) get(id string) (string, error) {
	out, err := w.GetSecretValue(w.t.Context(), &sm.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

func (w *world) wantValue(id, want string) {
	w.t.Helper()
	got, err := w.get(id)
	if err != nil || got != want {
		w.t.Fatalf("%s reads %q and %v, want %q", id, got, err, want)
	}
}

// wantStages compares the labels of all versions, deprecated ones too. The
// versions go by the short name that token was given.
func (w *world) wantStages(id string, want map[string]string) {
	w.t.Helper()
	out, err := w.ListSecretVersionIds(w.t.Context(), &sm.ListSecretVersionIdsInput{SecretId: &id, IncludeDeprecated: aws.Bool(true)})
	if err != nil {
		w.t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range out.Versions {
		got[strings.TrimRight(*v.VersionId, "-")] = strings.Join(v.VersionStages, " ")
	}
	if len(got) != len(want) {
		w.t.Fatalf("versions are %v, want %v", got, want)
	}
	for v, stages := range want {
		if got[v] != stages {
			w.t.Fatalf("versions are %v, want %v", got, want)
		}
	}
}
