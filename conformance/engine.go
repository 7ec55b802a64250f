package conformance

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// A suite is one Run or one Check: what all its trials share.
type suite struct {
	harness Harness
	live    *live // nil in Run
	ledger  ledger
	// patience is how long a call may take that should end at once; 0 means
	// defaultPatience.
	patience time.Duration
}

// live is what Check knows.
type live struct {
	svc     *guard
	caps    core.Capabilities
	prefix  string
	full    bool
	secrets int          // that all cases share
	turns   atomic.Int64 // full: how often one of those was taken
	counter atomic.Int64 // of fresh ids
	rounds  atomic.Int64 // of everyPath
}

const defaultTimeout = time.Minute

func (s *suite) timeout() time.Duration {
	if s.harness.Timeout > 0 {
		return s.harness.Timeout
	}
	return defaultTimeout
}

// labels tells the goroutines of trials apart, also of suites that run at the
// same time.
var labels atomic.Int64

const labelKey = "lukko-conformance"

// try runs one case. tb is for the harness's Open; it is nil in a live check.
func (s *suite) try(ctx context.Context, tb testing.TB, c Case) Result {
	start := time.Now()
	t := &trial{
		suite: s, c: c, marks: newMarks(), slots: map[string]string{},
		label: strconv.FormatInt(labels.Add(1), 10),
	}
	t.svc = &guard{t: t}
	s.ledger.watch(t.marks)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.ctx = ctx

	done := make(chan struct{})
	go func() {
		defer close(done)
		t.body(tb, cancel)
	}()

	if limit, late := t.wait(ctx, cancel, done); late {
		t.errorf("the case did not end within %v; it is in %s", limit, t.svc.current())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	return Result{
		Case: c, Outcome: t.outcome(), Failures: t.failures, Reason: t.skipped, Notes: t.notes,
		Calls: int(t.svc.calls.Load()), Secrets: t.svc.written(), Took: time.Since(start),
	}
}

func (t *trial) outcome() Outcome {
	switch {
	case len(t.failures) > 0:
		return Failed
	case t.skipped != "":
		return Skipped
	default:
		return Passed
	}
}

// wait waits for the body. A body that is late gets its context cancelled,
// and then a little more time.
func (t *trial) wait(ctx context.Context, cancel func(), done <-chan struct{}) (limit time.Duration, late bool) {
	limit = t.suite.timeout()
	if t.suite.live != nil {
		limit += 10 * t.suite.live.caps.Settle
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return limit, false
	case <-ctx.Done():
	case <-timer.C:
		late = true
	}
	cancel()
	if t.ends(done) {
		return limit, late
	}
	return limit, true
}

// body opens the store, runs the case, and closes everything again.
func (t *trial) body(tb testing.TB, cancel func()) {
	pprof.SetGoroutineLabels(pprof.WithLabels(t.ctx, pprof.Labels(labelKey, t.label)))
	defer t.caught("the case")
	if l := t.suite.live; l != nil {
		t.svc, t.raw, t.caps = l.svc.forTrial(t), l.svc.svc, l.caps
	} else {
		h := &harnessTB{TB: tb, t: t}
		defer h.cleanup()
		t.sub = t.suite.harness.Open(h)
		var fault string
		if t.raw, fault = t.sub.service(); fault != "" {
			t.fatalf("%s", fault)
		}
		t.svc.svc = t.raw
		defer t.close()
		defer cancel() // so that Close need not wait for what a failed case has left
		var err error
		if t.caps, err = t.svc.Capabilities(t.ctx); err != nil {
			t.fatalf("Capabilities failed: %v", err)
		}
	}
	for _, n := range t.c.needs {
		if why := n.unmet(t); why != "" {
			t.skipf("%s", why)
		}
	}
	t.c.run(t)
}

// caught makes a failure of a panic. Its text may hold anything, so only the
// stack and the type of what was thrown are shown.
func (t *trial) caught(where string) {
	if p := recover(); p != nil {
		what := fmt.Sprintf("a %T", p)
		if err, ok := p.(interface{ RuntimeError() }); ok {
			what = err.(error).Error()
		}
		t.errorf("%s panicked with %s\n%s", where, what, debug.Stack())
	}
}

// close closes what is tested, once.
func (t *trial) close() {
	if t.closed || t.raw == nil {
		return
	}
	t.closed = true
	for _, svc := range append(t.alsoClose, t.raw) {
		if err := closeService(svc); err != nil {
			t.errorf("closing the service failed: %v", err)
		}
	}
	if t.sub.Logs != nil {
		t.suite.ledger.logged(t.sub.Logs())
	}
}
