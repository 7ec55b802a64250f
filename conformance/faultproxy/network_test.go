package faultproxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
)

// newTLS is a server of HTTP/2, and a client of it that goes through the proxy.
func newTLS(t *testing.T, handle http.HandlerFunc) (*faultproxy.Proxy, *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := faultproxy.New(t, server.URL)
	return proxy, server.Client()
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestBytesOfAnyProtocolPass(t *testing.T) {
	t.Parallel()
	proxy, client := newTLS(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	if _, body, err := call(t, client, "GET", "https://"+proxy.Addr(), ""); body != "HTTP/2.0" || err != nil {
		t.Errorf("the answer is %q, %v", body, err)
	}
}

func TestAServerMaySpeakFirst(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, string) *faultproxy.Proxy{
		"New":     faultproxy.New,
		"NewHTTP": func(t testing.TB, addr string) *faultproxy.Proxy { return faultproxy.NewHTTP(t, addr).Proxy },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err == nil {
					_, _ = io.WriteString(c, "banner\r\n")
					b, _ := io.ReadAll(c) // to the client's end, after which there is still an answer
					_, _ = c.Write(append([]byte("got "), b...))
					c.Close()
				}
			}()
			c, err := net.Dial("tcp", start(t, l.Addr().String()).Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			b := make([]byte, 8)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "banner\r\n" {
				t.Fatalf("first comes %q, %v", b, err)
			}
			_, _ = io.WriteString(c, "no HTTP\n\x00\x16")
			_ = c.(*net.TCPConn).CloseWrite()
			if b, err := io.ReadAll(c); string(b) != "got no HTTP\n\x00\x16" || err != nil {
				t.Errorf("then comes %q, %v", b, err)
			}
		})
	}
}

func TestADelayIsARoundTrip(t *testing.T) {
	t.Parallel()
	const delay = 40 * time.Millisecond
	proxy := faultproxy.NewHTTP(t, newSite(t, nil).URL)
	client := newClient(t)
	works(t, client, proxy.URL())
	atLeast := func(what string, least time.Duration) {
		t.Helper()
		start := time.Now()
		works(t, client, proxy.URL())
		if took := time.Since(start); took < least {
			t.Errorf("%s, a request takes %v; want at least %v", what, took, least)
		}
	}
	proxy.Delay(delay)
	atLeast("on an open connection", delay)
	client.CloseIdleConnections()
	atLeast("on a new connection", delay)
	proxy.DelayConnect(delay)
	atLeast("on an open connection", delay)
	client.CloseIdleConnections()
	atLeast("on a new connection that is set up slowly", 2*delay)
}

func TestASlowSetUpHoldsUpAServerThatSpeaksFirst(t *testing.T) {
	t.Parallel()
	const delay = 40 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "banner")
			c.Close()
		}
	}()
	proxy := faultproxy.New(t, l.Addr().String())
	proxy.Delay(delay)
	proxy.DelayConnect(delay)
	start := time.Now()
	c, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := io.ReadAll(c); string(b) != "banner" || err != nil {
		t.Errorf("it says %q, %v", b, err)
	}
	if took := time.Since(start); took < 2*delay {
		t.Errorf("its word came after %v", took)
	}
}

func TestADelayServesAllStreamsAtOnce(t *testing.T) {
	t.Parallel()
	// All requests are in the server together, over one connection and over many: nothing
	// waits for the answer of another.
	const streams = 50
	var mu sync.Mutex
	in := 0
	all := make(chan struct{})
	meet := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		in++
		if in == streams {
			close(all)
		}
		mu.Unlock()
		<-all
		hello(w, r)
	}
	for name, make := range map[string]func(*testing.T) (*faultproxy.Proxy, *http.Client, string){
		"over one connection": func(t *testing.T) (*faultproxy.Proxy, *http.Client, string) {
			proxy, client := newTLS(t, meet)
			return proxy, client, "https://"
		},
		"over many": func(t *testing.T) (*faultproxy.Proxy, *http.Client, string) {
			return faultproxy.NewHTTP(t, newSite(t, meet).URL).Proxy, newClient(t), "http://"
		},
	} {
		mu.Lock()
		in, all = 0, nil
		all = newChan()
		mu.Unlock()
		proxy, client, scheme := make(t)
		proxy.Delay(10 * time.Millisecond)
		var calls sync.WaitGroup
		for range streams {
			calls.Go(func() {
				if _, body, err := call(t, client, "GET", scheme+proxy.Addr(), ""); body != "hello" || err != nil {
					t.Errorf("%s: %q, %v", name, body, err)
				}
			})
		}
		calls.Wait()
		if have := proxy.Connections(); name == "over many" && have.Most != streams {
			t.Errorf("%s: %+v", name, have)
		}
	}
}

func newChan() chan struct{} { return make(chan struct{}) }

