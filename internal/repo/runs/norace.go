package runs

import (
	"go/build/constraint"
	"path/filepath"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// WithoutRace gives the folders of the packages whose tests are other ones
// without the race detector: those with a test file whose build constraint
// speaks of it. The detector allocates, so what counts allocations stands in
// such files, and `make test` runs these packages a second time.
func WithoutRace(ws *workspace.Workspace) ([]string, error) {
	var dirs []string
	for _, m := range ws.Modules {
		err := testFiles(ws.Abs(m), func(name string, text []byte) {
			if mentionsRace(string(text)) {
				dirs = append(dirs, filepath.Dir(name))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return unique(dirs), nil
}

func mentionsRace(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			return false
		}
		if !constraint.IsGoBuild(line) {
			continue
		}
		expr, err := constraint.Parse(line)
		if err != nil {
			return false // the compiler says so
		}
		found := false
		expr.Eval(func(tag string) bool {
			found = found || tag == "race"
			return tag != "race"
		})
		return found
	}
	return false
}
