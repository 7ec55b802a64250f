package aws

import (
	"context"
	"net"
	"sync"
)

// links are the connections of one store, so that all end with it. The
// transport closes those that it knows to be idle: neither one that is still
// shaking hands with a server that has fallen silent, nor one of HTTP/2 whose
// last request has only just ended.
type links struct {
	dialer *net.Dialer

	mu     sync.Mutex
	open   map[*link]struct{}
	closed bool
}

type link struct {
	net.Conn
	links *links
}

func (l *links) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	made := &link{conn, l}
	l.mu.Lock()
	closed := l.closed
	l.open[made] = struct{}{}
	l.mu.Unlock()
	if closed {
		_ = made.Close()
		return nil, net.ErrClosed
	}
	return made, nil
}

func (c *link) Close() error {
	c.links.mu.Lock()
	delete(c.links.open, c)
	c.links.mu.Unlock()
	return c.Conn.Close()
}

// close ends all connections. None is made any more.
func (l *links) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.end()
}

// end ends all connections.
func (l *links) end() {
	l.mu.Lock()
	open := make([]*link, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}
