// Package rehearsal publishes the modules of the workspace to a file proxy, and
// then uses them as a stranger would: from an empty module cache, with no
// workspace, at the version that the next release is to have.
package rehearsal

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// snapshot copies what git would commit, changes that are not committed yet
// included, into a git repository of its own at dir: a module's zip is made
// from a commit, by the rules that the go command has for one.
func snapshot(root, dir string) error {
	list, err := git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		err := copyFile(filepath.Join(root, name), filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) { // deleted, and the deletion not committed
			continue
		}
		if err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"add", "--all", "--force"},
		{"-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost", "commit", "--quiet", "--message=rehearsal"},
	} {
		if _, err := git(dir, args...); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

func git(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return out, nil
}

// pack writes m's zip, go.mod and info to the proxy at dir, from the commit at
// repo, and gives the zip's size.
func pack(repo, dir string, m workspace.Module, version string) (size int64, err error) {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return 0, err
	}
	dir = filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	mod, err := os.ReadFile(filepath.Join(repo, filepath.FromSlash(m.Dir), "go.mod"))
	if err != nil {
		return 0, err
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, version, time.Now().UTC().Format(time.RFC3339))
	var z bytes.Buffer
	if err := modzip.CreateFromVCS(&z, module.Version{Path: m.Path, Version: version}, repo, "HEAD", m.Dir); err != nil {
		return 0, err
	}
	if err := checkLicence(z.Bytes(), repo, m, version); err != nil {
		return 0, err
	}
	return int64(z.Len()), errors.Join(
		os.WriteFile(filepath.Join(dir, version+".zip"), z.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, version+".mod"), mod, 0o644),
		os.WriteFile(filepath.Join(dir, version+".info"), []byte(info), 0o644),
		os.WriteFile(filepath.Join(dir, "list"), []byte(version+"\n"), 0o644),
	)
}

// checkLicence looks for the repository's licence in a zip. A module in a
// folder that has none gets the root's, from the go command as from
// CreateFromVCS (https://go.dev/ref/mod#vcs-license), so no module keeps a copy.
func checkLicence(data []byte, repo string, m workspace.Module, version string) error {
	want, err := os.ReadFile(filepath.Join(repo, "LICENSE"))
	if err != nil {
		return err
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	f, err := r.Open(path.Join(m.Path+"@"+version, "LICENSE"))
	if err != nil {
		return fmt.Errorf("the zip of %s has no LICENSE", m.Dir)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("the zip of %s has a LICENSE that is not the repository's", m.Dir)
	}
	return nil
}
