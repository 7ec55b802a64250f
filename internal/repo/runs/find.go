// Package runs finds the fuzz targets and benchmarks of all modules, and runs
// them as `make test`, `make trial` and `make bench` want them.
package runs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// A Target is a fuzz target or the benchmarks' package of one.
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

var (
	fuzzFunc  = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)
	benchFunc = regexp.MustCompile(`(?m)^func (Benchmark\w*)\(\w+ \*testing\.B\)`)
)

// Fuzzers gives every fuzz target of the workspace.
func Fuzzers(ws *workspace.Workspace) ([]Target, error) { return find(ws, fuzzFunc) }

// find gives each function of a test file that matches, in order of folders.
func find(ws *workspace.Workspace, function *regexp.Regexp) ([]Target, error) {
	var all []Target
	for _, m := range ws.Modules {
		err := testFiles(ws.Abs(m), func(name string, text []byte) {
			for _, f := range function.FindAllSubmatch(text, -1) {
				all = append(all, Target{Module: m, Dir: filepath.Dir(name), Name: string(f[1])})
			}
		})
		if err != nil {
			return nil, err
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

// folders gives the folders of targets, each once.
func folders(targets []Target) []string {
	var dirs []string
	for _, t := range targets {
		dirs = append(dirs, t.Dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}
