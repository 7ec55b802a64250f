// Package runs finds the fuzz targets and benchmarks of all modules, and runs
// them as `make test`, `make trial` and `make bench` want them.
package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// A Target is a fuzz target or a benchmark.
type Target struct {
	Module workspace.Module
	Dir    string // the package's folder, absolute
	Name   string // "FuzzID"
}

// Package is the folder from the root, as messages name it.
func (t Target) Package(ws *workspace.Workspace) string {
	rel, err := filepath.Rel(ws.Root, t.Dir)
	if err != nil {
		return t.Dir
	}
	return filepath.ToSlash(rel)
}

// Fuzzers gives every fuzz target of the workspace.
func Fuzzers(ws *workspace.Workspace) ([]Target, error) { return find(ws, ws.Modules, "Fuzz") }

// find gives the functions of test files whose names begin with prefix, as the
// go command lists them, in order of folders. Only packages that seem to have
// one are built for it.
func find(ws *workspace.Workspace, modules []workspace.Module, prefix string) ([]Target, error) {
	var all []Target
	for _, m := range modules {
		var dirs []string
		err := testFiles(ws.Abs(m), func(name string, text []byte) {
			if bytes.Contains(text, []byte("\nfunc "+prefix)) {
				dirs = append(dirs, filepath.Dir(name))
			}
		})
		if err != nil {
			return nil, err
		}
		for _, dir := range unique(dirs) {
			cmd := exec.Command("go", "test", "-list", "^"+prefix, ".")
			cmd.Dir = dir
			cmd.Env = ws.Env(dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				return nil, fmt.Errorf("go test -list in %s: %w\n%s", dir, err, out)
			}
			for line := range strings.Lines(string(out)) {
				if name := strings.TrimSpace(line); strings.HasPrefix(name, prefix) {
					all = append(all, Target{Module: m, Dir: dir, Name: name})
				}
			}
		}
	}
	return all, nil
}

// testFiles calls visit with each test file of the module in dir.
func testFiles(dir string, visit func(name string, text []byte)) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a test of another process cleaned up
			return nil
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == dir {
				return nil
			}
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			if err == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		visit(name, text)
		return nil
	})
}

func unique(dirs []string) []string {
	slices.Sort(dirs)
	return slices.Compact(dirs)
}
