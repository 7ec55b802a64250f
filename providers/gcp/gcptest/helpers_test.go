package gcptest_test

import (
	"context"
	"errors"
	"hash/crc32"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

const (
	project = "projects/test-project"
	number  = "projects/123456789012"
)

// start is when the clocks of these tests begin.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func automatic() *secretmanagerpb.Replication {
	return &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{
		Automatic: &secretmanagerpb.Replication_Automatic{},
	}}
}

func create(t *testing.T, c *secretmanager.Client, id string) *secretmanagerpb.Secret {
	t.Helper()
	s, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{
		Parent: project, SecretId: id, Secret: &secretmanagerpb.Secret{Replication: automatic()},
	})
	if err != nil {
		t.Fatalf("creating %s: %v", id, err)
	}
	return s
}

func add(t *testing.T, c *secretmanager.Client, id, data string) *secretmanagerpb.SecretVersion {
	t.Helper()
	v, err := c.AddSecretVersion(t.Context(), &secretmanagerpb.AddSecretVersionRequest{
		Parent: project + "/secrets/" + id, Payload: &secretmanagerpb.SecretPayload{Data: []byte(data)},
	})
	if err != nil {
		t.Fatalf("adding a version to %s: %v", id, err)
	}
	return v
}

func access(ctx context.Context, c *secretmanager.Client, version string) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	return c.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: project + "/secrets/" + version})
}

func wantData(t *testing.T, c *secretmanager.Client, version, want string) {
	t.Helper()
	got, err := access(t.Context(), c, version)
	if err != nil {
		t.Fatalf("accessing %s: %v", version, err)
	}
	if string(got.GetPayload().GetData()) != want {
		t.Fatalf("accessing %s gave %q, want %q", version, got.GetPayload().GetData(), want)
	}
}

func wantCode(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Fatalf("%s: got code %v (%v), want %v", what, got, err, want)
	}
}

func wantMessage(t *testing.T, err error, want string) {
	t.Helper()
	if got := status.Convert(err).Message(); got != want {
		t.Fatalf("the message is %q, want %q", got, want)
	}
}

func crc(data string) int64 {
	return int64(crc32.Checksum([]byte(data), crc32.MakeTable(crc32.Castagnoli)))
}

func secretNames(t *testing.T, c *secretmanager.Client, req *secretmanagerpb.ListSecretsRequest) ([]string, error) {
	t.Helper()
	var names []string
	it := c.ListSecrets(t.Context(), req)
	for {
		s, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return names, nil
		}
		if err != nil {
			return names, err
		}
		names = append(names, s.GetName()[len(number+"/secrets/"):])
	}
}

func versionNames(t *testing.T, c *secretmanager.Client, req *secretmanagerpb.ListSecretVersionsRequest) ([]string, error) {
	t.Helper()
	var names []string
	it := c.ListSecretVersions(t.Context(), req)
	for {
		v, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return names, nil
		}
		if err != nil {
			return names, err
		}
		names = append(names, v.GetName())
	}
}

func strict(t *testing.T, opts ...gcptest.Option) (*gcptest.Server, *secretmanager.Client) {
	t.Helper()
	srv := gcptest.New(t, opts...)
	return srv, client(t, srv.Endpoint)
}

// client is the official client of the endpoint, but for its own retries, which
// wait for seconds.
func client(t *testing.T, e *gcptest.Endpoint) *secretmanager.Client {
	t.Helper()
	c := e.Client(t)
	c.CallOptions.AccessSecretVersion = nil
	return c
}

// detail is the first detail of the type in the status of err.
func detail[T any](t *testing.T, err error) T {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if d, ok := d.(T); ok {
			return d
		}
	}
	t.Fatalf("%v has the details %v, of which none is a %T", err, status.Convert(err).Details(), *new(T))
	panic("unreachable")
}

// accessName reads a version by its whole name.
func accessName(t *testing.T, c *secretmanager.Client, name string) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	t.Helper()
	return c.AccessSecretVersion(t.Context(), &secretmanagerpb.AccessSecretVersionRequest{Name: name})
}
