package gcptest_test

import (
	"fmt"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// Each rule here was seen in internal/server/storage.go of
// github.com/blackwell-systems/gcp-secret-manager-emulator.

func lenient(t *testing.T) (*gcptest.Server, *secretmanager.Client) {
	t.Helper()
	return strict(t, gcptest.WithPersonality(gcptest.Lenient))
}

func TestALenientServerHasNoEtagsAndNoChecksums(t *testing.T) {
	t.Parallel()
	_, c := lenient(t)
	ctx := t.Context()
	s, err := c.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: "projects/anyones", SecretId: "s", Secret: &secretmanagerpb.Secret{}})
	if err != nil || s.GetName() != "projects/anyones/secrets/s" || s.GetEtag() != "" || s.GetReplication().GetAutomatic() == nil {
		t.Fatalf("creating without a replication in a project by its id: %v, %v", s, err)
	}
	v, err := c.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: s.GetName(), Payload: &secretmanagerpb.SecretPayload{Data: []byte("a"), DataCrc32C: proto.Int64(1)}})
	if err != nil || v.GetName() != s.GetName()+"/versions/1" || v.GetEtag() != "" || v.GetClientSpecifiedPayloadChecksum() {
		t.Fatalf("adding with a wrong checksum: %v, %v", v, err)
	}
	got, err := accessName(t, c, v.GetName())
	if err != nil || string(got.GetPayload().GetData()) != "a" || got.GetPayload().DataCrc32C != nil {
		t.Errorf("reading it back: %v, %v", got.GetPayload().DataCrc32C, err)
	}
	if _, err := c.UpdateSecret(ctx, &secretmanagerpb.UpdateSecretRequest{Secret: &secretmanagerpb.Secret{Name: s.GetName(), Etag: "wrong", VersionAliases: map[string]int64{"prod": 1}}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"version_aliases"}}}); err != nil {
		t.Errorf("an update by a wrong etag: %v", err)
	}
	_, err = accessName(t, c, s.GetName()+"/versions/prod")
	wantCode(t, "a read by alias", err, codes.NotFound)
	if _, err := c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: v.GetName(), Etag: "wrong"}); err != nil {
		t.Errorf("disabling by a wrong etag: %v", err)
	}
	_, err = accessName(t, c, v.GetName())
	wantCode(t, "a disabled version", err, codes.FailedPrecondition)
	if err := c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: s.GetName(), Etag: "wrong"}); err != nil {
		t.Errorf("deleting by a wrong etag: %v", err)
	}
}

func TestALenientLatestIsTheNewestEnabledVersion(t *testing.T) {
	t.Parallel()
	srv, c := lenient(t)
	srv.Seed("s", []byte("a"), []byte("b"), []byte("c"))
	ctx := t.Context()
	name := project + "/secrets/s"
	for i, want := range []string{"c", "b", "a"} {
		wantData(t, c, "s/versions/latest", want)
		v, err := c.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: name + "/versions/latest"})
		if err != nil || v.GetName() != fmt.Sprintf("%s/versions/%d", name, 3-i) {
			t.Errorf("latest is %v, %v", v, err)
		}
		if _, err := c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: fmt.Sprintf("%s/versions/%d", name, 3-i)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := access(ctx, c, "s/versions/latest")
	wantCode(t, "latest with no enabled version", err, codes.NotFound)
}

func TestALenientListIgnoresFiltersAndItsOrderIsAnother(t *testing.T) {
	t.Parallel()
	srv, c := lenient(t)
	for _, id := range []string{"b", "a", "c"} {
		srv.Seed(id, []byte("1"), []byte("2"))
	}
	it := c.ListSecrets(t.Context(), &secretmanagerpb.ListSecretsRequest{Parent: project, PageSize: 2, Filter: "name:nothing at all ("})
	var got []string
	for range 3 {
		s, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.GetName()[len(project+"/secrets/"):])
	}
	if fmt.Sprint(got) != "[a b c]" {
		t.Errorf("the list is %v", got)
	}
	if n := it.Response.(*secretmanagerpb.ListSecretsResponse).GetTotalSize(); n != 0 {
		t.Errorf("the total is %d", n)
	}
	if _, err := c.DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: project + "/secrets/a/versions/2"}); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]string{
		"":                      "[projects/test-project/secrets/a/versions/1 projects/test-project/secrets/a/versions/2]",
		"create_time>yesterday": "[projects/test-project/secrets/a/versions/1 projects/test-project/secrets/a/versions/2]",
		"state:enabled":         "[projects/test-project/secrets/a/versions/1]",
	} {
		versions, err := versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/a", PageSize: 1, Filter: filter})
		if err != nil || fmt.Sprint(versions) != want {
			t.Errorf("the versions by %q are %v, %v", filter, versions, err)
		}
	}
}
