package gcptest_test

import (
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// A project has an ID and a number; the service takes both and answers with the
// number, which surprises (github.com/hashicorp/terraform-provider-google/issues/13558).
func TestAProjectIsKnownByItsIDAndItsNumberAndAnsweredByTheNumber(t *testing.T) {
	t.Parallel()
	srv, c := strict(t, gcptest.WithProject("other", 42))
	srv.Seed("s", []byte("a"))
	srv.Seed("projects/other/secrets/s", []byte("b"))
	for name, want := range map[string]string{
		"projects/test-project/secrets/s/versions/latest": number + "/secrets/s/versions/1 a",
		number + "/secrets/s/versions/latest":             number + "/secrets/s/versions/1 a",
		"projects/other/secrets/s/versions/1":             "projects/42/secrets/s/versions/1 b",
		"projects/42/secrets/s/versions/1":                "projects/42/secrets/s/versions/1 b",
	} {
		got, err := c.AccessSecretVersion(t.Context(), &secretmanagerpb.AccessSecretVersionRequest{Name: name})
		if err != nil || got.GetName()+" "+string(got.GetPayload().GetData()) != want {
			t.Errorf("%s is %v, %v; want %s", name, got.GetName(), err, want)
		}
	}
	// What does not exist and what is forbidden look the same.
	_, err := c.AccessSecretVersion(t.Context(), &secretmanagerpb.AccessSecretVersionRequest{Name: "projects/nobodys/secrets/s/versions/1"})
	wantCode(t, "a project that does not exist", err, codes.PermissionDenied)
}

// The words are the service's:
// github.com/googleapis/nodejs-secret-manager/issues/74.
func TestANameThatIsMalformedIsAnInvalidArgument(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	for _, name := range []string{
		"projects/test-project/secrets/s",
		"projects/test-project/secrets/s/versions/",
		"projects/test-project/secrets/s/versions/0",
		"projects/test-project/secrets/s/versions/-1",
		"projects/test-project/secrets/s/versions/01",
		"projects/test-project/secrets/s/versions/1/",
		"projects/test-project/secrets/s.t/versions/1",
		"/projects/test-project/secrets/s/versions/1",
		"projects//secrets/s/versions/1",
		"secrets/s/versions/1",
		"s",
		"",
	} {
		_, err := accessName(t, c, name)
		wantCode(t, "the name "+name, err, codes.InvalidArgument)
		wantMessage(t, err, "Resource ID ["+name+"] is not in a valid format.")
	}
}

// https://cloud.google.com/secret-manager/regional-secrets/create-regional-secret:
// regional secrets have names with a location and an endpoint of their own,
// and no replication.
func TestARegionalSecretLivesAtItsOwnEndpoint(t *testing.T) {
	t.Parallel()
	srv, global := strict(t)
	west := client(t, srv.Regional("europe-west3"))
	ctx := t.Context()
	parent := project + "/locations/europe-west3"
	key := "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k"

	_, err := west.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: parent, SecretId: "s", Secret: &secretmanagerpb.Secret{Replication: automatic()}})
	wantCode(t, "a regional secret with a replication", err, codes.InvalidArgument)
	_, err = west.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: parent, SecretId: "s", Secret: &secretmanagerpb.Secret{CustomerManagedEncryption: encrypted(globalKey)}})
	wantCode(t, "a regional secret with a key from elsewhere", err, codes.InvalidArgument)
	s, err := west.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: parent, SecretId: "s", Secret: &secretmanagerpb.Secret{CustomerManagedEncryption: encrypted(key)}})
	if err != nil || s.GetName() != number+"/locations/europe-west3/secrets/s" {
		t.Fatalf("creating a regional secret: %v, %v", s, err)
	}
	v, err := west.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: s.GetName(), Payload: &secretmanagerpb.SecretPayload{Data: []byte("r")}})
	if err != nil || v.GetName() != s.GetName()+"/versions/1" || v.GetReplicationStatus() != nil ||
		v.GetCustomerManagedEncryption().GetKmsKeyVersionName() != key+"/cryptoKeyVersions/1" {
		t.Fatalf("adding to a regional secret: %v, %v", v, err)
	}
	got, err := accessName(t, west, parent+"/secrets/s/versions/latest")
	if err != nil || string(got.GetPayload().GetData()) != "r" {
		t.Fatalf("reading a regional secret: %v", err)
	}

	srv.Seed("g", []byte("g"))
	_, err = accessName(t, west, project+"/secrets/g/versions/1")
	wantCode(t, "a global name at a regional endpoint", err, codes.InvalidArgument)
	_, err = accessName(t, global, parent+"/secrets/s/versions/1")
	wantCode(t, "a regional name at the global endpoint", err, codes.InvalidArgument)
	_, err = accessName(t, client(t, srv.Regional("us-east1")), parent+"/secrets/s/versions/1")
	wantCode(t, "a regional name at another region's endpoint", err, codes.InvalidArgument)

	create(t, global, "s") // the same id is free elsewhere
	if names, err := secretNames(t, global, &secretmanagerpb.ListSecretsRequest{Parent: project}); err != nil || len(names) != 2 {
		t.Errorf("the global secrets are %v, %v", names, err)
	}
	page, err := west.ListSecrets(ctx, &secretmanagerpb.ListSecretsRequest{Parent: parent}).Next()
	if err != nil || page.GetName() != s.GetName() {
		t.Errorf("the regional secrets begin with %v, %v", page, err)
	}
}
