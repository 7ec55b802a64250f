package gcptest_test

import (
	"bytes"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// resources.proto, SecretVersion.name: "IDs in a Secret start at 1 and are
// incremented for each subsequent version"; service.proto,
// AccessSecretVersionRequest.name: latest is "an alias to the most recently
// created SecretVersion".
func TestVersionsAreNumberedFromOneAndLatestIsTheNewest(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	create(t, c, "s")
	for i, want := range []string{"/versions/1", "/versions/2", "/versions/3"} {
		v := add(t, c, "s", string(rune('a'+i)))
		if got := v.GetName(); got != number+"/secrets/s"+want {
			t.Fatalf("the version is %s, want %s", got, number+"/secrets/s"+want)
		}
		if v.GetState() != secretmanagerpb.SecretVersion_ENABLED || v.GetEtag() == "" || v.GetCreateTime() == nil {
			t.Fatalf("a new version is %v", v)
		}
	}
	wantData(t, c, "s/versions/1", "a")
	wantData(t, c, "s/versions/2", "b")
	got, err := access(t.Context(), c, "s/versions/latest")
	if err != nil || got.GetName() != number+"/secrets/s/versions/3" || string(got.GetPayload().GetData()) != "c" {
		t.Fatalf("latest is %v, %v", got.GetName(), err)
	}
	v, err := c.GetSecretVersion(t.Context(), &secretmanagerpb.GetSecretVersionRequest{Name: project + "/secrets/s/versions/latest"})
	if err != nil || v.GetName() != number+"/secrets/s/versions/3" {
		t.Fatalf("latest is %v, %v", v, err)
	}
}

// resources.proto, SecretVersion.State: a disabled version "may not be
// accessed", a destroyed one "may not leave this state". The words are the
// service's: github.com/external-secrets/external-secrets/issues/4042 and
// github.com/google-github-actions/get-secretmanager-secrets/issues/268, which
// also show that latest does not step back to an enabled version.
func TestOnlyAnEnabledVersionIsRead(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("s", []byte("a"), []byte("b"))
	ctx := t.Context()
	two := project + "/secrets/s/versions/2"

	v, err := c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: two})
	if err != nil || v.GetState() != secretmanagerpb.SecretVersion_DISABLED {
		t.Fatalf("disabling: %v, %v", v, err)
	}
	for _, version := range []string{"2", "latest"} {
		_, err := access(ctx, c, "s/versions/"+version)
		wantCode(t, version+" while disabled", err, codes.FailedPrecondition)
		wantMessage(t, err, "Secret Version ["+number+"/secrets/s/versions/2] is in DISABLED state.")
	}
	wantData(t, c, "s/versions/1", "a")

	if v, err = c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: two}); err != nil || v.GetState() != secretmanagerpb.SecretVersion_ENABLED {
		t.Fatalf("enabling: %v, %v", v, err)
	}
	wantData(t, c, "s/versions/latest", "b")

	if v, err = c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: two}); err != nil || v.GetState() != secretmanagerpb.SecretVersion_DESTROYED || v.GetDestroyTime() == nil {
		t.Fatalf("destroying: %v, %v", v, err)
	}
	_, err = access(ctx, c, "s/versions/latest")
	wantCode(t, "latest while destroyed", err, codes.FailedPrecondition)
	wantMessage(t, err, "Secret Version ["+number+"/secrets/s/versions/2] is in DESTROYED state.")
	if v, err := c.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: two}); err != nil || v.GetDestroyTime() == nil {
		t.Fatalf("what is known of a destroyed version: %v, %v", v, err)
	}

	_, err = c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: two})
	wantCode(t, "enabling what is destroyed", err, codes.FailedPrecondition)
	_, err = c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: two})
	wantCode(t, "disabling what is destroyed", err, codes.FailedPrecondition)
	_, err = c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: two})
	wantCode(t, "destroying what is destroyed", err, codes.FailedPrecondition)

	if v := add(t, c, "s", "c"); v.GetName() != number+"/secrets/s/versions/3" {
		t.Fatalf("after a destroyed version 2 comes %s", v.GetName())
	}
}

