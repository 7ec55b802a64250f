// Package conns keeps the network connections of a store, so that they end with
// it. It is for authors of backends over HTTP: an [net/http.Transport] closes
// those that it knows to be idle, and neither one that is still shaking hands with
// a server that has fallen silent, nor one of HTTP/2 whose last request has only
// just ended.
package conns

import (
	"context"
	"net"
	"sync"
)

// Set is the connections that were made by its DialContext and are not closed
// yet. It is safe for concurrent use.
type Set struct {
	dialer *net.Dialer

	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
}

type conn struct {
	net.Conn
	set *Set
}

// New returns an empty set. dialer makes its connections.
func New(dialer *net.Dialer) *Set {
	return &Set{dialer: dialer, open: map[*conn]struct{}{}}
}

// DialContext makes a connection, as that of a [net.Dialer] does. After Close it
// returns [net.ErrClosed].
func (s *Set) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := s.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	made := &conn{c, s}
	s.mu.Lock()
	closed := s.closed
	s.open[made] = struct{}{}
	s.mu.Unlock()
	if closed {
		_ = made.Close()
		return nil, net.ErrClosed
	}
	return made, nil
}

// Close forgets the connection and closes it.
func (c *conn) Close() error {
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	return c.Conn.Close()
}

// End closes all connections that are open now. New ones may be made.
func (s *Set) End() {
	s.mu.Lock()
	open := make([]*conn, 0, len(s.open))
	for c := range s.open {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// Close closes all connections. None is made any more.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.End()
}
