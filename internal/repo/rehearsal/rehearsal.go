package rehearsal

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// Run rehearses the release of ws.Version and tells log what it did.
func Run(ws *workspace.Workspace, log io.Writer) error {
	tmp, err := os.MkdirTemp("", "lukko-rehearsal-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	repo, proxy := filepath.Join(tmp, "repo"), filepath.Join(tmp, "proxy")
	if err := snapshot(ws.Root, repo); err != nil {
		return err
	}
	for _, m := range ws.Modules {
		if !m.Published {
			continue
		}
		size, err := pack(repo, proxy, m, ws.Version)
		if err != nil {
			return err
		}
		fmt.Fprintf(log, "packed    %s@%s, %d kB\n", m.Dir, ws.Version, (size+999)/1000)
	}

	out, err := newStranger(tmp, proxy)
	if err != nil {
		return err
	}
	for _, m := range ws.Modules {
		if !m.Published {
			continue
		}
		if err := out.use(ws, m, log); err != nil {
			return err
		}
	}
	return nil
}

// A stranger is someone with Go and an empty module cache.
type stranger struct {
	dir, bin string
	env      []string
}

// newStranger serves our modules from proxy. Others come from the module cache
// of whoever rehearses, where it has them, else from their proxy; the checksum
// database is asked for all but ours.
func newStranger(tmp, proxy string) (*stranger, error) {
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	cache, upstream, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	s := &stranger{dir: filepath.Join(tmp, "outside"), bin: filepath.Join(tmp, "bin")}
	s.env = append(os.Environ(),
		"GOWORK=off",
		"GOBIN="+s.bin,
		"GOMODCACHE="+filepath.Join(tmp, "modcache"),
		"GOPROXY="+fileURL(proxy)+","+fileURL(filepath.Join(cache, "cache", "download"))+","+upstream,
		"GONOSUMDB="+workspace.Prefix,
		"GOPRIVATE=", "GONOPROXY=",
		// Paths are trimmed so that the build cache serves the next rehearsal.
		"GOFLAGS=-trimpath -modcacherw -buildvcs=false",
	)
	return s, os.MkdirAll(s.dir, 0o755)
}

func fileURL(dir string) string {
	dir = filepath.ToSlash(dir)
	if !strings.HasPrefix(dir, "/") { // a drive of Windows
		dir = "/" + dir
	}
	return "file://" + dir
}

// use imports every package of m that outsiders may import from a program of
// its own, and installs every command.
func (s *stranger) use(ws *workspace.Workspace, m workspace.Module, log io.Writer) error {
	commands, packages, err := ws.Packages(m)
	if err != nil {
		return err
	}
	for _, c := range commands {
		if _, err := s.run(s.dir, "go", "install", c+"@"+ws.Version); err != nil {
			return err
		}
		fmt.Fprintf(log, "installed %s\n", strings.TrimPrefix(c, workspace.Prefix+"/"))
		if err := s.try(c, ws.Version); err != nil {
			return err
		}
	}
	if len(packages) == 0 {
		_, err := s.run(s.dir, "go", "mod", "download", m.Path+"@"+ws.Version)
		return err
	}

	dir := filepath.Join(s.dir, filepath.FromSlash(m.Dir))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var program strings.Builder
	program.WriteString("package main\n\nimport (\n")
	for _, p := range packages {
		fmt.Fprintf(&program, "\t_ %q\n", p)
	}
	program.WriteString(")\n\nfunc main() {}\n")
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program.String()), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"go", "mod", "init", "outside.example/program"},
		{"go", "get", m.Path + "@" + ws.Version},
		{"go", "mod", "tidy"}, // reads also the tests of what is imported
		{"go", "run", "."},
	} {
		if _, err := s.run(dir, args...); err != nil {
			return err
		}
	}
	fmt.Fprintf(log, "imported  %s: %d packages\n", m.Dir, len(packages))
	return nil
}

// try runs the commands that can be run without a setting.
func (s *stranger) try(command, version string) error {
	switch strings.TrimPrefix(command, workspace.Prefix+"/") {
	case "cmd/lukko":
		out, err := s.run(s.dir, filepath.Join(s.bin, "lukko"), "version")
		if err != nil {
			return err
		}
		if !strings.Contains(out, version) {
			return fmt.Errorf("the installed `lukko version` does not say %s", version)
		}
	case "examples/quickstart":
		_, err := s.run(s.dir, filepath.Join(s.bin, "quickstart"))
		return err
	}
	return nil
}

func (s *stranger) run(dir string, args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(s.env, "PWD="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("outside: %s %s: %w\n%s%s", filepath.Base(args[0]), strings.Join(args[1:], " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), nil
}