// resources.proto, SecretPayload: "Must be no larger than 64KiB"; a checksum is
// verified and stored, or made if there is none. An empty payload is refused:
// github.com/hashicorp/terraform-provider-google/issues/10475,
// github.com/firebase/firebase-tools/pull/3863.
func TestPayloadsAreCheckedAndComeBackWithAChecksum(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("s")
	full := bytes.Repeat([]byte{0, 0xff, '\n', '\r'}, gcptest.MaxPayload/4)
	for _, tc := range []struct {
		name    string
		payload *secretmanagerpb.SecretPayload
		want    codes.Code
	}{
		{"a checksum that matches", &secretmanagerpb.SecretPayload{Data: []byte("x"), DataCrc32C: proto.Int64(crc("x"))}, codes.OK},
		{"no checksum", &secretmanagerpb.SecretPayload{Data: []byte("x")}, codes.OK},
		{"64 KiB", &secretmanagerpb.SecretPayload{Data: full}, codes.OK},
		{"64 KiB and a byte", &secretmanagerpb.SecretPayload{Data: append(full, 'x')}, codes.InvalidArgument},
		{"a checksum that does not match", &secretmanagerpb.SecretPayload{Data: []byte("x"), DataCrc32C: proto.Int64(crc("y"))}, codes.InvalidArgument},
		{"a checksum of zero that does not match", &secretmanagerpb.SecretPayload{Data: []byte("x"), DataCrc32C: proto.Int64(0)}, codes.InvalidArgument},
		{"empty data", &secretmanagerpb.SecretPayload{}, codes.InvalidArgument},
		{"no payload", nil, codes.InvalidArgument},
	} {
		v, err := c.AddSecretVersion(t.Context(), &secretmanagerpb.AddSecretVersionRequest{Parent: project + "/secrets/s", Payload: tc.payload})
		wantCode(t, tc.name, err, tc.want)
		if err != nil {
			continue
		}
		if got, want := v.GetClientSpecifiedPayloadChecksum(), tc.payload.DataCrc32C != nil; got != want {
			t.Errorf("%s: client_specified_payload_checksum is %v", tc.name, got)
		}
		got, err := access(t.Context(), c, "s/versions/latest")
		if err != nil || !bytes.Equal(got.GetPayload().GetData(), tc.payload.GetData()) {
			t.Fatalf("%s: reading it back: %v", tc.name, err)
		}
		if got.GetPayload().DataCrc32C == nil || got.GetPayload().GetDataCrc32C() != crc(string(tc.payload.GetData())) {
			t.Errorf("%s: the checksum is %d", tc.name, got.GetPayload().GetDataCrc32C())
		}
	}
	if versions, _ := srv.Versions("s"); len(versions) != 3 {
		t.Errorf("there are %d versions after 3 good adds", len(versions))
	}
}

// What is not there is NOT_FOUND. The words for a secret without versions are
// the service's: github.com/firebase/firebase-tools/pull/3959.
func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("empty")
	srv.Seed("s", []byte("a"))
	ctx := t.Context()
	for version, message := range map[string]string{
		"none/versions/latest":  "Secret [" + number + "/secrets/none] not found or has no versions.",
		"empty/versions/latest": "Secret [" + number + "/secrets/empty] not found or has no versions.",
		"none/versions/1":       "Secret Version [" + number + "/secrets/none/versions/1] not found.",
		"s/versions/2":          "Secret Version [" + number + "/secrets/s/versions/2] not found.",
		"s/versions/prod":       "Secret Version [" + number + "/secrets/s/versions/prod] not found.",
	} {
		_, err := access(ctx, c, version)
		wantCode(t, version, err, codes.NotFound)
		wantMessage(t, err, message)
		_, err = c.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: project + "/secrets/" + version})
		wantCode(t, "what is known of "+version, err, codes.NotFound)
	}
	none := project + "/secrets/none"
	_, err := c.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: none})
	wantCode(t, "GetSecret", err, codes.NotFound)
	wantMessage(t, err, "Secret ["+number+"/secrets/none] not found.")
	_, err = c.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: none, Payload: &secretmanagerpb.SecretPayload{Data: []byte("x")}})
	wantCode(t, "AddSecretVersion", err, codes.NotFound)
	wantCode(t, "DeleteSecret", c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: none}), codes.NotFound)
	_, err = versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: none})
	wantCode(t, "ListSecretVersions", err, codes.NotFound)
	for _, missing := range []string{none + "/versions/1", project + "/secrets/s/versions/2"} {
		_, err = c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: missing})
		wantCode(t, "disabling "+missing, err, codes.NotFound)
	}
	if names, err := secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project}); err != nil || len(names) != 2 {
		t.Errorf("after calls on what is not there the list is %v, %v", names, err)
	}
}

