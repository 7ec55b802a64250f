package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// WorkFile writes to dir a go.work that has the modules of the workspace at
// root, by their absolute folders, and dir itself where use says so.
func WorkFile(root, dir string, use bool) (*modfile.WorkFile, error) {
	data, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "go %s\n", work.Go.Version)
	if use {
		b.WriteString("use .\n")
	}
	for _, u := range work.Use {
		fmt.Fprintf(&b, "use %q\n", filepath.Join(root, u.Path))
	}
	for _, r := range work.Replace {
		fmt.Fprintf(&b, "replace %s %s => %q\n", r.Old.Path, r.Old.Version, filepath.Join(root, r.New.Path))
	}
	return work, os.WriteFile(filepath.Join(dir, "go.work"), b.Bytes(), 0o600)
}

// TidySum makes go.work.sum what the go command writes of itself in a workspace
// that has none, and reports whether that changes it; with check it changes
// nothing. The go command only ever adds to the file, so that without this it
// would keep what was needed once, and differ from one machine to the next.
func (ws *Workspace) TidySum(check bool) (changed bool, err error) {
	tmp, err := os.MkdirTemp("", "lukko-sum-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(tmp)
	if _, err := WorkFile(ws.Root, tmp, false); err != nil {
		return false, err
	}
	run := func(goos string, args ...string) error {
		cmd := exec.Command("go", args...)
		cmd.Dir = ws.Root
		cmd.Env = append(os.Environ(), "PWD="+ws.Root, "GOWORK="+filepath.Join(tmp, "go.work"), "GOOS="+goos)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go %s for %s: %w\n%s", args[0], goos, err, stderr.Bytes())
		}
		return nil
	}
	for _, goos := range Platforms {
		if err := run(goos, "list", "-deps", "-test", "work"); err != nil {
			return false, err
		}
	}
	if err := run(Platforms[0], "list", "-m", "all"); err != nil {
		return false, err
	}
	want, err := readIfThere(filepath.Join(tmp, "go.work.sum"))
	if err != nil {
		return false, err
	}
	name := filepath.Join(ws.Root, "go.work.sum")
	have, err := readIfThere(name)
	if err != nil || bytes.Equal(have, want) {
		return false, err
	}
	if check {
		return true, nil
	}
	if err := replaceFile(name, want); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, nil
}
