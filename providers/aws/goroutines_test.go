package aws_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
)

// A goroutine inherits the labels of the one that starts it, those of
// connections too: so a test knows its own among those of all others.
type goroutines struct{ name string }

const goroutineLabel = "lukko-aws-test"

func label(testing.TB) goroutines { return goroutines{rand.Text()} }

// do runs work, whose goroutines are counted.
func (g goroutines) do(work func()) {
	pprof.Do(context.Background(), pprof.Labels(goroutineLabel, g.name), func(context.Context) { work() })
}

// stacks returns the stacks of those that run.
func (g goroutines) stacks() []string {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	mine := fmt.Sprintf("%q:%q", goroutineLabel, g.name)
	var stacks []string
	for group := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(group, "# labels:") && strings.Contains(group, mine) {
			stacks = append(stacks, strings.TrimSpace(group))
		}
	}
	return stacks
}

// wantNone waits until none runs, since a connection's take a moment to end.
func (g goroutines) wantNone(t *testing.T) {
	t.Helper()
	var left []string
	defer func() {
		if t.Failed() && len(left) > 0 {
			t.Logf("goroutines are left, such as\n%s", left[0])
		}
	}()
	until(t, func() bool {
		left = g.stacks()
		return len(left) == 0
	})
}
