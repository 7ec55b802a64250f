package faultproxy

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// A conn is one connection of a client and the one to the server that belongs
// to it. Read and Write are the client as seen through the link: the delays, the
// black hole and the cuts are in them, so that everything else is about
// what passes and not about how.
//
// Each direction has a goroutine that takes bytes in as they come, notes when they are due,
// and queues them. So a delay shifts the stream and does not slow it down.
type conn struct {
	p      *Proxy
	client *net.TCPConn
	ready  time.Time // when the connection is set up, for what the client sends
	in     chan packet
	out    chan packet
	rest   []byte // of the packet that Read is in
	err    error  // what Read ends with
	die    sync.Once
	dead   chan struct{}
	sent   chan struct{} // closed when nothing more goes to the client

	exchanges chan *exchange // requests whose answer is to come
	turn      sync.Mutex     // held by an answer that is made up, and by the end of the server's

	// Guarded by p.mu.
	server *net.TCPConn
	lost   bool // something, in a black hole
	cut    *cut // the one that left is counted for
	left   int64
}

// A packet is what is under way, at most chunk bytes, or what ends the stream.
type packet struct {
	data []byte
	due  time.Time
	err  error  // of the client's stream
	end  Ending // 0: goes on
	cut  bool   // the end is a fault, and not the server's
}

const (
	chunk  = 32 << 10
	window = 512 // packets: 16 MiB
)

func newConn(p *Proxy, client *net.TCPConn) *conn {
	c := &conn{
		p: p, client: client, in: make(chan packet, window), out: make(chan packet, window),
		dead: make(chan struct{}), sent: make(chan struct{}), exchanges: make(chan *exchange, window),
	}
	p.mu.Lock()
	if p.setUp > 0 {
		c.ready = time.Now().Add(p.setUp)
	}
	p.conns[c] = struct{}{}
	p.opened++
	p.most = max(p.most, len(p.conns))
	over := p.ctx.Err() != nil
	p.mu.Unlock()
	if over {
		c.kill()
	}
	return c
}

// serve owns the connection from its beginning to its end.
func (c *conn) serve() {
	var link, both sync.WaitGroup
	link.Go(c.receive)
	link.Go(c.send)
	if server := c.dial(); server != nil {
		both.Go(func() { c.up(server) })
		both.Go(func() { c.down(server) })
		both.Wait()
		_ = server.Close()
	}
	close(c.out)
	<-c.sent // what is under way still arrives
	c.die.Do(func() { close(c.dead) })
	_ = c.client.Close()
	link.Wait()
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	delete(c.p.conns, c)
}

// dial returns the connection to the server, or nil where that can't be.
func (c *conn) dial() *net.TCPConn {
	if !c.ready.IsZero() && !c.wait(c.ready.Add(c.p.way())) {
		return nil
	}
	if c.p.swallows(c) {
		<-c.dead
		return nil
	}
	var d net.Dialer
	to, err := d.DialContext(c.p.ctx, "tcp", c.p.server)
	if err != nil {
		c.kill()
		return nil
	}
	server := to.(*net.TCPConn)
	c.p.mu.Lock()
	c.server = server
	c.p.mu.Unlock()
	select {
	case <-c.dead: // before kill could know of it
		reset(server)
	default:
	}
	return server
}

// up passes what the client sends.
func (c *conn) up(server *net.TCPConn) {
	t := &tap{src: c, dst: server}
	if c.p.http != nil {
		c.p.http.requests(c, t)
	}
	t.rest()
	switch {
	case t.dstErr != nil: // down sees it too, and what the server said before it
	case t.srcErr == io.EOF:
		_ = server.CloseWrite()
	default:
		c.kill()
	}
}

// down passes what the server sends.
func (c *conn) down(server *net.TCPConn) {
	t := &tap{src: server, dst: c}
	if c.p.http != nil {
		c.p.http.answers(c, t)
	}
	t.rest()
	c.turn.Lock()
	defer c.turn.Unlock()
	switch {
	case t.dstErr != nil: // the client went, or a fault has ended the answer
		reset(server)
	case t.srcErr == io.EOF:
		c.end(Close)
	default:
		c.end(Reset)
	}
}

