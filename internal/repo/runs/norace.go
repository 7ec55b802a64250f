package runs

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// A Rerun is a package to be tested without the race detector, too.
type Rerun struct {
	Dir   string
	Tests []string // those that only then are there; none: all tests are other ones
}

// Pattern is what `go test -run` takes; empty for all tests.
func (r Rerun) Pattern() string {
	if len(r.Tests) == 0 {
		return ""
	}
	return "^(" + strings.Join(r.Tests, "|") + ")$"
}

// WithoutRace gives the packages that have other tests without the race
// detector: those with a test file whose build constraint speaks of it. The
// detector allocates, so what counts allocations stands in such files, and
// `make test` runs these tests as well. What a file changes that is there only with the
// detector, or that has no test in it, are the tests of its whole package.
func WithoutRace(ws *workspace.Workspace) ([]Rerun, error) {
	var all []Rerun
	for _, m := range ws.Modules {
		err := testFiles(ws.Abs(m), func(name string, text []byte) {
			with, without := ofRace(string(text))
			if with == without {
				return
			}
			var tests []string
			if without {
				tests = testsIn(text)
			}
			dir := filepath.Dir(name)
			i := slices.IndexFunc(all, func(r Rerun) bool { return r.Dir == dir })
			switch {
			case i < 0:
				all = append(all, Rerun{dir, tests})
			case len(tests) == 0 || len(all[i].Tests) == 0:
				all[i].Tests = nil
			default:
				all[i].Tests = append(all[i].Tests, tests...)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ofRace reports whether a file is built with the race detector, and whether
// without, where all else that its constraint asks for is given.
func ofRace(text string) (with, without bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			break
		}
		if !constraint.IsGoBuild(line) {
			continue
		}
		expr, err := constraint.Parse(line)
		if err != nil {
			break // the compiler says so
		}
		eval := func(race bool) bool {
			return expr.Eval(func(tag string) bool { return tag != "race" || race })
		}
		return eval(true), eval(false)
	}
	return true, true
}

// testsIn gives the names of a file's tests.
func testsIn(text []byte) (names []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil // the compiler says so
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
			names = append(names, f.Name.Name)
		}
	}
	return names
}
