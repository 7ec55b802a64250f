package workspace_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// root is the repository, from this package's folder.
const root = "../../.."

func TestRepositoryKeepsItsRules(t *testing.T) {
	t.Parallel()
	ws, err := workspace.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range workspace.Rules {
		t.Run(rule.Name, func(t *testing.T) {
			for _, problem := range rule.Check(ws) {
				t.Error(problem)
			}
		})
	}
}

const goodWork = `go 1.26.0

use (
	./conformance
	./core
	./internal/lab // unpublished: for tests of the rules
	./providers/a
	./providers/b
)

replace (
	github.com/lukko-dev/lukko/conformance v0.1.0 => ./conformance
	github.com/lukko-dev/lukko/core v0.1.0 => ./core
	github.com/lukko-dev/lukko/internal/lab v0.1.0 => ./internal/lab
	github.com/lukko-dev/lukko/providers/a v0.1.0 => ./providers/a
	github.com/lukko-dev/lukko/providers/b v0.1.0 => ./providers/b
)
`

func mod(dir string, lines ...string) string {
	return "module github.com/lukko-dev/lukko/" + dir + "\n\ngo 1.26.0\n" + strings.Join(lines, "\n") + "\n"
}

const requireCore = "require github.com/lukko-dev/lukko/core v0.1.0"

func goodTree() map[string]string {
	return map[string]string{
		"go.work":                      goodWork,
		"core/go.mod":                  mod("core"),
		"conformance/go.mod":           mod("conformance", requireCore),
		"providers/a/go.mod":           mod("providers/a", requireCore, "require example.com/sdk v1.2.0"),
		"providers/b/go.mod":           mod("providers/b", requireCore, "require example.com/sdk v1.2.0"),
		"internal/lab/go.mod":          mod("internal/lab", requireCore),
		"tools/go.mod":                 "// alone: tools have versions of their own.\n" + mod("tools"),
		"core/testdata/fixture/go.mod": "module fixture\n",
		".bin/go.mod":                  "module scratch\n",
	}
}

func write(t *testing.T, tree map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range tree {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, tree map[string]string) *workspace.Workspace {
	t.Helper()
	ws, err := workspace.Load(write(t, tree))
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// broken names the rules that ws breaks.
func broken(ws *workspace.Workspace) string {
	var names []string
	for _, rule := range workspace.Rules {
		if len(rule.Check(ws)) > 0 {
			names = append(names, rule.Name)
		}
	}
	return strings.Join(names, "; ")
}

func TestAGoodWorkspaceBreaksNoRule(t *testing.T) {
	t.Parallel()
	if got := broken(load(t, goodTree())); got != "" {
		t.Errorf("breaks %q", got)
	}
}

func TestEachRuleSeesItsOwnFault(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tt := range []struct {
		fault, file, text string
		rule              string
	}{
		{
			"a module that nobody listed", "providers/c/go.mod", mod("providers/c"),
			"every go.mod is in go.work or says that it is alone",
		},
		{
			"a path that is not the folder", "core/go.mod", "module github.com/lukko-dev/lukko/kernel\n\ngo 1.26.0\n",
			"a module's path is its folder; go.work pins every module to its folder and nothing else",
		},
		{
			"a replace in a go.mod", "providers/a/go.mod",
			mod("providers/a", requireCore, "replace github.com/lukko-dev/lukko/core v0.1.0 => ../../core"),
			"no go.mod has a replace",
		},
		{
			"a replace in the tools", "tools/go.mod", "// alone: x\n" + mod("tools", "replace example.com/x => ./x"),
			"no go.mod has a replace",
		},
		{
			"a module without its pin", "go.work",
			strings.Replace(goodWork, "\tgithub.com/lukko-dev/lukko/core v0.1.0 => ./core\n", "", 1),
			"go.work pins every module to its folder and nothing else",
		},
		{
			"a pin to another folder", "go.work",
			strings.Replace(goodWork, "v0.1.0 => ./core\n", "v0.1.0 => ./conformance\n", 1),
			"go.work pins every module to its folder and nothing else",
		},
		{
			"a pin of a module from outside", "go.work",
			strings.Replace(goodWork, "replace (\n", "replace (\n\texample.com/sdk v0.1.0 => ./core\n", 1),
			"go.work pins every module to its folder and nothing else",
		},
		{
			"a sibling at another version", "providers/a/go.mod",
			mod("providers/a", "require github.com/lukko-dev/lukko/core v0.0.9"),
			"siblings are required at the shared version",
		},
		{
			"a newer Go in one module", "core/go.mod", strings.Replace(mod("core"), "1.26.0", "1.26.8", 1),
			"all name the same Go version",
		},
		{
			"a toolchain line", "core/go.mod", mod("core", "toolchain go1.26.8"),
			"no toolchain line",
		},
		{
			"a toolchain line in go.work", "go.work", goodWork + "\ntoolchain go1.26.8\n",
			"no toolchain line",
		},
		{
			"core with a dependency", "core/go.mod", mod("core", "require example.com/sdk v1.2.0"),
			"core requires nothing",
		},
		{
			"conformance with a dependency", "conformance/go.mod",
			mod("conformance", requireCore, "require example.com/sdk v1.2.0 // indirect"),
			"conformance requires core only",
		},
		{
			"a provider on a provider", "providers/a/go.mod",
			mod("providers/a", requireCore, "require github.com/lukko-dev/lukko/providers/b v0.1.0"),
			"providers do not require each other",
		},
		{
			"a published module on one that isn't", "providers/a/go.mod",
			mod("providers/a", requireCore, "require github.com/lukko-dev/lukko/internal/lab v0.1.0"),
			"published modules require published ones",
		},
		{
			"two versions of an SDK", "providers/a/go.mod",
			mod("providers/a", requireCore, "require example.com/sdk v1.3.0"),
			"an outside module has one version everywhere",
		},
	} {
		for _, name := range strings.Split(tt.rule, "; ") {
			seen[name] = true
		}
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			tree := goodTree()
			tree[tt.file] = tt.text
			if got := broken(load(t, tree)); got != tt.rule {
				t.Errorf("breaks %q, want %q", got, tt.rule)
			}
		})
	}
	for _, rule := range workspace.Rules {
		if !seen[rule.Name] {
			t.Errorf("no fault shows the rule %q", rule.Name)
		}
	}
}

func TestTheSharedVersionMustBeOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fault, old, new string }{
		{"a replace for all versions", "core v0.1.0 =>", "core =>"},
		{"two versions", "core v0.1.0 =>", "core v0.2.0 =>"},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			tree := goodTree()
			tree["go.work"] = strings.Replace(goodWork, tt.old, tt.new, 1)
			if _, err := workspace.Load(write(t, tree)); err == nil {
				t.Error("go.work was accepted")
			}
		})
	}
}

func TestSiblingsComeBeforeThoseThatNeedThem(t *testing.T) {
	t.Parallel()
	ws, err := workspace.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range ws.Modules {
		for _, r := range m.File.Require {
			if ws.Sibling(r.Mod.Path) && !seen[r.Mod.Path] {
				t.Errorf("%s comes before %s", m.Path, r.Mod.Path)
			}
		}
		seen[m.Path] = true
	}
}
