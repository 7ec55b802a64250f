package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/examples/quickstart/secrets"
)

// asProcess makes the test binary the quickstart.
const asProcess = "LUKKO_QUICKSTART_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process runs the quickstart with a home and a temporary folder of its own.
func process(t *testing.T, env ...string) (stdout, stderr string, code int, home, tmp string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home, tmp = t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), asProcess+"=1", "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, "config"), "TMPDIR="+tmp)
	cmd.Env = append(cmd.Env, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode(), home, tmp
}

func TestQuickstartShowsTheMainJob(t *testing.T) {
	t.Parallel()
	// What is in the environment of whoever runs it changes nothing.
	stdout, stderr, code, home, tmp := process(t,
		"LUKKO_IDENTITY=not an identity", `STRIPE_CREDENTIALS={"apiKey":"sk_env_1","webhookSecret":"whsec_e"}`)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q; want 0 and nothing", code, stderr)
	}
	next := stdout
	for _, want := range []string{
		"● An encrypted store", "age1",
		"● The secret is declared, and missing", "STRIPE_CREDENTIALS", "not found", "https://docs.stripe.com/keys",
		"● A publishable key is no secret key", "/apiKey", "pattern",
		"● Stored encrypted, read typed", "[REDACTED]", "verified",
		"● On disk there is no byte of it in clear text", "age -d",
		"● A rotation, and the loaded handle follows", "verified", "refuses",
		"● The same code, with the environment in front", `layer "store" answered`, `layer "env" answered`,
		"● All of this was true",
	} {
		_, rest, ok := strings.Cut(next, want)
		if !ok {
			t.Fatalf("the output lacks %q after what came before it:\n%s", want, stdout)
		}
		next = rest
	}
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if len(lines) >= 60 {
		t.Errorf("%d lines of output, want under 60", len(lines))
	}
	for _, line := range lines {
		if n := len([]rune(line)); n > 90 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
	for _, secret := range []string{"sk_test", "pk_test", "whsec", "sk_env", "AGE-SECRET-KEY"} {
		if strings.Contains(stdout, secret) {
			t.Errorf("the output shows a secret that begins with %s", secret)
		}
	}
	for _, dir := range []string{home, tmp} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%d files were left behind, %v", len(left), err)
		}
	}
}

func TestQuickstartExitsNonZeroWhereItFails(t *testing.T) {
	t.Parallel()
	stdout, stderr, code, _, _ := process(t, "TMPDIR="+filepath.Join(t.TempDir(), "missing"))
	if code != 1 || !strings.HasPrefix(stderr, "quickstart: ") || strings.Contains(stdout, "All of this was true") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// Each row makes one thing untrue that the quickstart says.
func TestSabotageIsFound(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	creds := secrets.StripeCredentials{APIKey: core.String("sk_test_secret"), WebhookSecret: core.String("whsec_secret")}
	server := newStripe("sk_test_secret")
	t.Cleanup(server.Close)

	for name, err := range map[string]error{
		"a server that has another key": run(ctx, io.Discard, func(string) *fakeStripe { return newStripe("sk_test_other") }),
		"a request signed with another key": charge(ctx, server,
			secrets.StripeCredentials{APIKey: core.String("sk_test_other")}),
		"an old key that still works":                      refused(charge(ctx, server, creds)),
		"an error that is not expected":                    expect(errors.New("another"), core.ErrNotFound),
		"no error where one is expected":                   expect(nil, core.ErrNotFound),
		"an error with the secret":                         hides(errors.New("refused sk_test_secret"), creds),
		"an error with a part of the secret":               hides(fmt.Errorf("refused …%s", "_secret"), creds),
		"a folder with the secret in clear text":           encrypted(folder(t, "x.age", "AGE whsec_secret"), creds),
		"a folder where nothing is stored":                 encrypted(folder(t, "x.age", "nothing"), creds),
		"a folder that is not there":                       encrypted(filepath.Join(t.TempDir(), "missing"), creds),
		"a context that has ended":                         run(ended(ctx), io.Discard, newStripe),
		"a server that does not follow the rotation (run)": run(ctx, io.Discard, stubborn),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := charge(ctx, server, creds); err != nil {
		t.Errorf("a request that is signed rightly: %v", err)
	}
	if err := encrypted(folder(t, "x.age", "-----BEGIN AGE ENCRYPTED FILE-----\n"), creds); err != nil {
		t.Errorf("an encrypted file: %v", err)
	}
	if err := run(ctx, io.Discard, newStripe); err != nil {
		t.Errorf("the quickstart without sabotage: %v", err)
	}
}

// stubborn is a server whose rotations change nothing.
func stubborn(key string) *fakeStripe {
	real := newStripe(key)
	return &fakeStripe{Server: real.Server} // rotate sets a key that nobody reads
}

func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func folder(t *testing.T, name, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The command that the README names, from the root of the repository.
func TestTheReadmesCommandRuns(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join("..", "..", "go.work")); err != nil {
		t.Skip("this is no checkout of the repository, but the module by itself")
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./examples/quickstart")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "PWD=", "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("All of this was true")) {
		t.Errorf("%v\n%s", err, out)
	}
}
