package workspace_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// untidy is a workspace in which providers/a imports core and does not say so,
// and providers/b does not even compile.
func untidy() map[string]string {
	tree := goodTree()
	tree["core/core.go"] = "package core\n"
	tree["providers/a/go.mod"] = mod("providers/a")
	tree["providers/a/a.go"] = "package a\n\nimport _ \"github.com/lukko-dev/lukko/core\"\n"
	tree["providers/b/go.mod"] = mod("providers/b")
	tree["providers/b/b.go"] = "package b\n\nvar x int = \"no number\"\n"
	return tree
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTidyRequiresASiblingAtTheSharedVersion(t *testing.T) {
	t.Parallel()
	dir := write(t, untidy())
	ws, err := workspace.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ws.Find("./providers/a")
	if err != nil {
		t.Fatal(err)
	}
	before := read(t, dir, "providers/a/go.mod")

	var log bytes.Buffer
	changed, err := ws.Tidy(m, true, &log)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(changed, []string{"providers/a/go.mod"}) {
		t.Errorf("a check reports %q", changed)
	}
	if got := read(t, dir, "providers/a/go.mod"); got != before {
		t.Errorf("a check wrote go.mod:\n%s", got)
	}

	if _, err := ws.Tidy(m, false, &log); err != nil {
		t.Fatal(err)
	}
	got := read(t, dir, "providers/a/go.mod")
	if !strings.Contains(got, "require github.com/lukko-dev/lukko/core v0.1.0\n") || strings.Contains(got, "replace") {
		t.Errorf("go.mod is now:\n%s", got)
	}

	if ws, err = workspace.Load(dir); err != nil {
		t.Fatal(err)
	}
	if changed, err := ws.Tidy(m, true, &log); err != nil || len(changed) > 0 {
		t.Errorf("a check of what was just tidied reports %q, %v", changed, err)
	}
	names, err := os.ReadDir(filepath.Join(dir, "providers/a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n.Name() != "a.go" && n.Name() != "go.mod" {
			t.Errorf("%s is left behind", n.Name())
		}
	}
}

func TestTidyRaisesASiblingsOldVersion(t *testing.T) {
	t.Parallel()
	tree := untidy()
	tree["providers/a/go.mod"] = mod("providers/a", "require github.com/lukko-dev/lukko/core v0.0.1")
	dir := write(t, tree)
	ws, err := workspace.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ws.Find("providers/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ws.Tidy(m, false, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, "providers/a/go.mod"); !strings.Contains(got, "lukko/core v0.1.0\n") {
		t.Errorf("go.mod is now:\n%s", got)
	}
}

func TestTidyThatFailsLeavesGoModAlone(t *testing.T) {
	t.Parallel()
	tree := untidy()
	tree["providers/a/a.go"] = "package a\n\nimport _ \"github.com/lukko-dev/lukko/core/nowhere\"\n"
	dir := write(t, tree)
	ws, err := workspace.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ws.Find("providers/a")
	if err != nil {
		t.Fatal(err)
	}
	before := read(t, dir, "providers/a/go.mod")
	if _, err := ws.Tidy(m, false, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "providers/a") {
		t.Errorf("the error %v does not name the module", err)
	}
	if got := read(t, dir, "providers/a/go.mod"); got != before {
		t.Errorf("go.mod is now:\n%s", got)
	}
}

func TestTidySumDropsWhatNobodyNeeds(t *testing.T) {
	t.Parallel()
	tree := untidy()
	tree["go.work.sum"] = "example.com/gone v1.0.0 h1:MFuq5J6s35W9D3IjkwyWc9vHh0nENOrt5K8Iof4ofmg=\n"
	for _, dir := range []string{"conformance", "internal/lab", "providers/b"} {
		tree[dir+"/x.go"] = "package x\n"
	}
	delete(tree, "providers/b/b.go")
	tree["providers/a/go.mod"] = mod("providers/a", requireCore)
	dir := write(t, tree)
	ws, err := workspace.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := ws.TidySum(true); err != nil || !changed {
		t.Fatalf("a check says %v, %v", changed, err)
	}
	if got := read(t, dir, "go.work.sum"); got != tree["go.work.sum"] {
		t.Errorf("a check wrote:\n%s", got)
	}
	if changed, err := ws.TidySum(false); err != nil || !changed {
		t.Fatalf("says %v, %v", changed, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.work.sum")); err == nil {
		t.Errorf("go.work.sum is still there:\n%s", read(t, dir, "go.work.sum"))
	}
	if changed, err := ws.TidySum(true); err != nil || changed {
		t.Errorf("a check after it says %v, %v", changed, err)
	}
}
