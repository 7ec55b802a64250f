package workspace_test

import (
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

func TestSetVersionChangesNothingButTheVersion(t *testing.T) {
	t.Parallel()
	tree := goodTree()
	dir := write(t, tree)
	ws, err := workspace.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.SetVersion("v0.2.0"); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, dir, "go.work"), strings.ReplaceAll(goodWork, "v0.1.0", "v0.2.0"); got != want {
		t.Errorf("go.work is now:\n%s", got)
	}
	if got := read(t, dir, "providers/a/go.mod"); !strings.Contains(got, "lukko/core v0.2.0") || !strings.Contains(got, "example.com/sdk v1.2.0") {
		t.Errorf("providers/a/go.mod is now:\n%s", got)
	}
	if ws, err = workspace.Load(dir); err != nil {
		t.Fatal(err)
	}
	if got := broken(ws); got != "" || ws.Version != "v0.2.0" {
		t.Errorf("at %s, breaks %q", ws.Version, got)
	}
}

func TestSetVersionRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "0.2.0", "v0.2", "v2.0.0", "latest"} {
		ws := load(t, goodTree())
		if err := ws.SetVersion(version); err == nil {
			t.Errorf("%q was accepted", version)
		}
	}
}
