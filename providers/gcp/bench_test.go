package gcp_test

import (
	"context"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// A read beside that of Google's client, on the fake over loopback.
//
//bench:ratio BenchmarkGet BenchmarkBareGet 1.15

func BenchmarkGet(b *testing.B) {
	srv := gcptest.New(b)
	srv.Seed("a", []byte("sk_test_0123456789abcdef0123456789abcdef"))
	store := over(b, srv.Endpoint, gcp.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Get(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
		srv.ResetCalls()
	}
}

func BenchmarkBareGet(b *testing.B) {
	srv := gcptest.New(b)
	srv.Seed("a", []byte("sk_test_0123456789abcdef0123456789abcdef"))
	client := bareClient(b, srv.Listen())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.AccessSecretVersion(b.Context(), &pb.AccessSecretVersionRequest{Name: versionName("a", "latest")}); err != nil {
			b.Fatal(err)
		}
		srv.ResetCalls()
	}
}

// bareClient is Google's client as programs make it for a stand-in.
func bareClient(t testing.TB, addr string) *secretmanager.Client {
	t.Helper()
	client, err := secretmanager.NewClient(context.Background(), option.WithEndpoint(addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
