package gcptest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

const (
	globalKey = "projects/p/locations/global/keyRings/r/cryptoKeys/k"
	eastKey   = "projects/p/locations/us-east1/keyRings/r/cryptoKeys/k"
)

func replicas(replicas ...*secretmanagerpb.Replication_UserManaged_Replica) *secretmanagerpb.Replication {
	return &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_UserManaged_{
		UserManaged: &secretmanagerpb.Replication_UserManaged{Replicas: replicas},
	}}
}

func encrypted(key string) *secretmanagerpb.CustomerManagedEncryption {
	return &secretmanagerpb.CustomerManagedEncryption{KmsKeyName: key}
}

func automaticWith(key string) *secretmanagerpb.Replication {
	return &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{
		Automatic: &secretmanagerpb.Replication_Automatic{CustomerManagedEncryption: encrypted(key)},
	}}
}

func many(n int, value string) map[string]string {
	m := make(map[string]string)
	for i := range n {
		m[fmt.Sprintf("k%d", i)] = value
	}
	return m
}

// resources.proto, Secret, field by field; service.proto,
// CreateSecretRequest.secret_id: "a string with a maximum length of 255
// characters" of letters, numerals, - and _. The bounds of an expiry are from
// https://cloud.google.com/secret-manager/docs/creating-and-managing-expiring-secrets,
// those of a delayed destruction from
// https://cloud.google.com/sdk/gcloud/reference/secrets/create (1 to 1000 days).
func TestASecretIsCreatedOnlyAsTheReferenceAllows(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) *secretmanagerpb.Secret {
		return &secretmanagerpb.Secret{Expiration: &secretmanagerpb.Secret_Ttl{Ttl: durationpb.New(d)}}
	}
	topics := func(n int) (topics []*secretmanagerpb.Topic) {
		for i := range n {
			topics = append(topics, &secretmanagerpb.Topic{Name: fmt.Sprintf("projects/p/topics/t%d", i)})
		}
		return topics
	}
	rotation := func(first, period time.Duration) *secretmanagerpb.Rotation {
		return &secretmanagerpb.Rotation{NextRotationTime: timestamppb.New(start.Add(first)), RotationPeriod: durationpb.New(period)}
	}
	for _, tc := range []struct {
		name   string
		id     string // s if empty
		secret *secretmanagerpb.Secret
		bare   bool // no replication is added
		want   codes.Code
	}{
		{name: "an id of every character", id: "azAZ09_-"},
		{name: "an id of 255", id: strings.Repeat("a", 255)},
		{name: "an id of 256", id: strings.Repeat("a", 256), want: codes.InvalidArgument},
		{name: "an id with a slash", id: "a/b", want: codes.InvalidArgument},
		{name: "an id with a dot", id: "a.b", want: codes.InvalidArgument},
		{name: "an id with a line's end", id: "a\n", want: codes.InvalidArgument},
		{name: "no replication", bare: true, want: codes.InvalidArgument},
		{name: "a replication of no kind", bare: true, secret: &secretmanagerpb.Secret{Replication: &secretmanagerpb.Replication{}}, want: codes.InvalidArgument},
		{name: "replicas", bare: true, secret: &secretmanagerpb.Secret{Replication: replicas(&secretmanagerpb.Replication_UserManaged_Replica{Location: "us-east1"})}},
		{name: "no replicas", bare: true, secret: &secretmanagerpb.Secret{Replication: replicas()}, want: codes.InvalidArgument},
		{name: "a replica without a place", bare: true, secret: &secretmanagerpb.Secret{Replication: replicas(&secretmanagerpb.Replication_UserManaged_Replica{})}, want: codes.InvalidArgument},
		{name: "a global key", bare: true, secret: &secretmanagerpb.Secret{Replication: automaticWith(globalKey)}},
		{name: "a key of a place for automatic replication", bare: true, secret: &secretmanagerpb.Secret{Replication: automaticWith(eastKey)}, want: codes.InvalidArgument},
		{name: "a key that is none", bare: true, secret: &secretmanagerpb.Secret{Replication: automaticWith("k")}, want: codes.InvalidArgument},
		{name: "a key beside its replica", bare: true, secret: &secretmanagerpb.Secret{Replication: replicas(&secretmanagerpb.Replication_UserManaged_Replica{Location: "us-east1", CustomerManagedEncryption: encrypted(eastKey)})}},
		{name: "a replica twice", bare: true, secret: &secretmanagerpb.Secret{Replication: replicas(&secretmanagerpb.Replication_UserManaged_Replica{Location: "us-east1"}, &secretmanagerpb.Replication_UserManaged_Replica{Location: "us-east1"})}, want: codes.InvalidArgument},
		{name: "a key for one replica of two", bare: true, secret: &secretmanagerpb.Secret{Replication: replicas(&secretmanagerpb.Replication_UserManaged_Replica{Location: "us-east1", CustomerManagedEncryption: encrypted(eastKey)}, &secretmanagerpb.Replication_UserManaged_Replica{Location: "us-west1"})}, want: codes.InvalidArgument},
		{name: "a key far from its replica", bare: true, secret: &secretmanagerpb.Secret{Replication: replicas(&secretmanagerpb.Replication_UserManaged_Replica{Location: "us-west1", CustomerManagedEncryption: encrypted(eastKey)})}, want: codes.InvalidArgument},
		{name: "a regional key", secret: &secretmanagerpb.Secret{CustomerManagedEncryption: encrypted(eastKey)}, want: codes.InvalidArgument},
		{name: "64 labels", secret: &secretmanagerpb.Secret{Labels: many(64, "v")}},
		{name: "65 labels", secret: &secretmanagerpb.Secret{Labels: many(65, "v")}, want: codes.InvalidArgument},
		{name: "an empty label", secret: &secretmanagerpb.Secret{Labels: map[string]string{"größe_1": ""}}},
		{name: "a label's key in capitals", secret: &secretmanagerpb.Secret{Labels: map[string]string{"Key": "v"}}, want: codes.InvalidArgument},
		{name: "a label's value in capitals", secret: &secretmanagerpb.Secret{Labels: map[string]string{"key": "V"}}, want: codes.InvalidArgument},
		{name: "a label's key of 63 letters and 189 bytes", secret: &secretmanagerpb.Secret{Labels: map[string]string{strings.Repeat("가", 63): "v"}}, want: codes.InvalidArgument},
		{name: "a label's value of 64", secret: &secretmanagerpb.Secret{Labels: map[string]string{"key": strings.Repeat("v", 64)}}, want: codes.InvalidArgument},
		{name: "annotations", secret: &secretmanagerpb.Secret{Annotations: map[string]string{"A.b-c_9": "Any thing\n"}}},
		{name: "an annotation's key with a dot at its end", secret: &secretmanagerpb.Secret{Annotations: map[string]string{"a.": "v"}}, want: codes.InvalidArgument},
		{name: "annotations of 16 KiB less a byte", secret: &secretmanagerpb.Secret{Annotations: map[string]string{"a": strings.Repeat("v", 16<<10-2)}}},
		{name: "annotations of 16 KiB", secret: &secretmanagerpb.Secret{Annotations: map[string]string{"a": strings.Repeat("v", 16<<10-1)}}, want: codes.InvalidArgument},
		{name: "an alias before there is a version", secret: &secretmanagerpb.Secret{VersionAliases: map[string]int64{"prod": 1}}, want: codes.InvalidArgument},
		{name: "a ttl of a minute", secret: in(time.Minute)},
		{name: "a ttl below a minute", secret: in(time.Minute - 1), want: codes.InvalidArgument},
		{name: "an expiry in 100 years", secret: in(100 * 365 * 24 * time.Hour)},
		{name: "an expiry after 100 years", secret: in(100*365*24*time.Hour + time.Second), want: codes.InvalidArgument},
		{name: "an expiry that has passed", secret: &secretmanagerpb.Secret{Expiration: &secretmanagerpb.Secret_ExpireTime{ExpireTime: timestamppb.New(start)}}, want: codes.InvalidArgument},
		{name: "a delay of a day", secret: &secretmanagerpb.Secret{VersionDestroyTtl: durationpb.New(24 * time.Hour)}},
		{name: "a delay below a day", secret: &secretmanagerpb.Secret{VersionDestroyTtl: durationpb.New(24*time.Hour - 1)}, want: codes.InvalidArgument},
		{name: "a delay of 1000 days", secret: &secretmanagerpb.Secret{VersionDestroyTtl: durationpb.New(1000 * 24 * time.Hour)}},
		{name: "a delay above 1000 days", secret: &secretmanagerpb.Secret{VersionDestroyTtl: durationpb.New(1000*24*time.Hour + 1)}, want: codes.InvalidArgument},
		{name: "10 topics", secret: &secretmanagerpb.Secret{Topics: topics(10)}},
		{name: "11 topics", secret: &secretmanagerpb.Secret{Topics: topics(11)}, want: codes.InvalidArgument},
		{name: "a topic that is none", secret: &secretmanagerpb.Secret{Topics: []*secretmanagerpb.Topic{{Name: "t"}}}, want: codes.InvalidArgument},
		{name: "a rotation", secret: &secretmanagerpb.Secret{Topics: topics(1), Rotation: rotation(5*time.Minute, time.Hour)}},
		{name: "a rotation that tells nobody", secret: &secretmanagerpb.Secret{Rotation: rotation(5*time.Minute, time.Hour)}, want: codes.InvalidArgument},
		{name: "a rotation in less than 5 minutes", secret: &secretmanagerpb.Secret{Topics: topics(1), Rotation: rotation(5*time.Minute-1, time.Hour)}, want: codes.InvalidArgument},
		{name: "a rotation more often than hourly", secret: &secretmanagerpb.Secret{Topics: topics(1), Rotation: rotation(5*time.Minute, time.Hour-1)}, want: codes.InvalidArgument},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv, c := strict(t, gcptest.WithClock(gcptest.NewClock(start).Now))
			secret := &secretmanagerpb.Secret{}
			if tc.secret != nil {
				secret = tc.secret
			}
			if !tc.bare {
				secret.Replication = automatic()
			}
			id := tc.id
			if id == "" {
				id = "s"
			}
			got, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: id, Secret: secret})
			wantCode(t, "creating it", err, tc.want)
			names, listErr := secretNames(t, client(t, srv.Endpoint), &secretmanagerpb.ListSecretsRequest{Parent: project})
			if created := err == nil; listErr != nil || len(names) != map[bool]int{true: 1}[created] {
				t.Fatalf("after code %v the list is %v, %v", tc.want, names, listErr)
			}
			if err != nil {
				return
			}
			// What is output alone is the server's, and everything else as given.
			if got.GetName() != number+"/secrets/"+id || !got.GetCreateTime().AsTime().Equal(start) || got.GetEtag() == "" {
				t.Errorf("the secret is %v", got)
			}
			want := proto.CloneOf(secret)
			want.Name, want.CreateTime, want.Etag = got.GetName(), got.GetCreateTime(), got.GetEtag()
			if ttl := secret.GetTtl(); ttl != nil {
				want.Expiration = &secretmanagerpb.Secret_ExpireTime{ExpireTime: timestamppb.New(start.Add(ttl.AsDuration()))}
			}
			if !proto.Equal(got, want) {
				t.Errorf("the secret is\n%v\nwant\n%v", got, want)
			}
		})
	}
}

