package vaulttest_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/internal/vaulttest"
)

func TestServerThatCannotBeHadFailsTheTestWithTheReason(t *testing.T) {
	t.Parallel()
	echo, err := exec.LookPath("echo")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, dir string
		env       []string
		says      string
	}{
		{"a program that is not there", "", []string{"LUKKO_VAULTSERVER=/nonexistent/vaultserver"}, "LUKKO_VAULTSERVER names a file"},
		{"another program", "", []string{"LUKKO_VAULTSERVER=" + echo}, "is LUKKO_VAULTSERVER another program"},
		{"no repository", t.TempDir(), []string{"LUKKO_VAULTSERVER="}, "is in the repository only"},
		{"no module proxy", "", []string{"LUKKO_VAULTSERVER=", "GOPROXY=off", "GOMODCACHE=" + t.TempDir()}, "needs the Go module proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := parentProcess(ctx, tt.env...)
			cmd.Dir = tt.dir
			out, err := cmd.Output()
			if err == nil || !strings.Contains(string(out), tt.says) {
				t.Errorf("ended with %v, want %q in:\n%s", err, tt.says, out)
			}
		})
	}
}

func TestServerHasNothingOfTheDevelopersEnvironment(t *testing.T) {
	t.Parallel()
	// Vault gives this variable back to whoever asks.
	cmd := parentProcess(t.Context(), "VAULT_CLOUD_ADMIN_NAMESPACE=1", "LUKKO_VAULTSERVER="+vaulttest.Program(t))
	address := startParent(t, cmd)
	r, err := http.Get(address + "/v1/sys/internal/ui/feature-flags")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK || strings.Contains(string(body), "NAMESPACE") {
		t.Errorf("status %d, %s, %v", r.StatusCode, body, err)
	}
}

// parentProcess runs this binary as a program that starts a server: TestMain.
func parentProcess(ctx context.Context, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append(os.Environ(), "VAULTTEST_PARENT=1"), env...)
	return cmd
}

// startParent gives the address of the parent's server. The parent is killed at
// the latest when t ends.
func startParent(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	address := strings.TrimSpace(line)
	if !strings.HasPrefix(address, "http://") {
		t.Fatalf("the parent started no server: %s", line)
	}
	return address
}
