package workspace

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// Platforms are the systems whose package graphs are looked at: a dependency
// may hide behind a build constraint.
var Platforms = []string{"linux", "darwin", "windows"}

// Links gives the outside modules and siblings that a program links when it
// imports all of m's packages, tests not counted, on any platform.
func (ws *Workspace) Links(m Module) ([]string, error) {
	found := map[string]bool{}
	for _, goos := range Platforms {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{with .Module}}{{.Path}}{{end}}{{end}}", "./...")
		cmd.Dir = ws.Abs(m)
		cmd.Env = append(ws.Env(cmd.Dir), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list -deps in %s for %s: %w\n%s", m.Dir, goos, err, stderr.Bytes())
		}
		for _, path := range strings.Fields(string(out)) {
			if path != m.Path {
				found[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// Dependencies is the list that dependencies.txt keeps: each published module
// with what it links.
func (ws *Workspace) Dependencies() (string, error) {
	var b strings.Builder
	b.WriteString("# What a program links with each published module, tests not counted, on\n" +
		"# linux, darwin and windows. Written by: scripts/repo dependencies --write\n")
	for _, m := range ws.Modules {
		if !m.Published {
			continue
		}
		links, err := ws.Links(m)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n%s\n", m.Dir)
		for _, l := range links {
			fmt.Fprintf(&b, "\t%s\n", l)
		}
	}
	return b.String(), nil
}

// Packages gives m's packages: its commands, and those that a program outside
// may import.
func (ws *Workspace) Packages(m Module) (commands, importable []string, err error) {
	cmd := exec.Command("go", "list", "-f", "{{.Name}} {{.ImportPath}}", "./...")
	cmd.Dir = ws.Abs(m)
	cmd.Env = ws.Env(cmd.Dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list in %s: %w\n%s", m.Dir, err, stderr.Bytes())
	}
	for line := range strings.Lines(string(out)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "main":
			commands = append(commands, path)
		case !slices.Contains(strings.Split(path, "/"), "internal"):
			importable = append(importable, path)
		}
	}
	return commands, importable, nil
}
