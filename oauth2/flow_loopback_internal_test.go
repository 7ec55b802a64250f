package oauth2

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// addressed is a listener that has an address and nothing else.
type addressed struct {
	net.Listener
	address string
}

func (a addressed) Addr() net.Addr  { return a }
func (a addressed) Network() string { return "tcp" }
func (a addressed) String() string  { return a.address }

func TestListeningIsOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	down := errors.New("no such address here")
	for name, test := range map[string]struct {
		host string
		port int
		fail []string
		on   []string
		at   string
	}{
		"IPv4":                           {"", 0, nil, []string{"127.0.0.1:0"}, "127.0.0.1:50000"},
		"IPv6 where there is no IPv4":    {"", 0, []string{"127.0.0.1:0"}, []string{"[::1]:0"}, "[::1]:50000"},
		"nothing":                        {"", 0, []string{"127.0.0.1:0", "[::1]:0"}, nil, ""},
		"a port that is taken":           {"", 8080, []string{"127.0.0.1:8080"}, nil, ""},
		"IPv6 as asked for":              {"::1", 8080, nil, []string{"[::1]:8080"}, "[::1]:8080"},
		"IPv6 as asked for and not here": {"::1", 0, []string{"[::1]:0"}, nil, ""},
		"localhost":                      {"localhost", 0, nil, []string{"127.0.0.1:0", "[::1]:50000"}, "localhost:50000"},
		"localhost with IPv4 only":       {"localhost", 0, []string{"[::1]:50000"}, []string{"127.0.0.1:0"}, "localhost:50000"},
		"localhost with IPv6 only":       {"localhost", 0, []string{"127.0.0.1:0"}, []string{"[::1]:0"}, "localhost:50000"},
		"all addresses":                  {"0.0.0.0", 0, nil, nil, ""},
		"another host":                   {"example.com", 0, nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var on []string
			listeners, at, err := loopback{func(_ context.Context, address string) (net.Listener, error) {
				if slices.Contains(test.fail, address) {
					return nil, down
				}
				on = append(on, address)
				host, port, _ := net.SplitHostPort(address)
				if port == "0" {
					port = "50000"
				}
				return addressed{address: net.JoinHostPort(host, port)}, nil
			}}.on(context.Background(), test.host, test.port)
			if (err == nil) != (test.at != "") || at != test.at || !slices.Equal(on, test.on) || len(listeners) != len(on) {
				t.Errorf("listens on %q as %q, %v", on, at, err)
			}
		})
	}
}

// Some browsers ask twice, to look ahead. Whichever comes first is the answer,
// and both see how it ends, whenever that is.
func TestABrowserThatAsksTwiceSeesOneEnd(t *testing.T) {
	t.Parallel()
	for _, connected := range []bool{true, false} {
		answers := make(chan url.Values, 1)
		b := &callback{
			host: "127.0.0.1:1", path: "/callback", answers: answers, finished: make(chan struct{}),
			pending: &Pending{State: core.String("s")},
		}
		var wait sync.WaitGroup
		pages := make([]*httptest.ResponseRecorder, 3)
		for i := range pages {
			pages[i] = httptest.NewRecorder()
			wait.Go(func() {
				b.ServeHTTP(pages[i], httptest.NewRequest(http.MethodGet, "http://127.0.0.1:1/callback?state=s&code=c", nil))
			})
		}
		if answer := <-answers; answer.Get("code") != "c" {
			t.Error("another answer")
		}
		b.connected = connected
		close(b.finished)
		wait.Wait()
		for _, page := range pages {
			if (page.Code == http.StatusOK) != connected {
				t.Errorf("connected is %v, and a page has the status %d", connected, page.Code)
			}
		}
	}
}

// FuzzCallback has requests that no browser sends: none without the state is
// taken for the answer, or finds itself on a page.
func FuzzCallback(f *testing.F) {
	f.Add("GET", "127.0.0.1:1", "/callback", "state=s&code=c")
	f.Add("GET", "127.0.0.1:1", "/callback", "state=canary&state=s")
	f.Add("POST", "evil.example", "/", "state=s")
	f.Fuzz(func(t *testing.T, method, host, path, query string) {
		answers := make(chan url.Values, 1)
		b := &callback{
			host: "127.0.0.1:1", path: "/callback", answers: answers, finished: make(chan struct{}),
			pending: &Pending{State: core.String("s")}, connected: true,
		}
		close(b.finished)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, &http.Request{Method: method, Host: host, URL: &url.URL{Path: path, RawQuery: query}})
		select {
		case answer := <-answers:
			if answer.Get("state") != "s" || method != "GET" || host != b.host || path != b.path || w.Code != http.StatusOK {
				t.Fatal("taken for the answer")
			}
		default:
			if w.Code < 400 || w.Code > 499 {
				t.Fatalf("the status is %d", w.Code)
			}
		}
		if w.Header().Get("Cache-Control") != "no-store" || len(w.Body.String()) > 300 {
			t.Fatal("a page that is not one of ours")
		}
	})
}
