package gcptest_test

import (
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// dial makes the official client as its documentation says for each transport.
func dial(t *testing.T, e *gcptest.Endpoint, transport string, opts ...option.ClientOption) *secretmanager.Client {
	t.Helper()
	anonymous := len(opts) == 0
	switch transport {
	case "memory":
		opts = append(opts, e.ClientOptions()...)
	case "loopback":
		opts = append(opts, option.WithEndpoint(e.Listen()), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	case "TLS":
		addr, roots, _ := e.ListenTLS()
		opts = append(opts, option.WithEndpoint(addr),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, ""))))
		if anonymous {
			opts = append(opts, option.WithoutAuthentication())
		}
	}
	c, err := secretmanager.NewClient(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.CallOptions.AccessSecretVersion = nil
	return c
}

func TestTheOfficialClientReachesTheServerInEveryWay(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("s", []byte("a"))
	for _, transport := range []string{"memory", "loopback", "TLS"} {
		c := dial(t, srv.Endpoint, transport)
		wantData(t, c, "s/versions/latest", "a")
	}
	if n := srv.CountCalls("AccessSecretVersion"); n != 3 {
		t.Errorf("3 reads by 3 ways are %d calls of one server", n)
	}
}

// https://cloud.google.com/docs/authentication/troubleshoot-adc and
// https://cloud.google.com/apis/design/errors: no token, or one that is not
// accepted, is UNAUTHENTICATED.
func TestATokenThatIsRequiredIsChecked(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("s", []byte("a"))
	e := srv.RequireToken("right")
	with := func(token string) *secretmanager.Client {
		return dial(t, e, "TLS", option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})))
	}
	wantData(t, with("right"), "s/versions/latest", "a")
	for reason, c := range map[string]*secretmanager.Client{
		"ACCESS_TOKEN_TYPE_UNSUPPORTED": with("wrong"),
		"CREDENTIALS_MISSING":           dial(t, e, "TLS"),
	} {
		_, err := access(t.Context(), c, "s/versions/latest")
		wantCode(t, reason, err, codes.Unauthenticated)
		if got := detail[*errdetails.ErrorInfo](t, err).GetReason(); got != reason {
			t.Errorf("the reason is %s, want %s", got, reason)
		}
	}
	wantData(t, client(t, srv.Endpoint), "s/versions/latest", "a") // elsewhere none is asked for
}

func TestAServerThatIsClosedAnswersNobody(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	c := dial(t, srv.Endpoint, "loopback")
	srv.Seed("s", []byte("a"))
	wantData(t, c, "s/versions/latest", "a")
	srv.Close()
	srv.Close()
	_, err := access(t.Context(), c, "s/versions/latest")
	wantCode(t, "a read after the close", err, codes.Unavailable)
}

// What is not served says so.
func TestManagedRotationIsUnimplemented(t *testing.T) {
	t.Parallel()
	_, c := strict(t)
	_, err := c.RotateSecret(t.Context(), &secretmanagerpb.RotateSecretRequest{Parent: project + "/secrets/s"})
	wantCode(t, "RotateSecret", err, codes.Unimplemented)
}
