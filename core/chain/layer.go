package chain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const (
	// OpenTimeout is how long the Open of a layer may take.
	OpenTimeout = 30 * time.Second

	// OpenPause is how long the failure of an Open stands, so that a layer
	// that is down costs one attempt in that time and not one a call.
	OpenPause = 5 * time.Second
)

// layer is a Layer at work.
type layer struct {
	name string
	open func(context.Context) (core.SecretService, error) // nil if the service was given

	service atomic.Pointer[core.SecretService] // nil until it is open

	mu      sync.Mutex // guards what follows; not held while open runs
	attempt *attempt   // in progress; nil if none is
	failure error      // the last one
	retry   time.Time  // when it is tried again
}

// attempt is one run of open. Its result is set before done is closed.
type attempt struct {
	ctx    context.Context // ends when the time of the attempt is over
	cancel context.CancelFunc
	done   chan struct{}
	svc    core.SecretService
	err    error
}

func newLayer(c Layer) *layer {
	l := &layer{name: c.Name, open: c.Open}
	if c.Service != nil {
		l.service.Store(&c.Service)
	}
	return l
}

// use returns the service, and opens it where that has not been done.
func (l *layer) use(ctx context.Context) (core.SecretService, error) {
	if svc := l.service.Load(); svc != nil {
		return *svc, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err // nothing begins after the end of a context
	}
	a, err := l.join()
	if a == nil {
		if svc := l.service.Load(); err == nil && svc != nil {
			return *svc, nil
		}
		return nil, err
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-a.ctx.Done():
		select {
		case <-a.done:
		default: // open does not obey its context
			return nil, &core.Error{Op: "open", Kind: core.ErrUnavailable, Hint: tooLong}
		}
	}
	return a.svc, a.err
}

// join returns the attempt in progress, or a new one. It returns none if the
// layer is open by now, or with the error if it may not be opened.
func (l *layer) join() (*attempt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.service.Load() != nil:
		return nil, nil
	case l.attempt != nil:
		return l.attempt, nil
	case l.failure != nil && time.Now().Before(l.retry):
		return nil, l.failure
	}
	a := &attempt{done: make(chan struct{})}
	a.ctx, a.cancel = context.WithTimeout(context.Background(), OpenTimeout)
	l.attempt = a
	go l.run(a) // close waits for it
	return a, nil
}

// run opens the layer. It ends the attempt also when open panics or ends its
// goroutine, as a failed test does, so that nobody waits for ever.
func (l *layer) run(a *attempt) {
	a.err = &core.Error{Op: "open", Kind: core.ErrUnavailable, Hint: "Open did not return"}
	defer func() {
		l.mu.Lock()
		l.attempt = nil
		if a.err == nil {
			l.service.Store(&a.svc)
		} else {
			l.failure, l.retry = a.err, time.Now().Add(OpenPause)
		}
		l.mu.Unlock()
		close(a.done)
		a.cancel() // after done, so that nobody takes it for the end of the time
	}()
	svc, err := l.open(a.ctx)
	switch {
	case err != nil:
		a.err = openFault(a.ctx, err)
	case svc == nil:
		a.err = &core.Error{Op: "open", Kind: core.ErrInvalidOption, Hint: "Open returned neither a service nor an error"}
	default:
		a.svc, a.err = svc, nil
	}
}

var tooLong = "it could not be opened within " + OpenTimeout.String()

// openFault is what a failed open says to those who read and write ids.
func openFault(ctx context.Context, err error) error {
	e := core.Error{Op: "open", Kind: core.KindOf(err)}
	if below, ok := err.(*core.Error); ok { //nolint:errorlint // what wraps one has no meaning here
		e.Provider, e.Code, e.RequestID, e.Hint = below.Provider, below.Code, below.RequestID, below.Hint
	} else {
		e.Hint = fmt.Sprintf("it could not be opened; an error of type %T", err)
	}
	switch e.Kind { //nolint:errorlint // kinds are the sentinels themselves
	case nil:
		e.Kind = core.ErrUnavailable
		if ctx.Err() != nil {
			e.Hint = tooLong
		}
	case core.ErrNotFound, core.ErrIndeterminate:
		// It is the store that is not there. Of an id it says nothing.
		e.Kind = core.ErrUnavailable
	case errors.ErrUnsupported:
		// Nor is it a capability that a layer lacks and a list goes on without.
		e.Kind = core.ErrInvalidOption
	}
	return &e
}

// close ends an attempt in progress, waits for it, and closes what open has
// opened. Nobody is in a call, so no other attempt can begin.
func (l *layer) close() error {
	if l.open == nil {
		return nil
	}
	l.mu.Lock()
	a := l.attempt
	l.mu.Unlock()
	if a != nil {
		a.cancel() // nobody waits for it any more
		<-a.done
	}
	svc := l.service.Load()
	if svc == nil {
		return nil
	}
	if closer, ok := (*svc).(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// gate counts those who are in a call that the front does not know of.
type gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// enter reports whether the gate is open; then the caller must leave.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside.Add(1)
	return true
}

func (g *gate) leave() { g.inside.Done() }

// close shuts the gate and waits until nobody is in.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.inside.Wait()
}
