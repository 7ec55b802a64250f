package docs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// Check gives what is wrong with the Markdown files below root, a line each.
func Check(root string) ([]string, error) {
	all, err := pages(root)
	if err != nil {
		return nil, err
	}
	var problems []string
	var programs []block
	for _, p := range all {
		for _, b := range p.blocks {
			ref, isCopy := strings.CutPrefix(b.mark, "from:")
			why, isExcused := strings.CutPrefix(b.mark, "not compiled:")
			at := fmt.Sprintf("%s:%d", b.file, b.first+1)
			switch {
			case isCopy:
				want, err := source(root, strings.TrimSpace(ref))
				if err != nil {
					problems = append(problems, fmt.Sprintf("%s: %v", at, err))
				} else if b.text != want {
					problems = append(problems, fmt.Sprintf("%s: the block is no longer what %s has: run scripts/repo docs --write", at, strings.TrimSpace(ref)))
				}
			case isExcused && strings.TrimSpace(why) != "":
			case strings.HasPrefix(b.text, "package "):
				programs = append(programs, b)
			default:
				problems = append(problems, at+": a Go block must be a whole program, or say <!-- from: FILE#NAME --> or <!-- not compiled: why --> on the line before")
			}
		}
		problems = append(problems, deadLinks(root, p)...)
	}
	problems = append(problems, orphans(all)...)
	broken, err := compile(root, programs)
	return append(problems, broken...), err
}

// Write copies into each block that says `from:` what it stands for.
func Write(root string) error {
	all, err := pages(root)
	if err != nil {
		return err
	}
	for _, p := range all {
		lines := slices.Clone(p.lines)
		for _, b := range slices.Backward(p.blocks) {
			ref, ok := strings.CutPrefix(b.mark, "from:")
			if !ok {
				continue
			}
			text, err := source(root, strings.TrimSpace(ref))
			if err != nil {
				return fmt.Errorf("%s:%d: %w", b.file, b.first, err)
			}
			lines = slices.Replace(lines, b.first, b.end, strings.Split(text, "\n")...)
		}
		if slices.Equal(lines, p.lines) {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(p.file)), []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func deadLinks(root string, p page) (problems []string) {
	for _, l := range p.links {
		u, err := url.Parse(l.target)
		if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" {
			continue
		}
		target := path.Join(path.Dir(p.file), u.Path)
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, fmt.Sprintf("%s:%d: the link leads to %s, which is not there", p.file, l.line, target))
		}
	}
	return problems
}

// orphans are pages below docs that no page leads to.
func orphans(all []page) (problems []string) {
	linked := map[string]bool{}
	for _, p := range all {
		for _, l := range p.links {
			if u, err := url.Parse(l.target); err == nil && u.Scheme == "" {
				linked[path.Join(path.Dir(p.file), u.Path)] = true
			}
		}
	}
	for _, p := range all {
		if strings.HasPrefix(p.file, "docs/") && !linked[p.file] {
			problems = append(problems, p.file+": no page links to it")
		}
	}
	return problems
}

// compile vets each program as a package of a module that is put beside the
// workspace's for the purpose.
func compile(root string, programs []block) ([]string, error) {
	if len(programs) == 0 {
		return nil, nil
	}
	tmp, err := os.MkdirTemp("", "lukko-docs-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	version, err := workspaceAt(root, tmp)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(tmp, "go.mod"), []byte("module outside.example/docs\n\ngo "+version+"\n"), 0o600); err != nil {
		return nil, err
	}
	for i, b := range programs {
		dir := filepath.Join(tmp, fmt.Sprintf("block%d", i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		// The line directive makes the compiler name the page and its line.
		text := fmt.Sprintf("//line %s:%d\n%s\n", b.file, b.first+1, b.text)
		name := "main.go"
		if strings.Contains(b.text, "\"testing\"") {
			name = "main_test.go"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("go", "vet", "./...")
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "PWD="+tmp, "GOWORK="+filepath.Join(tmp, "go.work"))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil, err
	}
	var problems []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			problems = append(problems, strings.TrimPrefix(line, "vet: "))
		}
	}
	return problems, nil
}

// workspaceAt puts dir beside the modules of the workspace, and gives the
// workspace's Go version.
func workspaceAt(root, dir string) (version string, err error) {
	work, err := workspace.WorkFile(root, dir, true)
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.work.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return work.Go.Version, os.WriteFile(filepath.Join(dir, "go.work.sum"), sums, 0o600)
}
