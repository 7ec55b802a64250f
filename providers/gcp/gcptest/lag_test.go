package gcptest_test

import (
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// https://cloud.google.com/secret-manager/docs/reference/consistency: "adding a
// secret version and then immediately accessing that secret version by version
// number is a strongly consistent operation"; not so by aliases or latest, nor
// anything else.
func TestWithLagOnlyAReadByNumberSeesAnAddAtOnce(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	srv, c := strict(t, gcptest.WithClock(clock.Now))
	srv.Seed("s", []byte("a"))
	srv.SetLag(time.Minute)
	add(t, c, "s", "b")
	clock.Advance(30 * time.Second)
	add(t, c, "s", "c")
	alias := func(version int64) {
		t.Helper()
		if _, err := c.UpdateSecret(t.Context(), &secretmanagerpb.UpdateSecretRequest{
			Secret:     &secretmanagerpb.Secret{Name: project + "/secrets/s", VersionAliases: map[string]int64{"prod": version}},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"version_aliases"}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	alias(3)
	check := func(latest string, versions int, prod codes.Code) {
		t.Helper()
		wantData(t, c, "s/versions/3", "c")
		wantData(t, c, "s/versions/latest", latest)
		got, err := versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/s"})
		if err != nil || len(got) != versions {
			t.Fatalf("the list has %v, %v; want %d", got, err, versions)
		}
		_, err = access(t.Context(), c, "s/versions/prod")
		wantCode(t, "the alias", err, prod)
	}
	check("a", 1, codes.NotFound)
	clock.Advance(30*time.Second - 1)
	check("a", 1, codes.NotFound)
	clock.Advance(1)
	check("b", 2, codes.NotFound)
	clock.Advance(30 * time.Second)
	check("c", 3, codes.OK)

	alias(1)
	wantData(t, c, "s/versions/prod", "c")
	srv.Settle()
	wantData(t, c, "s/versions/prod", "a")
	alias(2)
	srv.SetLag(0)
	wantData(t, c, "s/versions/prod", "b")
}

func TestWithLagAListShowsWhatWas(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	srv, c := strict(t, gcptest.WithClock(clock.Now))
	srv.Seed("old", []byte("a"))
	srv.SetLag(time.Minute)
	list := func(want string) {
		t.Helper()
		got, err := secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project})
		if err != nil || fmt.Sprint(got) != want {
			t.Fatalf("the list is %v, %v; want %s", got, err, want)
		}
	}
	create(t, c, "new")
	add(t, c, "new", "b") // a write finds what is new
	if err := c.DeleteSecret(t.Context(), &secretmanagerpb.DeleteSecretRequest{Name: project + "/secrets/old"}); err != nil {
		t.Fatal(err)
	}
	list("[old]")
	wantData(t, c, "new/versions/1", "b")
	_, err := access(t.Context(), c, "new/versions/latest")
	wantCode(t, "latest of a new secret", err, codes.NotFound)
	_, err = access(t.Context(), c, "old/versions/1")
	wantCode(t, "a deleted secret by number", err, codes.NotFound)
	if _, err := c.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: project + "/secrets/new"}); err != nil {
		t.Errorf("what is known of a new secret: %v", err)
	}

	create(t, c, "old") // again
	clock.Advance(time.Minute)
	list("[old new]")
	wantData(t, c, "new/versions/latest", "b")

	if err := c.DeleteSecret(t.Context(), &secretmanagerpb.DeleteSecretRequest{Name: project + "/secrets/new"}); err != nil {
		t.Fatal(err)
	}
	list("[old new]")
	srv.Settle()
	list("[old]")
}
