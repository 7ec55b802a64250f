package providertest_test

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// witness is a test that another test watches.
type witness struct {
	testing.TB
	said     strings.Builder
	failed   bool
	cleanups []func()
}

func (w *witness) Helper()                   {}
func (w *witness) Failed() bool              { return w.failed }
func (w *witness) Cleanup(f func())          { w.cleanups = append(w.cleanups, f) }
func (w *witness) Logf(f string, a ...any)   { fmt.Fprintf(&w.said, f+"\n", a...) }
func (w *witness) Error(a ...any)            { w.Errorf("%s", fmt.Sprint(a...)) }
func (w *witness) Errorf(f string, a ...any) { w.Logf(f, a...); w.failed = true }
func (w *witness) Fatalf(f string, a ...any) { w.Errorf(f, a...); runtime.Goexit() }

// wantFailure fails if a check does not fail, or does not say why.
func wantFailure(t *testing.T, says string, check func(testing.TB)) {
	t.Helper()
	if w := watch(t, check); !w.failed || !strings.Contains(w.said.String(), says) {
		t.Errorf("failed is %t, want %q in what it said: %s", w.failed, says, w.said.String())
	}
}

func wantNoFailure(t *testing.T, check func(testing.TB)) {
	t.Helper()
	if w := watch(t, check); w.failed {
		t.Errorf("failed, and said: %s", w.said.String())
	}
}

func watch(t *testing.T, check func(testing.TB)) *witness {
	t.Helper()
	w := &witness{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(w)
		for _, f := range w.cleanups {
			f()
		}
	}()
	<-done
	return w
}

func TestUntilFailsInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		wantNoFailure(t, func(tb testing.TB) {
			providertest.Until(tb, "it is so", func() bool { asked++; return asked == 3 })
		})
		wantFailure(t, "in vain until it is so", func(tb testing.TB) {
			providertest.Until(tb, "it is so", func() bool { return false })
		})
	})
}

type closer struct{ err error }

func (c closer) Close() error { return c.err }

func TestClosedFailsIfTheStoreDoes(t *testing.T) {
	t.Parallel()
	wantNoFailure(t, func(tb testing.TB) { providertest.Closed(tb, closer{}) })
	wantFailure(t, io.ErrClosedPipe.Error(), func(tb testing.TB) { providertest.Closed(tb, closer{io.ErrClosedPipe}) })
}

func TestCanariesDiffer(t *testing.T) {
	t.Parallel()
	if a, b := providertest.Canary(), providertest.Canary(); a == b || !strings.HasPrefix(a, "CANARY-") {
		t.Error("two canaries are the same, or have no mark")
	}
}

const (
	small = `package main

func main() { println("small") }
`
	large = `package main

import "fmt"

func main() { fmt.Println("large") }
`
)

func TestLittleLargerFailsForALargeProgram(t *testing.T) {
	t.Parallel()
	wantNoFailure(t, func(tb testing.TB) { providertest.LittleLarger(tb, small, small) })
	wantNoFailure(t, func(tb testing.TB) { providertest.LittleLarger(tb, large, small) })
	wantFailure(t, "more than 10 % above", func(tb testing.TB) { providertest.LittleLarger(tb, small, large) })
	wantFailure(t, "go build", func(tb testing.TB) { providertest.LittleLarger(tb, small, "no program") })
}

func TestReaderIsAProgramOverTheProvider(t *testing.T) {
	t.Parallel()
	text := providertest.Reader("providers/env", "env:?prefix=A")
	if _, err := parser.ParseFile(token.NewFileSet(), "main.go", text, parser.AllErrors); err != nil {
		t.Error(err)
	}
	for _, part := range []string{`_ "github.com/lukko-dev/lukko/providers/env"`, `core.Open(ctx, "env:?prefix=A")`} {
		if !strings.Contains(text, part) {
			t.Errorf("the program lacks %s", part)
		}
	}
}

func TestLinksOnlyFailsForOthersAndForAListWithoutTheProvider(t *testing.T) {
	t.Parallel()
	wantFailure(t, "the provider links internal/providertest\n", func(tb testing.TB) { providertest.LinksOnly(tb, "providers/env") })
	wantFailure(t, "the provider links internal/providertest\n", func(tb testing.TB) { providertest.LinksOnly(tb, "internal/provider") })
	// This package alone doesn't link core, as each provider does.
	wantFailure(t, `lacks what must be in it: ["internal/providertest"]`, func(tb testing.TB) { providertest.LinksOnly(tb, "internal/providertest") })
}

