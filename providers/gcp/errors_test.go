package gcp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// A call is one operation over a store, and the method that it is of the service.
type call struct {
	name   string
	method string
	write  bool
	do     func(ctx context.Context, store core.SecretService, id string) error
}

var calls = []call{
	{"get", "AccessSecretVersion", false, func(ctx context.Context, s core.SecretService, id string) error {
		_, err := s.Get(ctx, id)
		return err
	}},
	{"get at a version", "AccessSecretVersion", false, func(ctx context.Context, s core.SecretService, id string) error {
		_, err := s.Get(ctx, id, core.AtVersion("1"))
		return err
	}},
	{"stat", "GetSecretVersion", false, func(ctx context.Context, s core.SecretService, id string) error {
		_, err := s.Stat(ctx, id)
		return err
	}},
	{"versions", "ListSecretVersions", false, func(ctx context.Context, s core.SecretService, id string) error {
		return last(s.Versions(ctx, id))
	}},
	{"list", "ListSecrets", false, func(ctx context.Context, s core.SecretService, _ string) error {
		return last(s.List(ctx, ""))
	}},
	{"set", "AddSecretVersion", true, func(ctx context.Context, s core.SecretService, id string) error {
		_, err := s.Set(ctx, id, core.String("v"))
		return err
	}},
	{"delete", "DeleteSecret", true, func(ctx context.Context, s core.SecretService, id string) error {
		return s.Delete(ctx, id)
	}},
}

func last(seq func(func(core.Info, error) bool)) error {
	var last error
	for _, err := range seq {
		last = err
	}
	return last
}

// Every code of gRPC, and so of the reference
// (https://cloud.google.com/apis/design/errors), with the kind that it has of a read
// and of a write.
var codeKinds = []struct {
	code        codes.Code
	name        string
	read, write error
}{
	{codes.Canceled, "CANCELLED", core.ErrUnavailable, core.ErrIndeterminate},
	{codes.Unknown, "UNKNOWN", core.ErrUnavailable, core.ErrIndeterminate},
	{codes.InvalidArgument, "INVALID_ARGUMENT", core.ErrInvalidOption, core.ErrInvalidOption},
	{codes.DeadlineExceeded, "DEADLINE_EXCEEDED", core.ErrUnavailable, core.ErrIndeterminate},
	{codes.NotFound, "NOT_FOUND", core.ErrNotFound, core.ErrNotFound},
	{codes.AlreadyExists, "ALREADY_EXISTS", core.ErrConflict, core.ErrConflict},
	{codes.PermissionDenied, "PERMISSION_DENIED", core.ErrPermissionDenied, core.ErrPermissionDenied},
	{codes.ResourceExhausted, "RESOURCE_EXHAUSTED", core.ErrUnavailable, core.ErrUnavailable},
	{codes.FailedPrecondition, "FAILED_PRECONDITION", core.ErrUnavailable, core.ErrInvalidOption},
	{codes.Aborted, "ABORTED", core.ErrUnavailable, core.ErrUnavailable},
	{codes.OutOfRange, "OUT_OF_RANGE", core.ErrInvalidOption, core.ErrInvalidOption},
	{codes.Unimplemented, "UNIMPLEMENTED", core.ErrUnavailable, core.ErrUnavailable},
	{codes.Internal, "INTERNAL", core.ErrUnavailable, core.ErrIndeterminate},
	{codes.Unavailable, "UNAVAILABLE", core.ErrUnavailable, core.ErrIndeterminate},
	{codes.DataLoss, "DATA_LOSS", core.ErrCorrupt, core.ErrIndeterminate},
	{codes.Unauthenticated, "UNAUTHENTICATED", core.ErrUnauthenticated, core.ErrUnauthenticated},
	{codes.Code(77), "UNKNOWN", core.ErrUnavailable, core.ErrIndeterminate},
}

