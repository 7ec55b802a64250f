package gcptest_test

import (
	"context"
	"fmt"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// password is the program under test.
func password(ctx context.Context, client *secretmanager.Client) (string, error) {
	resp, err := client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{
		Name: "projects/test-project/secrets/db-password/versions/latest",
	})
	if err != nil {
		return "", err
	}
	return string(resp.GetPayload().GetData()), nil
}

func Example() {
	// In a test this is its own t.
	test := func(t testing.TB) {
		srv := gcptest.New(t)
		srv.Seed("db-password", []byte("hunter2"))

		got, err := password(context.Background(), srv.Client(t))
		fmt.Println(got, err)

		// A caller that may only write.
		_, err = password(context.Background(), srv.As(gcptest.VersionAdder).Client(t))
		fmt.Println(status.Code(err))

		// An answer that gets lost.
		srv.Inject(gcptest.Fault{Method: "AccessSecretVersion", Status: status.New(codes.Internal, "lost")})
		_, err = password(context.Background(), srv.Client(t))
		fmt.Println(status.Code(err))

		fmt.Println(srv.CountCalls("AccessSecretVersion"), "calls")
	}
	run(test)
	// Output:
	// hunter2 <nil>
	// PermissionDenied
	// Internal
	// 3 calls
}

// run gives an example what a test has.
func run(test func(testing.TB)) {
	testing.Benchmark(func(b *testing.B) {
		if b.N == 1 {
			test(b)
		}
	})
}
