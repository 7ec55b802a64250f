package gcp_test

import (
	"context"
	"errors"
	"hash/crc32"
	"net"
	"strings"
	"sync"
	"testing"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// handler is a service that a test writes by hand, for what no service should do.
type handler struct {
	pb.UnimplementedSecretManagerServiceServer
	access   func(n int) (*pb.AccessSecretVersionResponse, error) // n counts from 1
	versions func(token string) *pb.ListSecretVersionsResponse
	secrets  func(token string) *pb.ListSecretsResponse

	mu    sync.Mutex
	n     int
	added []*pb.SecretPayload
}

func (h *handler) AccessSecretVersion(context.Context, *pb.AccessSecretVersionRequest) (*pb.AccessSecretVersionResponse, error) {
	h.mu.Lock()
	h.n++
	n := h.n
	h.mu.Unlock()
	return h.access(n)
}

func (h *handler) AddSecretVersion(_ context.Context, r *pb.AddSecretVersionRequest) (*pb.SecretVersion, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.added = append(h.added, r.GetPayload())
	return &pb.SecretVersion{Name: r.GetParent() + "/versions/7"}, nil
}

func (h *handler) ListSecretVersions(_ context.Context, r *pb.ListSecretVersionsRequest) (*pb.ListSecretVersionsResponse, error) {
	if h.versions == nil {
		return nil, status.Error(codes.Unimplemented, "")
	}
	return h.versions(r.GetPageToken()), nil
}

func (h *handler) ListSecrets(_ context.Context, r *pb.ListSecretsRequest) (*pb.ListSecretsResponse, error) {
	return h.secrets(r.GetPageToken()), nil
}

func (h *handler) store(t testing.TB, cfg gcp.Config) *core.Store {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	pb.RegisterSecretManagerServiceServer(s, h)
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.Stop)
	cfg.Endpoint = listener.Addr().String()
	return open(t, cfg)
}

func answerOf(version, value string, sum *int64) *pb.AccessSecretVersionResponse {
	return &pb.AccessSecretVersionResponse{Name: versionName("a", version), Payload: &pb.SecretPayload{Data: []byte(value), DataCrc32C: sum}}
}

func sumOf(value string) *int64 {
	sum := int64(crc32.Checksum([]byte(value), crc32.MakeTable(crc32.Castagnoli)))
	return &sum
}

func TestAChecksumThatIsThereIsVerified(t *testing.T) {
	t.Parallel()
	value := providertest.Canary()
	for _, c := range []struct {
		name    string
		sums    []*int64 // of the answers, one after the other; the last one of all further
		kind    error
		answers int
	}{
		{"right", []*int64{sumOf(value)}, nil, 1},
		{"not there", []*int64{nil}, nil, 1},
		{"wrong once", []*int64{sumOf("another"), sumOf(value)}, nil, 2},
		{"wrong", []*int64{sumOf("another")}, core.ErrCorrupt, 1 + gcp.DefaultRetries},
	} {
		h := &handler{access: func(n int) (*pb.AccessSecretVersionResponse, error) {
			return answerOf("1", value, c.sums[min(n, len(c.sums))-1]), nil
		}}
		secret, err := h.store(t, gcp.Config{}).Get(t.Context(), "a")
		if core.KindOf(err) != c.kind || err == nil && secret.Value.Reveal() != value || h.n != c.answers { //nolint:errorlint // a kind is the sentinel itself
			t.Errorf("a checksum that is %s: %v after %d answers, want %v after %d", c.name, err, h.n, c.kind, c.answers)
		}
		if err != nil && strings.Contains(err.Error(), value) {
			t.Error("the error holds the value")
		}
	}
}

func TestAChecksumIsSentWithEachWrite(t *testing.T) {
	t.Parallel()
	h := &handler{}
	store := h.store(t, gcp.Config{})
	for _, value := range []string{"v", strings.Repeat("x", core.MaxValueLen)} {
		if _, err := store.Set(t.Context(), "a", core.String(value)); err != nil {
			t.Fatal(err)
		}
		got := h.added[len(h.added)-1]
		if string(got.GetData()) != value || got.DataCrc32C == nil || *got.DataCrc32C != *sumOf(value) {
			t.Error("the payload has another value, or not its checksum")
		}
	}
}

func TestAnswersOfStandInsAreUnderstood(t *testing.T) {
	t.Parallel()
	// One that repeats the latest it was asked for, and one that knows no states.
	h := &handler{
		access: func(int) (*pb.AccessSecretVersionResponse, error) { return answerOf("latest", "v", nil), nil },
		versions: func(string) *pb.ListSecretVersionsResponse {
			return &pb.ListSecretVersionsResponse{Versions: []*pb.SecretVersion{{Name: versionName("a", "9")}, {Name: versionName("a", "10")}}}
		},
	}
	store := h.store(t, gcp.Config{})
	if secret, err := store.Get(t.Context(), "a"); err != nil || secret.Version != "10" {
		t.Errorf("version %q, error %v; want 10", secret.Version, err)
	}
	if info, err := store.Stat(t.Context(), "a"); err != nil || info.Version != "10" {
		t.Errorf("Stat where it is not known: version %q, error %v", info.Version, err)
	}
	// One that lists nothing.
	h.versions = nil
	if secret, err := store.Get(t.Context(), "a"); err != nil || secret.Version != "" || secret.Value.Reveal() != "v" {
		t.Errorf("version %q, error %v; want the value without a version", secret.Version, err)
	}
	// An answer without anything.
	h.access = func(int) (*pb.AccessSecretVersionResponse, error) { return &pb.AccessSecretVersionResponse{}, nil }
	if _, err := store.Get(t.Context(), "a"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("an empty answer: %v", err)
	}
}

func TestAnAnswerThatIsTooLongIsNoValue(t *testing.T) {
	t.Parallel()
	h := &handler{access: func(int) (*pb.AccessSecretVersionResponse, error) {
		return answerOf("1", strings.Repeat("x", 2<<20), nil), nil
	}}
	_, err := h.store(t, gcp.Config{}).Get(t.Context(), "a")
	expectKind(t, err, core.ErrInvalidValue, "64 KiB")
	if h.n != 1 {
		t.Errorf("it was asked for %d times", h.n)
	}
}

func TestAListingWithoutEndEnds(t *testing.T) {
	t.Parallel()
	name := "projects/" + gcptest.ProjectID + "/secrets/"
	h := &handler{
		secrets: func(string) *pb.ListSecretsResponse {
			return &pb.ListSecretsResponse{Secrets: page(name), NextPageToken: "again"}
		},
		versions: func(string) *pb.ListSecretVersionsResponse {
			versions := make([]*pb.SecretVersion, 1000)
			for i := range versions {
				versions[i] = &pb.SecretVersion{Name: versionName("a", "1")}
			}
			return &pb.ListSecretVersionsResponse{Versions: versions, NextPageToken: "again"}
		},
	}
	store := h.store(t, gcp.Config{})
	expectKind(t, last(store.List(t.Context(), "")), core.ErrUnavailable, "again and again")
	expectKind(t, last(store.Versions(t.Context(), "a")), core.ErrUnavailable, "again and again")
}

func page(name string) []*pb.Secret {
	secrets := make([]*pb.Secret, 500)
	for i := range secrets {
		secrets[i] = &pb.Secret{Name: name + "a"}
	}
	return secrets
}
