package faultproxy_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
)

// script answers each connection with what is written there, one answer for a request that
// ends with the mark, and hands on the bytes that it got.
func script(t *testing.T, mark string, answers ...string) (addr string, got chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				var all []byte
				b := make([]byte, 1)
				for _, a := range answers {
					for len(all) == 0 || !bytes.HasSuffix(all, []byte(mark)) {
						if _, err := c.Read(b); err != nil {
							return
						}
						all = append(all, b[0])
					}
					got <- string(all)
					all = nil
					_, _ = io.WriteString(c, a)
				}
			}()
		}
	}()
	return l.Addr().String(), got
}

func TestNotAByteIsChanged(t *testing.T) {
	t.Parallel()
	const end = "END"
	for name, test := range map[string]struct{ request, answer string }{
		"a length":           {"PUT /a%2Fb?x=%20 HTTP/1.1\r\nHost: vault.example\r\nx-VAULT-token:  t\r\nContent-Length: 3\r\n\r\nEND", "HTTP/1.1 200 fine, thanks\r\nx-odd:  1\r\ncontent-length: 2\r\n\r\nok"},
		"a length of zero":   {"POST / HTTP/1.1\r\nHost: END\r\nContent-Length: 0\r\nX: END", "HTTP/1.1 204 No Content\r\n\r\n"},
		"chunks and a trail": {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0003;ext=1\r\nabc\r\n1\r\nd\r\n0\r\nX: END", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n00\r\nX-Trail: 1\r\n\r\n"},
		"HEAD":               {"HEAD / HTTP/1.1\r\nHost: h\r\nX: END", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"},
		"an old answer":      {"GET / HTTP/1.0\r\nX: END", "HTTP/1.0 200 OK\r\n\r\nto the end"},
		"early hints":        {"LIST /v1 HTTP/1.1\r\nHost: h\r\nX: END", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		"no HTTP":            {"hello END", "what?"},
		"no answer of HTTP":  {"GET / HTTP/1.1\r\nHost: h\r\nX: END", "ICY 200 OK\r\n\r\nnoise"},
		"a broken chunk":     {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nEND", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nyy\r\nok\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A request whose head ends after the mark goes on with the end of its head.
			rest := ""
			if strings.HasSuffix(test.request, "X: END") {
				rest = "\r\n\r\n"
			}
			mark := end + rest
			addr, got := script(t, mark, test.answer)
			proxy := faultproxy.NewHTTP(t, addr)
			c, err := net.Dial("tcp", proxy.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, test.request+rest)
			if strings.Contains(name, "no HTTP") || strings.Contains(name, "broken") {
				_ = c.(*net.TCPConn).CloseWrite() // a head that never ends is passed at the end
			}
			if have := <-got; have != test.request+rest {
				t.Errorf("the server got\n%q; want\n%q", have, test.request+rest)
			}
			if have, err := io.ReadAll(c); string(have) != test.answer || err != nil {
				t.Errorf("the client got\n%q, %v; want\n%q", have, err, test.answer)
			}
		})
	}
}

func TestRequestsInARowAreToldApart(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Match: faultproxy.To("", "/1"), Fault: faultproxy.CutBody(100, faultproxy.Close)})
	c, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// All in one write, which no client of net/http does.
	var all strings.Builder
	for i := range 3 {
		fmt.Fprintf(&all, "PUT /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", i)
	}
	_, _ = io.WriteString(c, all.String())
	r := bufio.NewReader(c)
	for i := range 3 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if b, err := io.ReadAll(resp.Body); string(b) != "hello" || err != nil {
			t.Errorf("answer %d is %q, %v", i, b, err)
		}
	}
	for i, r := range proxy.Requests() {
		if r.Path != fmt.Sprint("/", i) || !r.Delivered || !r.Passed || (r.Fault == "CutBody") != (i == 1) {
			t.Errorf("request %d is %+v", i, r)
		}
	}
}

func TestAnswersStream(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	server := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-End")
		for s := range next {
			_, _ = io.WriteString(w, s)
			w.(http.Flusher).Flush()
		}
		w.Header().Set("X-End", r.Host)
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", proxy.URL(), nil)
	req.Host = "vault.example:1"
	go func() { next <- "first" }()
	resp, err := newClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, s := range []string{"first", "second", "third"} {
		if s != "first" {
			next <- s
		}
		b := make([]byte, len(s))
		if _, err := io.ReadFull(resp.Body, b); string(b) != s || err != nil {
			t.Errorf("%q comes as %q, %v", s, b, err)
		}
	}
	close(next)
	if b, err := io.ReadAll(resp.Body); len(b) > 0 || err != nil {
		t.Errorf("then comes %q, %v", b, err)
	}
	if have := resp.Trailer.Get("X-End"); have != req.Host {
		t.Errorf("the trailer is %q; want the Host, %q", have, req.Host)
	}
}

func TestRequestsStream(t *testing.T) {
	t.Parallel()
	parts := make(chan string, 10)
	server := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		w.(http.Flusher).Flush() // an answer that begins before the request ends
		b := make([]byte, 100)
		for {
			n, err := r.Body.Read(b)
			if n > 0 {
				parts <- string(b[:n])
			}
			if err != nil {
				return
			}
		}
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	r, w := io.Pipe()
	over := make(chan error, 1)
	client := newClient(t)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", proxy.URL(), r)
		resp, err := client.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		over <- err
	}()
	for _, s := range []string{"one", "two"} {
		_, _ = io.WriteString(w, s)
		if have := <-parts; have != s {
			t.Errorf("%q comes as %q", s, have)
		}
	}
	if last(t, proxy).Delivered {
		t.Error("half a request counts as delivered")
	}
	w.Close()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if !last(t, proxy).Delivered {
		t.Error("the whole request does not count as delivered")
	}
}