// resources.proto, Secret.tags: "Input only", Secret.policy_member: "Output
// only"; CreateSecretRequest.secret: "Required".
func TestASecretIsRequiredAndItsTagsAreNotShown(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	_, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: "s"})
	wantCode(t, "no secret", err, codes.InvalidArgument)
	got, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: "s", Secret: &secretmanagerpb.Secret{
		Replication: automatic(), Tags: map[string]string{"123/env": "prod"}, PolicyMember: &iampb.ResourcePolicyMember{IamPolicyUidPrincipal: "x"},
	}})
	if err != nil || len(got.GetTags()) != 0 || got.GetPolicyMember() != nil {
		t.Errorf("the tags are %v and the policy member is %v, %v", got.GetTags(), got.GetPolicyMember(), err)
	}
}

// CreateSecretRequest.secret_id: "must be unique within the project"; the code
// is that of https://cloud.google.com/apis/design/errors.
func TestASecondSecretOfTheSameIDAlreadyExists(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	create(t, c, "s")
	for _, parent := range []string{project, number} {
		_, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: parent, SecretId: "s", Secret: &secretmanagerpb.Secret{Replication: automatic()}})
		wantCode(t, "by "+parent, err, codes.AlreadyExists)
		wantMessage(t, err, "Secret ["+number+"/secrets/s] already exists.")
	}
	create(t, c, "S") // ids tell case apart
}

