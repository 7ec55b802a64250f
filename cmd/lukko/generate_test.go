package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestGenerateScripts(t *testing.T) {
	t.Parallel()
	params := scripts(filepath.Join("testdata", "generate"))
	setup := params.Setup
	params.Setup = func(env *testscript.Env) error {
		m, err := programModule()
		if err != nil {
			return err
		}
		env.Vars = append(env.Vars, m.env...)
		for name, text := range m.files {
			if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(text), 0o600); err != nil {
				return err
			}
		}
		return setup(env)
	}
	testscript.Run(t, params)
}

// await waits until a file matches: await FILE PATTERN.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE PATTERN")
	}
	pattern := regexp.MustCompile("(?m)" + args[1])
	file := ts.MkAbs(args[0])
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("%s never matched %s", args[0], args[1])
}

// program is the module of a program that uses Lukko as it is here.
type program struct {
	files map[string]string
	env   []string
}

var programModule = sync.OnceValues(func() (p program, err error) {
	const path = "github.com/lukko-dev/lukko/"
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}",
		path+"generate", path+"schema", path+"core", path+"config", path+"credentials", path+"oauth2").Output()
	if err != nil {
		return p, err
	}
	dirs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		module, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		dirs[module] = dir
	}
	mod, err := os.ReadFile(filepath.Join(dirs[path+"generate"], "go.mod"))
	if err != nil {
		return p, err
	}
	sum, err := os.ReadFile(filepath.Join(dirs[path+"generate"], "go.sum"))
	if err != nil {
		return p, err
	}
	_, requires, _ := strings.Cut(string(mod), "\n\n") // without the module line
	for module, dir := range dirs {
		if module != path+"generate" {
			requires += "\nreplace " + module + " => " + dir + "\n"
		}
	}
	p.files = map[string]string{"go.mod": "module example.com/shop\n\n" + requires, "go.sum": string(sum)}
	// Paths are trimmed so that the compiler's cache serves the next test.
	p.env = []string{"GOFLAGS=-trimpath", "GOWORK=off", "GOPROXY=off"}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return p, err
		}
		p.env = append(p.env, name+"="+strings.TrimSpace(string(out)))
	}
	return p, nil
})
