package vaulttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

var (
	programMu   sync.Mutex
	programPath string
)

// program is the server's program. It is built once for a test binary, and its
// failure is told to each test.
func program(t testing.TB) string {
	t.Helper()
	programMu.Lock()
	defer programMu.Unlock()
	if programPath != "" {
		return programPath
	}
	if name := os.Getenv("LUKKO_VAULTSERVER"); name != "" {
		if _, err := os.Stat(name); err != nil {
			t.Fatalf("LUKKO_VAULTSERVER names a file that can't be used: %v", err)
		}
		programPath = name
		return name
	}
	name, err := build(t)
	if err != nil {
		t.Fatalf("the real Vault server is needed and can't be built: %v", err)
	}
	programPath = name
	return name
}

func build(t testing.TB) (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, ".bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if d, ok := deadline(t); ok {
		// What is built so far is kept in go's cache; a killed test says nothing.
		ctx, cancel = context.WithDeadline(ctx, d.Add(-10*time.Second))
	}
	defer cancel()

	// The tests of several packages start at once: one builds, the others wait.
	unlock, err := lock(ctx, filepath.Join(bin, "vaultserver.lock"))
	if err != nil {
		return "", tooLate(ctx, err)
	}
	defer unlock()

	name := filepath.Join(bin, "vaultserver")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if _, err := os.Stat(name); err != nil {
		t.Log("building the real Vault server: the first time this takes some minutes, later seconds")
	}
	// The flags of scripts/vaultserver, or each would link what the other has linked.
	cmd := exec.CommandContext(ctx, "go", "build", "-p", "2", "-buildvcs=false", "-ldflags=-s -w", "-o", name, ".")
	cmd.Dir = filepath.Join(root, "internal", "vaultserver")
	cmd.Env = append(os.Environ(), "PWD="+cmd.Dir, "GOWORK=off", "GOFLAGS=-mod=readonly", "GOOS=", "GOARCH=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", tooLate(ctx, fmt.Errorf("go build of internal/vaultserver (it needs the Go module proxy the first time): %w\n%s", err, out))
	}
	return name, nil
}

// tooLate is err, or what it means that ctx has ended.
func tooLate(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("the time limit of go test came first; run scripts/vaultserver once, or give -timeout=30m")
	}
	return err
}

func deadline(t testing.TB) (time.Time, bool) {
	if t, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		return t.Deadline()
	}
	return time.Time{}, false
}

// repository is the root of the checkout that the test runs in.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "internal", "vaultserver", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("its source is in the repository only, which this folder is not in; set LUKKO_VAULTSERVER to the program")
		}
		dir = parent
	}
}
