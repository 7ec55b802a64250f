package conformance

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const casesFile = "testdata/cases.txt"

// TestNamesOfCasesStay holds the names, which people write into waivers and
// reports. A new case is added to the file; a name never leaves it.
func TestNamesOfCasesStay(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Every case of the suite. A name that is here stays. Written by go test -update.\n\n")
	for _, c := range Cases() {
		fmt.Fprintf(&b, "%s (%s)\n", c.Name, c.Cost.Class)
		for _, n := range c.Needs {
			fmt.Fprintf(&b, "\tneeds %s\n", n)
		}
		fmt.Fprintf(&b, "\t%s\n", c.Rule)
	}
	have := b.String()
	data, err := os.ReadFile(casesFile)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	want := string(data)
	if have == want {
		return
	}
	line := regexp.MustCompile(`(?m)^(?:MUST|SHOULD)/\S+`)
	names := func(text string) map[string]bool {
		all := map[string]bool{}
		for _, name := range line.FindAllString(text, -1) {
			all[name] = true
		}
		return all
	}
	was, is := names(want), names(have)
	for name := range was {
		if !is[name] {
			t.Errorf("gone: %s, which people may have named in a waiver", name)
		}
	}
	for name := range is {
		if !was[name] {
			t.Errorf("new: %s", name)
		}
	}
	if !*update {
		t.Fatalf("the cases differ from %s; go test -update writes it", casesFile)
	}
	if err := os.WriteFile(casesFile, []byte(have), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCasesExplainThemselves(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^(MUST|SHOULD)/[A-Z][A-Za-z]+/[a-z0-9-]+$`)
	seen := map[string]bool{}
	for _, c := range Cases() {
		if !form.MatchString(c.Name) {
			t.Errorf("%s is no name of a case", c.Name)
		}
		if seen[c.Name] {
			t.Errorf("two cases are called %s", c.Name)
		}
		seen[c.Name] = true
		if string(c.Level) != strings.SplitN(c.Name, "/", 2)[0] {
			t.Errorf("%s has the level %s", c.Name, c.Level)
		}
		if len(c.Rule) < 20 || !strings.HasSuffix(c.Rule, ".") || len(c.Look) < 10 {
			t.Errorf("%s does not explain itself", c.Name)
		}
	}
	if len(seen) < 150 {
		t.Errorf("there are %d cases", len(seen))
	}
}

func TestEveryCaseIsMissedByABrokenStore(t *testing.T) {
	t.Parallel()
	// A case that no broken store fails may be one that can't fail.
	failed := map[string]bool{}
	for _, list := range readGolden(t) {
		for _, c := range list.must {
			failed[c] = true
		}
	}
	unproven := 0
	for _, c := range Cases() {
		if !failed[c.Name] && !strings.HasPrefix(c.Name, "MUST/Values/") && !strings.HasPrefix(c.Name, "MUST/IDs/") {
			t.Errorf("no broken store must fail %s", c.Name)
			unproven++
		}
	}
}

func TestWaivers(t *testing.T) {
	t.Parallel()
	const should = "SHOULD/Purge/versions-are-not-reused"
	var restarts brokenStore
	for _, b := range broken {
		if b.name == "purge-starts-versions-again" {
			restarts = b
		}
	}
	h := modelHarness(restarts.open)
	run := func(h Harness, name string) Result {
		c, ok := byName(name)
		if !ok {
			t.Fatalf("no case %s", name)
		}
		s := &suite{harness: h}
		return s.waive(s.try(t.Context(), t, c))
	}
	if r := run(h, should); r.Outcome != Failed {
		t.Errorf("without a waiver it is %q", r.Outcome)
	}
	h.Waive = map[string]string{should: "the vendor restarts its numbers"}
	if r := run(h, should); r.Outcome != Waived || !strings.Contains(r.Reason, "the vendor restarts its numbers") || len(r.Failures) == 0 {
		t.Errorf("with a waiver it is %q, and says %q", r.Outcome, r.Reason)
	}
	right := modelHarness(func(m *model) Subject { return Subject{Backend: m} })
	right.Waive = h.Waive
	if r := run(right, should); r.Outcome != Passed || !strings.Contains(strings.Join(r.Notes, " "), "the waiver can go") {
		t.Errorf("a waiver that is not needed is %q, with the notes %q", r.Outcome, r.Notes)
	}
	h.Waive = map[string]string{"MUST/Purge/removes": "no", "SHOULD/No/such-case": "no", should: " "}
	problems := strings.Join(waiverProblems(h.Waive), "\n")
	for _, want := range []string{"MUST/Purge/removes can't be waived", `"SHOULD/No/such-case", and there is no such case`, should + " has no reason"} {
		if !strings.Contains(problems, want) {
			t.Errorf("the problems of waivers don't say %q: %s", want, problems)
		}
	}
}

func TestWhatDoesNotApplySkipsWithItsReason(t *testing.T) {
	t.Parallel()
	h := Harness{Open: func(testing.TB) Subject { return Subject{Backend: onlyGet{}} }}
	all := results(t, h, nil)
	ran := 0
	for name, r := range all {
		switch r.Outcome {
		case Skipped:
			if len(r.Reason) < 10 {
				t.Errorf("%s is skipped for the reason %q", name, r.Reason)
			}
		case Passed:
			ran++
		default:
			t.Errorf("%s is %q: %q", name, r.Outcome, r.Failures)
		}
	}
	if ran < 20 {
		t.Errorf("only %d cases ran for a backend with Get alone", ran)
	}
	for name, reason := range map[string]string{
		"MUST/IfVersion/one-winner":             "does not claim Set",
		"MUST/GetMany/denied-is-not-missing":    "nothing can be stored",
		"MUST/Get/reads-what-others-wrote":      "offers no Seed",
		"MUST/Close/waits-for-calls-in-flight":  "nothing can be stored",
		"MUST/Store/reopening-keeps-everything": "does not claim Set",
	} {
		if !strings.Contains(all[name].Reason, reason) {
			t.Errorf("%s is skipped for the reason %q; want %q", name, all[name].Reason, reason)
		}
	}
}

// A harness can be wrong, too.
func TestWrongHarnesses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		open func(testing.TB) Subject
		want string
	}{
		"with nothing": {func(testing.TB) Subject { return Subject{} }, "neither a Service nor a Backend"},
		"with both":    {func(testing.TB) Subject { return Subject{Service: whole(newModel()), Backend: newModel()} }, "both"},
		"that fails":   {func(t testing.TB) Subject { t.Fatalf("no server"); return Subject{} }, "no server"},
		"that panics":  {func(testing.TB) Subject { panic("a secret text") }, "panicked with a string"},
		"that hangs":   {func(testing.TB) Subject { select {} }, "did not end within"},
		"that skips":   {func(t testing.TB) Subject { t.Skip("no server here"); return Subject{} }, "no server here"},
		"whose Seed fails": {func(testing.TB) Subject {
			return Subject{Backend: onlyGet{}, Seed: func(string, core.Value) error { return fmt.Errorf("full") }}
		}, "Seed failed: full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := byName("MUST/Get/returns-what-was-stored")
			s := &suite{harness: Harness{Open: test.open, Timeout: 50 * time.Millisecond}, patience: 10 * time.Millisecond}
			if name != "that hangs" {
				s.harness.Timeout = 0
			}
			r := s.try(t.Context(), t, c)
			text := strings.Join(r.Failures, " ") + r.Reason
			if !strings.Contains(text, test.want) || r.Outcome == Passed {
				t.Errorf("the case is %q, and says %q; want %q", r.Outcome, text, test.want)
			}
			if strings.Contains(text, "a secret text") {
				t.Error("the text of a panic is shown")
			}
		})
	}
}

// An id may be a further name of what exists, and then makes nothing.
func TestIDsThatOnlyNameMakeNothing(t *testing.T) {
	t.Parallel()
	names := func(id string) bool { return strings.HasPrefix(id, "arn:") }
	refuse := func(err error) func(*patched) {
		return func(p *patched) {
			p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
				if names(id) {
					return core.Secret{}, core.ErrNotFound
				}
				return p.model.Get(ctx, id, o)
			}
			p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
				if names(id) && err != nil {
					return core.Info{}, err
				}
				return p.model.Set(ctx, id, v, o)
			}
		}
	}
	for name, test := range map[string]struct {
		patch func(*patched)
		want  []string
	}{
		"refused as an id":      {refuse(core.ErrInvalidID), nil},
		"refused as not there":  {refuse(core.ErrNotFound), nil},
		"refused as a conflict": {refuse(core.ErrConflict), []string{"MUST/IDs/arn"}},
		"made":                  {refuse(nil), []string{"MUST/IDs/arn"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backend("names", "MUST/IDs/arn", test.patch)
			h := modelHarness(b.open)
			h.Names = names
			all := results(t, h, func(name string) bool { return !strings.HasPrefix(name, "MUST/IDs/a") })
			if got := failures(all); !slices.Equal(got, test.want) {
				t.Errorf("failed are %q, want %q", got, test.want)
			}
		})
	}
}
