package conformance

import (
	"fmt"
	"runtime"
	"testing"
)

// harnessTB is the testing.TB that the harness's Open gets. Failures become
// the case's, and cleanups run when the case ends, so that the suite can look
// at what is left afterwards.
type harnessTB struct {
	testing.TB
	t        *trial
	cleanups []func()
}

func (h *harnessTB) cleanup() {
	for len(h.cleanups) > 0 {
		last := len(h.cleanups) - 1
		f := h.cleanups[last]
		h.cleanups = h.cleanups[:last]
		f()
	}
	if h.t.afterwards != nil {
		h.t.afterwards()
	}
}

func (h *harnessTB) Cleanup(f func()) { h.cleanups = append(h.cleanups, f) }
func (h *harnessTB) Helper()          {}
func (h *harnessTB) Name() string     { return h.TB.Name() }

func (h *harnessTB) Log(args ...any)                 { h.t.notef("%s", fmt.Sprintln(args...)) }
func (h *harnessTB) Logf(format string, args ...any) { h.t.notef(format, args...) }

func (h *harnessTB) Error(args ...any) { h.t.errorf("the harness: %s", fmt.Sprintln(args...)) }
func (h *harnessTB) Errorf(format string, args ...any) {
	h.t.errorf("the harness: "+format, args...)
}
func (h *harnessTB) Fail() { h.t.errorf("the harness failed") }
func (h *harnessTB) FailNow() {
	h.Fail()
	runtime.Goexit()
}

func (h *harnessTB) Fatal(args ...any) {
	h.Error(args...)
	runtime.Goexit()
}

func (h *harnessTB) Fatalf(format string, args ...any) {
	h.Errorf(format, args...)
	runtime.Goexit()
}

func (h *harnessTB) Failed() bool {
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	return len(h.t.failures) > 0
}

func (h *harnessTB) Skip(args ...any)                 { h.t.skipf("the harness: %s", fmt.Sprintln(args...)) }
func (h *harnessTB) Skipf(format string, args ...any) { h.t.skipf("the harness: "+format, args...) }
func (h *harnessTB) SkipNow()                         { h.t.skipf("the harness skipped") }
func (h *harnessTB) Skipped() bool {
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	return h.t.skipped != ""
}
