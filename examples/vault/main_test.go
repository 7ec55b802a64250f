package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// asProcess makes the test binary the example.
const asProcess = "LUKKO_VAULT_EXAMPLE_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process runs the example with nothing of Vault in its environment but this.
func process(t *testing.T, env ...string) (stdout, stderr string, code int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "VAULT_") && !strings.HasPrefix(e, "BAO_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, asProcess+"=1", "HOME="+t.TempDir())
	cmd.Env = append(cmd.Env, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestTheExampleRunsAgainstTheRealServer(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	for range 2 { // it leaves nothing that a second run would stumble over
		stdout, stderr, code := process(t, "VAULT_ADDR="+srv.Address, "VAULT_TOKEN="+srv.RootToken)
		if code != 0 || stderr != "" {
			t.Fatalf("exit code %d, stderr %q; want 0 and nothing", code, stderr)
		}
		next := stdout
		for _, want := range []string{
			"● Declared, and not there yet", "STRIPE_CREDENTIALS", "not found", "https://docs.stripe.com/keys",
			"● Stored", "[apiKey webhookSecret]",
			"● Read", "[REDACTED]",
			"● Rotated",
			"● Vault keeps both versions", "2-", "1-",
		} {
			_, rest, ok := strings.Cut(next, want)
			if !ok {
				t.Fatalf("the output lacks %q after what came before it:\n%s", want, stdout)
			}
			next = rest
		}
		if strings.Contains(stdout, "sk_test") || strings.Contains(stdout, "whsec") || strings.Contains(stdout, srv.RootToken) {
			t.Error("the output shows a secret")
		}
	}
	if left := srv.KV(vaulttest.MountV2, 2).List(t, ""); len(left) > 0 {
		t.Errorf("%q is left behind", left)
	}
}

func TestTheExampleExitsNonZeroWhereItFails(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := process(t, "VAULT_ADDR=http://127.0.0.1:1", "VAULT_TOKEN=none", "VAULT_MAX_RETRIES=0")
	if code != 1 || !strings.HasPrefix(stderr, "vault: ") || strings.Contains(stdout, "● Stored") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
