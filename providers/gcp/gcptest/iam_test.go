package gcptest_test

import (
	"context"
	"slices"
	"testing"

	"cloud.google.com/go/iam/apiv1/iampb"
	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// attempts are calls that succeed for whoever may make them, in an order in
// which all can be made after each other.
var attempts = []struct {
	permission string
	call       func(context.Context, *secretmanager.Client) error
}{
	{"secretmanager.secrets.list", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.ListSecrets(ctx, &secretmanagerpb.ListSecretsRequest{Parent: project}).Next()
		return err
	}},
	{"secretmanager.secrets.create", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: "new", Secret: &secretmanagerpb.Secret{Replication: automatic()}})
		return err
	}},
	{"secretmanager.secrets.get", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: project + "/secrets/s"})
		return err
	}},
	{"secretmanager.secrets.update", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.UpdateSecret(ctx, &secretmanagerpb.UpdateSecretRequest{Secret: &secretmanagerpb.Secret{Name: project + "/secrets/s"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}}})
		return err
	}},
	{"secretmanager.secrets.setIamPolicy", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: project + "/secrets/s", Policy: &iampb.Policy{Version: 1}})
		return err
	}},
	{"secretmanager.secrets.getIamPolicy", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: project + "/secrets/s"})
		return err
	}},
	{"secretmanager.versions.add", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: project + "/secrets/s", Payload: &secretmanagerpb.SecretPayload{Data: []byte("x")}})
		return err
	}},
	{"secretmanager.versions.list", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/s"}).Next()
		return err
	}},
	{"secretmanager.versions.get", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: project + "/secrets/s/versions/1"})
		return err
	}},
	{"secretmanager.versions.access", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: project + "/secrets/s/versions/1"})
		return err
	}},
	{"secretmanager.versions.disable", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: project + "/secrets/s/versions/1"})
		return err
	}},
	{"secretmanager.versions.enable", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: project + "/secrets/s/versions/1"})
		return err
	}},
	{"secretmanager.versions.destroy", func(ctx context.Context, c *secretmanager.Client) error {
		_, err := c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: project + "/secrets/s/versions/1"})
		return err
	}},
	{"secretmanager.secrets.delete", func(ctx context.Context, c *secretmanager.Client) error {
		return c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: project + "/secrets/s"})
	}},
}

// https://cloud.google.com/iam/docs/roles-permissions/secretmanager, role by
// role, and https://cloud.google.com/secret-manager/docs/access-control for
// what a method needs. The words of a denial are the service's
// (github.com/googleapis/python-secret-manager/issues/389), and its detail is
// that of https://cloud.google.com/iam/docs/permission-error-messages.
func TestARoleAllowsWhatItsPermissionsNameAndNothingElse(t *testing.T) {
	t.Parallel()
	for role, permissions := range map[gcptest.Role][]string{
		"":                     nil,
		gcptest.Accessor:       {"secretmanager.versions.access"},
		gcptest.VersionAdder:   {"secretmanager.versions.add"},
		gcptest.VersionManager: {"secretmanager.versions.add", "secretmanager.versions.list", "secretmanager.versions.get", "secretmanager.versions.disable", "secretmanager.versions.enable", "secretmanager.versions.destroy"},
		gcptest.Viewer:         {"secretmanager.secrets.list", "secretmanager.secrets.get", "secretmanager.secrets.getIamPolicy", "secretmanager.versions.list", "secretmanager.versions.get"},
		gcptest.Admin: {
			"secretmanager.secrets.list", "secretmanager.secrets.create", "secretmanager.secrets.get", "secretmanager.secrets.update", "secretmanager.secrets.setIamPolicy", "secretmanager.secrets.getIamPolicy", "secretmanager.secrets.delete",
			"secretmanager.versions.add", "secretmanager.versions.list", "secretmanager.versions.get", "secretmanager.versions.access", "secretmanager.versions.disable", "secretmanager.versions.enable", "secretmanager.versions.destroy",
		},
	} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			srv := gcptest.New(t)
			srv.Seed("s", []byte("a"))
			caller := srv.As(role)
			c := client(t, caller)
			for _, a := range attempts {
				err := a.call(t.Context(), c)
				want := codes.PermissionDenied
				if slices.Contains(permissions, a.permission) {
					want = codes.OK
				}
				if got := status.Code(err); got != want {
					t.Errorf("a call that needs %s: got code %v (%v), want %v", a.permission, got, err, want)
				}
			}
		})
	}
}

