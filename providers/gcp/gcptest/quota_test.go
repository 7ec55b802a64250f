package gcptest_test

import (
	"context"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// https://cloud.google.com/secret-manager/quotas.
func TestTheDocumentedQuotasAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	want := gcptest.Quotas{
		AccessPerMinute: 90_000, ReadPerMinute: 600, WritePerMinute: 600,
		SecretWritesPerSecond: 2, SecretWritesPerMinute: 120,
		StateChangesPerSecond: 1, StateChangesPerMinute: 60,
		RegionalSecretWritesPerSecond: 80, RegionalSecretWritesPerMinute: 4800,
		RegionalStateChangesPerSecond: 50, RegionalStateChangesPerMinute: 3000,
	}
	if got := gcptest.DocumentedQuotas(); got != want {
		t.Errorf("the quotas are %+v, want %+v", got, want)
	}
}

// tryAdd adds a version to the secret, in whole.
func tryAdd(ctx context.Context, c *secretmanager.Client, secret string) error {
	_, err := c.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: secret, Payload: &secretmanagerpb.SecretPayload{Data: []byte("x")}})
	return err
}

// https://cloud.google.com/secret-manager/quotas: "2 requests per second per
// secret, and 120 requests per minute per secret" for AddSecretVersion and
// UpdateSecret.
func TestASecretTakesTwoWritesASecondAnd120AMinute(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	srv, c := strict(t, gcptest.WithClock(clock.Now), gcptest.WithQuotas(gcptest.DocumentedQuotas()))
	srv.Seed("s")
	srv.Seed("other")
	ctx := t.Context()
	s := project + "/secrets/s"
	wantCode(t, "the first add", tryAdd(ctx, c, s), codes.OK)
	_, err := c.UpdateSecret(ctx, &secretmanagerpb.UpdateSecretRequest{Secret: &secretmanagerpb.Secret{Name: s}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}}})
	wantCode(t, "an update", err, codes.OK)
	wantCode(t, "the third write in a second", tryAdd(ctx, c, s), codes.ResourceExhausted)
	wantCode(t, "the third write, by the project's number", tryAdd(ctx, c, number+"/secrets/s"), codes.ResourceExhausted)
	wantCode(t, "a write to another secret", tryAdd(ctx, c, project+"/secrets/other"), codes.OK)
	clock.Advance(time.Second)
	for range 59 {
		wantCode(t, "a write a second later", tryAdd(ctx, c, s), codes.OK)
		wantCode(t, "another write a second later", tryAdd(ctx, c, s), codes.OK)
		clock.Advance(time.Second)
	}
	// A minute is over for the first call, and with it for the rest.
	wantCode(t, "a write a minute later", tryAdd(ctx, c, s), codes.OK)
	if versions, _ := srv.Versions("s"); len(versions) != 1+2*59+1 {
		t.Errorf("there are %d versions", len(versions))
	}

	srv.SetQuotas(gcptest.Quotas{SecretWritesPerSecond: 100, SecretWritesPerMinute: 120})
	for range 100 {
		wantCode(t, "a write under another quota", tryAdd(ctx, c, s), codes.OK)
	}
	clock.Advance(time.Second)
	for range 20 {
		wantCode(t, "a write under another quota", tryAdd(ctx, c, s), codes.OK)
	}
	wantCode(t, "the write 121 of a minute", tryAdd(ctx, c, s), codes.ResourceExhausted)
	srv.SetQuotas(gcptest.Quotas{})
	wantCode(t, "a write without quotas", tryAdd(ctx, c, s), codes.OK)
}

