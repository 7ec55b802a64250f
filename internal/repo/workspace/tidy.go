package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// The go command's tidy and get ignore go.work, and so ask the proxy for the
// siblings. Go runs them on a copy of go.mod in which the siblings are
// replaced by their folders, and which is given with -modfile: the go.mod in
// the tree never has a replace, not even when the go command is interrupted.

// Tidy runs `go mod tidy` for m and reports which of go.mod and go.sum changed.
// With check it changes nothing.
//
// An outside module that m requires in an older version than a sibling does is
// raised to the sibling's: the workspace tests all modules with the newest
// version that any of them names, and what is published is to be what was
// tested.
func (ws *Workspace) Tidy(m Module, check bool, log io.Writer) (changed []string, err error) {
	newest := ws.newest()
	raise := func(f *modfile.File) error {
		for _, r := range f.Require {
			if v := newest[r.Mod.Path]; semver.Compare(v, r.Mod.Version) > 0 {
				if err := f.AddRequire(r.Mod.Path, v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return ws.modfile(m, check, log, raise, "mod", "tidy")
}

// Get runs `go get` with args for m.
func (ws *Workspace) Get(m Module, log io.Writer, args ...string) (changed []string, err error) {
	keep := func(*modfile.File) error { return nil }
	return ws.modfile(m, false, log, keep, append([]string{"get"}, args...)...)
}

// newest is the newest version of each outside module that a module requires.
func (ws *Workspace) newest() map[string]string {
	newest := map[string]string{}
	for _, m := range ws.Modules {
		for _, r := range m.File.Require {
			if !ws.Sibling(r.Mod.Path) && semver.Compare(r.Mod.Version, newest[r.Mod.Path]) > 0 {
				newest[r.Mod.Path] = r.Mod.Version
			}
		}
	}
	return newest
}

func (ws *Workspace) modfile(m Module, check bool, log io.Writer, prepare func(*modfile.File) error, args ...string) ([]string, error) {
	tmp, err := os.MkdirTemp("", "lukko-mod-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	dir := ws.Abs(m)

	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	sum, err := readIfThere(filepath.Join(dir, "go.sum"))
	if err != nil {
		return nil, err
	}
	copied, err := ws.withSiblings(m, mod, prepare)
	if err != nil {
		return nil, err
	}
	modName, sumName := filepath.Join(tmp, "go.mod"), filepath.Join(tmp, "go.sum")
	if err := errors.Join(os.WriteFile(modName, copied, 0o600), os.WriteFile(sumName, sum, 0o600)); err != nil {
		return nil, err
	}

	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PWD="+dir, "GOWORK=off", "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -mod=mod -modfile="+modName))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s in %s: %w\n%s", strings.Join(args, " "), m.Dir, err, out.Bytes())
	}
	if !check {
		_, _ = log.Write(out.Bytes())
	}

	newMod, err := ws.withoutSiblings(modName)
	if err != nil {
		return nil, err
	}
	newSum, err := readIfThere(sumName)
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, f := range []struct {
		name     string
		old, new []byte
	}{{"go.mod", mod, newMod}, {"go.sum", sum, newSum}} {
		if bytes.Equal(f.old, f.new) {
			continue
		}
		changed = append(changed, m.Dir+"/"+f.name)
		if check {
			continue
		}
		if err := replaceFile(filepath.Join(dir, f.name), f.new); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// withSiblings gives go.mod with each module of the workspace replaced by its
// folder. A sibling is required at the shared version.
func (ws *Workspace) withSiblings(m Module, mod []byte, prepare func(*modfile.File) error) ([]byte, error) {
	f, err := modfile.Parse(m.Dir+"/go.mod", mod, nil)
	if err != nil {
		return nil, err
	}
	if len(f.Replace) > 0 {
		return nil, fmt.Errorf("%s/go.mod has a replace; take it out: go.work has the siblings", m.Dir)
	}
	for _, r := range slices.Clone(f.Require) {
		if ws.Sibling(r.Mod.Path) && r.Mod.Version != ws.Version {
			if err := f.AddRequire(r.Mod.Path, ws.Version); err != nil {
				return nil, err
			}
		}
	}
	if err := prepare(f); err != nil {
		return nil, err
	}
	for _, s := range ws.Modules {
		if s.Path == m.Path {
			continue
		}
		if err := f.AddReplace(s.Path, ws.Version, ws.Abs(s), ""); err != nil {
			return nil, err
		}
	}
	f.Cleanup()
	return f.Format()
}

func (ws *Workspace) withoutSiblings(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Clone(f.Replace) {
		if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return nil, err
		}
	}
	f.Cleanup()
	return f.Format()
}

func readIfThere(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// replaceFile writes name whole or not at all; an empty go.sum is no file.
func replaceFile(name string, data []byte) error {
	if len(data) == 0 {
		return os.Remove(name)
	}
	tmp := name + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
