package providertest

import (
	"context"
	"sync"
	"testing"
)

// Gate holds requests back until it lets a wave of them go, so that what is in
// flight together can be counted. The zero value is ready, and safe for concurrent use.
type Gate struct {
	mu   sync.Mutex
	held []chan struct{}
}

// Hold returns when the gate has let the request go, or with the context's error.
func (g *Gate) Hold(ctx context.Context) error {
	opened := make(chan struct{})
	g.mu.Lock()
	g.held = append(g.held, opened)
	g.mu.Unlock()
	select {
	case <-opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Release lets go what is held, and returns how much that was.
func (g *Gate) Release() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := len(g.held)
	for _, opened := range g.held {
		close(opened)
	}
	g.held = nil
	return n
}

// Wave waits until so many requests are held, and lets them go. It ends the test
// if there are more by then.
func (g *Gate) Wave(t testing.TB, want int) {
	t.Helper()
	Until(t, "a wave of requests is in flight", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.held) >= want
	})
	if n := g.Release(); n != want {
		t.Fatalf("%d requests in flight, want %d", n, want)
	}
}
