package rehearsal_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/repo/rehearsal"
	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

const goWork = `go 1.26.0

use (
	./cmd/lukko
	./core
	./internal/lab // unpublished: for this test
)

replace (
	github.com/lukko-dev/lukko/cmd/lukko v0.1.0 => ./cmd/lukko
	github.com/lukko-dev/lukko/core v0.1.0 => ./core
	github.com/lukko-dev/lukko/internal/lab v0.1.0 => ./internal/lab
)
`

const command = `package main

import (
	"fmt"
	"runtime/debug"

	_ "github.com/lukko-dev/lukko/core"
)

func main() {
	info, _ := debug.ReadBuildInfo()
	fmt.Println(info.Main.Version)
}
`

func goMod(dir string, lines ...string) string {
	return "module github.com/lukko-dev/lukko/" + dir + "\n\ngo 1.26.0\n\n" + strings.Join(lines, "\n") + "\n"
}

func TestRehearsal(t *testing.T) {
	// What a fault makes the go command look for elsewhere is not there either.
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())

	const requireCore = "require github.com/lukko-dev/lukko/core v0.1.0"
	for _, tt := range []struct {
		name       string
		file, text string // beside or in place of the good ones; no text: without that file
		err        string
	}{
		{"of good modules succeeds", "core/more.go", "package core\n", ""},
		{"fails without a licence", "LICENSE", "", "LICENSE"},
		{"fails with a module's own licence", "core/LICENSE", "other terms\n", "is not the repository's"},
		{
			"fails with a replace, which go install refuses", "cmd/lukko/go.mod",
			goMod("cmd/lukko", requireCore, "replace github.com/lukko-dev/lukko/core v0.1.0 => ../../core"), "replace",
		},
		{
			"fails with an unpublished requirement of tests", "core/core_test.go",
			"package core\n\nimport _ \"github.com/lukko-dev/lukko/internal/lab\"\n", "go mod tidy",
		},
		{"fails with a file name that a zip can't hold", "core/testdata/a:b", "x", "a:b"},
		{"fails with a command of another version", "cmd/lukko/main.go", "package main\n\nfunc main() { println(1) }\n", "does not say v0.1.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := map[string]string{
				"LICENSE":             "the terms\n",
				"go.work":             goWork,
				"core/go.mod":         goMod("core"),
				"core/core.go":        "package core\n",
				"cmd/lukko/go.mod":    goMod("cmd/lukko", requireCore),
				"cmd/lukko/main.go":   command,
				"internal/lab/go.mod": goMod("internal/lab"),
				"internal/lab/lab.go": "package lab\n",
			}
			tree[tt.file] = tt.text
			dir := t.TempDir()
			for name, text := range tree {
				if text == "" {
					continue
				}
				file := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := exec.Command("git", "-C", dir, "init", "--quiet").CombinedOutput(); err != nil {
				t.Fatalf("git init: %v\n%s", err, out)
			}
			ws, err := workspace.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			err = rehearsal.Run(ws, &log)
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("failed: %v", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("the error is %v, want one with %q", err, tt.err)
			}
			if strings.Contains(log.String(), "internal/lab") {
				t.Errorf("the unpublished module was packed:\n%s", log.String())
			}
		})
	}
}
