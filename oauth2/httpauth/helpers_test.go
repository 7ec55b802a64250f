package httpauth_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// canary is a secret that stands in no test's own text.
const canary = "cAnArY-9f8e7d6c5b4a"

// give is a Get of one value.
func give(secret string) func(context.Context) (core.Value, error) {
	value := core.String(secret)
	return func(context.Context) (core.Value, error) { return value, nil }
}

// seen is what the transport below was given.
type seen struct {
	url    string
	header http.Header
	body   string
}

// base answers by host in place of a network, and remembers what came.
type base struct {
	mu    sync.Mutex
	came  []seen
	serve map[string]http.HandlerFunc // by host; others answer 200
	fail  func(*http.Request) error
}

func (b *base) RoundTrip(req *http.Request) (*http.Response, error) {
	s := seen{url: req.URL.String(), header: req.Header.Clone()}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		s.body = string(body)
		if err := req.Body.Close(); err != nil {
			return nil, err
		}
	}
	b.mu.Lock()
	b.came = append(b.came, s)
	b.mu.Unlock()
	if b.fail != nil {
		return nil, b.fail(req)
	}
	w := httptest.NewRecorder()
	if serve := b.serve[req.URL.Host]; serve != nil {
		serve(w, req)
	}
	resp := w.Result()
	resp.Request = req // as net/http's own does
	return resp, nil
}

// requests returns what has come.
func (b *base) requests() []seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.came
}

// redirect answers with that address.
func redirect(location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	}
}

// body is a request's body that knows that it was closed.
type body struct {
	io.Reader
	closed int
}

func (b *body) Close() error { b.closed++; return nil }

func request(t testing.TB, raw string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
	if err != nil {
		t.Fatal("the test's URL is none")
	}
	return req
}

func transport(t testing.TB, cfg httpauth.Config) *httpauth.Transport {
	t.Helper()
	if cfg.Get == nil {
		cfg.Get = give(canary)
	}
	if cfg.Hosts == nil {
		cfg.Hosts = []string{"api.example.com"}
	}
	tr, err := httpauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// do sends a request, and returns the answer with its body closed.
func do(t testing.TB, rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	if resp != nil && resp.Body != nil {
		if err := resp.Body.Close(); err != nil {
			t.Error("the answer's body can't be closed")
		}
	}
	if err != nil && resp != nil {
		t.Error("an answer and an error are returned")
	}
	return resp, err
}

// get asks as an application does.
func get(t testing.TB, client *http.Client, req *http.Request) (*http.Response, error) {
	t.Helper()
	resp, err := client.Do(req)
	if resp != nil {
		_ = resp.Body.Close()
	}
	return resp, err
}

// holds reports whether the text has the canary in it, or a part of it, as it is
// or in a URL. Tests fail by it without showing the text.
func holds(text string) bool {
	for i := 0; i+8 <= len(canary); i++ {
		if strings.Contains(text, canary[i:i+8]) || strings.Contains(text, url.QueryEscape(canary[i:i+8])) {
			return true
		}
	}
	return false
}

// wantKind checks an error's type, kind and name, and that it names nothing secret.
func wantKind(t testing.TB, err, kind error) *httpauth.Error {
	t.Helper()
	var e *httpauth.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is a %T, and should be an *httpauth.Error", err)
	}
	noLeak(t, err)
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("the error %q does not match %q", err, kind)
	}
	return e
}

// arrived is the secret as a server reads it: the request goes over a wire.
func arrived(t testing.TB, scheme httpauth.Scheme, s seen) string {
	t.Helper()
	req := request(t, s.url)
	req.Header = s.header
	var wire strings.Builder
	if err := req.Write(&wire); err != nil {
		t.Fatal("the request can't be written")
	}
	got, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire.String())))
	if err != nil || len(got.Header["X-Evil"]) != 0 {
		t.Fatal("the request can't be read, or has a header more")
	}
	user, password, isBasic := got.BasicAuth()
	switch authorization := got.Header.Get("Authorization"); {
	case scheme == httpauth.UserPassword() && isBasic:
		return user + ":" + password
	case scheme == httpauth.Basic("api") && isBasic && user == "api":
		return password
	case scheme == httpauth.Header("X-Api-Key"):
		return got.Header.Get("X-Api-Key")
	case scheme == httpauth.Query("key") && len(got.URL.Query()) == 2 && got.URL.Query().Get("a") == "b":
		return got.URL.Query().Get("key")
	default:
		_, secret, _ := strings.Cut(authorization, " ")
		return secret
	}
}
