package faultproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
)

func TestEachFaultIsWhatTheClientSees(t *testing.T) {
	t.Parallel()
	const whole = "hello"
	closed := make(chan struct{})
	close(closed)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>")
	})
	for _, test := range []struct {
		name      string
		fault     faultproxy.Fault
		status    int
		body      string
		failed    func(error) bool
		delivered bool
		answered  int
		passed    bool
	}{
		{"none", faultproxy.Fault{}, 200, whole, nil, true, 200, true},
		{"LoseRequest", faultproxy.LoseRequest, 0, "", isReset, false, 0, false},
		{"LoseAnswer", faultproxy.LoseAnswer, 0, "", isReset, true, 200, false},
		{"Hold", faultproxy.Hold(closed), 200, whole, nil, true, 200, true},
		{"CutBody with a reset", faultproxy.CutBody(2, faultproxy.Reset), 200, "he", isReset, true, 200, false},
		{"CutBody with a clean close", faultproxy.CutBody(2, faultproxy.Close), 200, "he", isShort, true, 200, false},
		{"CutBody of nothing", faultproxy.CutBody(0, faultproxy.Close), 200, "", isShort, true, 200, false},
		{"CutBody of more than there is", faultproxy.CutBody(6, faultproxy.Reset), 200, whole, nil, true, 200, true},
		{"Status", faultproxy.Status(429, "Retry-After", "1"), 429, "", nil, false, 429, true},
		{"Answer with a page", faultproxy.Answer(page), 200, "<html>", nil, false, 200, true},
		{"Answer with a redirect", faultproxy.Answer(http.RedirectHandler("http://other.invalid/", http.StatusTemporaryRedirect)), 307, "", nil, false, 307, true},
	} {
		for _, method := range []string{"GET", "PUT"} {
			t.Run(test.name+" of "+method, func(t *testing.T) {
				t.Parallel()
				server, client := newSite(t, nil), newClient(t)
				proxy := faultproxy.NewHTTP(t, server.URL)
				// On a connection that is used for the second time, where
				// net/http would send a GET again by itself.
				client.Transport.(*http.Transport).DisableKeepAlives = method == "GET"
				works(t, client, proxy.URL())
				proxy.Do(faultproxy.Rule{Match: faultproxy.To(method, "/secret"), Times: 1, Fault: test.fault})
				send := strings.Repeat("b", 70_000)
				if test.name == "LoseRequest" {
					send = "b" // of a longer one, the client may see its write fail instead
				}
				status, body, err := call(t, client, method, proxy.URL()+"/secret/a?token=t0k3n", send)
				if test.name == "Answer with a redirect" {
					body = "" // which http.RedirectHandler writes for GET alone
				}
				if status != test.status || body != test.body {
					t.Errorf("the client gets %d, %q", status, body)
				}
				if test.failed == nil && err != nil || test.failed != nil && !test.failed(err) {
					t.Errorf("the client fails with %T: %v", err, err)
				}
				want := faultproxy.Request{
					Method: method, Path: "/secret/a", Fault: strings.Fields(test.name)[0],
					Delivered: test.delivered, Status: test.answered, Passed: test.passed,
				}
				if want.Fault == "none" {
					want.Fault = ""
				}
				if have := last(t, proxy); have != want {
					t.Errorf("listed is %+v; want %+v", have, want)
				}
				if have := slices.Contains(server.got(), method+" /secret/a"); have != test.delivered {
					t.Errorf("the server got the request: %v", have)
				}
				works(t, client, proxy.URL())
			})
		}
	}
}

