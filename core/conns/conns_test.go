package conns_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core/conns"
)

// listen returns an address whose connections are held open until the test ends.
func listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var held sync.WaitGroup
	held.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held.Go(func() {
				_, _ = io.Copy(io.Discard, c) // until the client ends it
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		held.Wait() // for ever, if a connection was left open
	})
	return l.Addr().String()
}

func ended(c net.Conn) bool {
	_, err := c.Write([]byte("x"))
	return errors.Is(err, net.ErrClosed)
}

func TestConnectionsEndWithTheirSet(t *testing.T) {
	t.Parallel()
	address := listen(t)
	s := conns.New(&net.Dialer{})
	dial := func() net.Conn {
		t.Helper()
		c, err := s.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b, c := dial(), dial(), dial()
	if err := a.Close(); err != nil {
		t.Errorf("Close of a connection: %v", err)
	}
	if ended(b) {
		t.Error("one connection's end ends another")
	}
	s.End()
	if !ended(b) || !ended(c) {
		t.Error("a connection outlives End")
	}
	d := dial()
	if ended(d) {
		t.Error("no connection can be made after End")
	}
	s.Close()
	if !ended(d) {
		t.Error("a connection outlives Close")
	}
	if _, err := s.DialContext(t.Context(), "tcp", address); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a connection after Close: %v", err)
	}
	s.Close() // again is no harm
}

func TestADialThatFailsIsNoConnection(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := conns.New(&net.Dialer{})
	defer s.Close()
	if c, err := s.DialContext(ctx, "tcp", listen(t)); err == nil || c != nil {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestConnectionsMadeWhileTheSetClosesEndToo(t *testing.T) {
	t.Parallel()
	address := listen(t) // whose cleanup waits for all of them
	for range 50 {
		s := conns.New(&net.Dialer{})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if c, err := s.DialContext(t.Context(), "tcp", address); err == nil && c == nil {
					t.Error("neither a connection nor an error")
				}
			})
		}
		all.Go(s.Close)
		all.Wait()
		s.Close()
	}
}
