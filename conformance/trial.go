package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// A trial is one run of one case on one store. What it finds is data, so that
// a Go test, a live check and the suite's own test share it.
type trial struct {
	suite *suite
	c     Case
	ctx   context.Context
	sub   Subject
	raw   core.SecretService // as the harness gave it
	svc   *guard             // the same, watched
	caps  core.Capabilities
	marks marks
	label string // of the goroutines that it starts

	closed     bool
	alsoClose  []core.SecretService // other connections
	afterwards func()               // runs when all is closed and cleaned up
	slots      map[string]string    // live: the shared secret that stands for a name

	mu       sync.Mutex
	over     bool // the result was taken; what comes later is too late
	failures []string
	notes    []string
	skipped  string
}

// maxFailures keeps a fault that shows a thousand times readable.
const maxFailures = 10

// errorf notes a failure and goes on. No argument may be a value.
func (t *trial) errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	switch {
	case len(t.failures) < maxFailures:
		// A leaking error is quoted like any other, so the marks go here.
		t.failures = append(t.failures, t.marks.scrub(fmt.Sprintf(format, args...)))
	case len(t.failures) == maxFailures:
		t.failures = append(t.failures, "and more")
	}
}

// fatalf notes a failure and ends the case. Only the goroutine of the case
// may call it.
func (t *trial) fatalf(format string, args ...any) {
	t.errorf(format, args...)
	runtime.Goexit()
}

// skipf ends the case without a verdict.
func (t *trial) skipf(format string, args ...any) {
	t.mu.Lock()
	t.skipped = fmt.Sprintf(format, args...)
	t.mu.Unlock()
	runtime.Goexit()
}

// notef notes what fails nothing.
func (t *trial) notef(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over && len(t.notes) < maxFailures {
		t.notes = append(t.notes, t.marks.scrub(fmt.Sprintf(format, args...)))
	}
}

// big chooses a size: a live check that is not full takes the small one.
func (t *trial) big(small, full int) int {
	if t.suite.live != nil && !t.suite.live.full {
		return small
	}
	return full
}

// An id for a purpose. Names are portable, so that every backend holds them.

// base begins every id of this check; empty on a store of the case's own.
func (t *trial) base() string {
	if t.suite.live != nil {
		return t.suite.live.prefix
	}
	return ""
}

// id is the id for a name. In a live check names stand for a few secrets that
// all cases share, as each new one may cost money or linger. A full check has
// many, and takes them in turn: some vendors bound the versions that a secret may
// get in a day.
func (t *trial) id(name string) string {
	l := t.suite.live
	if l == nil {
		return name
	}
	if _, ok := t.slots[name]; !ok {
		n := len(t.slots)
		if l.full {
			n = int(l.turns.Add(1)-1) % l.secrets
		}
		t.slots[name] = fmt.Sprintf("%sS%d", l.prefix, n)
	}
	return t.slots[name]
}

// fresh is an id that has no secret and may get one.
func (t *trial) fresh(name string) string {
	l := t.suite.live
	if l == nil {
		return "fresh_" + name
	}
	return fmt.Sprintf("%sF%d", l.prefix, l.counter.Add(1))
}

// missing is an id that never gets a secret.
func (t *trial) missing(name string) string { return t.base() + "missing_" + name }

// have stores a value of the case's own under the id of a name.
func (t *trial) have(name string) (string, core.Value) {
	id, v := t.id(name), t.marks.value()
	t.put(id, v)
	return id, v
}

// haves is have for several names.
func (t *trial) haves(names ...string) map[string]core.Value {
	all := make(map[string]core.Value, len(names))
	for _, name := range names {
		id, v := t.have(name)
		all[id] = v
	}
	return all
}

// put stores a value by whatever way there is, and ends the case where there
// is none.
func (t *trial) put(id string, v core.Value) core.Info {
	if !t.caps.Set {
		if t.sub.Seed == nil {
			t.skipf("%s", needContent.unmet(t))
		}
		t.seed(id, v)
		return core.Info{ID: id}
	}
	info, err := t.svc.Set(t.ctx, id, v)
	if err != nil {
		t.fatalf("Set(%q) failed: %v", id, err)
	}
	return info
}

// seed stores a value behind the service's back.
func (t *trial) seed(id string, v core.Value) {
	err := t.sub.Seed(id, v)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		t.skipf("the harness can't Seed this: %v", err)
	case err != nil:
		t.fatalf("the harness's Seed failed: %v", err)
	}
}