func isShort(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

func TestAStatusHasItsHeader(t *testing.T) {
	t.Parallel()
	proxy := faultproxy.NewHTTP(t, newSite(t, nil).URL)
	restore := proxy.Do(faultproxy.Rule{Fault: faultproxy.Status(503, "Retry-After", "7")})
	client := newClient(t)
	for range 3 {
		resp, err := client.Get(proxy.URL())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "7" {
			t.Errorf("the client gets %d with Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
		}
	}
	restore()
	works(t, client, proxy.URL())
	if have := proxy.Connections(); have.Opened != 1 {
		t.Errorf("a made-up answer costs a connection: %+v", have)
	}
}

func TestALostAnswerIsLostAfterTheServerHasActed(t *testing.T) {
	t.Parallel()
	acting, act := make(chan struct{}), make(chan struct{})
	server := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(acting)
		<-act
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Fault: faultproxy.LoseAnswer})
	failed := make(chan error, 1)
	go func() {
		_, _, err := call(t, newClient(t), "PUT", proxy.URL(), "v")
		failed <- err
	}()
	<-acting
	if have := proxy.Connections().Open; have != 1 {
		t.Errorf("while the server acts, %d connections are open", have)
	}
	select {
	case err := <-failed:
		t.Errorf("before the server has acted, the client fails with %v", err)
	default:
	}
	close(act)
	if err := <-failed; !isReset(err) {
		t.Errorf("the client fails with %v", err)
	}
}

func TestAContinueIsNoAnswer(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil) // which reads the body, and so sends 100 Continue
	for _, fault := range []faultproxy.Fault{{}, faultproxy.LoseAnswer} {
		proxy := faultproxy.NewHTTP(t, server.URL)
		proxy.Do(faultproxy.Rule{Fault: fault})
		req, _ := http.NewRequestWithContext(t.Context(), "PUT", proxy.URL(), strings.NewReader("value"))
		req.Header.Set("Expect", "100-continue")
		client := newClient(t)
		client.Transport.(*http.Transport).ExpectContinueTimeout = 1 << 40
		resp, err := client.Do(req)
		if fault == (faultproxy.Fault{}) {
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("without a fault: %v", err)
				continue
			}
			resp.Body.Close()
		} else if !isReset(err) {
			t.Errorf("with a lost answer: %v", err)
		}
		if have := last(t, proxy); !have.Delivered || have.Status != 200 {
			t.Errorf("listed is %+v", have)
		}
	}
}

func TestAKeptAnswerLeavesTheClientWaiting(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Times: 1, Fault: faultproxy.KeepAnswer})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	client := newClient(t)
	go func() {
		_, _, err := callContext(ctx, client, "PUT", proxy.URL()+"/a", "v")
		failed <- err
	}()
	wait(t, "the server answered", func() bool { return len(proxy.Requests()) == 1 && proxy.Requests()[0].Status == 200 })
	if have := last(t, proxy); !have.Delivered || have.Passed {
		t.Errorf("listed is %+v", have)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the client fails with %v", err)
	}
	wait(t, "the connection ended", func() bool { return proxy.Connections().Open == 0 })
	works(t, client, proxy.URL())
}

func TestAnEndlessAnswerEndsWithItsClient(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Fault: faultproxy.Endless})
	resp, err := newClient(t).Get(proxy.URL())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, resp.Body, 8<<20); err != nil {
		t.Errorf("it ended after %d bytes: %v", n, err)
	}
	resp.Body.Close()
	wait(t, "the connection ended", func() bool { return proxy.Connections().Open == 0 })
	if have := server.got(); len(have) > 0 {
		t.Errorf("the server got %q", have)
	}
}

func TestAHandlersContextEndsWhenTheClientGoes(t *testing.T) {
	t.Parallel()
	proxy := faultproxy.NewHTTP(t, newSite(t, nil).URL)
	begun, ended := make(chan struct{}), make(chan struct{})
	proxy.Do(faultproxy.Rule{Fault: faultproxy.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	}))})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := newClient(t)
	go func() { _, _, _ = callContext(ctx, client, "PUT", proxy.URL(), "unread") }()
	<-begun
	cancel()
	<-ended
}

