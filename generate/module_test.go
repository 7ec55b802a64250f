package generate_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/lukko-dev/lukko/generate"
)

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func jsonText(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// siblings are this module's requirements, with the folders of its siblings.
var siblings = sync.OnceValues(func() (string, error) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return "", err
	}
	_, requires, _ := strings.Cut(string(mod), "\n\n") // without the module line
	text := requires + "\n"
	for _, m := range regexp.MustCompile(`github.com/lukko-dev/lukko/\S+`).FindAllString(requires, -1) {
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", m).Output()
		if err != nil {
			return "", err
		}
		text += "replace " + m + " => " + strings.TrimSpace(string(dir)) + "\n"
	}
	return text, nil
})

// module writes a module example.com/shop of the files of an archive, and
// returns its folder.
func module(t testing.TB, archive string) string {
	t.Helper()
	dir := t.TempDir()
	unpack(t, dir, archive)
	requires, err := siblings()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module example.com/shop\n\n"+requires)
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
	return dir
}

func unpack(t testing.TB, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, filepath.Join(dir, filepath.FromSlash(f.Name)), string(f.Data))
	}
}

// env is the environment of a module that stands alone. Paths are trimmed so that
// the compiler's cache serves the next test.
func env(more ...string) []string {
	return append(append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath", "GOPROXY=off"), more...)
}

// run generates in a module that stands alone.
func run(t testing.TB, cfg generate.Config) (generate.Result, error) {
	t.Helper()
	if cfg.Env == nil {
		cfg.Env = env()
	}
	result, err := generate.Run(t.Context(), cfg)
	if e := (*generate.Error)(nil); err != nil && (!errors.As(err, &e) || len(e.Problems) == 0) {
		t.Errorf("the error is no Error with problems: %T", err)
	}
	return result, err
}

// mustRun is run without an error.
func mustRun(t testing.TB, cfg generate.Config) generate.Result {
	t.Helper()
	result, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// golang runs the go command in a module that stands alone.
func golang(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, env("PWD="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// sameLines compares texts line by line.
func sameLines(t testing.TB, got, want string) {
	t.Helper()
	if got, want = strings.TrimSpace(got), strings.TrimSpace(want); got == want {
		return
	}
	left := map[string]bool{}
	for line := range strings.SplitSeq(got, "\n") {
		left[line] = true
	}
	for line := range strings.SplitSeq(want, "\n") {
		if !left[line] {
			t.Errorf("missing: %s", line)
		}
		delete(left, line)
	}
	for line := range left {
		t.Errorf("too much: %s", line)
	}
	if !t.Failed() {
		t.Errorf("the lines are in another order:\n%s", got)
	}
}