// do reports the failure of a hook.
func (t *trial) do(name string, err error) {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		t.skipf("the harness's %s can't do this: %v", name, err)
	case err != nil:
		t.fatalf("the harness's %s failed: %v", name, err)
	}
}

// eventually runs a check of what reads show. Where the service claims Settle
// it is repeated up to that long, as a read may miss a write until then.
func (t *trial) eventually(check func() (problem string)) {
	if problem := t.settle(check); problem != "" {
		t.errorf("%s", problem)
	}
}

// settle is eventually that returns the last problem.
func (t *trial) settle(check func() string) string {
	problem := check()
	if problem == "" || t.caps.Settle <= 0 {
		return problem
	}
	t.svc.polling.Store(true)
	defer t.svc.polling.Store(false)
	deadline := time.Now().Add(t.caps.Settle)
	pause := time.Millisecond
	for problem != "" && time.Now().Before(deadline) {
		timer := time.NewTimer(pause)
		select {
		case <-t.ctx.Done():
			timer.Stop()
			return problem
		case <-timer.C:
		}
		pause = min(2*pause, time.Second)
		problem = check()
	}
	return problem
}

// shown waits until reads and lists show those values, for a case that looks only
// once. It does so only where the service claims Settle, and beside the calls that a
// case may take.
func (t *trial) shown(want map[string]core.Value) {
	if t.caps.Settle <= 0 {
		return
	}
	t.svc.polling.Store(true)
	defer t.svc.polling.Store(false)
	problem := t.settle(func() string {
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if problem := t.shows(id, want[id]); problem != "" {
				return problem
			}
			if _, err := t.svc.Stat(t.ctx, id); err != nil {
				return fmt.Sprintf("Stat(%q) failed: %v", id, err)
			}
		}
		if !t.caps.List {
			return ""
		}
		infos, err := collect(t.svc.List(t.ctx, t.base()))
		if err != nil {
			return fmt.Sprintf("List failed: %v", err)
		}
		for id := range want {
			if !slices.ContainsFunc(infos, func(i core.Info) bool { return i.ID == id }) {
				return fmt.Sprintf("List does not show %q", id)
			}
		}
		return ""
	})
	if problem != "" {
		t.fatalf("within the claimed Settle, %s", problem)
	}
}

// wantValue checks that id has that value.
func (t *trial) wantValue(when, id string, want core.Value) {
	t.eventually(func() string {
		got, err := t.svc.Get(t.ctx, id)
		if err != nil {
			return fmt.Sprintf("%s: Get(%q) failed: %v", when, id, err)
		}
		if diff := difference(got.Value, want); diff != "" {
			return fmt.Sprintf("%s: Get(%q): %s", when, id, diff)
		}
		return ""
	})
}

// wantGone checks that id is not found.
func (t *trial) wantGone(when, id string) {
	t.eventually(func() string {
		_, err := t.svc.Get(t.ctx, id)
		return kindFault(fmt.Sprintf("%s: Get(%q)", when, id), err, core.ErrNotFound)
	})
}

// wantKind checks that an error is of one of those kinds.
func (t *trial) wantKind(what string, err error, kinds ...error) {
	if fault := kindFault(what, err, kinds...); fault != "" {
		t.errorf("%s", fault)
	}
}

// kindFault says why err is none of those kinds.
func kindFault(what string, err error, kinds ...error) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		if errors.Is(err, kind) {
			return ""
		}
		names[i] = kind.Error()
	}
	want := strings.Join(names, ", or ")
	if err == nil {
		return fmt.Sprintf("%s succeeded; want the error %q", what, want)
	}
	return fmt.Sprintf("%s: got the error %q; want one that matches %q", what, err, want)
}

// defaultPatience is long, since a machine under load is no fault of the
// service.
const defaultPatience = 10 * time.Second

func (t *trial) patience() time.Duration { return cmp.Or(t.suite.patience, defaultPatience) }

// ends waits for a channel, and says whether it came.
func (t *trial) ends(done <-chan struct{}) bool {
	timer := time.NewTimer(t.patience())
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// spawn runs f in a goroutine of the case. A panic there is a failure.
func (t *trial) spawn(f func()) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		defer t.caught("a call")
		f()
	}()
	return done
}