// DeleteSecretRequest.etag: "The request succeeds if it matches the etag of the
// currently stored secret object. If the etag is omitted, the request
// succeeds." What is created anew has nothing of the old one: SecretVersion.name,
// "start at 1".
func TestADeletedSecretIsGoneAndBeginsAnew(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	ctx := t.Context()
	old := create(t, c, "s")
	add(t, c, "s", "a")
	add(t, c, "s", "b")
	name := project + "/secrets/s"
	wantCode(t, "deleting by a wrong etag", c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: name, Etag: `"x"`}), codes.FailedPrecondition)
	wantData(t, c, "s/versions/latest", "b")
	// Adding versions left the etag alone, so the first one still matches.
	if err := c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: name, Etag: old.GetEtag()}); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1", "latest"} {
		_, err := access(ctx, c, "s/versions/"+version)
		wantCode(t, version+" after the delete", err, codes.NotFound)
	}
	anew := create(t, c, "s")
	if anew.GetEtag() == old.GetEtag() {
		t.Error("the new secret has the etag of the old one")
	}
	if v := add(t, c, "s", "c"); v.GetName() != number+"/secrets/s/versions/1" {
		t.Errorf("the first version of the new secret is %s", v.GetName())
	}
	if err := c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: name}); err != nil {
		t.Errorf("deleting without an etag: %v", err)
	}
}