// https://cloud.google.com/secret-manager/docs/etags: an etag that matches lets
// the request pass, another is FAILED_PRECONDITION, none is unconditional; a
// change gives a new etag to what it applies to alone, even if it changes
// nothing.
func TestTheEtagOfAVersionGuardsItsState(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	secret := create(t, c, "s")
	v := add(t, c, "s", "a")
	ctx := t.Context()
	stale := v.GetEtag()

	same, err := c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: v.GetName(), Etag: stale})
	if err != nil || same.GetEtag() == stale {
		t.Fatalf("enabling what is enabled keeps the etag %s: %v", same.GetEtag(), err)
	}
	_, err = c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: v.GetName(), Etag: stale})
	wantCode(t, "disabling by a stale etag", err, codes.FailedPrecondition)
	_, err = c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: v.GetName(), Etag: stale})
	wantCode(t, "enabling by a stale etag", err, codes.FailedPrecondition)
	_, err = c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: v.GetName(), Etag: stale})
	wantCode(t, "destroying by a stale etag", err, codes.FailedPrecondition)
	wantData(t, c, "s/versions/1", "a")

	off, err := c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: v.GetName(), Etag: same.GetEtag()})
	if err != nil || off.GetEtag() == same.GetEtag() {
		t.Fatalf("disabling by the current etag: %v, %v", off, err)
	}
	if _, err := c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: v.GetName()}); err != nil {
		t.Fatalf("destroying without an etag: %v", err)
	}
	after, err := c.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: secret.GetName()})
	if err != nil || after.GetEtag() != secret.GetEtag() {
		t.Errorf("adding, disabling and destroying a version changed the etag of its secret: %v", err)
	}
}

// https://cloud.google.com/secret-manager/docs/delay-destruction-of-secret-versions:
// with a delay, destroying disables and schedules; until then one can "cancel
// the scheduled destruction and restore the secret version by either enabling
// or disabling" it.
func TestADelayedDestructionCanBeCalledOff(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	_, c := strict(t, gcptest.WithClock(clock.Now))
	ctx := t.Context()
	if _, err := c.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{
		Parent: project, SecretId: "s",
		Secret: &secretmanagerpb.Secret{Replication: automatic(), VersionDestroyTtl: durationpb.New(48 * time.Hour)},
	}); err != nil {
		t.Fatal(err)
	}
	name := add(t, c, "s", "a").GetName()
	destroy := func() *secretmanagerpb.SecretVersion {
		t.Helper()
		v, err := c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := destroy()
	if v.GetState() != secretmanagerpb.SecretVersion_DISABLED || !v.GetScheduledDestroyTime().AsTime().Equal(start.Add(48*time.Hour)) || v.GetDestroyTime() != nil {
		t.Fatalf("destroying with a delay gave %v", v)
	}
	clock.Advance(47 * time.Hour)
	if _, err := c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: name}); err != nil {
		t.Fatalf("calling a destruction off: %v", err)
	}
	clock.Advance(47 * time.Hour)
	wantData(t, c, "s/versions/1", "a")

	destroy()
	if v, err := c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: name}); err != nil || v.GetScheduledDestroyTime() != nil {
		t.Fatalf("calling a destruction off by disabling: %v, %v", v, err)
	}
	clock.Advance(100 * time.Hour)
	if v, err := c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: name}); err != nil || v.GetScheduledDestroyTime() != nil {
		t.Fatalf("enabling what was spared: %v, %v", v, err)
	}

	destroy()
	clock.Advance(48 * time.Hour)
	_, err := access(ctx, c, "s/versions/1")
	wantCode(t, "after the delay", err, codes.FailedPrecondition)
	wantMessage(t, err, "Secret Version ["+number+"/secrets/s/versions/1] is in DESTROYED state.")
	v, err = c.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: name})
	if err != nil || !v.GetDestroyTime().AsTime().Equal(clock.Now()) || v.GetScheduledDestroyTime() != nil {
		t.Errorf("what is known of it: %v, %v", v, err)
	}
}