// kill resets both sides.
func (c *conn) kill() {
	c.die.Do(func() { close(c.dead) })
	reset(c.client)
	c.dropServer()
}

func (c *conn) dropServer() {
	c.p.mu.Lock()
	server := c.server
	c.p.mu.Unlock()
	if server != nil {
		reset(server)
	}
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// receive takes in what the client sends.
func (c *conn) receive() {
	buf := make([]byte, chunk)
	for {
		n, err := c.client.Read(buf)
		p := packet{data: bytes.Clone(buf[:n]), err: err, due: c.p.due(c.ready)}
		select {
		case c.in <- p:
		case <-c.dead:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read reads what has come from the client over the link.
func (c *conn) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		select {
		case p := <-c.in:
			if !c.wait(p.due) {
				return 0, net.ErrClosed
			}
			if !c.p.swallows(c) {
				c.rest, c.err = p.data, p.err
			} else if p.err != nil {
				<-c.dead // nobody learns of the end either
			}
		case <-c.dead:
			return 0, net.ErrClosed
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write puts b on the link to the client. An error means that nothing more goes there.
func (c *conn) Write(b []byte) (int, error) {
	for written := 0; written < len(b); {
		part := b[written:min(len(b), written+chunk)]
		if err := c.put(packet{data: bytes.Clone(part)}); err != nil {
			return written, err
		}
		written += len(part)
	}
	return len(b), nil
}

// end ends the connection to the client, behind what is under way.
func (c *conn) end(how Ending) { _ = c.put(packet{end: how}) }

func (c *conn) put(p packet) error {
	p.due = c.p.due(time.Time{})
	select {
	case <-c.sent:
		return net.ErrClosed
	case <-c.dead:
		return net.ErrClosed
	default:
	}
	select {
	case c.out <- p:
		return nil
	case <-c.sent:
		return net.ErrClosed
	case <-c.dead:
		return net.ErrClosed
	}
}

// send sends the client what is due.
func (c *conn) send() {
	defer close(c.sent)
	for p := range c.out {
		if !c.wait(p.due) {
			return
		}
		p = c.p.toll(c, p)
		if p.cut {
			c.dropServer() // before the client can send it more
		}
		if len(p.data) > 0 {
			if _, err := c.client.Write(p.data); err != nil {
				c.kill()
				return
			}
		}
		switch p.end {
		case Close:
			_ = c.client.CloseWrite()
			return
		case Reset:
			c.kill()
			return
		}
	}
}

// wait waits until due, and returns whether the connection is still alive.
func (c *conn) wait(due time.Time) bool {
	if left := time.Until(due); !due.IsZero() && left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.dead:
		}
	}
	select {
	case <-c.dead:
		return false
	default:
		return true
	}
}

func (p *Proxy) way() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.oneWay
}

// due returns when what is sent now, or at the earliest at ready, arrives; zero is at once.
func (p *Proxy) due(ready time.Time) time.Time {
	way := p.way()
	if way == 0 && ready.IsZero() {
		return time.Time{}
	}
	if now := time.Now(); now.After(ready) {
		ready = now
	}
	return ready.Add(way)
}

// swallows returns whether what is to pass now is lost.
func (p *Proxy) swallows(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holes > 0 {
		c.lost = true
	}
	return p.holes > 0
}

// toll returns what is left of a packet for the client, after black holes and cuts.
func (p *Proxy) toll(c *conn, pk packet) packet {
	if p.swallows(c) {
		return packet{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == nil || len(pk.data) == 0 {
		return pk
	}
	if c.cut != p.cut {
		c.cut, c.left = p.cut, p.cut.after
	}
	if int64(len(pk.data)) >= c.left {
		return packet{data: pk.data[:c.left], end: p.cut.how, cut: true}
	}
	c.left -= int64(len(pk.data))
	return pk
}
