package runs

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

const fuzzID = `package core

import "testing"

func FuzzID(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > FAIL {
			t.Error("too long")
		}
	})
}

func FuzzySearch(t string) {}
`

// scripts/repo runs with GOWORK=off; what it runs must see the siblings all the
// same.
func TestMain(m *testing.M) {
	os.Setenv("GOWORK", "off")
	m.Run()
}

func load(t *testing.T, tree map[string]string) *workspace.Workspace {
	t.Helper()
	dir := t.TempDir()
	tree["go.work"] = "go 1.26.0\n\nuse (\n./core\n./schema\n)\n\nreplace (\ngithub.com/lukko-dev/lukko/core v0.1.0 => ./core\ngithub.com/lukko-dev/lukko/schema v0.1.0 => ./schema\n)\n"
	tree["core/go.mod"] = "module github.com/lukko-dev/lukko/core\n\ngo 1.26.0\n"
	tree["core/core.go"] = "package core\n"
	tree["schema/go.mod"] = "module github.com/lukko-dev/lukko/schema\n\ngo 1.26.0\n\nrequire github.com/lukko-dev/lukko/core v0.1.0\n"
	tree["schema/schema.go"] = "package schema\n\nimport _ \"github.com/lukko-dev/lukko/core\"\n"
	for name, text := range tree {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ws, err := workspace.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

func TestFuzzRunsEachTargetAndKeepsWhatFails(t *testing.T) {
	t.Parallel()
	// What only looks like a target, or is in a fixture, is none.
	const text = "package core\n\nvar text = `\nfunc FuzzText(f *testing.F) {}\n`\n"
	good := strings.Replace(fuzzID, "FAIL", "1<<30", 1)
	bad := strings.NewReplacer("FAIL", "2", "FuzzID", "FuzzBad").Replace(fuzzID)
	ws := load(t, map[string]string{"core/id_test.go": good, "core/sub/sub_test.go": bad, "core/testdata/x_test.go": good, "core/text/text_test.go": text, "schema/id_test.go": strings.Replace(good, "package core", "package schema", 1)})

	targets, err := Fuzzers(ws)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range targets {
		names = append(names, f.Package(ws)+" "+f.Name)
	}
	if want := []string{"core FuzzID", "core/sub FuzzBad", "schema FuzzID"}; !slices.Equal(names, want) {
		t.Fatalf("found %q, want %q", names, want)
	}

	var log bytes.Buffer
	err = Fuzz(ws, 2*time.Second, &log)
	if err == nil || err.Error() != "failed: FuzzBad" {
		t.Errorf("the error is %v\n%s", err, log.String())
	}
	if !strings.Contains(log.String(), "fuzzed    core FuzzID: 2s, ") || !strings.Contains(log.String(), "fuzzed    schema FuzzID: 2s, ") {
		t.Errorf("the log is:\n%s", log.String())
	}
	kept, err := filepath.Glob(filepath.Join(ws.Root, "core/sub/testdata/fuzz/FuzzBad/*"))
	if err != nil || len(kept) == 0 {
		t.Errorf("the failing input is not kept: %v", err)
	}
}

func TestOnlyTheEndOfTheTimeIsNoFailure(t *testing.T) {
	t.Parallel()
	const start = "fuzz: elapsed: 2s, execs: 91013 (43529/sec), new interesting: 0 (total: 1)\n--- FAIL: FuzzID (2.09s)\n"
	for _, tt := range []struct {
		name, out string
		want      bool
	}{
		{"the deadline alone", start + "    context deadline exceeded\nFAIL\nexit status 1\n", true},
		{"a test that failed", start + "    --- FAIL: FuzzID (0.00s)\n        id_test.go:8: context deadline exceeded\n    \n    Failing input written to testdata/fuzz/FuzzID/x\nFAIL\n", false},
		{"the deadline and more", start + "    context deadline exceeded\n    id_test.go:8: wrong\nFAIL\n", false},
		{"a process that hung", start + "    fuzzing process hung or terminated unexpectedly: exit status 2\nFAIL\n", false},
		{"a package that does not build", "FAIL\tcore [build failed]\n", false},
	} {
		if got := onlyTimeIsUp([]byte(tt.out)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestWithoutRaceFindsTheTestsThatTheDetectorChanges(t *testing.T) {
	t.Parallel()
	file := func(constraint, rest string) string { return constraint + "\n\npackage x\n" + rest }
	const tests = "func TestA(t *testing.T) {}\nfunc TestMain(m *testing.M) {}\nfunc (x) TestB() {}\nfunc BenchmarkC(b *testing.B) {}\n"
	ws := load(t, map[string]string{
		"core/a/a_test.go": file("//go:build !race", tests),
		"core/b/b_test.go": file("// Words.\n\n//go:build linux && !race", ""),
		"core/c/c_test.go": file("//go:build race", tests),
		"core/d/d_test.go": file("//go:build linux || darwin", tests),
		"core/e/e_test.go": "package x\n\n//go:build race\n",
		"core/f/f.go":      file("//go:build race", ""),
		"core/g/a_test.go": file("//go:build !race", "func TestG1(t *testing.T) {}\n"),
		"core/g/b_test.go": file("//go:build !race", "func TestG2(t *testing.T) {}\n"),
		"core/h/a_test.go": file("//go:build !race", tests),
		"core/h/b_test.go": file("//go:build race", ""),
	})
	packages, err := WithoutRace(ws)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range packages {
		got = append(got, filepath.Base(p.Dir)+" "+p.Pattern())
	}
	if want := []string{"a ^(TestA)$", "b ", "c ", "g ^(TestG1|TestG2)$", "h "}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestBenchHoldsComparisonsToTheirLimits(t *testing.T) {
	t.Parallel()
	const file = `package core

import "testing"

//bench:KIND BenchmarkMany BenchmarkOne LIMIT

func work(b *testing.B, n int) {
	x := 1
	for range b.N {
		for range n {
			x = x*31 + 7
		}
	}
	sink = x
}

var sink int

func BenchmarkOne(b *testing.B)  { work(b, 1_000) }
func BenchmarkMany(b *testing.B) { work(b, 20_000) }
`
	for _, tt := range []struct {
		name, kind, limit string
		over              bool
	}{
		{"a ratio far under its limit", "ratio", " 1000", false},
		{"a ratio far over its limit", "ratio", " 2", true},
		{"a ratio without a limit", "ratio", "", false},
		{"a difference far under its limit", "extra", " 1000000000", false},
		{"a difference far over its limit", "extra", " 1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ws := load(t, map[string]string{"schema/x_test.go": strings.NewReplacer("package core", "package schema", "KIND", tt.kind, " LIMIT", tt.limit).Replace(file)})
			var log bytes.Buffer
			err := Bench(ws, ws.Modules, 2, t.TempDir(), &log)
			if (err != nil) != tt.over {
				t.Errorf("the error is %v", err)
			}
			if got := log.String(); strings.Contains(got, "OVER") != tt.over || !strings.HasPrefix(got, tt.kind+"     schema: BenchmarkMany (") {
				t.Errorf("the log is:\n%s", got)
			}
		})
	}
}

func TestBenchWithoutABenchmarkIsAnError(t *testing.T) {
	t.Parallel()
	ws := load(t, map[string]string{"core/x_test.go": "package core\n"})
	if err := Bench(ws, ws.Modules, 1, t.TempDir(), &bytes.Buffer{}); err == nil {
		t.Error("no error")
	}
}

func TestAComparisonWithABenchmarkThatDidNotRunIsAnError(t *testing.T) {
	t.Parallel()
	samples := parseBench("BenchmarkHot-2   \t 100\t 2.5 ns/op\t 0 B/op\nBenchmarkHot-2 100 3.5 ns/op\nBenchmarkX/a-b-2 1 9 ns/op\n")
	if got := samples["BenchmarkHot"]; !slices.Equal(got, []float64{2.5, 3.5}) {
		t.Errorf("parsed %v", samples)
	}
	if got := samples["BenchmarkX/a-b"]; !slices.Equal(got, []float64{9}) {
		t.Errorf("parsed %v", samples)
	}
	if _, err := report(&bytes.Buffer{}, "core", samples, []Bound{{Of: "BenchmarkHot", To: "BenchmarkFloor", Limit: 1.5}}); err == nil {
		t.Error("no error")
	}
}
