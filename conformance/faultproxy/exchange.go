package faultproxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// requests passes requests, each when it has met its rules, until the stream
// ends or is not HTTP; the caller passes the rest.
func (h *HTTP) requests(c *conn, t *tap) {
	r := bufio.NewReaderSize(t, chunk)
	server := t.dst
	var made *madeUp
	defer func() { made.end() }()
	for {
		t.open = false
		if _, err := r.Peek(1); err != nil {
			return
		}
		made.wait() // its client has the answer, else there would be no next request
		made, t.dst = nil, server
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		x := h.meet(req)
		switch x.fault.kind {
		case loseRequest:
			t.stop()
			c.kill()
			return
		case makeUp:
			made = c.makeUp(x, req.Method)
			t.dst = made
		case hold:
			select {
			case <-x.fault.until:
			case <-c.dead:
			}
			fallthrough
		default:
			x.method = req.Method
			select {
			case c.exchanges <- x:
			case <-c.dead:
			}
		}
		t.open = true
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		// Before the last bytes go: once the answer is there, it must be listed.
		delivered := made == nil
		x.note(func(r *Request) { r.Delivered = delivered })
		if t.flush(r.Buffered()) != nil {
			x.note(func(r *Request) { r.Delivered = false })
			return
		}
		if req.Method == http.MethodConnect || req.Header.Get("Upgrade") != "" {
			return // what follows may be another protocol
		}
	}
}

// answers passes the server's answers, each with the fault that its request met.
func (h *HTTP) answers(c *conn, t *tap) {
	r := bufio.NewReaderSize(t, chunk)
	for {
		t.open = false
		if _, err := r.Peek(1); err != nil {
			return
		}
		select {
		case x := <-c.exchanges:
			if _, ok := c.answer(t, r, x); !ok {
				return
			}
		default:
			return // no answer to anything
		}
	}
}

// answer passes one answer. It returns false where nothing can follow that
// is one.
func (c *conn) answer(t *tap, r *bufio.Reader, x *exchange) (*http.Response, bool) {
	defer func(dst io.Writer) { t.dst = dst }(t.dst)
	resp, err := http.ReadResponse(r, &http.Request{Method: x.method})
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
		if t.flush(r.Buffered()) != nil { // 100 Continue and its like come before the answer
			return nil, false
		}
		resp, err = http.ReadResponse(r, &http.Request{Method: x.method})
	}
	if err != nil {
		return nil, false
	}
	x.note(func(r *Request) { r.Status = resp.StatusCode })
	switch x.fault.kind {
	case loseAnswer:
		t.stop()
		c.end(Reset)
		return resp, false
	case keepAnswer:
		t.dst = io.Discard
	case cutBody:
		if t.flush(r.Buffered()) != nil {
			return resp, false
		}
		t.dst = &cutter{c: c, left: x.fault.after, how: x.fault.how}
		if x.fault.after == 0 {
			_, t.dstErr = t.dst.Write(nil)
			return resp, false
		}
	}
	t.open = true
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return resp, false
	}
	passed := x.fault.kind != keepAnswer
	x.note(func(r *Request) { r.Passed = passed })
	if t.flush(r.Buffered()) != nil {
		x.note(func(r *Request) { r.Passed = false })
		return resp, false
	}
	return resp, resp.StatusCode != http.StatusSwitchingProtocols
}

// A madeUp is an answer of a handler. To the connection it is another server, for one
// request, so that all of HTTP is left to net/http.
type madeUp struct {
	pipe net.Conn
	done chan struct{}
}

func (c *conn) makeUp(x *exchange, method string) *madeUp {
	x.method = method
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(c.p.ctx)
	m := &madeUp{pipe: ours, done: make(chan struct{})}
	served := make(chan struct{})
	server := &http.Server{
		Handler:     x.fault.handler,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed || s == http.StateHijacked {
				close(served)
			}
		},
	}
	_ = server.Serve(&one{conn: theirs}) // returns at once: there is no second connection
	c.turn.Lock()
	c.p.wg.Go(func() {
		defer close(m.done)
		defer c.turn.Unlock()
		t := &tap{src: ours, dst: c}
		resp, ok := c.answer(t, bufio.NewReaderSize(t, chunk), x)
		_ = ours.Close()
		cancel() // net/http would not see that the client goes while its body is unread
		if !ok || resp.Close {
			c.end(Close)
		}
		<-served
	})
	return m
}

// Write passes the request to the handler, which need not read all of it.
func (m *madeUp) Write(b []byte) (int, error) {
	_, _ = m.pipe.Write(b)
	return len(b), nil
}

func (m *madeUp) wait() {
	if m != nil {
		<-m.done
	}
}

// end ends it early, as its client has gone.
func (m *madeUp) end() {
	if m != nil {
		_ = m.pipe.Close()
		<-m.done
	}
}

// A one is a listener with one connection.
type one struct{ conn net.Conn }

func (l *one) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, io.EOF
	}
	c := l.conn
	l.conn = nil
	return c, nil
}

func (l *one) Addr() net.Addr { return &net.TCPAddr{} }
func (l *one) Close() error   { return nil }