func TestEveryCodeHasItsKind(t *testing.T) {
	t.Parallel()
	if len(codeKinds) != int(codes.Unauthenticated)+1 {
		t.Fatalf("%d codes have a line, and gRPC has %d beside OK", len(codeKinds)-1, codes.Unauthenticated)
	}
	for _, c := range codeKinds {
		for _, call := range calls {
			t.Run(fmt.Sprintf("%s of %s", c.name, call.name), func(t *testing.T) {
				t.Parallel()
				srv := gcptest.New(t)
				store := open(t, gcp.Config{Endpoint: srv.Listen(), Retries: -1})
				srv.Seed("a", []byte("v"))
				secret := providertest.Canary()
				st, err := status.New(c.code, "the service says "+secret).WithDetails(
					protoadapt.MessageV1Of(&errdetails.RequestInfo{RequestId: "req-4711", ServingData: secret}),
					protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: secret, Domain: secret, Metadata: map[string]string{"k": secret}}),
				)
				if err != nil {
					t.Fatal(err)
				}
				srv.Inject(gcptest.Fault{Method: call.method, Times: -1, Status: st})
				want := c.read
				if call.write {
					want = c.write
				}
				// What each call makes of a code beyond what it says.
				switch {
				case call.name == "stat" && (c.code == codes.PermissionDenied || c.code == codes.Unimplemented):
					want = nil // it reads the value
				case call.name == "set" && c.code == codes.NotFound:
					want = core.ErrUnavailable // the secret was created, and is not found again
				}
				err = call.do(t.Context(), store, "a")
				if kind := core.KindOf(err); kind != want { //nolint:errorlint // a kind is the sentinel itself
					t.Fatalf("%v, want %v", err, want)
				}
				if want == nil {
					return
				}
				e := (*core.Error)(nil)
				if !errors.As(err, &e) || e.Code != c.name {
					t.Errorf("the error is %#v, and its code %q, want %q", err, e.Code, c.name)
				}
				if call.name != "set" || c.code != codes.NotFound {
					if e.RequestID != "req-4711" {
						t.Errorf("the request id is %q", e.RequestID)
					}
				}
				if strings.Contains(err.Error(), "an error of type") {
					t.Errorf("the error shows a type of this package's own: %v", err)
				}
				if e.Hint == "" {
					t.Error("the error does not say what to do next")
				}
				for _, link := range links(err) {
					if strings.Contains(fmt.Sprintf("%v %+v %#v %q", link, link, link, link), secret) {
						t.Errorf("the error tells what the service said: %T", link)
					}
					if _, foreign := link.(interface{ GRPCStatus() *status.Status }); foreign {
						t.Errorf("the error of a vendor, %T, is in the chain", link)
					}
				}
			})
		}
	}
}

// links is an error with all that it wraps.
func links(err error) []error {
	all := []error{err}
	switch e := err.(type) { //nolint:errorlint // one link at a time
	case interface{ Unwrap() error }:
		if next := e.Unwrap(); next != nil {
			all = append(all, links(next)...)
		}
	case interface{ Unwrap() []error }:
		for _, next := range e.Unwrap() {
			all = append(all, links(next)...)
		}
	}
	return all
}

func TestReasonsSayMoreThanTheirCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code     codes.Code
		text     string
		info     *errdetails.ErrorInfo
		kind     error
		wantCode string
		hint     string
	}{
		{codes.PermissionDenied, "", &errdetails.ErrorInfo{Reason: "SERVICE_DISABLED"}, core.ErrPermissionDenied, "PERMISSION_DENIED SERVICE_DISABLED", "not enabled in the project"},
		{codes.PermissionDenied, "", &errdetails.ErrorInfo{Reason: "BILLING_DISABLED"}, core.ErrPermissionDenied, "PERMISSION_DENIED BILLING_DISABLED", "billing"},
		{codes.PermissionDenied, "", &errdetails.ErrorInfo{Reason: "CONSUMER_INVALID"}, core.ErrPermissionDenied, "PERMISSION_DENIED CONSUMER_INVALID", "no such project"},
		{codes.PermissionDenied, "", &errdetails.ErrorInfo{Reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}, core.ErrPermissionDenied, "PERMISSION_DENIED ACCESS_TOKEN_SCOPE_INSUFFICIENT", "scope"},
		{codes.Unauthenticated, "", &errdetails.ErrorInfo{Reason: "ACCESS_TOKEN_EXPIRED"}, core.ErrUnauthenticated, "UNAUTHENTICATED ACCESS_TOKEN_EXPIRED", "log in"},
		{codes.ResourceExhausted, "", &errdetails.ErrorInfo{Reason: "RATE_LIMIT_EXCEEDED", Metadata: map[string]string{"quota_limit_value": "600", "quota_unit": "1/min/{project}"}}, core.ErrUnavailable, "RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED", "rate"},
		{codes.ResourceExhausted, "", &errdetails.ErrorInfo{Reason: "RATE_LIMIT_EXCEEDED", Metadata: map[string]string{"quota_limit_value": "0"}}, core.ErrExhausted, "RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED", ""},
		{codes.ResourceExhausted, "", &errdetails.ErrorInfo{Reason: "RATE_LIMIT_EXCEEDED", Metadata: map[string]string{"quota_unit": "1/d/{project}"}}, core.ErrExhausted, "RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED", ""},
		{codes.ResourceExhausted, "", &errdetails.ErrorInfo{Reason: "RESOURCE_QUOTA_EXCEEDED"}, core.ErrExhausted, "RESOURCE_EXHAUSTED RESOURCE_QUOTA_EXCEEDED", "quota"},
		{codes.ResourceExhausted, "Quota exceeded: 10 requests per day", nil, core.ErrExhausted, "RESOURCE_EXHAUSTED", "quota"},
		{codes.NotFound, "Project [p] not found or deleted", nil, core.ErrUnavailable, "NOT_FOUND", "no such project"},
		{codes.NotFound, "Secret [projects/1/secrets/a] not found or has no versions.", nil, core.ErrNotFound, "NOT_FOUND", "no secret"},
		{codes.FailedPrecondition, "Cloud KMS key is not enabled, current state is: DISABLED.", nil, core.ErrUnavailable, "FAILED_PRECONDITION", "KMS key"},
	} {
		t.Run(c.wantCode+" "+c.hint, func(t *testing.T) {
			t.Parallel()
			srv := gcptest.New(t)
			store := open(t, gcp.Config{Endpoint: srv.Listen(), Retries: -1})
			srv.Seed("a", []byte("v"))
			st := status.New(c.code, c.text)
			if c.info != nil {
				var err error
				if st, err = st.WithDetails(protoadapt.MessageV1Of(c.info)); err != nil {
					t.Fatal(err)
				}
			}
			srv.Inject(gcptest.Fault{Method: "AccessSecretVersion", Times: -1, Status: st})
			_, err := store.Get(t.Context(), "a")
			e := (*core.Error)(nil)
			if !errors.As(err, &e) || e.Kind != c.kind || e.Code != c.wantCode || !strings.Contains(e.Hint, c.hint) { //nolint:errorlint // a kind is the sentinel itself
				t.Errorf("%v, want %v with the code %q and %q", err, c.kind, c.wantCode, c.hint)
			}
		})
	}
}

// The service says with UNAVAILABLE that it is busy, and gRPC that there is no
// connection: only of the latter a write knows that it never left.
func TestAWriteWithoutAConnectionIsNoIndeterminateOne(t *testing.T) {
	t.Parallel()
	store := open(t, gcp.Config{Endpoint: "127.0.0.1:1"})
	for _, call := range calls {
		err := call.do(t.Context(), store, "a")
		e := (*core.Error)(nil)
		if !errors.As(err, &e) || e.Kind != core.ErrUnavailable || !strings.Contains(e.Hint, "nobody listens") { //nolint:errorlint // a kind is the sentinel itself
			t.Errorf("%s: %v, want ErrUnavailable that says that nobody listens", call.name, err)
		}
	}
}