func TestADenialNamesThePermissionAndTheResource(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("s", []byte("a"))
	c := client(t, srv.As(gcptest.VersionAdder))
	// Whether it exists or not.
	for _, name := range []string{project + "/secrets/s/versions/1", project + "/secrets/none/versions/latest"} {
		_, err := accessName(t, c, name)
		wantCode(t, name, err, codes.PermissionDenied)
		wantMessage(t, err, "Permission 'secretmanager.versions.access' denied for resource '"+name+"' (or it may not exist).")
		info := detail[*errdetails.ErrorInfo](t, err)
		if info.GetReason() != "IAM_PERMISSION_DENIED" || info.GetDomain() != "iam.googleapis.com" || info.GetMetadata()["permission"] != "secretmanager.versions.access" || info.GetMetadata()["resource"] != name {
			t.Errorf("the detail is %v", info)
		}
	}
}

// https://cloud.google.com/secret-manager/docs/access-control: a role can be
// granted on a secret, the lowest resource that has a policy.
func TestARoleOnASecretHoldsForThatSecretAlone(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("mine", []byte("a"))
	srv.Seed("other", []byte("b"))
	c := client(t, srv.As(gcptest.VersionAdder).AsOn("mine", gcptest.Accessor).AsOn("later", gcptest.Accessor))
	wantData(t, c, "mine/versions/1", "a")
	_, err := access(t.Context(), c, "other/versions/1")
	wantCode(t, "another secret", err, codes.PermissionDenied)
	_, err = access(t.Context(), c, "later/versions/1")
	wantCode(t, "a secret that does not exist", err, codes.PermissionDenied)
	add(t, c, "other", "c")
	srv.Seed("later", []byte("d"))
	wantData(t, c, "later/versions/1", "d")
}

func TestADenialCanBePlacedAndTakenBack(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("db-a", []byte("a"))
	srv.Seed("web", []byte("b"))
	undo := srv.Deny("AccessSecretVersion", "projects/*/secrets/db-*/versions/*")
	_, err := access(t.Context(), c, "db-a/versions/1")
	wantCode(t, "what is denied", err, codes.PermissionDenied)
	wantData(t, c, "web/versions/1", "b")
	if _, err := c.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: project + "/secrets/db-a"}); err != nil {
		t.Errorf("another method on what is denied: %v", err)
	}
	undo()
	wantData(t, c, "db-a/versions/1", "a")
	srv.Deny("", "")
	for _, a := range attempts {
		wantCode(t, a.permission, a.call(t.Context(), c), codes.PermissionDenied)
	}
}

// service.proto, TestIamPermissions: "If the secret does not exist, this call
// returns an empty set of permissions, not a NOT_FOUND error"; GetIamPolicy:
// "Returns empty policy if the secret exists and does not have a policy set."
func TestPermissionsAndPoliciesCanBeAskedFor(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("s")
	c := client(t, srv.As(gcptest.VersionAdder))
	asked := []string{"secretmanager.versions.access", "secretmanager.versions.add"}
	for id, want := range map[string][]string{"s": {"secretmanager.versions.add"}, "none": nil} {
		got, err := c.TestIamPermissions(t.Context(), &iampb.TestIamPermissionsRequest{Resource: project + "/secrets/" + id, Permissions: asked})
		if err != nil || !slices.Equal(got.GetPermissions(), want) {
			t.Errorf("the permissions on %s are %v, %v", id, got, err)
		}
	}
	admin := client(t, srv.Endpoint)
	policy, err := admin.GetIamPolicy(t.Context(), &iampb.GetIamPolicyRequest{Resource: project + "/secrets/s"})
	if err != nil || len(policy.GetBindings()) != 0 {
		t.Errorf("the first policy is %v, %v", policy, err)
	}
	bindings := []*iampb.Binding{{Role: string(gcptest.Accessor), Members: []string{"user:a@example.com"}}}
	if _, err := admin.SetIamPolicy(t.Context(), &iampb.SetIamPolicyRequest{Resource: project + "/secrets/s", Policy: &iampb.Policy{Bindings: bindings}}); err != nil {
		t.Fatal(err)
	}
	policy, err = admin.GetIamPolicy(t.Context(), &iampb.GetIamPolicyRequest{Resource: project + "/secrets/s"})
	if err != nil || len(policy.GetBindings()) != 1 {
		t.Errorf("the policy that was set is %v, %v", policy, err)
	}
	_, err = admin.GetIamPolicy(t.Context(), &iampb.GetIamPolicyRequest{Resource: project + "/secrets/none"})
	wantCode(t, "the policy of what is not there", err, codes.NotFound)
}
