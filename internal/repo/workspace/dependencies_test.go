package workspace_test

import (
	"os"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

func TestNoModuleLinksWhatIsNotListed(t *testing.T) {
	t.Parallel()
	ws, err := workspace.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("../dependencies.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]map[string]bool{}
	module := ""
	for line := range strings.Lines(string(kept)) {
		switch name := strings.TrimSpace(line); {
		case name == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			listed[module][name] = true
		default:
			module = name
			listed[module] = map[string]bool{}
		}
	}
	for _, m := range ws.Modules {
		if !m.Published {
			continue
		}
		t.Run(m.Dir, func(t *testing.T) {
			t.Parallel()
			links, err := ws.Links(m)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range links {
				if !listed[m.Dir][l] {
					t.Errorf("%s now links %s: if that is meant, run scripts/repo dependencies --write", m.Dir, l)
				}
				delete(listed[m.Dir], l)
			}
			for l := range listed[m.Dir] {
				t.Errorf("%s no longer links %s: run scripts/repo dependencies --write", m.Dir, l)
			}
		})
	}
}

func TestWhatMayBeLinked(t *testing.T) {
	t.Parallel()
	ws, err := workspace.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ws.Modules {
		var allowed func(link string) bool
		switch {
		case m.Dir == "core":
			allowed = func(string) bool { return false }
		case m.Dir == "conformance":
			allowed = func(link string) bool { return link == workspace.Prefix+"/core" }
		case strings.HasPrefix(m.Dir, "providers/"):
			allowed = func(link string) bool {
				return link == workspace.Prefix+"/core" || !strings.HasPrefix(link, workspace.Prefix+"/")
			}
		default:
			continue
		}
		t.Run(m.Dir, func(t *testing.T) {
			t.Parallel()
			links, err := ws.Links(m)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range links {
				if !allowed(l) {
					t.Errorf("%s may not link %s", m.Dir, l)
				}
			}
		})
	}
}

func TestLinksSeesEachPlatform(t *testing.T) {
	t.Parallel()
	tree := goodTree()
	tree["core/core.go"] = "package core\n"
	tree["providers/a/go.mod"] = mod("providers/a", requireCore)
	tree["providers/b/go.mod"] = mod("providers/b", requireCore)
	tree["providers/a/a.go"] = "package a\n"
	tree["providers/a/a_windows.go"] = "package a\n\nimport _ \"github.com/lukko-dev/lukko/core\"\n"
	ws := load(t, tree)
	m, err := ws.Find("providers/a")
	if err != nil {
		t.Fatal(err)
	}
	links, err := ws.Links(m)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(links, " ") != workspace.Prefix+"/core" {
		t.Errorf("links %q", links)
	}
}