func TestADelayDoesNotLimitThroughput(t *testing.T) {
	t.Parallel()
	// The server can send 8 MiB while nothing of it has arrived, so it does not wait for
	// the link. The delay is longer than the test takes.
	const size = 8 << 20
	wrote := make(chan struct{})
	server := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, size))
		close(wrote)
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Match: func(*http.Request) bool {
		proxy.Delay(2 * time.Hour) // for the answer alone
		return false
	}})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	client := newClient(t)
	go func() {
		defer close(over)
		_, _, _ = callContext(ctx, client, "GET", proxy.URL(), "")
	}()
	<-wrote
	cancel()
	<-over
}

// What is under way is due when it was due as it was sent, and not so much after what is
// before it.
func TestADelayDoesNotAddUp(t *testing.T) {
	t.Parallel()
	status := make(chan struct{})
	server := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-status
		_, _ = io.WriteString(w, "second")
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Match: func(*http.Request) bool {
		proxy.Delay(time.Second) // for the answer alone
		return false
	}})
	client := newClient(t)
	over := make(chan error, 1)
	go func() {
		_, body, err := call(t, client, "GET", proxy.URL(), "")
		if body != "firstsecond" && err == nil {
			err = errors.New("the body is " + body)
		}
		over <- err
	}()
	wait(t, "the first part is under way", func() bool { return len(proxy.Requests()) == 1 && last(t, proxy).Status == 200 })
	close(status)
	wait(t, "the second part is under way", func() bool { return last(t, proxy).Passed })
	proxy.Delay(time.Hour)
	select {
	case err := <-over:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the second part does not come")
	}
}

func TestABlackHoleSwallowsEverything(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	used, unused := newClient(t), newClient(t)
	works(t, used, proxy.URL())
	works(t, unused, proxy.URL())
	restore := proxy.BlackHole()
	again := proxy.BlackHole()

	failed := make(chan error, 2)
	ctx, cancel := context.WithCancel(t.Context())
	for _, c := range []*http.Client{used, newClient(t)} {
		go func() {
			_, _, err := callContext(ctx, c, "PUT", proxy.URL()+"/lost", "v")
			failed <- err
		}()
	}
	wait(t, "the new connection was taken", func() bool { return proxy.Connections().Opened == 3 })
	raw, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatalf("a black hole takes no connection: %v", err)
	}
	defer raw.Close()
	wait(t, "the new connection was taken", func() bool { return proxy.Connections().Opened == 4 })
	again()
	again() // twice is once
	select {
	case err := <-failed:
		t.Errorf("it answers: %v", err)
	default:
	}
	cancel()
	for range 2 {
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("a client fails with %v", err)
		}
	}
	restore()
	if _, err := raw.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("after it, a connection that was made in it fails with %v", err)
	}
	wait(t, "what was lost is closed", func() bool { return proxy.Connections().Open == 1 })
	works(t, unused, proxy.URL())
	if have := proxy.Connections().Opened; have != 4 {
		t.Errorf("a connection that lost nothing is no longer used: %d were opened", have)
	}
	works(t, used, proxy.URL())
	if slices.Contains(server.got(), "PUT /lost") {
		t.Error("what was lost arrived")
	}
}

func TestABlackHoleSwallowsAnAnswerToo(t *testing.T) {
	t.Parallel()
	acting, act := newChan(), newChan()
	server := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		close(acting)
		<-act
		w.WriteHeader(204)
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	failed := make(chan error, 1)
	go func() {
		_, _, err := call(t, newClient(t), "PUT", proxy.URL(), "v")
		failed <- err
	}()
	<-acting
	restore := proxy.BlackHole()
	close(act)
	wait(t, "the server answered", func() bool { return last(t, proxy).Passed })
	server.Config.SetKeepAlivesEnabled(false) // and ends the connection, of which nobody learns
	select {
	case err := <-failed:
		t.Errorf("the client learns of it: %v", err)
	default:
	}
	// The answer may be on its way to the hole yet, in a goroutine of the proxy.
	wait(t, "restore resets what has lost something", func() bool {
		restore()
		restore = proxy.BlackHole()
		select {
		case err := <-failed:
			if err == nil {
				t.Log("the answer passed between two holes")
			}
			return true
		default:
			return false
		}
	})
	restore()
}

func TestRefusedConnectionsAndThenNot(t *testing.T) {
	t.Parallel()
	proxy := faultproxy.NewHTTP(t, newSite(t, nil).URL)
	open := newClient(t)
	works(t, open, proxy.URL())
	restore := proxy.Refuse()
	again := proxy.Refuse()
	again()
	if _, err := net.Dial("tcp", proxy.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a dial fails with %v", err)
	}
	works(t, open, proxy.URL())
	restore()
	restore()
	works(t, newClient(t), proxy.URL())
	if have, want := proxy.Connections(), (faultproxy.Connections{Open: 2, Opened: 2, Most: 2}); have != want {
		t.Errorf("%+v; want %+v", have, want)
	}
}

func TestAServerThatIsNotThereResetsTheClient(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	proxy := faultproxy.NewHTTP(t, l.Addr().String())
	if _, _, err := call(t, newClient(t), "PUT", proxy.URL(), "v"); !isReset(err) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("the client fails with %v", err)
	}
}

