package lint_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/lint"
)

// built is the folder of lukkolint, which is built once for all tests.
var built string

var binary = sync.OnceValues(func() (name string, err error) {
	if built, err = os.MkdirTemp("", "lukkolint-"); err != nil {
		return "", err
	}
	name = filepath.Join(built, "lukkolint")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", name, "./cmd/lukkolint").CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return name, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// lukkolint returns the path of the command.
func lukkolint(t *testing.T) string {
	t.Helper()
	name, err := binary()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, name)
	}
	return name
}

// run runs a command in a folder and returns what it wrote and its exit code.
func run(t *testing.T, dir, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "PWD="+dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// mainFindings are what is wrong with cmd/shop, most of it in packages below
// it, so that it takes facts to find.
var mainFindings = []string{
	"cmd/shop/main.go:1:9: secrets/secrets.go:17: the declaration Unused (UNUSED) is read by nothing",
	"cmd/shop/main.go:1:9: secrets/secrets.go:19: the declaration Loaded (LOADED_ONLY) is read by nothing",
	`cmd/shop/main.go:1:9: billing/billing.go:11: no declaration has the id "STRIPE_CREDENTIAL"; did you mean "STRIPE_CREDENTIALS"?`,
	"cmd/shop/main.go:13:5: the declaration own (OWN) is read by nothing",
	`cmd/shop/main.go:44:15: no declaration has the id "MAIL_PASSWROD"; did you mean "MAIL_PASSWORD"?`,
	"allow/allow.go:20:12: a revealed secret gets into a log",
}

func TestGoVetAndTheCommandAloneFindTheSame(t *testing.T) {
	t.Parallel()
	tool := lukkolint(t)
	dir := program(t, "secrets", "typed", "billing", "cmd", "allow")
	vet := func() []string {
		_, stderr, code := run(t, dir, "go", "vet", "-vettool="+tool, "./...")
		if code != 1 {
			t.Errorf("go vet: exit code %d, want 1\n%s", code, stderr)
		}
		return found(dir, stderr)
	}
	alone := func() []string {
		_, stderr, code := run(t, dir, tool, "./...")
		if code != 3 {
			t.Errorf("lukkolint: exit code %d, want 3, as for other analyzers where something is found\n%s", code, stderr)
		}
		return found(dir, stderr)
	}
	byVet, byItself := vet(), alone()
	if !slices.Equal(byVet, byItself) {
		t.Errorf("go vet found\n%s\nand the command alone\n%s", strings.Join(byVet, "\n"), strings.Join(byItself, "\n"))
	}
	for _, want := range mainFindings {
		if !slices.ContainsFunc(byVet, func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("go vet does not find %q among\n%s", want, strings.Join(byVet, "\n"))
		}
	}
	for _, line := range byVet {
		if strings.Contains(line, "ELSEWHERE") {
			t.Errorf("what another program of the module reads is reported: %s", line)
		}
	}
}

// found returns the findings of an output, sorted, with paths below dir.
func found(dir, output string) (lines []string) {
	for line := range strings.Lines(output) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "vet: ")
		line = strings.TrimPrefix(strings.TrimPrefix(line, dir+string(filepath.Separator)), "."+string(filepath.Separator))
		if strings.Contains(line, ".go:") && !slices.Contains(lines, line) {
			lines = append(lines, filepath.ToSlash(line))
		}
	}
	slices.Sort(lines)
	return lines
}

func TestFlagsChooseRules(t *testing.T) {
	t.Parallel()
	tool := lukkolint(t)
	dir := program(t, "withmeta", "secrets", "allow")
	for _, c := range []struct {
		args    []string
		with    string
		without string
	}{
		{[]string{"-revealed"}, "[revealed]", "[undeclared]"},
		{[]string{"-revealed=false"}, "[undeclared]", "[revealed]"},
		{[]string{"-undeclared.meta=more_meta.json"}, "[undeclared]", `"VERSIONS"`},
		{[]string{"-undeclared.meta=not/there.json", "-undeclared"}, "this is no id", "no declaration has the id"},
	} {
		write(t, filepath.Join(dir, "more_meta.json"), `{"secrets": [{"id": "VERSIONS"}]}`)
		_, stderr, _ := run(t, dir, tool, append(c.args, "./withmeta/...", "./allow/...")...)
		if !strings.Contains(stderr, c.with) || strings.Contains(stderr, c.without) {
			t.Errorf("lukkolint %s: want %q and not %q in\n%s", strings.Join(c.args, " "), c.with, c.without, stderr)
		}
	}
}

// A comment for a rule that is left out is not one that allows nothing.
func TestCommentOfRuleThatIsLeftOutIsOfUse(t *testing.T) {
	t.Parallel()
	tool, dir := lukkolint(t), program(t, "allow")
	_, all, _ := run(t, dir, tool, "./allow")
	_, without, _ := run(t, dir, tool, "-revealed=false", "./allow")
	if want := strings.Count(all, "[allow]"); want == 0 || strings.Count(without, "[allow]") != want {
		t.Errorf("with rule revealed\n%s\nand without\n%s", all, without)
	}
}

func TestOutputIsJSONForOtherTools(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := run(t, program(t, "allow"), lukkolint(t), "-json", "./allow")
	var tree map[string]map[string][]struct {
		Category, Message, Posn string
	}
	if err := json.Unmarshal([]byte(stdout), &tree); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v, %s", code, err, stderr)
	}
	byRule := tree[shop+"/allow"]
	if got := slices.Sorted(maps.Keys(byRule)); !slices.Equal(got, []string{lint.Allow, lint.Revealed}) {
		t.Errorf("analyzers in the output: %q", got)
	}
	for rule, list := range byRule {
		for _, d := range list {
			if d.Category != rule || !strings.Contains(d.Posn, "allow.go:") || !strings.HasSuffix(d.Message, "["+rule+"]") {
				t.Errorf("%s: %+v", rule, d)
			}
		}
	}
}

func TestFixesCompile(t *testing.T) {
	t.Parallel()
	dir := program(t, "plain", "plainuse")
	if _, stderr, code := run(t, dir, lukkolint(t), "-fix", "./..."); code > 3 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if _, stderr, code := run(t, dir, "go", "build", "./..."); code != 0 {
		t.Errorf("what was fixed does not compile: %s", stderr)
	}
	data, err := os.ReadFile(filepath.Join(dir, "plain", "plain.go"))
	if err != nil || strings.Count(string(data), "core.Value ") < 3 {
		t.Errorf("%v, nothing was fixed:\n%s", err, data)
	}
}

func TestRightProgramIsSilent(t *testing.T) {
	t.Parallel()
	dir := program(t, "wrapper", "helper")
	for _, args := range [][]string{{"go", "vet", "-vettool=" + lukkolint(t), "./..."}, {lukkolint(t), "./..."}} {
		if stdout, stderr, code := run(t, dir, args[0], args[1:]...); code != 0 || stdout+stderr != "" {
			t.Errorf("%s: exit code %d, %s%s", args[0], code, stdout, stderr)
		}
	}
}
