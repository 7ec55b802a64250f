package aws

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/lukko-dev/lukko/core"
)

// effect tells whether a request may change something.
type effect bool

const (
	reads  effect = false
	writes effect = true
)

const (
	firstPause = 50 * time.Millisecond  // before the first retry; doubled for each further one
	slowPause  = 200 * time.Millisecond // the same, after a throttled attempt
	maxPause   = 5 * time.Second
)

// failure is the error of a request, after all its attempts.
type failure struct {
	err     error // what the front may believe: a *core.Error, or the caller's context's
	lost    bool  // an attempt of a write may have had its effect
	deleted bool  // the secret is scheduled for deletion
}

func (f *failure) Error() string { return f.err.Error() }

// Unwrap lets the front see what happened. A write that may have happened is
// indeterminate, whatever its last attempt met.
func (f *failure) Unwrap() error { return f.err }

// is reports whether the service's last word was of that kind.
func (f *failure) is(kind error) bool { return f != nil && errors.Is(f.err, kind) }

// ended is the error of a write for its caller: one of which an attempt
// may have had its effect is indeterminate, any other wrote nothing.
func (f *failure) ended() error {
	if !f.lost {
		return core.NotWritten(f.err)
	}
	e := &core.Error{Kind: core.ErrIndeterminate, Hint: "no answer tells what became of the write; read the secret and compare"}
	if given := (*core.Error)(nil); errors.As(f.err, &given) {
		e.Code, e.RequestID = given.Code, given.RequestID
	}
	return e
}

// operation is a method of the SDK's client, with its input.
type operation[Out any] func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*Out, error)

// invoke sends a request, and again where a failure may pass. What writes must
// have one token in all attempts, or be such that a second time does no harm.
func invoke[Out any](ctx context.Context, b *backend, r ref, e effect, do operation[Out]) (*Out, *failure) {
	within, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	var opts []func(*secretsmanager.Options)
	if r.region != "" && r.region != b.region {
		opts = append(opts, func(o *secretsmanager.Options) { o.Region = r.region })
	}
	lost := false
	for n := 0; ; n++ {
		attempt := within
		var sent atomic.Bool
		if e == writes {
			attempt = watchSending(within, &sent)
		}
		out, err := do(attempt, b.client, opts...)
		if err == nil {
			return out, nil
		}
		f := classify(err, sent.Load())
		lost = lost || bool(e) && f.unknown
		if f.passes && n < b.retries && pause(within, f, n) {
			continue
		}
		return nil, b.failed(ctx, within, f, lost)
	}
}

// pause waits before another attempt; false if that would not come in time.
func pause(ctx context.Context, f fault, n int) bool {
	base := firstPause
	if f.slow {
		base = slowPause
	}
	wait := min(base<<min(n, 10), maxPause)
	wait = wait/2 + rand.N(wait/2+1)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return false
	}
	return sleep(ctx, wait)
}

// sleep waits; false if the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// failed makes the error of a request. Where the caller's context has ended, that
// is the reason of a failure which the service has not given.
func (b *backend) failed(ctx, within context.Context, f fault, lost bool) *failure {
	said := f.err.Code != "" && !f.unknown && !f.passes
	credentials := errors.Is(f.err, core.ErrUnauthenticated)
	silent := errors.Is(endedBy(within), context.DeadlineExceeded)
	if silent && b.closeIdle != nil {
		// A connection that died without a word may have others beside it, each of
		// which would cost a call its whole time.
		b.closeIdle()
	}
	switch ended := endedBy(ctx); {
	case said:
	case ended != nil:
		return &failure{err: ended, lost: lost}
	case silent && !credentials:
		f.err = &core.Error{Kind: core.ErrUnavailable, Hint: "no answer within " + b.timeout.String()}
	}
	return &failure{err: f.err, lost: lost, deleted: f.deleted}
}
