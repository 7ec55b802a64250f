package workspace

import (
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// SetVersion makes version the shared one: in go.work's pins, and wherever a
// module requires a sibling. It is what the next release is going to be.
func (ws *Workspace) SetVersion(version string) error {
	if module.Check(Prefix+"/core", version) != nil || module.CanonicalVersion(version) != version {
		return fmt.Errorf("%q is no version of these modules; v0.2.0 would be one", version)
	}
	for _, m := range ws.Modules {
		for _, r := range slices.Clone(m.File.Require) {
			if !isOurs(r.Mod.Path) {
				continue
			}
			if err := m.File.AddRequire(r.Mod.Path, version); err != nil {
				return err
			}
		}
		data, err := m.File.Format()
		if err != nil {
			return err
		}
		if err := replaceFile(filepath.Join(ws.Abs(m), "go.mod"), data); err != nil {
			return err
		}
	}
	for _, r := range ws.Work.Replace {
		// The line is changed in place: a replace that is added anew would
		// lose its place in the list.
		line := r.Syntax.Token
		i := slices.Index(line, ws.Version)
		if i < 0 {
			return fmt.Errorf("go.work: the replace of %s is not pinned to %s", r.Old.Path, ws.Version)
		}
		line[i] = version
	}
	return replaceFile(filepath.Join(ws.Root, "go.work"), modfile.Format(ws.Work.Syntax))
}
