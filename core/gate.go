package core

import (
	"sync"
	"sync/atomic"
)

// gate counts the calls in flight, so that Close can wait for them. A counter
// in place of a RWMutex: no call ever waits for another, and nothing is
// locked while a backend runs.
type gate struct {
	n     atomic.Int64  // calls in flight, plus gateClosed
	empty chan struct{} // closed when the gate is closed and nobody is in
	once  sync.Once     // closes empty

	closing  atomic.Bool
	released chan struct{} // closed when release has returned
	err      error         // what it returned
}

// gateClosed is far above any number of calls.
const gateClosed = 1 << 62

func (g *gate) init() {
	g.empty = make(chan struct{})
	g.released = make(chan struct{})
}

// enter reports whether the gate is open; then the caller must leave.
func (g *gate) enter() bool {
	if g.n.Add(1) > gateClosed {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.n.Add(-1) == gateClosed {
		g.once.Do(func() { close(g.empty) })
	}
}

// close shuts the gate, waits until nobody is in, and calls release. All
// callers return what the first release returned; they wait for it on a
// channel, since a lock would be held while the backend closes.
func (g *gate) close(release func() error) error {
	if g.closing.CompareAndSwap(false, true) {
		g.n.Add(1) // as a call of its own, so that leave sees the end of it
		g.n.Add(gateClosed)
		g.leave()
		defer close(g.released)
		<-g.empty
		g.err = release()
		return g.err
	}
	<-g.released
	return g.err
}
