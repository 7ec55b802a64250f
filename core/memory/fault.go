package memory

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is a way in which a backend fails. Its fields ID, Op and Times say
// which calls it hits; the others what happens to them. Of several faults that
// hit a call the delays add up, and the first error is the answer.
//
//	deny an id         Fault{ID: "A", Err: core.ErrPermissionDenied}
//	be unavailable     Fault{Err: core.ErrUnavailable}
//	be slow            Fault{Delay: time.Second}
//	lose an answer     Fault{Op: "set", Times: 1, Cut: memory.CutAfter}
//	cut in flight      Fault{Op: "set", Cut: memory.CutAfter, Delay: time.Hour}, and end the context
type Fault struct {
	// ID is the id that is hit; empty is every one. A fault of one id makes
	// that id alone fail in a batch and in a list.
	ID string

	// Op is the operation that is hit: "get" (also of many), "stat", "set",
	// "delete", "list" or "versions"; empty is every one.
	Op string

	// Times is how often the fault hits before it removes itself; 0 is
	// without end.
	Times int

	// Delay is how long the call takes, or until its context ends. A context
	// that ends is then the answer; of a write it is ErrIndeterminate beside
	// it, as the caller of a real backend can't know.
	Delay time.Duration

	// Hold keeps the call until the channel is closed, or until its context
	// ends, in the same way; nil keeps none. Config.OnCall tells when a call
	// has come so far.
	Hold <-chan struct{}

	// Err is the answer of the call, which changes nothing. The front reads
	// it as that of any backend.
	Err error

	// Cut loses the answer of a write. Its Delay or Hold, if any, comes where
	// the answer would be on its way. The error matches ErrIndeterminate, and the
	// context's error if the context has ended. Reads are not cut.
	Cut Cut
}

// Cut says at which side of a write its connection is cut.
type Cut int

const (
	// NotCut is a whole connection.
	NotCut Cut = iota
	// CutBefore is cut on the way in: nothing is written.
	CutBefore
	// CutAfter is cut on the way back: the write has happened.
	CutAfter
)

// Inject makes the store fail, until remove is called. Remove may be called
// more than once.
func (s *Store) Inject(f Fault) (remove func()) { return s.backend.faults.add(f) }

// errCut is of no kind, so that the front makes ErrIndeterminate of it.
var errCut = errors.New("the answer of the write was lost")

// faults are those of a store. Without any, which is the common case, one
// atomic load is all that a call pays.
type faults struct {
	some atomic.Bool
	mu   sync.Mutex
	list []*Fault
}

func (fs *faults) add(f Fault) (remove func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	kept := &f
	fs.list = append(fs.list, kept)
	fs.some.Store(true)
	return func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.drop(kept)
	}
}

// drop removes a fault; the lock is held.
func (fs *faults) drop(f *Fault) {
	fs.list = slices.DeleteFunc(fs.list, func(other *Fault) bool { return other == f })
	fs.some.Store(len(fs.list) > 0)
}

// take returns the faults that hit a call, and counts them. item tells that
// the call as a whole has been looked at, so only faults of the id count.
func (fs *faults) take(op, id string, item bool) (hits []Fault) {
	if !fs.some.Load() {
		return nil
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range slices.Clone(fs.list) {
		if f.Op != "" && f.Op != op || f.ID != "" && f.ID != id || item && f.ID == "" {
			continue
		}
		if f.Cut != NotCut && op != "set" && op != "delete" {
			continue
		}
		hits = append(hits, *f)
		if f.Times == 1 {
			fs.drop(f)
		} else if f.Times > 1 {
			f.Times--
		}
	}
	return hits
}

// before is what happens to a read before it reads. For a call on several ids
// id is empty, and the faults of single ids are left to beforeItem.
func (fs *faults) before(ctx context.Context, op, id string) error {
	return suffer(ctx, fs.take(op, id, false))
}

// beforeItem is what happens to one id of a batch or a list.
func (fs *faults) beforeItem(ctx context.Context, op, id string) error {
	return suffer(ctx, fs.take(op, id, true))
}

func suffer(ctx context.Context, hits []Fault) error {
	for _, f := range hits {
		if err := f.wait(ctx); err != nil {
			return err
		}
		if f.Err != nil {
			return f.Err
		}
	}
	return nil
}

// write runs a write under the faults that hit it.
func (fs *faults) write(ctx context.Context, op, id string, do func() error) error {
	hits := fs.take(op, id, false)
	cut := slices.IndexFunc(hits, func(f Fault) bool { return f.Cut != NotCut })
	if cut < 0 {
		if err := suffer(ctx, hits); err != nil {
			return err
		}
		return do()
	}
	if err := suffer(ctx, slices.Delete(slices.Clone(hits), cut, cut+1)); err != nil {
		return err
	}
	if hits[cut].Cut == CutAfter {
		// The answer is lost whatever it was, a conflict too.
		_ = do()
	}
	if err := hits[cut].wait(ctx); err != nil {
		return err
	}
	return errCut
}

// wait takes its time, or until the context ends. If both come at once it is
// the context's end, since nothing begins after that.
func (f *Fault) wait(ctx context.Context) error {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-ctx.Done():
		}
	}
	if f.Delay > 0 || f.Hold != nil {
		return ctx.Err()
	}
	return nil
}
