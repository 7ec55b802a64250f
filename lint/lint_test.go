package lint_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/lukko-dev/lukko/lint"
)

// everything is all analyzers as one, so that the programs are loaded once.
var everything = &analysis.Analyzer{
	Name:     "everything",
	Doc:      "reports what the analyzers of lint report",
	Requires: repeated,
	Run: func(pass *analysis.Pass) (any, error) {
		for _, a := range repeated {
			for _, d := range pass.ResultOf[a].([]analysis.Diagnostic) {
				pass.Report(d)
			}
		}
		return nil, nil
	},
}

// repeated are analyzers that return what those of lint report.
var repeated = func() (list []*analysis.Analyzer) {
	for _, a := range lint.Analyzers {
		b := *a
		b.Name = "repeated" + a.Name
		b.ResultType = reflect.TypeFor[[]analysis.Diagnostic]()
		b.Run = func(pass *analysis.Pass) (any, error) {
			inner := *pass
			inner.Analyzer = a
			found := []analysis.Diagnostic{}
			inner.Report = func(d analysis.Diagnostic) { found = append(found, d) }
			_, err := a.Run(&inner)
			return found, err
		}
		list = append(list, &b)
	}
	return list
}()

func TestRulesFindWhatIsWrongAndNothingElse(t *testing.T) {
	dir := program(t)
	results := analysistest.RunWithSuggestedFixes(t, dir, everything, "./...")
	if len(results) < 14 {
		t.Errorf("%d packages were looked at, want those of testdata/shop", len(results))
	}
	found := map[string]bool{}
	for _, r := range results {
		for _, d := range r.Diagnostics {
			found[d.Category] = true
		}
	}
	want := []string{lint.Allow, lint.Dynamic, lint.PlainString, lint.RequestPath, lint.Revealed, lint.Undeclared, lint.Unread}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
		t.Errorf("rules that found something: %q, want %q", got, want)
	}
}