func TestGoroutinesAreThoseThatWorkHasStarted(t *testing.T) {
	t.Parallel()
	mine, others := providertest.NewGoroutines(), providertest.NewGoroutines()
	stop := make(chan struct{})
	mine.Do(func() { go func() { <-stop }() })
	if stacks := mine.Stacks(); len(stacks) != 1 || !strings.Contains(stacks[0], "TestGoroutinesAreThose") {
		t.Errorf("stacks: %q", stacks)
	}
	wantNoFailure(t, others.WantNone)
	close(stop)
	wantNoFailure(t, mine.WantNone)
}

func TestWantNoneFailsForAGoroutineThatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mine := providertest.NewGoroutines()
		stop := make(chan struct{})
		mine.Do(func() { go func() { <-stop }() })
		wantFailure(t, "goroutines are left, such as\n1 @", mine.WantNone)
		close(stop)
	})
}

func TestWithinTellsHowLateACallIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, took := range []time.Duration{time.Second, 3 * time.Second} {
			late, err := providertest.Within(2*time.Second, func(ctx context.Context) error {
				time.Sleep(took)
				return ctx.Err()
			})
			if late != took-2*time.Second || errors.Is(err, context.DeadlineExceeded) != (late > 0) {
				t.Errorf("a call of %v: %v late, %v", took, late, err)
			}
		}
	})
}

func TestWrongSeesKindsAndContexts(t *testing.T) {
	t.Parallel()
	kind := errors.New("a kind")
	plain, timeout, canceled := fmt.Errorf("%w", kind), fmt.Errorf("%w: %w", kind, context.DeadlineExceeded), fmt.Errorf("%w: %w", kind, context.Canceled)
	for _, c := range []struct {
		err, kind, want error
		hung, right     bool
	}{
		{plain, kind, kind, false, true},
		{timeout, kind, kind, true, true},
		{context.DeadlineExceeded, nil, nil, true, true},
		{nil, nil, nil, false, false},
		{nil, nil, kind, true, false},
		{plain, kind, nil, false, false},
		{plain, nil, kind, false, false},
		{plain, kind, kind, true, false},
		{timeout, kind, kind, false, false},
		{canceled, kind, kind, false, false},
		{canceled, kind, kind, true, false},
	} {
		if wrong := providertest.Wrong(c.err, c.kind, c.want, c.hung); (wrong == "") != c.right {
			t.Errorf("%v of kind %v, want %v, hung %t: %q", c.err, c.kind, c.want, c.hung, wrong)
		}
	}
}

func TestTogetherRunsAllAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) { // which ends the test if one waits for the other in vain
		met := make(chan struct{})
		providertest.Together([]bool{true, false}, func(first bool) {
			if first {
				met <- struct{}{}
			} else {
				<-met
			}
		})
	})
}

func TestOnTimeFailsForWhatIsLateThreeTimes(t *testing.T) {
	t.Parallel()
	ops := []string{"get", "set", "list"}
	name := func(op string) string { return op }
	var met [][]string
	lateUntil := func(round int) func(testing.TB) {
		met = nil
		return func(tb testing.TB) {
			providertest.OnTime(tb, ops, name, func(ops []string) []string {
				if met = append(met, ops); len(met) >= round {
					return nil
				}
				return []string{"set"}
			})
		}
	}
	wantNoFailure(t, lateUntil(3))
	if want := [][]string{ops, {"set"}, {"set"}}; !slices.EqualFunc(met, want, slices.Equal) {
		t.Errorf("met %q, want %q", met, want)
	}
	wantFailure(t, "set: ended more than 100ms after its caller's deadline, three times", lateUntil(4))
	if len(met) != 3 {
		t.Errorf("met %d times, want 3", len(met))
	}
	rounds := 0
	wantFailure(t, "broken", func(tb testing.TB) {
		providertest.OnTime(tb, ops, name, func([]string) []string { rounds++; tb.Errorf("broken"); return ops })
	})
	if rounds != 1 {
		t.Errorf("met %d times what failed, want once", rounds)
	}
}

func TestWavesAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g providertest.Gate
		passed := make(chan error, 10)
		hold := func(ctx context.Context, n int) {
			for range n {
				go func() { passed <- g.Hold(ctx) }()
			}
			synctest.Wait()
		}
		hold(t.Context(), 3)
		if len(passed) != 0 {
			t.Error("a request passed before the gate was opened")
		}
		wantNoFailure(t, func(tb testing.TB) { g.Wave(tb, 3) })
		for range 3 {
			if err := <-passed; err != nil {
				t.Error(err)
			}
		}
		hold(t.Context(), 3)
		wantFailure(t, "3 requests in flight, want 2", func(tb testing.TB) { g.Wave(tb, 2) })
		for range 3 {
			<-passed
		}
		wantFailure(t, "in vain", func(tb testing.TB) { g.Wave(tb, 1) })

		ctx, cancel := context.WithCancel(t.Context())
		hold(ctx, 1)
		cancel()
		if err := <-passed; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
