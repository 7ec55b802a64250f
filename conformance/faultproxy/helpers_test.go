package faultproxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
)

// A site is the real server, which notes what it has acted on.
type site struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newSite(t *testing.T, handle http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handle == nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if handle != nil {
			handle(w, r)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *site) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

// newClient is a client with connections of its own.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// call returns the status and the body that came, and what went wrong. A body that
// is not there in whole is an error.
func call(t *testing.T, c *http.Client, method, url, body string) (int, string, error) {
	t.Helper()
	return callContext(t.Context(), c, method, url, body)
}

func callContext(ctx context.Context, c *http.Client, method, url, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

// wait waits for a condition of another goroutine.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(10 * time.Second); !is(); <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func works(t *testing.T, c *http.Client, url string) {
	t.Helper()
	if status, body, err := call(t, c, "GET", url+"/works", ""); status != 200 || body != "hello" || err != nil {
		t.Errorf("a plain request gets %d, %q, %v", status, body, err)
	}
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

// stacks returns the goroutines that are in the package, but for its tests.
func stacks() string {
	buf := make([]byte, 8<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var mine []string
	for g := range bytes.SplitSeq(buf, []byte("\n\n")) {
		if bytes.Contains(g, []byte("faultproxy.")) && !bytes.Contains(g, []byte("testing.tRunner")) {
			mine = append(mine, string(g))
		}
	}
	return strings.Join(mine, "\n\n")
}

func last(t *testing.T, p *faultproxy.HTTP) faultproxy.Request {
	t.Helper()
	all := p.Requests()
	if len(all) == 0 {
		t.Fatal("no request is listed")
	}
	return all[len(all)-1]
}
