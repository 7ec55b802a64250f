package lint

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"
)

// secretNames are the names of variables of the environment, and of fields,
// whose text the trial takes for what Reveal returns.
var secretNames = regexp.MustCompile(`(?i)(secret|token|passw(or)?d|passphrase|(api|private|access|secret|signing|encryption|master)_?key)$`)

// TestTrialOnPrograms runs the rules on well-known programs, at the versions of
// testdata/trial/programs.txt. None of them uses Lukko, so the rules
// themselves have to find nothing. The rule revealed runs once more, with fields and
// variables of the environment that are named like secrets in place of Reveal, and
// must find what stands in testdata/trial/findings.txt: each finding there was looked at
// by a person, who says whether it is right.
//
//	LUKKO_TRIAL=1 go test -run TestTrialOnPrograms -timeout 60m -v ./lint
//	LUKKO_TRIAL_ONLY=restic does one of them
func TestTrialOnPrograms(t *testing.T) {
	if os.Getenv("LUKKO_TRIAL") == "" {
		t.Skip("LUKKO_TRIAL=1 runs it: it downloads two dozen programs")
	}
	judged := judgedFindings(t)
	seen := map[string]bool{}
	var total struct {
		packages, lines, findings int
		took                      time.Duration
	}
	only := os.Getenv("LUKKO_TRIAL_ONLY")
	for _, line := range linesOf(t, "programs.txt") {
		module, version, _ := strings.Cut(line, " ")
		if !strings.Contains(module, only) {
			continue
		}
		dir := downloaded(t, module, version)
		start := time.Now()
		pkgs, lines := loaded(t, dir)
		inModule := len(pkgs)
		loading := time.Since(start)
		found := analyze(t, module, dir, pkgs)
		took := time.Since(start)
		for _, f := range found {
			if !judged[f] {
				t.Errorf("not in findings.txt: %s", f)
			}
			seen[f] = true
		}
		t.Logf("| %s %s | %d | %d | %d | %.0f s, of which loading %.0f s |", module, version, inModule, lines, len(found), took.Seconds(), loading.Seconds())
		total.packages += inModule
		total.lines += lines
		total.findings += len(found)
		total.took += took
	}
	t.Logf("| all | %d | %d | %d | %.0f s |", total.packages, total.lines, total.findings, total.took.Seconds())
	for f := range judged {
		if only == "" && !seen[f] {
			t.Errorf("no longer found: %s", f)
		}
	}
}

func linesOf(t *testing.T, name string) (lines []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "trial", name))
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// judgedFindings reads what people found of findings: "true", "false", or "source", where
// the flow is there and what flows is no secret, then the finding.
func judgedFindings(t *testing.T) map[string]bool {
	judged := map[string]bool{}
	for _, line := range linesOf(t, "findings.txt") {
		verdict, finding, _ := strings.Cut(line, " ")
		if !slices.Contains([]string{"true", "false", "source"}, verdict) {
			t.Errorf("a finding without a verdict: %s", line)
		}
		judged[finding] = true
	}
	return judged
}

// downloaded returns a folder with a program and all that it requires.
func downloaded(t *testing.T, module, version string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module+"@"+version)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+cmd.Dir)
	out, err := cmd.Output()
	var info struct{ Dir string }
	if err != nil || json.Unmarshal(out, &info) != nil {
		t.Fatalf("%s@%s can't be downloaded: %v", module, version, err)
	}
	// A copy, since the go command may have to complete its go.mod.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(info.Dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+module+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, info.Mode()|0o200)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// loaded loads a program, and counts the lines of its own packages. Of what
// it requires only the types are checked, without the bodies of functions: no rule looks
// there, and it is most of the work.
func loaded(t *testing.T, dir string) (pkgs []*packages.Package, lines int) {
	t.Helper()
	l := loader{t: t, fset: token.NewFileSet(), done: map[*packages.Package]bool{}}
	all, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedDeps | packages.NeedModule | packages.NeedTypesSizes,
		Dir:     dir,
		Context: t.Context(),
		Fset:    l.fset,
		Env:     append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "CGO_ENABLED=0", "PWD="+dir),
	}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, p := range all {
		l.check(p)
		if p.IllTyped {
			left++
			continue
		}
		pkgs = append(pkgs, p)
		for _, f := range p.Syntax {
			lines += p.Fset.File(f.Pos()).LineCount()
		}
	}
	if left > 0 {
		t.Logf("%d packages are left out, since they don't compile as the module is published", left)
	}
	return pkgs, lines
}

