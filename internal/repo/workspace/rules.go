package workspace

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/mod/modfile"
)

// Prefix is the path that all modules share: a module's path is the prefix and
// its folder.
const Prefix = "github.com/lukko-dev/lukko"

// A Rule is something that all modules keep. Check says where it is broken,
// each time with what to do.
type Rule struct {
	Name  string
	Check func(ws *Workspace) []string
}

// Rules are those of docs/decisions/0001-modules.md.
var Rules = []Rule{
	{"every go.mod is in go.work or says that it is alone", noStray},
	{"a module's path is its folder", pathsAreFolders},
	{"no go.mod has a replace", noReplace},
	{"go.work pins every module to its folder and nothing else", pinned},
	{"siblings are required at the shared version", sharedVersion},
	{"all name the same Go version", sameGo},
	{"no toolchain line", noToolchain},
	{"core requires nothing", coreRequiresNothing},
	{"conformance requires core only", conformanceRequiresCore},
	{"providers do not require each other", providersApart},
	{"published modules require published ones", publishedClosed},
	{"an outside module has one version everywhere", oneOutsideVersion},
}

func noStray(ws *Workspace) (problems []string) {
	for _, m := range ws.Stray {
		problems = append(problems, fmt.Sprintf("%s/go.mod is not in go.work: add it there, with its replace, or write \"// alone: why\" above its module line", m.Dir))
	}
	return problems
}

func pathsAreFolders(ws *Workspace) (problems []string) {
	for _, m := range ws.all() {
		if want := path.Join(Prefix, m.Dir); m.Path != want {
			problems = append(problems, fmt.Sprintf("%s/go.mod: module %s, want %s", m.Dir, m.Path, want))
		}
	}
	return problems
}

func noReplace(ws *Workspace) (problems []string) {
	for _, m := range ws.all() {
		for _, r := range m.File.Replace {
			problems = append(problems, fmt.Sprintf("%s/go.mod replaces %s: `go install` of a version refuses such a module; go.work is the place", m.Dir, r.Old.Path))
		}
	}
	return problems
}

func pinned(ws *Workspace) (problems []string) {
	want := map[string]string{}
	for _, m := range ws.Modules {
		want[m.Path] = "./" + m.Dir
	}
	for _, r := range ws.Work.Replace {
		switch dir, ok := want[r.Old.Path]; {
		case !ok:
			problems = append(problems, fmt.Sprintf("go.work replaces %s, which is not in its use list, or twice", r.Old.Path))
		case r.New.Path != dir || r.New.Version != "":
			problems = append(problems, fmt.Sprintf("go.work replaces %s by %s, want %s", r.Old.Path, r.New.Path, dir))
		}
		delete(want, r.Old.Path)
	}
	for _, m := range ws.Modules {
		if dir, missing := want[m.Path]; missing {
			problems = append(problems, fmt.Sprintf("go.work lacks: replace %s %s => %s", m.Path, ws.Version, dir))
		}
	}
	return problems
}

func sharedVersion(ws *Workspace) []string {
	return ws.eachRequire(func(m Module, r *modfile.Require) string {
		if isOurs(r.Mod.Path) && r.Mod.Version != ws.Version {
			return fmt.Sprintf("requires %s at %s, want %s as in go.work", r.Mod.Path, r.Mod.Version, ws.Version)
		}
		return ""
	})
}

func sameGo(ws *Workspace) (problems []string) {
	if ws.Work.Go == nil {
		return []string{"go.work has no go line"}
	}
	for _, m := range ws.all() {
		if m.File.Go == nil || m.File.Go.Version != ws.Work.Go.Version {
			problems = append(problems, fmt.Sprintf("%s/go.mod: want the line `go %s`, as in go.work", m.Dir, ws.Work.Go.Version))
		}
	}
	return problems
}

func noToolchain(ws *Workspace) (problems []string) {
	if ws.Work.Toolchain != nil {
		problems = append(problems, "go.work has a toolchain line")
	}
	for _, m := range ws.all() {
		if m.File.Toolchain != nil {
			problems = append(problems, m.Dir+"/go.mod has a toolchain line: it is for users to choose")
		}
	}
	return problems
}

func coreRequiresNothing(ws *Workspace) []string {
	return ws.eachRequire(func(m Module, r *modfile.Require) string {
		if m.Dir == "core" {
			return "requires " + r.Mod.Path + ": core is the standard library only, its tests too"
		}
		return ""
	})
}

func conformanceRequiresCore(ws *Workspace) []string {
	return ws.eachRequire(func(m Module, r *modfile.Require) string {
		if m.Dir == "conformance" && r.Mod.Path != Prefix+"/core" {
			return "requires " + r.Mod.Path + ": an author's tests get core and nothing else"
		}
		return ""
	})
}

func providersApart(ws *Workspace) []string {
	return ws.eachRequire(func(m Module, r *modfile.Require) string {
		if strings.HasPrefix(m.Dir, "providers/") && strings.HasPrefix(r.Mod.Path, Prefix+"/providers/") {
			return "requires " + r.Mod.Path + ": a provider costs only itself"
		}
		return ""
	})
}

func publishedClosed(ws *Workspace) []string {
	unpublished := map[string]bool{}
	for _, m := range ws.all() {
		unpublished[m.Path] = !m.Published
	}
	return ws.eachRequire(func(m Module, r *modfile.Require) string {
		// A user's `go mod tidy` reads the tests of what it imports, so this
		// holds for what only tests need, too.
		if m.Published && unpublished[r.Mod.Path] {
			return "is published and requires " + r.Mod.Path + ", which is not"
		}
		return ""
	})
}

func oneOutsideVersion(ws *Workspace) []string {
	newest := ws.newest()
	return ws.eachRequire(func(m Module, r *modfile.Require) string {
		if want, ok := newest[r.Mod.Path]; ok && want != r.Mod.Version {
			return fmt.Sprintf("requires %s %s, a sibling %s, and so its tests ran with that: run scripts/tidy %s", r.Mod.Path, r.Mod.Version, want, m.Dir)
		}
		return ""
	})
}

func (ws *Workspace) all() []Module {
	return append(append([]Module{}, ws.Modules...), ws.Alone...)
}

func (ws *Workspace) eachRequire(check func(Module, *modfile.Require) string) (problems []string) {
	for _, m := range ws.Modules {
		for _, r := range m.File.Require {
			if p := check(m, r); p != "" {
				problems = append(problems, m.Dir+"/go.mod "+p)
			}
		}
	}
	return problems
}

func isOurs(modPath string) bool {
	return modPath == Prefix || strings.HasPrefix(modPath, Prefix+"/")
}
