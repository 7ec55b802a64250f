package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Run tests a backend or a service: each case is a subtest of its name. What
// does not apply is skipped with the reason.
//
// While it runs, slog's and log's default loggers are watched for values;
// what is logged is passed on as before. Run may run in parallel with other
// tests, also with other Runs.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Open == nil {
		t.Fatal("conformance: the harness has no Open")
	}
	for _, problem := range waiverProblems(h.Waive) {
		t.Error(problem)
	}
	s := &suite{harness: h}
	defer watchLogs(&s.ledger)()
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) { publish(t, s.waive(s.try(t.Context(), t, c))) })
	}
}

// publish turns a result into that of a subtest.
func publish(t *testing.T, r Result) {
	t.Helper()
	for _, note := range r.Notes {
		t.Log(strings.TrimSpace(note))
	}
	switch r.Outcome {
	case Failed:
		for _, failure := range r.Failures {
			t.Error(failure)
		}
		t.Errorf("the rule: %s", r.Case.Rule)
		t.Errorf("look at: %s", r.Case.Look)
	case Waived:
		for _, failure := range r.Failures {
			t.Log(failure)
		}
		t.Skip(r.Reason)
	case Skipped:
		t.Skip(r.Reason)
	}
}

// waive excuses a failure that the harness named with a reason.
func (s *suite) waive(r Result) Result {
	reason, ok := s.harness.Waive[r.Case.Name]
	if !ok || r.Case.Level == Must || strings.TrimSpace(reason) == "" {
		return r
	}
	switch r.Outcome {
	case Failed:
		r.Outcome, r.Reason = Waived, "waived: "+reason
	case Passed:
		r.Notes = append(r.Notes, "it passes, so the waiver can go ("+reason+")")
	}
	return r
}

// waiverProblems says what is wrong with waivers.
func waiverProblems(waivers map[string]string) (problems []string) {
	for _, name := range slices.Sorted(maps.Keys(waivers)) {
		c, ok := byName(name)
		switch {
		case !ok:
			problems = append(problems, fmt.Sprintf("conformance: a waiver names %q, and there is no such case", name))
		case c.Level == Must:
			problems = append(problems, fmt.Sprintf("conformance: %s can't be waived: a MUST holds for every backend", name))
		case strings.TrimSpace(waivers[name]) == "":
			problems = append(problems, fmt.Sprintf("conformance: the waiver of %s has no reason", name))
		}
	}
	return problems
}