func TestLargeBodiesPass(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MiB
	server := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(body)) || r.TransferEncoding != nil {
			w.WriteHeader(400)
			return
		}
		_, _ = w.Write(b)
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Delay(2 * time.Millisecond)
	resp, err := newClient(t).Post(proxy.URL(), "", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	have := sha256.New()
	if n, err := io.Copy(have, resp.Body); err != nil || n != int64(len(body)) {
		t.Errorf("%d bytes came, %v", n, err)
	}
	if want := sha256.Sum256(body); !bytes.Equal(have.Sum(nil), want[:]) {
		t.Error("other bytes came")
	}
}

func TestAnUnreadBodyDoesNotHoldUpAMadeUpAnswer(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Times: 1, Fault: faultproxy.Status(503)})
	client := newClient(t)
	status, _, err := call(t, client, "PUT", proxy.URL(), strings.Repeat("x", 4<<20))
	if status != 503 || err != nil {
		t.Errorf("the client gets %d, %v", status, err)
	}
	works(t, client, proxy.URL())
	if have := server.got(); len(have) != 1 {
		t.Errorf("the server got %q", have)
	}
}

func TestTheServerSeesItsClientGo(t *testing.T) {
	t.Parallel()
	acting, gone := newChan(), newChan()
	server := newSite(t, func(_ http.ResponseWriter, r *http.Request) {
		close(acting)
		<-r.Context().Done()
		close(gone)
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	c, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-acting
	c.Close()
	<-gone
}

// Many writes over connections that the server closes again and again, idle ones too: none is
// lost without its client knowing, and none is done twice.
func TestNoWriteIsDoubled(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	did := map[string]int{}
	server := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		did[r.URL.Path]++
		n := len(did)
		mu.Unlock()
		if n%7 == 0 {
			w.Header().Set("Connection", "close")
		}
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	client := newClient(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				path := fmt.Sprintf("/%d/%d", i, j)
				if _, _, err := call(t, client, "POST", proxy.URL()+path, "v"); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
	all.Wait()
	for path, n := range did {
		if n != 1 {
			t.Errorf("%s was done %d times", path, n)
		}
	}
	if len(did) != 400 || len(proxy.Requests()) != 400 {
		t.Errorf("%d writes were done, %d listed", len(did), len(proxy.Requests()))
	}
}

// The server closes its idle connections; the client sees that at once, and its
// next write goes over a new one.
func TestAnIdleConnectionThatTheServerClosesIsClosedForTheClient(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	client := newClient(t)
	for range 5 {
		if status, _, err := call(t, client, "POST", proxy.URL(), "v"); status != 200 || err != nil {
			t.Errorf("a write gets %d, %v", status, err)
		}
		server.CloseClientConnections()
		wait(t, "the connection ended", func() bool { return proxy.Connections().Open == 0 })
	}
	if have := len(server.got()); have != 5 {
		t.Errorf("the server got %d writes", have)
	}
	if have, want := proxy.Connections(), (faultproxy.Connections{Opened: 5, Most: 1}); have != want {
		t.Errorf("%+v; want %+v", have, want)
	}
}

// The server goes while the proxy answers in its place: the answer still is whole.
func TestAMadeUpAnswerOutlivesTheServersConnection(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	const parts = 200 // each a round trip, so that the server's end has time to arrive
	read := make(chan struct{}, parts)
	proxy.Do(faultproxy.Rule{Match: faultproxy.To("", "/made"), Fault: faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range parts {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			select {
			case <-read:
			case <-r.Context().Done():
			}
			if i == 0 {
				server.CloseClientConnections()
			}
		}
	}))})
	client := newClient(t)
	works(t, client, proxy.URL())
	resp, err := client.Get(proxy.URL() + "/made")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range parts {
		if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
			t.Fatalf("it ends after %d of %d parts: %v", i, parts, err)
		}
		read <- struct{}{}
	}
	if b, err := io.ReadAll(resp.Body); len(b) > 0 || err != nil {
		t.Errorf("then comes %q, %v", b, err)
	}
	wait(t, "the connection ended", func() bool { return proxy.Connections().Open == 0 })
	works(t, client, proxy.URL())
}

// A request that is there with the one before it does not slip past its rule.
func TestARequestBehindAnotherMeetsItsRuleToo(t *testing.T) {
	t.Parallel()
	const first, second = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			b, _ := io.ReadAll(c)
			got <- string(b)
			c.Close()
		}
	}()
	proxy := faultproxy.NewHTTP(t, l.Addr().String())
	proxy.Do(faultproxy.Rule{Match: faultproxy.To("", "/2"), Fault: faultproxy.Status(503)})
	c, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, first+second)
	_ = c.(*net.TCPConn).CloseWrite()
	if have := <-got; have != first {
		t.Errorf("the server got %q; want %q", have, first)
	}
}

func TestAServersResetIsAResetForTheClient(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Read(make([]byte, 1)) // so that the client's dial is over
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	c, err := net.Dial("tcp", faultproxy.New(t, l.Addr().String()).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "x")
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("the client's connection ends with %v", err)
	}
}
