package faultproxy

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Proxy passes bytes between clients and one server. Its faults work for
// every protocol over TCP. It is safe for concurrent use.
type Proxy struct {
	t      testing.TB
	server string
	addr   string
	http   *HTTP // nil: bytes only
	ctx    context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	refusing int // how many Refuse are in force
	holes    int // how many BlackHole are in force
	oneWay   time.Duration
	setUp    time.Duration
	cut      *cut // nil: none
	conns    map[*conn]struct{}
	opened   int
	most     int
}

// An Ending is how a connection ends.
type Ending int

const (
	// Reset ends a connection with a TCP reset, as a crash or a firewall does.
	// The client's next read or write fails. On some systems, not on Linux, it may
	// also lose what had come before and was not read yet.
	Reset Ending = iota + 1
	// Close ends a connection as a server does that has no more to say: the client
	// reads the end of the stream.
	Close
)

type cut struct {
	after int64
	how   Ending
}

// New starts a proxy on a free port of loopback, which ends with the test. The
// server is "host:port", or a URL of which only the host and the port count. It
// need not be there yet: when it can't be reached, the client's connection
// is reset.
func New(t testing.TB, server string) *Proxy {
	t.Helper()
	return start(t, server, nil)
}

func start(t testing.TB, server string, h *HTTP) *Proxy {
	t.Helper()
	if _, rest, ok := strings.Cut(server, "://"); ok {
		server, _, _ = strings.Cut(rest, "/")
	}
	p := &Proxy{t: t, server: server, addr: "127.0.0.1:0", http: h, conns: map[*conn]struct{}{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	if err := p.listen(); err != nil {
		t.Fatalf("faultproxy: can't listen: %v", err)
	}
	p.addr = p.listener.Addr().String()
	t.Cleanup(p.end)
	return p
}

// listen starts to accept connections. The caller holds mu, or is alone.
func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				p.t.Errorf("faultproxy: accepts no more connections: %v", err)
			}
			return
		}
		c := newConn(p, client.(*net.TCPConn))
		p.wg.Go(c.serve)
	}
}

func (p *Proxy) end() {
	p.mu.Lock()
	p.stop() // under mu, so that no Refuse listens again
	_ = p.listener.Close()
	p.mu.Unlock()
	p.kill(func(*conn) bool { return true })
	p.wg.Wait()
}

// kill resets, at both ends, the connections that which picks, with mu held.
func (p *Proxy) kill(which func(*conn) bool) {
	p.mu.Lock()
	var all []*conn
	for c := range p.conns {
		if which(c) {
			all = append(all, c)
		}
	}
	p.mu.Unlock()
	for _, c := range all {
		c.kill()
	}
}

// Addr returns where the proxy listens: "127.0.0.1:port". It stays the same.
func (p *Proxy) Addr() string { return p.addr }

// Delay makes the way to the server and back take so much longer, from now
// on: each direction half of it. It limits neither the throughput, up to 16 MiB in
// flight in a direction of a connection, nor does one connection wait for
// another. 0, as at the start, takes the delay away.
func (p *Proxy) Delay(roundTrip time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.oneWay = roundTrip / 2
}

// DelayConnect makes it take so much longer to set up a connection, from now
// on. A real link costs one round trip for TCP's handshake, so give it what Delay
// got. As the system accepts connections by itself, the client's dial does not wait,
// but what it sends does. 0, as at the start, takes the delay away.
func (p *Proxy) DelayConnect(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setUp = d
}

// BlackHole lets nothing pass any more in either direction, without a word to
// anyone: connections are accepted, what is sent is taken, and nothing is ever
// answered, until restore is called. What was lost in it never arrives: restore resets
// the connections that lost something, and those that were opened in it. The
// others go on.
func (p *Proxy) BlackHole() (restore func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holes++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		p.holes--
		over := p.holes == 0
		p.mu.Unlock()
		if over {
			p.kill(func(c *conn) bool { return c.lost })
		}
	})
}

// Refuse refuses new connections, as a host does where nothing listens, until restore
// is called. Open connections stay; [Proxy.Disconnect] ends them.
//
// The port is free meanwhile. Should somebody else take it, restore fails the test.
func (p *Proxy) Refuse() (restore func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing++
	if p.refusing == 1 {
		_ = p.listener.Close()
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.refusing--
		if p.refusing > 0 || p.ctx.Err() != nil {
			return
		}
		if err := p.listen(); err != nil {
			p.t.Errorf("faultproxy: can't listen again: %v", err)
		}
	})
}

// Cut ends each connection, the open ones and new ones, when n more bytes have
// come from the server, of which the client gets those n, until restore is
// called. With 0 it ends in place of the first byte, so that the next answer is lost: the
// server had the request. What is counted is bytes on the wire, with
// handshakes and headers. A later Cut takes the place of an earlier one.
func (p *Proxy) Cut(n int64, how Ending) (restore func()) {
	mine := &cut{after: n, how: how}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = mine
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.cut == mine {
			p.cut = nil
		}
	}
}

// Disconnect ends all connections that are open, at once. New ones can be made.
func (p *Proxy) Disconnect(how Ending) {
	p.kill(func(c *conn) bool {
		if how == Close {
			_ = c.client.CloseWrite()
		}
		return how != Close
	})
}

// Connections says how many connections clients made.
type Connections struct {
	Open   int // now, as far as the proxy knows: not yet ended by the client or the server
	Opened int // ever
	Most   int // open at the same time
}

// Connections counts the connections of clients.
func (p *Proxy) Connections() Connections {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Connections{Open: len(p.conns), Opened: p.opened, Most: p.most}
}
