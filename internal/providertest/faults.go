package providertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

const (
	// HangLimit is the deadline of a call that nothing but its deadline ends.
	HangLimit = 400 * time.Millisecond

	// FailLimit is the deadline of a call that has to fail, or to work, by itself.
	FailLimit = 20 * time.Second

	// Overtime is how long after its caller's deadline a call may end.
	Overtime = 100 * time.Millisecond
)

// Within makes a call with a deadline, and returns how long after it the call
// ended; less than zero: before.
func Within(limit time.Duration, call func(context.Context) error) (late time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	deadline, _ := ctx.Deadline()
	err = call(ctx)
	return time.Since(deadline), err
}

// Wrong says what is wrong with the error of a call that met a fault; nothing, if
// it is the right one. kind is the error's, want the kind that it should have (nil:
// none), and hung whether the caller's deadline had to end the call: the error tells
// that it did then, and only then.
func Wrong(err, kind, want error, hung bool) string {
	switch {
	case err == nil:
		return "no error"
	case kind != want: //nolint:errorlint // a kind is the sentinel itself
		return fmt.Sprintf("%v; want the kind %v", err, want)
	case hung != errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Sprintf("%v; want a context's error if, and only if, the caller's context has ended", err)
	}
	return ""
}

// Together does work for all at the same time.
func Together[T any](all []T, work func(T)) {
	var running sync.WaitGroup
	for _, x := range all {
		running.Go(func() { work(x) })
	}
	running.Wait()
}

// OnTime lets operations meet a fault, and again those that ended more than
// [Overtime] after their caller's deadline, which meet returns: a machine that is busy
// may be the reason once. It fails the test for those that were late three times.
func OnTime[Op any](t testing.TB, ops []Op, name func(Op) string, meet func([]Op) (late []Op)) {
	t.Helper()
	for range 3 {
		if ops = meet(ops); len(ops) == 0 || t.Failed() {
			return
		}
	}
	for _, op := range ops {
		t.Errorf("%s: ended more than %v after its caller's deadline, three times", name(op), Overtime)
	}
}
