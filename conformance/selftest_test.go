package conformance

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// The suite's own test: right stores raise no alarm, and each broken one
// fails the cases that its golden list names.

var update = flag.Bool("update", false, "write testdata/broken.txt anew; the test still fails if that changes it, and says how")

func TestMain(m *testing.M) {
	// What a broken backend logs is a made-up value, but no example to set.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// results runs the suite without a testing.T of its own; the cases that skip
// names are left out.
func results(t *testing.T, h Harness, skip func(name string) bool) map[string]Result {
	s := &suite{harness: h, patience: 3 * time.Second}
	defer watchLogs(&s.ledger)()
	all := map[string]Result{}
	for _, c := range Cases() {
		if skip == nil || !skip(c.Name) {
			all[c.Name] = s.waive(s.try(context.WithoutCancel(t.Context()), t, c))
		}
	}
	return all
}

// slow are the cases that take most of the suite's time. Unless LUKKO_TRIAL is
// set they are left out where the golden list does not name them.
var slow = []string{
	"MUST/Close/under-load",
	"MUST/Close/waits-for-calls-in-flight",
	"MUST/Goroutines/calls-leave-none-behind",
	"MUST/IfAbsent/one-winner",
	"MUST/IfAbsent/one-winner-after-a-delete",
	"MUST/IfVersion/one-winner",
	"MUST/List/pages-past-1000",
	"MUST/Store/conditions-hold-across-connections",
}

func failures(all map[string]Result) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Outcome == Failed {
			names = append(names, name)
		}
	}
	return names
}

// modelHarness is a harness over a model; what is tested is made of it.
func modelHarness(open func(*model) Subject) Harness {
	return Harness{Open: func(testing.TB) Subject {
		m := newModel()
		s := open(m)
		h := m.hooks()
		h.Service, h.Backend, h.Provider = s.Service, s.Backend, s.Provider
		h.Second, h.Reopen, h.Logs = s.Second, s.Reopen, s.Logs
		if s.Second == nil {
			h.Second = func() (core.SecretService, error) {
				return core.New("model", &model{disk: m.disk, claims: m.claims}), nil
			}
		}
		if s.Reopen == nil {
			h.Reopen = func() (core.SecretService, error) {
				return core.New("model", &model{disk: m.disk, claims: m.claims}), nil
			}
		}
		return h
	}}
}

func TestRightStoresRaiseNoAlarm(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*model) Subject{
		"the model":                     func(m *model) Subject { return Subject{Backend: m} },
		"a service made without New":    func(m *model) Subject { return Subject{Service: whole(m)} },
		"Prefix over one without New":   func(m *model) Subject { return Subject{Service: core.Prefix(whole(m), "")} },
		"a store that rewrites objects": storing("", "", rewriteObject).open,
		"the model, patched in nothing": func(m *model) Subject { return Subject{Backend: &patched{model: m}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range results(t, modelHarness(open), nil) {
				if r.Outcome == Failed {
					t.Errorf("%s failed: %s", r.Case.Name, strings.Join(r.Failures, "; "))
				}
			}
		})
	}
}

// golden is the list of what each broken store must and may fail.
type golden map[string]*expected

type expected struct{ must, may []string }

const goldenFile = "testdata/broken.txt"

const goldenHeader = `# What each broken store of the suite's own test fails: always (must), and
# sometimes (may), as a race may end well, or as one fault shows in several
# places. Written by go test -run TestBrokenStores -update; read the difference.
`

func readGolden(t *testing.T) golden {
	t.Helper()
	g := golden{}
	data, err := os.ReadFile(goldenFile)
	if os.IsNotExist(err) {
		return g
	}
	if err != nil {
		t.Fatal(err)
	}
	var at *expected
	for i, line := range strings.Split(string(data), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
		case len(fields) == 1:
			at = &expected{}
			g[fields[0]] = at
		case len(fields) == 2 && at != nil && fields[0] == "must":
			at.must = append(at.must, fields[1])
		case len(fields) == 2 && at != nil && fields[0] == "may":
			at.may = append(at.may, fields[1])
		default:
			t.Fatalf("%s:%d: want a name, or must or may and a case", goldenFile, i+1)
		}
	}
	return g
}