func TestHeldRequestsAreAllThereAtOnce(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	release := make(chan struct{})
	proxy.Do(faultproxy.Rule{Fault: faultproxy.Hold(release)})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 8 {
		ctx := ctx
		if i > 0 {
			ctx = t.Context()
		}
		all.Go(func() {
			_, _, err := callContext(ctx, newClient(t), "PUT", fmt.Sprint(proxy.URL(), "/", i), "v")
			if (err != nil) != (i == 0) {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wait(t, "all requests are there", func() bool { return len(proxy.Requests()) == 8 })
	if have := server.got(); len(have) > 0 {
		t.Errorf("the server got %q", have)
	}
	cancel() // the first one gives up, and arrives nevertheless
	close(release)
	all.Wait()
	wait(t, "all were delivered", func() bool { return len(server.got()) == 8 })
}

func TestRulesCountExactly(t *testing.T) {
	t.Parallel()
	server := newSite(t, nil)
	proxy := faultproxy.NewHTTP(t, server.URL)
	const requests, skip, times = 200, 30, 57
	is := faultproxy.To("LIST", "/v1/")
	proxy.Do(faultproxy.Rule{Match: is, Skip: skip, Times: times, Fault: faultproxy.Status(429)})
	proxy.Do(faultproxy.Rule{Match: is, Times: 11, Fault: faultproxy.Status(503)})
	proxy.Do(faultproxy.Rule{Match: faultproxy.To("", "/v1/"), Times: 13, Fault: faultproxy.Status(418)})
	var counts [600]atomic.Int32
	var all sync.WaitGroup
	client := newClient(t)
	for range 10 {
		all.Go(func() {
			for range requests / 10 {
				status, _, err := call(t, client, "LIST", proxy.URL()+"/v1/x", "")
				if err != nil {
					t.Error(err)
					return
				}
				counts[status].Add(1)
			}
		})
	}
	all.Wait()
	for status, want := range map[int]int{429: times, 503: 11, 418: 13, 200: requests - times - 11 - 13} {
		if have := int(counts[status].Load()); have != want {
			t.Errorf("%d answers are %d; want %d", have, status, want)
		}
	}
	if have := len(server.got()); have != requests-times-11-13 {
		t.Errorf("the server got %d requests", have)
	}
	if have := len(proxy.Requests()); have != requests {
		t.Errorf("%d requests are listed", have)
	}
}

func TestTheNthRequestAloneMeetsARule(t *testing.T) {
	t.Parallel()
	proxy := faultproxy.NewHTTP(t, newSite(t, nil).URL)
	proxy.Do(faultproxy.Rule{Skip: 2, Times: 1, Fault: faultproxy.Status(503)})
	var have []int
	for range 5 {
		status, _, _ := call(t, newClient(t), "GET", proxy.URL(), "")
		have = append(have, status)
	}
	if want := []int{200, 200, 503, 200, 200}; !slices.Equal(have, want) {
		t.Errorf("the answers are %v; want %v", have, want)
	}
}

func TestARuleCannotSpoilTheBody(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	server := newSite(t, func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	})
	proxy := faultproxy.NewHTTP(t, server.URL)
	proxy.Do(faultproxy.Rule{Match: func(r *http.Request) bool {
		if n, err := io.Copy(io.Discard, r.Body); n > 0 || err != nil {
			t.Errorf("a rule sees %d bytes of the body, %v", n, err)
		}
		return false
	}})
	if _, _, err := call(t, newClient(t), "PUT", proxy.URL(), "value"); err != nil {
		t.Fatal(err)
	}
	if have := <-got; have != "value" {
		t.Errorf("the server got %q", have)
	}
}

func TestAnAnswerToHEADHasNoBody(t *testing.T) {
	t.Parallel()
	proxy := faultproxy.NewHTTP(t, newSite(t, nil).URL)
	client := newClient(t)
	if status, _, err := call(t, client, "HEAD", proxy.URL(), ""); status != 200 || err != nil {
		t.Fatalf("HEAD gets %d, %v", status, err)
	}
	if have := last(t, proxy); !have.Passed {
		t.Errorf("listed is %+v", have)
	}
	proxy.Do(faultproxy.Rule{Fault: faultproxy.LoseAnswer})
	if _, _, err := call(t, client, "PUT", proxy.URL(), "v"); !isReset(err) {
		t.Errorf("the next request on the connection fails with %v", err)
	}
	if have := proxy.Connections().Opened; have != 1 {
		t.Errorf("%d connections were opened", have)
	}
}