type loader struct {
	t    *testing.T
	fset *token.FileSet
	done map[*packages.Package]bool
}

// check parses and type-checks a package and what it imports.
func (l *loader) check(p *packages.Package) {
	if l.done[p] {
		return
	}
	l.done[p] = true
	for _, imported := range p.Imports {
		l.check(imported)
		p.IllTyped = p.IllTyped || imported.IllTyped
	}
	p.Fset = l.fset
	if p.PkgPath == "unsafe" {
		p.Types, p.TypesInfo = types.Unsafe, new(types.Info)
		return
	}
	own := p.Module != nil && p.Module.Main
	p.TypesInfo = &types.Info{}
	mode := parser.SkipObjectResolution
	if own {
		mode |= parser.ParseComments
		p.TypesInfo = &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{}, Scopes: map[ast.Node]*types.Scope{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}, FileVersions: map[*ast.File]string{},
		}
	}
	var files []*ast.File
	for _, name := range p.CompiledGoFiles {
		f, err := parser.ParseFile(l.fset, name, nil, mode)
		if err != nil {
			p.IllTyped = true
		}
		if f != nil {
			files = append(files, f)
		}
	}
	config := types.Config{
		IgnoreFuncBodies: !own,
		Sizes:            p.TypesSizes,
		FakeImportC:      true,
		Importer: importerOf(func(path string) (*types.Package, error) {
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			if imported := p.Imports[path]; imported != nil && imported.Types != nil {
				return imported.Types, nil
			}
			return nil, errors.New("not loaded")
		}),
		Error: func(error) {},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	var err error
	p.Types, err = config.Check(p.PkgPath, l.fset, files, p.TypesInfo)
	if own {
		p.Syntax = files
		p.IllTyped = p.IllTyped || err != nil
	}
}

type importerOf func(path string) (*types.Package, error)

func (f importerOf) Import(path string) (*types.Package, error) { return f(path) }

// analyze returns what the trial's rule finds, and fails if any rule finds
// anything as it is.
func analyze(t *testing.T, module, dir string, pkgs []*packages.Package) (found []string) {
	t.Helper()
	trial := newEngine("trial", flowConfig{names: secretNames})
	report := &analysis.Analyzer{
		Name: "trialrevealed", Doc: "reports what the trial finds", Requires: []*analysis.Analyzer{trial},
		Run: func(pass *analysis.Pass) (any, error) {
			for _, d := range pass.ResultOf[trial].(findings)[Revealed] {
				pass.Report(d)
			}
			return nil, nil
		},
	}
	for _, analyzers := range [][]*analysis.Analyzer{{report}, Analyzers} { // two engines have the same facts
		graph, err := checker.Analyze(analyzers, pkgs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for action := range graph.All() {
			if action.Err != nil {
				t.Errorf("%s: %v", action.Package.PkgPath, action.Err)
			}
			for _, d := range action.Diagnostics {
				finding := module + " " + shortFinding(dir, action.Package.Fset.Position(d.Pos), d.Message)
				if action.Analyzer != report {
					t.Errorf("rule %s finds something where nothing uses Lukko: %s", action.Analyzer.Name, finding)
					continue
				}
				if !slices.Contains(found, finding) {
					found = append(found, finding)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// shortFinding is the place and the sink of a finding.
func shortFinding(dir string, p token.Position, message string) string {
	if rel, err := filepath.Rel(dir, p.Filename); err == nil {
		p.Filename = filepath.ToSlash(rel)
	}
	where, _, _ := strings.Cut(strings.TrimPrefix(message, "a revealed secret gets into "), ":")
	where, _, _ = strings.Cut(where, " (it is")
	return fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, where)
}