func (g golden) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString(goldenHeader)
	for _, name := range slices.Sorted(maps.Keys(g)) {
		fmt.Fprintf(&b, "\n%s\n", name)
		for _, c := range g[name].must {
			fmt.Fprintf(&b, "\tmust %s\n", c)
		}
		for _, c := range g[name].may {
			fmt.Fprintf(&b, "\tmay %s\n", c)
		}
	}
	if err := os.WriteFile(goldenFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenStores(t *testing.T) {
	t.Parallel()
	want := readGolden(t)
	if *update {
		updateGolden(t, want)
		return
	}
	names := map[string]bool{}
	for _, b := range broken {
		if names[b.name] {
			t.Errorf("two broken stores are called %s", b.name)
		}
		names[b.name] = true
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			list := want[b.name]
			if list == nil {
				t.Fatalf("%s has no entry in %s", b.name, goldenFile)
			}
			if !slices.Contains(list.must, b.aim) {
				t.Errorf("%s is made to fail %s, and its golden list does not say that it must", b.name, b.aim)
			}
			all := b.results(t, list)
			failed := failures(all)
			for _, c := range list.must {
				if !slices.Contains(failed, c) {
					t.Errorf("missing: %s must fail %s, and it is %q %s", b.name, c, all[c].Outcome, all[c].Reason)
				}
			}
			for _, c := range failed {
				if !slices.Contains(list.must, c) && !slices.Contains(list.may, c) {
					t.Errorf("extra: %s fails %s, which its golden list does not name: %s", b.name, c, strings.Join(all[c].Failures, "; "))
				}
			}
		})
	}
	for name, list := range want {
		if !names[name] {
			t.Errorf("%s names %s, and there is no such broken store", goldenFile, name)
		}
		for _, c := range slices.Concat(list.must, list.may) {
			if _, ok := byName(c); !ok {
				t.Errorf("%s: %s names %s, and there is no such case", goldenFile, name, c)
			}
		}
	}
	if len(broken) < 35 {
		t.Errorf("there are %d broken stores; want at least 35", len(broken))
	}
}

// updateGolden runs each broken store several times. What is new or gone is
// reported as a failure, so that nothing is added without a word; a "may"
// that is there stays.
func updateGolden(t *testing.T, old golden) {
	const times = 4
	fresh := golden{}
	for _, b := range broken {
		if old[b.name] != nil {
			fresh[b.name] = old[b.name] // until it is run, as -run may choose
		}
	}
	var mu sync.Mutex
	t.Run("all", func(t *testing.T) {
		for _, b := range broken {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				count := map[string]int{}
				for range times {
					for _, c := range failures(b.results(t, nil)) {
						count[c]++
					}
				}
				e := &expected{}
				was := old[b.name]
				if was == nil {
					was = &expected{}
				}
				for _, c := range slices.Sorted(maps.Keys(count)) {
					if count[c] == times && !slices.Contains(was.may, c) {
						e.must = append(e.must, c)
					} else {
						e.may = append(e.may, c)
					}
				}
				for _, c := range was.may {
					if !slices.Contains(e.may, c) {
						e.may = append(e.may, c)
					}
				}
				slices.Sort(e.may)
				mu.Lock()
				fresh[b.name] = e
				mu.Unlock()
			})
		}
	})
	for name, e := range fresh {
		was := old[name]
		if was == nil {
			was = &expected{}
		}
		for _, c := range e.must {
			if !slices.Contains(was.must, c) {
				t.Errorf("new: %s must fail %s", name, c)
			}
		}
		for _, c := range e.may {
			if !slices.Contains(was.may, c) {
				t.Errorf("new: %s may fail %s", name, c)
			}
		}
		for _, c := range was.must {
			if !slices.Contains(e.must, c) {
				t.Errorf("gone: %s does not always fail %s any more", name, c)
			}
		}
	}
	fresh.write(t)
}

// A broken store has one fault that a real author would make.
type brokenStore struct {
	name string
	// aim is the case that is there to find it.
	aim  string
	open func(*model) Subject
	// only limits the run to cases whose name begins so, for a fault that is a
	// data race as well: the race detector would stop this test, too.
	only string
}

// results runs the cases; list is what is known of it, nil to run them all.
func (b brokenStore) results(t *testing.T, list *expected) map[string]Result {
	return results(t, modelHarness(b.open), func(name string) bool {
		return !strings.HasPrefix(name, b.only) || list != nil && os.Getenv("LUKKO_TRIAL") == "" &&
			slices.Contains(slow, name) && !slices.Contains(list.must, name) && !slices.Contains(list.may, name)
	})
}
