package providertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
)

// Goroutines are those of one test, known by a label of the profiler: a
// goroutine inherits the labels of the one that starts it, those of connections too.
// It is safe for concurrent use.
type Goroutines struct{ name string }

const label = "lukko-test"

// NewGoroutines returns an empty set.
func NewGoroutines() Goroutines { return Goroutines{rand.Text()} }

// Do runs work, which joins the set while it runs, with all that it starts.
func (g Goroutines) Do(work func()) {
	pprof.Do(context.Background(), pprof.Labels(label, g.name), func(context.Context) { work() })
}

// Stacks returns the stacks of those that run. Goroutines with the same stack are
// in one text, which begins with their number.
func (g Goroutines) Stacks() []string {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	mine := fmt.Sprintf("%q:%q", label, g.name)
	var stacks []string
	for group := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(group, "# labels:") && strings.Contains(group, mine) {
			stacks = append(stacks, strings.TrimSpace(group))
		}
	}
	return stacks
}

// WantNone waits until none runs, as a connection's take a moment to end.
func (g Goroutines) WantNone(t testing.TB) {
	t.Helper()
	var left []string
	defer func() {
		if len(left) > 0 {
			t.Logf("goroutines are left, such as\n%s", left[0])
		}
	}()
	Until(t, "no goroutine is left", func() bool {
		left = g.Stacks()
		return len(left) == 0
	})
}
