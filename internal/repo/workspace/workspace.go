// Package workspace reads the one list of the repository's modules, go.work,
// for every script, and holds the rules that the modules keep.
//
// It parses the files itself and asks the go command for nothing, so that it
// answers also while a module does not build.
package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Module is one module of the repository.
type Module struct {
	Dir       string // from the root, with slashes: "providers/file"
	Path      string // "github.com/lukko-dev/lukko/providers/file"
	Published bool   // tagged at a release; go.work says "// unpublished" where not
	File      *modfile.File
}

// Workspace is the repository as its go.work and go.mod files describe it.
type Workspace struct {
	Root    string // absolute
	Version string // the version at which siblings require each other
	Work    *modfile.WorkFile
	Modules []Module // those of go.work, siblings before those that need them
	Alone   []Module // those outside go.work that say so: "// alone: why"
	Stray   []Module // those outside go.work that don't
}

// Load reads go.work at root, the go.mod of each module in it, and every other
// go.mod below root.
func Load(root string) (*Workspace, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		return nil, err
	}
	ws := &Workspace{Root: root}
	if ws.Work, err = modfile.ParseWork("go.work", data, nil); err != nil {
		return nil, err
	}
	listed := map[string]bool{}
	for _, use := range ws.Work.Use {
		m, err := ws.read(path.Clean(use.Path))
		if err != nil {
			return nil, err
		}
		m.Published = !hasComment(use.Syntax, "unpublished")
		listed[m.Dir] = true
		ws.Modules = append(ws.Modules, m)
	}
	if ws.Version, err = ws.sharedVersion(); err != nil {
		return nil, err
	}
	if err := ws.sort(); err != nil {
		return nil, err
	}
	return ws, ws.findOthers(listed)
}

func (ws *Workspace) read(dir string) (Module, error) {
	name := path.Join(dir, "go.mod")
	data, err := os.ReadFile(filepath.Join(ws.Root, filepath.FromSlash(name)))
	if err != nil {
		return Module{}, err
	}
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		return Module{}, err
	}
	if f.Module == nil {
		return Module{}, fmt.Errorf("%s has no module line", name)
	}
	return Module{Dir: dir, Path: f.Module.Mod.Path, File: f}, nil
}

// sharedVersion is the one version that go.work pins its replaces to.
func (ws *Workspace) sharedVersion() (string, error) {
	version := ""
	for _, r := range ws.Work.Replace {
		switch {
		case r.Old.Version == "":
			return "", fmt.Errorf("go.work: the replace of %s is not pinned to a version", r.Old.Path)
		case version != "" && version != r.Old.Version:
			return "", fmt.Errorf("go.work: replaces are pinned to %s and to %s", version, r.Old.Version)
		}
		version = r.Old.Version
	}
	if version == "" {
		return "", errors.New("go.work: no replace names the shared version")
	}
	return version, nil
}

// sort puts siblings before the modules that require them.
func (ws *Workspace) sort() error {
	rest := ws.Modules
	slices.SortFunc(rest, func(a, b Module) int { return strings.Compare(a.Dir, b.Dir) })
	var sorted []Module
	waiting := map[string]bool{}
	for _, m := range rest {
		waiting[m.Path] = true
	}
	for len(rest) > 0 {
		var later []Module
		for _, m := range rest {
			if slices.ContainsFunc(m.File.Require, func(r *modfile.Require) bool { return waiting[r.Mod.Path] }) {
				later = append(later, m)
				continue
			}
			sorted = append(sorted, m)
		}
		if len(later) == len(rest) {
			return fmt.Errorf("%s and others require each other in a circle", later[0].Path)
		}
		for _, m := range sorted {
			delete(waiting, m.Path)
		}
		rest = later
	}
	ws.Modules = sorted
	return nil
}

func (ws *Workspace) findOthers(listed map[string]bool) error {
	return filepath.WalkDir(ws.Root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // a test of another process cleaned up
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(ws.Root, name)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(rel))
		switch {
		case d.IsDir() && skipDir(rel, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || d.Name() != "go.mod" || listed[dir]:
			return nil
		}
		m, err := ws.read(dir)
		if err != nil {
			return err
		}
		if strings.Contains(commentText(m.File.Module.Syntax), "alone:") {
			ws.Alone = append(ws.Alone, m)
		} else {
			ws.Stray = append(ws.Stray, m)
		}
		return nil
	})
}

func skipDir(rel, name string) bool {
	return rel != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata")
}

func hasComment(line *modfile.Line, word string) bool {
	return strings.Contains(commentText(line), word)
}

func commentText(line *modfile.Line) string {
	var b strings.Builder
	for _, c := range append(slices.Clone(line.Before), line.Suffix...) {
		b.WriteString(c.Token)
		b.WriteByte('\n')
	}
	return b.String()
}

// Find gives the module that name says: its folder, "./" before it or not, or
// its path.
func (ws *Workspace) Find(name string) (Module, error) {
	clean := path.Clean(filepath.ToSlash(name))
	for _, m := range slices.Concat(ws.Modules, ws.Alone) {
		if m.Dir == clean || m.Path == name {
			return m, nil
		}
	}
	return Module{}, fmt.Errorf("no module %q in go.work; it has: %s", name, strings.Join(ws.dirs(), " "))
}

func (ws *Workspace) dirs() []string {
	var dirs []string
	for _, m := range ws.Modules {
		dirs = append(dirs, m.Dir)
	}
	return dirs
}

// Sibling says whether modPath is a module of the workspace.
func (ws *Workspace) Sibling(modPath string) bool {
	return slices.ContainsFunc(ws.Modules, func(m Module) bool { return m.Path == modPath })
}

// Abs is the folder of m in this file system.
func (ws *Workspace) Abs(m Module) string {
	return filepath.Join(ws.Root, filepath.FromSlash(m.Dir))
}

// Env is the environment of a command that runs inside the workspace, in dir.
// That has to be said: scripts/repo itself runs with GOWORK=off.
func (ws *Workspace) Env(dir string) []string {
	return append(os.Environ(), "PWD="+dir, "GOWORK="+filepath.Join(ws.Root, "go.work"))
}
