package conformance

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Outcome is how a case ended.
type Outcome string

// The outcomes. A waived case ran and failed, and was excused by name.
const (
	Passed  Outcome = "pass"
	Failed  Outcome = "FAIL"
	Skipped Outcome = "skip"
	Waived  Outcome = "waived"
)

// Result is the outcome of one case. It holds no value.
type Result struct {
	Case    Case
	Outcome Outcome
	// Failures says what was wrong, one sentence each.
	Failures []string
	// Reason says why it was skipped or waived.
	Reason string
	// Notes are remarks that fail nothing.
	Notes []string
	// Calls and Secrets are what it took.
	Calls, Secrets int
	Took           time.Duration
}

// Report is the outcome of [Check].
type Report struct {
	// Prefix began every id that was used.
	Prefix string
	// Estimate is what was expected beforehand, at most.
	Estimate Estimate
	// Results has one entry for each case, in the order of [Cases].
	Results []Result
	// Calls and Secrets are what it took in fact, clean-up included.
	Calls, Secrets int
	// Left names the secrets that could not be removed, or of which that is
	// not known. They hold nothing but random values.
	Left []string
	// Recoverable reports that what was removed may still be recoverable: the
	// service deletes and does not claim Purge, which says either that its
	// deletes can be undone, or that they are final and leave nothing to purge.
	// Capabilities don't tell which; the provider's documentation does.
	Recoverable bool
	// Interrupted reports that the context ended first.
	Interrupted bool
}

// Estimate is what a live check takes at most, if the service is as slow to
// show a write as its reads are, that is without polling.
type Estimate struct {
	Cases, Secrets, Calls int
}

// String is the estimate in a sentence.
func (e Estimate) String() string {
	return fmt.Sprintf("%d cases, at most %d secrets and %d calls", e.Cases, e.Secrets, e.Calls)
}

// OK reports whether no case failed, all were reached, and nothing was left
// behind.
func (r Report) OK() bool {
	return r.Count(Failed) == 0 && !r.Interrupted && len(r.Left) == 0
}

// Count returns how many cases ended so.
func (r Report) Count(o Outcome) int {
	n := 0
	for _, res := range r.Results {
		if res.Outcome == o {
			n++
		}
	}
	return n
}

// WriteTo writes the report for people: what failed with its rule and what to
// look at, what was waived and skipped with the reason, and a summary.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	for _, res := range r.Results {
		fmt.Fprintf(&b, "%-6s %s\n", res.Outcome, res.Case.Name)
		if res.Reason != "" {
			fmt.Fprintf(&b, "         %s\n", res.Reason)
		}
		for _, f := range res.Failures {
			fmt.Fprintf(&b, "         %s\n", f)
		}
		for _, n := range res.Notes {
			fmt.Fprintf(&b, "         note: %s\n", n)
		}
		if res.Outcome == Failed {
			fmt.Fprintf(&b, "         rule: %s\n         look at: %s\n", res.Case.Rule, res.Case.Look)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d waived, %d skipped; %d secrets, %d calls, under the prefix %s\n",
		r.Count(Passed), r.Count(Failed), r.Count(Waived), r.Count(Skipped), r.Secrets, r.Calls, r.Prefix)
	if r.Recoverable && r.Secrets > 0 {
		b.WriteString("The service does not claim Purge: either its deletes are final, or what the check deleted can still be recovered. Its documentation says which.\n")
	}
	for _, id := range r.Left {
		fmt.Fprintf(&b, "left behind: %s\n", id)
	}
	if r.Interrupted {
		b.WriteString("The check was interrupted; what it stored was cleaned up as said above.\n")
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
