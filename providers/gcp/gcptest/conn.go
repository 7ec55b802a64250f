package gcptest

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/peer"
)

// conns are the connections that callers have open, so that a fault can cut the
// one that a call came on.
type conns struct {
	mu   sync.Mutex
	next int
	open map[int]net.Conn
}

// cut closes the connection that the call of ctx came on.
func (c *conns) cut(ctx context.Context) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return
	}
	addr, ok := p.Addr.(numberedAddr)
	if !ok {
		return
	}
	c.mu.Lock()
	conn := c.open[addr.number]
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

// listener numbers the connections that it accepts.
type listener struct {
	net.Listener
	conns *conns
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := l.conns
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	if c.open == nil {
		c.open = make(map[int]net.Conn)
	}
	c.open[c.next] = conn
	return &numberedConn{Conn: conn, number: c.next, conns: c}, nil
}

// numberedConn says its number by its remote address, the one thing of a
// connection that gRPC hands on to a call, under TLS too.
type numberedConn struct {
	net.Conn
	number int
	conns  *conns
}

func (c *numberedConn) RemoteAddr() net.Addr {
	return numberedAddr{Addr: c.Conn.RemoteAddr(), number: c.number}
}

func (c *numberedConn) Close() error {
	c.conns.mu.Lock()
	delete(c.conns.open, c.number)
	c.conns.mu.Unlock()
	return c.Conn.Close()
}

type numberedAddr struct {
	net.Addr
	number int
}
