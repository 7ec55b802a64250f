package lint_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// golangciVersion is the golangci-lint that the trial builds.
const golangciVersion = "v2.15.0"

// TestTrialGolangciLintHasTheRules builds a golangci-lint with the plugin, as
// `golangci-lint custom` does, but from the module proxy, and runs it. It
// takes some minutes the first time.
//
//	LUKKO_TRIAL=1 go test -run TestTrialGolangci -timeout 30m ./lint
func TestTrialGolangciLintHasTheRules(t *testing.T) {
	if os.Getenv("LUKKO_TRIAL") == "" {
		t.Skip("LUKKO_TRIAL=1 runs it: it builds golangci-lint")
	}
	dir := program(t, "secrets", "billing", "typed", "cmd", "allow")
	write(t, filepath.Join(dir, ".golangci.yml"), golangciConfig(t))
	t.Setenv("GOLANGCI_LINT_CACHE", t.TempDir())
	stdout, stderr, code := run(t, dir, customGolangci(t), "run", "--default=none", "--enable=lukko", "--max-same-issues=0", "./...")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{
		`secrets/secrets.go:17: the declaration Unused (UNUSED) is read by nothing`,
		`billing/billing.go:11: no declaration has the id "STRIPE_CREDENTIAL"; did you mean "STRIPE_CREDENTIALS"?`,
		"allow/allow.go:18:12: revealed: a revealed secret gets into a log",
		"(lukko)",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("golangci-lint does not say %q", want)
		}
	}
	if strings.Contains(stdout, "[dynamic]") {
		t.Error("a rule that the settings leave out found something")
	}
	if t.Failed() {
		t.Logf("%s%s", stdout, stderr)
	}
}

// golangciConfig is the configuration of the README, with one rule left out.
func golangciConfig(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		if strings.HasPrefix(block[1], "# .golangci.yml\n") {
			return block[1]
		}
	}
	t.Fatal("the README has no .golangci.yml")
	return ""
}

// customGolangci builds golangci-lint with the plugin.
func customGolangci(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "github.com/golangci/golangci-lint/v2@"+golangciVersion).Output()
	var module struct{ Dir string }
	if err != nil || json.Unmarshal(out, &module) != nil {
		t.Fatalf("golangci-lint can't be downloaded: %v", err)
	}
	dir := t.TempDir()
	for _, name := range []string{"cmd/golangci-lint/main.go", "go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(module.Dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if name == "go.mod" {
			text = strings.Replace(text, "module github.com/golangci/golangci-lint/v2", "module example.com/golangci", 1) +
				"\nrequire (\n\tgithub.com/golangci/golangci-lint/v2 " + golangciVersion + "\n\tgithub.com/lukko-dev/lukko/lint v0.1.0\n)\n" +
				"\nreplace (\n\tgithub.com/lukko-dev/lukko/lint => " + filepath.Join(root, "lint") +
				"\n\tgithub.com/lukko-dev/lukko/core => " + filepath.Join(root, "core") + "\n)\n"
		}
		write(t, filepath.Join(dir, filepath.Base(name)), text)
	}
	write(t, filepath.Join(dir, "plugins.go"), "package main\n\nimport _ \"github.com/lukko-dev/lukko/lint/golangci\"\n")
	binary := filepath.Join(dir, "custom-gcl")
	for _, args := range [][]string{{"mod", "tidy"}, {"build", "-p", "1", "-o", binary, "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
	return binary
}
