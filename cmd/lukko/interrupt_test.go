//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// command is the command as a process, in a folder with a home of its own.
// TestMain has put it on the path.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "lukko", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "GORACE=atexit_sleep_ms=0"}
	return cmd
}

// project is a folder in which lukko init has run.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, dir, "init").CombinedOutput(); err != nil {
		t.Fatalf("init: %v: %s", err, out)
	}
	return dir
}

// interrupt sends the signal that Ctrl-C sends, and wants exit code 2 and a
// word that says so.
func interrupt(t *testing.T, cmd *exec.Cmd, stderr interface{ String() string }) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitUnknown {
		t.Errorf("%v, want exit code %d: %s", err, exitUnknown, stderr)
	}
	if !strings.Contains(stderr.String(), "lukko: ") {
		t.Errorf("stderr does not say that it was interrupted: %s", stderr)
	}
}

func wantNothingStored(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"secrets", "history"} {
		left, err := os.ReadDir(filepath.Join(dir, "secrets", name))
		if err != nil || len(left) > 0 {
			t.Errorf("%d files are in %s, %v; want none", len(left), name, err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "secrets", "history", "recipients.txt", ".gitignore", ".gitattributes", ".lock":
		default:
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestInterruptedSetStoresNothing(t *testing.T) {
	t.Parallel()
	dir := project(t)
	declare(t, dir)
	cmd := command(t, dir, "set", "KEY")
	stdin, err := cmd.StdinPipe() // it stays open, so the command waits
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stderr := waitFor(t, cmd, "not declared") // said just before it reads
	interrupt(t, cmd, stderr)
	wantNothingStored(t, dir)
}

// Another process holds the store's lock, so the write waits for it.
func TestInterruptedWriteStoresNothing(t *testing.T) {
	t.Parallel()
	dir := project(t)
	lock, err := os.OpenFile(filepath.Join(dir, "secrets", ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, dir, "set", "KEY")
	cmd.Stdin = strings.NewReader("hunter2\n")
	stderr := waitFor(t, cmd, "the newline at the end")
	interrupt(t, cmd, stderr)
	wantNothingStored(t, dir)
	if strings.Contains(stderr.String(), "hunter2") {
		t.Error("stderr shows the value")
	}
}

func TestInterruptedReadEnds(t *testing.T) {
	t.Parallel()
	dir := project(t)
	declare(t, dir)
	cmd := command(t, dir, "get", "KEY", "--url", "hanging:")
	interrupt(t, cmd, waitFor(t, cmd, "not declared"))
}

func TestInterruptedConformanceCleansUp(t *testing.T) {
	t.Parallel()
	dir := project(t)
	cmd := command(t, dir, "conformance", "file:secrets", "--full")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr output
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); err != nil || !strings.HasPrefix(line, "about to run ") {
		t.Fatalf("the first line is %q, %v", line, err)
	}
	until(t, "a secret is stored", func() bool {
		stored, _ := os.ReadDir(filepath.Join(dir, "secrets", "secrets"))
		return len(stored) > 0
	})
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	report, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitUnknown {
		t.Errorf("%v, want exit code %d", err, exitUnknown)
	}
	if !strings.Contains(string(report), "interrupted") {
		t.Error("the report does not say that it was interrupted")
	}
	wantNothingStored(t, dir)
}

// declare makes lukko.yaml declare a secret, so that others are undeclared.
func declare(t *testing.T, dir string) {
	t.Helper()
	text := "environments:\n  development: file:secrets\nsecrets:\n  UNRELATED: {}\n"
	if err := os.WriteFile(filepath.Join(dir, "lukko.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// waitFor starts the command and waits until it has said something.
func waitFor(t *testing.T, cmd *exec.Cmd, word string) *output {
	t.Helper()
	var stderr output
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, word, func() bool { return strings.Contains(stderr.String(), word) })
	return &stderr
}