func TestCutsCountBytesOnTheWire(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		n    int64
		how  faultproxy.Ending
		want string
		err  error
	}{
		{0, faultproxy.Reset, "", syscall.ECONNRESET},
		{0, faultproxy.Close, "", nil},
		{6, faultproxy.Reset, "echo 1", syscall.ECONNRESET},
		{6, faultproxy.Close, "echo 1", nil},
		{12, faultproxy.Close, "echo 1echo 2", nil},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 10)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					b := make([]byte, 1)
					for {
						if _, err := c.Read(b); err != nil {
							return
						}
						got <- string(b)
						_, _ = io.WriteString(c, "echo "+string(b))
					}
				}()
			}
		}()
		proxy := faultproxy.New(t, l.Addr().String())
		talk := func(c net.Conn, s string) (all string, err error) {
			b := make([]byte, 20)
			for i := range s {
				if _, err := c.Write([]byte{s[i]}); err != nil {
					return all, err
				}
				n := 0
				for n < 6 && err == nil {
					var m int
					m, err = c.Read(b[n:])
					n += m
				}
				all += string(b[:n])
				if err != nil {
					return all, err
				}
			}
			return all, nil
		}
		before, _ := net.Dial("tcp", proxy.Addr())
		if have, err := talk(before, "0"); have != "echo 0" || err != nil {
			t.Fatalf("before the cut: %q, %v", have, err)
		}
		<-got
		restore := proxy.Cut(test.n, test.how)
		after, _ := net.Dial("tcp", proxy.Addr())
		for name, c := range map[string]net.Conn{"an open connection": before, "a new connection": after} {
			have, err := talk(c, "1234")
			if have != test.want || !(errors.Is(err, test.err) || test.err == nil && errors.Is(err, io.EOF)) {
				// The write after the last byte that passed may be what fails.
				if have != test.want || test.err == nil || !errors.Is(err, syscall.EPIPE) {
					t.Errorf("%s that is cut after %d bytes (%v) gets %q, %v", name, test.n, test.how, have, err)
				}
			}
			if first := <-got; first != "1" {
				t.Errorf("the server got %q", first)
			}
			for range len(test.want) / 7 {
				<-got
			}
			c.Close()
		}
		restore()
		c, _ := net.Dial("tcp", proxy.Addr())
		if have, err := talk(c, "567"); have != "echo 5echo 6echo 7" || err != nil {
			t.Errorf("after the cut: %q, %v", have, err)
		}
		c.Close()
		l.Close()
	}
}

func TestDisconnectEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	for how, want := range map[faultproxy.Ending]error{faultproxy.Reset: syscall.ECONNRESET, faultproxy.Close: io.EOF} {
		proxy := faultproxy.NewHTTP(t, newSite(t, nil).URL)
		c, err := net.Dial("tcp", proxy.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		wait(t, "the connection is there", func() bool { return proxy.Connections().Open == 1 })
		proxy.Disconnect(how)
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, want) {
			t.Errorf("the connection ends with %v; want %v", err, want)
		}
		c.Close()
		wait(t, "it has ended", func() bool { return proxy.Connections().Open == 0 })
		works(t, newClient(t), proxy.URL())
	}
}

func TestNothingIsLeftWhenTheTestEnds(t *testing.T) {
	// Not parallel, as it looks at all goroutines.
	t.Run("with everything under way", func(t *testing.T) {
		acting := make(chan struct{}, 10)
		server := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/stay" {
				acting <- struct{}{}
				<-r.Context().Done()
				return
			}
			_, _ = w.Write(make([]byte, 1<<20))
		})
		proxy := faultproxy.NewHTTP(t, server.URL)
		begun := make(chan struct{})
		proxy.Do(faultproxy.Rule{Match: faultproxy.To("", "/hold"), Fault: faultproxy.Hold(nil)})
		proxy.Do(faultproxy.Rule{Match: faultproxy.To("", "/keep"), Fault: faultproxy.KeepAnswer})
		proxy.Do(faultproxy.Rule{Match: faultproxy.To("", "/made"), Fault: faultproxy.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
		}))})
		for _, path := range []string{"/stay", "/hold", "/keep", "/made", "/idle"} {
			client := newClient(t)
			go func() { _, _, _ = callContext(context.Background(), client, "PUT", proxy.URL()+path, "v") }()
		}
		unread, err := http.Get(proxy.URL() + "/unread")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unread.Body.Close() })
		<-acting
		<-begun
		wait(t, "all requests are there", func() bool { return len(proxy.Requests()) == 6 })
		restore := proxy.BlackHole()
		if _, err := net.Dial("tcp", proxy.Addr()); err != nil {
			t.Error(err)
		}
		wait(t, "all connections are there", func() bool { return proxy.Connections().Opened == 7 })
		proxy.Refuse()
		proxy.Delay(time.Hour)
		t.Cleanup(restore) // that comes before the end of the proxy, and changes nothing
	})
	wait(t, "no goroutine is left", func() bool { return stacks() == "" })
	if s := stacks(); strings.Contains(s, "goroutine") {
		t.Error(s)
	}
}