// UpdateSecretRequest.update_mask: "Required. Specifies the fields to be
// updated"; etags as https://cloud.google.com/secret-manager/docs/etags says,
// also: "Even when an update doesn't change a resource's state, it still
// updates the resource ETag."
func TestAnUpdateReplacesTheFieldsOfItsMaskAndTheEtag(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	_, c := strict(t, gcptest.WithClock(clock.Now))
	ctx := t.Context()
	made, err := c.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: "s", Secret: &secretmanagerpb.Secret{
		Replication: automatic(), Labels: map[string]string{"a": "1"}, Annotations: map[string]string{"b": "2"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	update := func(secret *secretmanagerpb.Secret, paths ...string) (*secretmanagerpb.Secret, error) {
		secret.Name = project + "/secrets/s"
		return c.UpdateSecret(ctx, &secretmanagerpb.UpdateSecretRequest{Secret: secret, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
	}
	got, err := update(&secretmanagerpb.Secret{Etag: made.GetEtag(), Labels: map[string]string{"c": "3"}, Annotations: map[string]string{"x": "y"}}, "labels")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetLabels()) != 1 || got.GetLabels()["c"] != "3" || got.GetAnnotations()["b"] != "2" || got.GetEtag() == made.GetEtag() {
		t.Errorf("after an update of the labels: %v", got)
	}
	_, err = update(&secretmanagerpb.Secret{Etag: made.GetEtag()}, "labels")
	wantCode(t, "an update by a stale etag", err, codes.FailedPrecondition)
	same, err := update(&secretmanagerpb.Secret{Labels: map[string]string{"c": "3"}}, "labels")
	if err != nil || same.GetEtag() == got.GetEtag() {
		t.Errorf("an update to the same: %v, %v", same, err)
	}
	for _, paths := range [][]string{nil, {"replication"}, {"name"}, {"create_time"}, {"tags"}, {"secret_type"}, {"labels", "nothing"}} {
		_, err = update(&secretmanagerpb.Secret{}, paths...)
		wantCode(t, fmt.Sprintf("an update of %q", paths), err, codes.InvalidArgument)
	}
	stored, err := c.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: made.GetName()})
	if err != nil || !proto.Equal(stored, same) {
		t.Errorf("updates that were refused left %v, %v; want %v", stored, err, same)
	}

	// Everything else that may change.
	got, err = update(&secretmanagerpb.Secret{
		Annotations:       map[string]string{"d": "4"},
		Topics:            []*secretmanagerpb.Topic{{Name: "projects/p/topics/t"}},
		Rotation:          &secretmanagerpb.Rotation{NextRotationTime: timestamppb.New(start.Add(time.Hour))},
		VersionDestroyTtl: durationpb.New(25 * time.Hour),
		Expiration:        &secretmanagerpb.Secret_Ttl{Ttl: durationpb.New(time.Hour)},
		Replication:       automaticWith(globalKey),
	}, "annotations", "topics", "rotation", "version_destroy_ttl", "ttl", "replication.automatic.customer_managed_encryption")
	if err != nil {
		t.Fatal(err)
	}
	if got.GetAnnotations()["d"] != "4" || len(got.GetTopics()) != 1 || got.GetRotation() == nil || got.GetVersionDestroyTtl() == nil ||
		!got.GetExpireTime().AsTime().Equal(start.Add(time.Hour)) || got.GetReplication().GetAutomatic().GetCustomerManagedEncryption().GetKmsKeyName() != globalKey {
		t.Errorf("after an update of everything: %v", got)
	}
	// CustomerManagedEncryption: updates "only apply to SecretVersions added
	// afterwards".
	v := add(t, c, "s", "a")
	if key := v.GetReplicationStatus().GetAutomatic().GetCustomerManagedEncryption().GetKmsKeyVersionName(); key != globalKey+"/cryptoKeyVersions/1" {
		t.Errorf("the version is encrypted with %q", key)
	}
	if got, err = update(&secretmanagerpb.Secret{}, "expire_time"); err != nil || got.GetExpireTime() != nil {
		t.Errorf("after an update to no expiry: %v, %v", got, err)
	}
}

// Secret.expiration: the secret and all its versions "will be automatically
// deleted at expiration".
func TestASecretIsGoneWhenItExpires(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	_, c := strict(t, gcptest.WithClock(clock.Now))
	ctx := t.Context()
	if _, err := c.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: "s", Secret: &secretmanagerpb.Secret{
		Replication: automatic(), Expiration: &secretmanagerpb.Secret_Ttl{Ttl: durationpb.New(time.Hour)},
	}}); err != nil {
		t.Fatal(err)
	}
	add(t, c, "s", "a")
	clock.Advance(time.Hour - 1)
	wantData(t, c, "s/versions/1", "a")
	clock.Advance(1)
	_, err := access(ctx, c, "s/versions/1")
	wantCode(t, "after the expiry", err, codes.NotFound)
	if names, err := secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project}); err != nil || len(names) != 0 {
		t.Errorf("after the expiry the list is %v, %v", names, err)
	}
	create(t, c, "s")
}

