package gcptest

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Fault is something that goes wrong with some calls. Of Wait, Cut and Status
// any may be set; they happen in this order.
type Fault struct {
	Method   string // such as AccessSecretVersion; empty for every method
	Resource string // a pattern of path.Match on the resource as the request writes it; empty for every one

	Nth   int // the matching call that is the first to be hit, from 1; 0 means 1
	Times int // how many matching calls are hit from there; 0 means 1, a negative number all

	After bool // strike once the call has had its effect, so that only its answer is lost

	Wait   <-chan struct{} // hold the call until this is closed, or until its caller gives up
	Cut    bool            // cut the connection that the call came on
	Status *status.Status  // answer with this, details and all, instead of what came of the call
}

// Injected is a fault at work. It is safe for concurrent use.
type Injected struct {
	fault   Fault
	faults  *faults
	seen    int // matching calls
	hits    int
	reached chan struct{}
}

type faults struct {
	mu  sync.Mutex
	all []*Injected
}

// Inject puts a fault to work. Faults that match the same call strike in the
// order of their injection. It panics on a malformed pattern.
func (s *Server) Inject(f Fault) *Injected {
	mustPattern(f.Resource)
	i := &Injected{fault: f, faults: &s.faults, reached: make(chan struct{})}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.all = append(s.faults.all, i)
	return i
}

// Remove ends the fault. Calls that wait in it go on waiting.
func (i *Injected) Remove() {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	i.faults.all = slices.DeleteFunc(i.faults.all, func(other *Injected) bool { return other == i })
}

// Hits is the number of calls that the fault has struck so far, or is to strike
// after their effect.
func (i *Injected) Hits() int {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	return i.hits
}

// Reached is closed when the fault strikes for the first time, before it waits
// or answers: a test waits for it in place of sleeping.
func (i *Injected) Reached() <-chan struct{} {
	return i.reached
}

// hits are the faults that strike the call, which counts as seen by all that
// match it.
func (f *faults) hits(method, resource string) []*Injected {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hit []*Injected
	for _, i := range f.all {
		if !matches(i.fault.Method, i.fault.Resource, method, resource) {
			continue
		}
		i.seen++
		first := max(i.fault.Nth, 1)
		last := first + max(i.fault.Times, 1) - 1
		if i.seen < first || i.fault.Times >= 0 && i.seen > last {
			continue
		}
		i.hits++
		hit = append(hit, i)
	}
	return hit
}

// strike does what the fault does to a call.
func (i *Injected) strike(ctx context.Context, conns *conns) error {
	i.faults.mu.Lock()
	select {
	case <-i.reached:
	default:
		close(i.reached)
	}
	i.faults.mu.Unlock()
	if i.fault.Wait != nil {
		if err := wait(ctx, i.fault.Wait); err != nil {
			return status.FromContextError(err).Err()
		}
	}
	if i.fault.Cut {
		conns.cut(ctx)
		return status.Error(codes.Unavailable, "gcptest: the connection was cut")
	}
	return i.fault.Status.Err()
}