// The same page: one change of state a second and version; more for regional
// secrets.
func TestAVersionTakesOneChangeOfStateASecond(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	srv, c := strict(t, gcptest.WithClock(clock.Now), gcptest.WithQuotas(gcptest.DocumentedQuotas()))
	srv.Seed("s", []byte("a"), []byte("b"))
	disable := func(c *secretmanager.Client, name string) error {
		_, err := c.DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: name})
		return err
	}
	one, two := project+"/secrets/s/versions/1", project+"/secrets/s/versions/2"
	wantCode(t, "disabling", disable(c, one), codes.OK)
	_, err := c.EnableSecretVersion(t.Context(), &secretmanagerpb.EnableSecretVersionRequest{Name: one})
	wantCode(t, "enabling in the same second", err, codes.ResourceExhausted)
	_, err = c.DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: one})
	wantCode(t, "destroying in the same second", err, codes.ResourceExhausted)
	wantCode(t, "disabling another version", disable(c, two), codes.OK)
	clock.Advance(time.Second)
	wantCode(t, "disabling a second later", disable(c, one), codes.OK)

	regional := project + "/locations/us-east1/secrets/r"
	srv.Seed(regional, []byte("a"))
	rc := client(t, srv.Regional("us-east1"))
	for range 50 {
		wantCode(t, "disabling a regional version", disable(rc, regional+"/versions/1"), codes.OK)
	}
	wantCode(t, "disabling a regional version a 51st time", disable(rc, regional+"/versions/1"), codes.ResourceExhausted)
	for range 80 {
		wantCode(t, "adding to a regional secret", tryAdd(t.Context(), rc, regional), codes.OK)
	}
	wantCode(t, "adding to a regional secret an 81st time", tryAdd(t.Context(), rc, regional), codes.ResourceExhausted)
}

// The same page: requests to access, to read and to write count apart, for
// each project.
func TestAProjectHasItsQuotasOfEachClass(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	srv, c := strict(t, gcptest.WithClock(clock.Now), gcptest.WithProject("other", 42),
		gcptest.WithQuotas(gcptest.Quotas{AccessPerMinute: 2, ReadPerMinute: 3, WritePerMinute: 4}))
	srv.Seed("s", []byte("a"))
	srv.Seed("projects/other/secrets/s", []byte("a"))
	calls := []struct {
		class string
		most  int
		call  func(project string) error
	}{
		{"access", 2, func(p string) error { _, err := accessName(t, c, p+"/secrets/s/versions/1"); return err }},
		{"read", 3, func(p string) error {
			_, err := c.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: p + "/secrets/s"})
			return err
		}},
		{"write", 4, func(p string) error { return tryAdd(t.Context(), c, p+"/secrets/s") }},
	}
	for _, p := range []string{project, "projects/other"} {
		for _, tc := range calls {
			for range tc.most {
				wantCode(t, tc.class+" in "+p, tc.call(p), codes.OK)
			}
			wantCode(t, "one "+tc.class+" more in "+p, tc.call(p), codes.ResourceExhausted)
		}
	}
	clock.Advance(time.Minute - 1)
	wantCode(t, "a read before the minute is over", calls[1].call(project), codes.ResourceExhausted)
	clock.Advance(1)
	wantCode(t, "a read after the minute", calls[1].call(project), codes.OK)
}

// https://cloud.google.com/apis/design/errors: 429 is RESOURCE_EXHAUSTED with
// google.rpc.QuotaFailure, and Google's services say in an ErrorInfo of
// RATE_LIMIT_EXCEEDED which quota it was.
func TestAQuotaErrorSaysWhichQuota(t *testing.T) {
	t.Parallel()
	_, c := strict(t, gcptest.WithQuotas(gcptest.Quotas{ReadPerMinute: 1}))
	get := func() error {
		_, err := c.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: project + "/secrets/s"})
		return err
	}
	wantCode(t, "the first read", get(), codes.NotFound)
	err := get()
	wantCode(t, "the second read", err, codes.ResourceExhausted)
	info := detail[*errdetails.ErrorInfo](t, err)
	for key, want := range map[string]string{
		"service":           "secretmanager.googleapis.com",
		"consumer":          number,
		"quota_metric":      "secretmanager.googleapis.com/read_requests",
		"quota_limit":       "ReadRequestsPerMinute",
		"quota_limit_value": "1",
	} {
		if info.GetMetadata()[key] != want {
			t.Errorf("the detail's %s is %q, want %q", key, info.GetMetadata()[key], want)
		}
	}
	if info.GetReason() != "RATE_LIMIT_EXCEEDED" || info.GetDomain() != "googleapis.com" {
		t.Errorf("the detail is %v", info)
	}
	if v := detail[*errdetails.QuotaFailure](t, err).GetViolations(); len(v) != 1 || v[0].GetSubject() != "project_number:123456789012" {
		t.Errorf("the violations are %v", v)
	}
}