// Secret.version_aliases: a letter first, then letters, numerals, - and _, at
// most 63; not latest or NEW (in no case:
// https://cloud.google.com/secret-manager/docs/assign-alias-to-secret-version);
// at most 50. "Access by alias is only supported on GetSecretVersion and
// AccessSecretVersion."
func TestAnAliasReadsItsVersionAndChangesNone(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("s", []byte("a"), []byte("b"))
	ctx := t.Context()
	set := func(aliases map[string]int64) error {
		_, err := c.UpdateSecret(ctx, &secretmanagerpb.UpdateSecretRequest{
			Secret:     &secretmanagerpb.Secret{Name: project + "/secrets/s", VersionAliases: aliases},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"version_aliases"}},
		})
		return err
	}
	if err := set(map[string]int64{"prod": 1, "Next-1_x": 2}); err != nil {
		t.Fatal(err)
	}
	wantData(t, c, "s/versions/prod", "a")
	wantData(t, c, "s/versions/Next-1_x", "b")
	if got, err := access(ctx, c, "s/versions/prod"); err != nil || got.GetName() != number+"/secrets/s/versions/1" {
		t.Errorf("a read by alias is of %v, %v", got.GetName(), err)
	}
	_, err := c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: project + "/secrets/s/versions/prod"})
	wantCode(t, "disabling by alias", err, codes.InvalidArgument)
	_, err = c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: project + "/secrets/s/versions/latest"})
	wantCode(t, "destroying latest", err, codes.InvalidArgument)

	fifty := make(map[string]int64)
	for i := range 50 {
		fifty[fmt.Sprintf("a%d", i)] = 1
	}
	if err := set(fifty); err != nil {
		t.Errorf("50 aliases: %v", err)
	}
	fifty["more"] = 1
	wantCode(t, "51 aliases", set(fifty), codes.InvalidArgument)
	for _, alias := range []string{"latest", "Latest", "NEW", "new", "1a", "a.b", strings.Repeat("a", 64)} {
		wantCode(t, "the alias "+alias, set(map[string]int64{alias: 1}), codes.InvalidArgument)
	}
	wantCode(t, "an alias of a version that is not there", set(map[string]int64{"a": 3}), codes.InvalidArgument)
}

// ReplicationStatus: what became of a version, as its secret's policy is.
func TestAVersionSaysHowItWasReplicated(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	if _, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: "s", Secret: &secretmanagerpb.Secret{
		Replication: replicas(&secretmanagerpb.Replication_UserManaged_Replica{Location: "us-east1", CustomerManagedEncryption: encrypted(eastKey)}),
	}}); err != nil {
		t.Fatal(err)
	}
	got := add(t, c, "s", "a").GetReplicationStatus().GetUserManaged().GetReplicas()
	if len(got) != 1 || got[0].GetLocation() != "us-east1" || got[0].GetCustomerManagedEncryption().GetKmsKeyVersionName() != eastKey+"/cryptoKeyVersions/1" {
		t.Errorf("the replicas are %v", got)
	}
}
