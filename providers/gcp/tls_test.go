package gcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	_ "github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// childURL makes the test binary a program that reads the secret "a" of a store, as
// others are: with an environment of its own, which Google's library and TLS read.
const childURL = "LUKKO_GCP_TEST_URL"

func child(url string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	store, err := core.Open(ctx, url)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer store.Close()
	secret, err := store.Get(ctx, "a")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := store.Set(ctx, "a", core.String("second")); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("read version %s of %d bytes\n", secret.Version, secret.Value.Len())
	return 0
}

// A machine of Google's: the metadata server tells the project and gives tokens, and
// the service speaks TLS and wants one of them. The first is not good any more.
func TestAMachineOfGooglesLogsInByItsMetadataServer(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("a", []byte("first"))
	good, stale := providertest.Canary(), providertest.Canary()
	addr, _, ca := srv.RequireToken(good).ListenTLS()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	var given atomic.Int64
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		switch {
		case strings.HasSuffix(r.URL.Path, "/project/project-id"):
			_, _ = fmt.Fprint(w, gcptest.ProjectID)
		case strings.HasSuffix(r.URL.Path, "/token"):
			token := good
			if given.Add(1) == 1 {
				token = stale
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "expires_in": 3600, "token_type": "Bearer"})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(metadata.Close)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{
		childURL + "=gcp:?insecure=false&endpoint=" + addr, "SSL_CERT_FILE=" + caFile, "HOME=" + t.TempDir(),
		"GCE_METADATA_HOST=" + strings.TrimPrefix(metadata.URL, "http://"),
		"GOOGLE_SDK_GO_LOGGING_LEVEL=debug", // at which Google's client logs each answer
	}
	out, err := cmd.CombinedOutput()
	if want := "read version 1 of 5 bytes\n"; err != nil || string(out) != want {
		exit := (*exec.ExitError)(nil)
		t.Errorf("the program printed %d bytes, want %q; a failure of it: %t", len(out), want, errors.As(err, &exit))
		if !strings.Contains(string(out), good) && !strings.Contains(string(out), stale) && !strings.Contains(string(out), "first") {
			t.Logf("%s", out)
		}
	}
	if versions, _ := srv.Versions("a"); len(versions) != 2 {
		t.Errorf("there are %d versions, want 2", len(versions))
	}
	if n := given.Load(); n != 2 {
		t.Errorf("%d tokens were fetched, want 2", n)
	}
}
