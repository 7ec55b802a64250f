package httpauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

func TestTheSecretStandsWhereTheSchemeSays(t *testing.T) {
	t.Parallel()
	basic := func(text string) http.Header {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(text))}}
	}
	for _, tt := range []struct {
		name   string
		scheme httpauth.Scheme
		secret string
		url    string // what is sent; the request's is https://api.example.com/v1?a=b%20c&a
		header http.Header
	}{
		{"bearer", httpauth.Bearer(), "s3cret", "", http.Header{"Authorization": {"Bearer s3cret"}}},
		{"authorization", httpauth.Authorization("SSWS"), "s3cret", "", http.Header{"Authorization": {"SSWS s3cret"}}},
		{"basic", httpauth.Basic("api"), "s3:cret", "", basic("api:s3:cret")},
		{"basic without a user", httpauth.Basic(""), "pässwörd with spaces ", "", basic(":pässwörd with spaces ")},
		{"user and password", httpauth.UserPassword(), "api:s3:cret", "", basic("api:s3:cret")},
		{"what base64 makes + and / of", httpauth.UserPassword(), "a:>>>???", "", http.Header{"Authorization": {"Basic YTo+Pj4/Pz8="}}},
		{"a key as the user", httpauth.UserPassword(), "s3cret:", "", basic("s3cret:")},
		{"header", httpauth.Header("x-API-key"), "s3 cret", "", http.Header{"X-Api-Key": {"s3 cret"}}},
		{"header that is Authorization", httpauth.Header("authorization"), "s3cret", "", http.Header{"Authorization": {"s3cret"}}},
		{"query", httpauth.Query("key"), "s3cret", "https://api.example.com/v1?a=b%20c&a&key=s3cret", nil},
		{"query that is escaped", httpauth.Query("api key"), "a&b=c +%é", "https://api.example.com/v1?a=b%20c&a&api+key=a%26b%3Dc+%2B%25%C3%A9", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &base{}
			tr := transport(t, httpauth.Config{Get: give(tt.secret), Scheme: tt.scheme, Base: b})
			const sent = "https://api.example.com/v1?a=b%20c&a"
			req := request(t, sent)
			req.Header.Set("Accept", "text/plain")
			resp, err := do(t, tr, req)
			if err != nil {
				t.Fatal(err)
			}
			want := http.Header{"Accept": {"text/plain"}}
			maps.Copy(want, tt.header)
			if tt.url == "" {
				tt.url = sent
			}
			if got := b.requests(); len(got) != 1 || got[0].url != tt.url || !reflect.DeepEqual(got[0].header, want) {
				t.Errorf("%d requests came, and the last is %+v", len(got), got)
			}
			if req.URL.String() != sent || !reflect.DeepEqual(req.Header, http.Header{"Accept": {"text/plain"}}) {
				t.Error("the caller's request was changed")
			}
			if resp.Request != req {
				t.Error("the answer names another request than the caller's")
			}
		})
	}
}

func TestAnEmptyQueryGetsTheParameterAlone(t *testing.T) {
	t.Parallel()
	b := &base{}
	tr := transport(t, httpauth.Config{Get: give("s3cret"), Scheme: httpauth.Query("key"), Base: b})
	if _, err := do(t, tr, request(t, "https://api.example.com/")); err != nil {
		t.Fatal(err)
	}
	if got := b.requests()[0].url; got != "https://api.example.com/?key=s3cret" {
		t.Errorf("the address is %s", got)
	}
}

// elsewhere are addresses that the secret isn't for, where api.example.com and
// *.sub.example.com are declared.
var elsewhere = []string{
	"https://evil.test/", "https://example.com/", "https://sub.example.com/", "https://x.api.example.com/", "https://xapi.example.com/",
	"https://api.example.com.evil.test/", "https://evil.test/api.example.com", "https://api.example.com@evil.test/", "https://evil.test/?api.example.com",
	"https://api.example.com:8443/", "http://api.example.com/", "http://a.sub.example.com/", "http://api.example.com:443/", "http://localhost/",
	"https://ap\u0131.example.com/",
}

func TestTheSecretGoesToDeclaredHostsOnly(t *testing.T) {
	t.Parallel()
	for name, s := range schemes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &base{}
			reads := 0
			tr := transport(t, httpauth.Config{
				Get:    func(context.Context) (core.Value, error) { reads++; return core.String(s.secret), nil },
				Scheme: s.scheme, Hosts: []string{"API.example.com", "*.sub.example.com"}, Base: b,
			})
			for i, raw := range elsewhere {
				req := request(t, raw)
				resp, err := do(t, tr, req)
				if err != nil {
					t.Fatal(err)
				}
				got := b.requests()[i]
				if got.url != req.URL.String() || !reflect.DeepEqual(got.header, req.Header) {
					t.Errorf("%s was sent with something more", raw)
				}
				if resp.Request != req {
					t.Errorf("%s: the answer names another request", raw)
				}
			}
			if reads != 0 {
				t.Errorf("the secret was read %d times, though it goes nowhere", reads)
			}
			for _, raw := range []string{"https://api.example.com/", "https://API.EXAMPLE.COM.:443/", "https://a.b.sub.example.com/"} {
				if _, err := do(t, tr, request(t, raw)); err != nil {
					t.Fatal(err)
				}
			}
			if reads != 3 {
				t.Errorf("the secret was read %d times for three requests that get it", reads)
			}
		})
	}
}

func TestStrictRefusesToSendElsewhere(t *testing.T) {
	t.Parallel()
	b := &base{}
	tr := transport(t, httpauth.Config{
		Name: "weather", Scheme: httpauth.Bearer(), Hosts: []string{"API.example.com", "*.sub.example.com"}, Strict: true, Base: b,
		Get: func(context.Context) (core.Value, error) { return core.Value{}, errors.New("the secret was read") },
	})
	for _, raw := range elsewhere {
		sent := &body{Reader: strings.NewReader("x")}
		req := request(t, raw)
		req.Body = sent
		_, err := do(t, tr, req)
		e := wantKind(t, err, core.ErrPermissionDenied)
		want := "declared are api.example.com, *.sub.example.com"
		if strings.HasPrefix(raw, "http://") && raw != "http://localhost/" {
			want = "plain http"
		}
		if e.Name != "weather" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"weather"`) {
			t.Errorf("%s: the error %q does not say %q", raw, err, want)
		}
		if sent.closed != 1 {
			t.Errorf("%s: the body was closed %d times", raw, sent.closed)
		}
	}
	req := request(t, "https://api.example.com/")
	req.Host = "evil.test"
	if _, err := do(t, tr, req); !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), "not declared") {
		t.Errorf("a header Host that isn't declared is answered by %v", err)
	}
	if _, err := do(t, tr, &http.Request{Header: http.Header{}}); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("a request without a URL is answered by %v", err)
	}
	if got := b.requests(); len(got) != 0 {
		t.Errorf("%d requests were sent", len(got))
	}
}

func TestAHostHeaderThatIsNotDeclaredGetsNoSecret(t *testing.T) {
	t.Parallel()
	b := &base{}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Hosts: []string{"api.example.com", "eu.example.com"}, Base: b})
	for _, host := range []string{"eu.example.com", "evil.test"} {
		req := request(t, "https://api.example.com/")
		req.Host = host
		if _, err := do(t, tr, req); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.requests(); got[0].header.Get("Authorization") == "" || got[1].header.Get("Authorization") != "" {
		t.Error("the header Host does not decide")
	}
}

func TestPlainHTTPIsForDeclaredLoopbackHosts(t *testing.T) {
	t.Parallel()
	came := make(chan string, 3)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { came <- r.Header.Get("Authorization") }))
	t.Cleanup(server.Close)
	for _, declared := range []string{"127.0.0.1", strings.TrimPrefix(server.URL, "http://")} {
		tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Hosts: []string{declared}, Strict: true, Base: server.Client().Transport})
		if _, err := get(t, tr.HTTP(), request(t, server.URL)); err != nil {
			t.Fatal(err)
		}
		if got := <-came; got != "Bearer "+canary {
			t.Errorf("%s: the header is not the secret's", declared)
		}
	}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Hosts: []string{"127.0.0.1:1", "localhost"}, Base: server.Client().Transport})
	if _, err := get(t, tr.HTTP(), request(t, server.URL)); err != nil {
		t.Fatal(err)
	}
	if got := <-came; got != "" {
		t.Error("the header goes to a loopback host that isn't declared")
	}
}

func TestARotatedSecretIsSentAtOnce(t *testing.T) {
	t.Parallel()
	svc := memory.New(memory.Config{})
	t.Cleanup(func() { _ = svc.Close() })
	b := &base{}
	tr := transport(t, httpauth.Config{Get: httpauth.Secret(svc, "WEATHER_API_KEY"), Scheme: httpauth.Bearer(), Base: b})
	_, err := do(t, tr, request(t, "https://api.example.com/"))
	if !errors.Is(err, core.ErrNotFound) || len(b.requests()) != 0 {
		t.Errorf("without a secret the error is %v, and %d requests were sent", err, len(b.requests()))
	}
	for _, key := range []string{"first", "second"} {
		if _, err := svc.Set(t.Context(), "WEATHER_API_KEY", core.String(key)); err != nil {
			t.Fatal(err)
		}
		if _, err := do(t, tr, request(t, "https://api.example.com/")); err != nil {
			t.Fatal(err)
		}
		if got := b.requests(); got[len(got)-1].header.Get("Authorization") != "Bearer "+key {
			t.Errorf("the %s key is not the one that was sent", key)
		}
	}
}

func TestGetHasTheRequestsContextAndItsErrorIsTheRequests(t *testing.T) {
	t.Parallel()
	type key struct{}
	want := errors.New("the vault is sealed")
	b := &base{}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Base: b, Get: func(ctx context.Context) (core.Value, error) {
		if ctx.Value(key{}) != 1 {
			return core.Value{}, errors.New("another context")
		}
		return core.String(canary), want
	}})
	sent := &body{Reader: strings.NewReader("x")}
	req := request(t, "https://api.example.com/").WithContext(context.WithValue(t.Context(), key{}, 1))
	req.Body = sent
	if _, err := do(t, tr, req); err != want { //nolint:errorlint // as it is
		t.Errorf("the error is %v", err)
	}
	if len(b.requests()) != 0 || sent.closed != 1 {
		t.Errorf("%d requests were sent, and the body was closed %d times", len(b.requests()), sent.closed)
	}
}

func TestARequestWithACredentialOfItsOwnIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		scheme httpauth.Scheme
		change func(*http.Request)
		want   string
	}{
		{"bearer", httpauth.Bearer(), func(r *http.Request) { r.Header.Set("Authorization", "Basic x") }, "has the header Authorization already"},
		{"the same bearer", httpauth.Bearer(), func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+canary) }, "has the header Authorization already"},
		{"an empty bearer", httpauth.Bearer(), func(r *http.Request) { r.Header.Set("Authorization", "") }, "has the header Authorization already"},
		{"in lower case", httpauth.Bearer(), func(r *http.Request) { r.Header["authorization"] = []string{"Basic x"} }, "has the header Authorization already"},
		{"basic", httpauth.Basic("api"), func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "has the header Authorization already"},
		{"header", httpauth.Header("X-Api-Key"), func(r *http.Request) { r.Header.Set("x-api-key", "x") }, "has the header X-Api-Key already"},
		{"query", httpauth.Query("key"), func(r *http.Request) { r.URL.RawQuery = "a=b&key=other" }, "another value"},
		{"an empty query", httpauth.Query("key"), func(r *http.Request) { r.URL.RawQuery = "key" }, "another value"},
		{"an escaped query", httpauth.Query("key"), func(r *http.Request) { r.URL.RawQuery = "%6Bey=other&a" }, "another value"},
		{"query, both", httpauth.Query("key"), func(r *http.Request) { r.URL.RawQuery = "key=" + canary + "&key=other" }, "another value"},
		{"a user in the URL", httpauth.Bearer(), func(r *http.Request) { r.URL.User = url.UserPassword("user", "hunter2") }, "has a user name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &base{}
			tr := transport(t, httpauth.Config{
				Name: "weather", Scheme: tt.scheme, Base: b,
			})
			req := request(t, "https://api.example.com/")
			tt.change(req)
			sent := &body{Reader: strings.NewReader("x")}
			req.Body = sent
			_, err := get(t, tr.HTTP(), req)
			var e *httpauth.Error
			if !errors.As(err, &e) || !errors.Is(e, core.ErrInvalidOption) || !strings.Contains(e.Error(), tt.want) || !strings.Contains(e.Error(), `"weather"`) {
				t.Errorf("the error %v does not say %q", e, tt.want)
			}
			if strings.Contains(e.Error(), "hunter2") || holds(e.Error()) {
				t.Error("the error quotes a credential")
			}
			if len(b.requests()) != 0 || sent.closed == 0 {
				t.Errorf("%d requests were sent, and the body was closed %d times", len(b.requests()), sent.closed)
			}
		})
	}
}

func TestAHeaderOfAnotherNameIsTheCallersAffair(t *testing.T) {
	t.Parallel()
	b := &base{}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Header("X-Api-Key"), Base: b})
	req := request(t, "https://user:pw@api.example.com/")
	req.Header["X-Api-Key"] = nil // nothing is sent of it
	if _, err := get(t, tr.HTTP(), req); err != nil {
		t.Fatal(err)
	}
	got := b.requests()[0].header
	if got.Get("X-Api-Key") != canary || !strings.HasPrefix(got.Get("Authorization"), "Basic ") {
		t.Error("one of the two headers is not there")
	}
}

func TestAParameterThatIsTheSecretIsNotSentTwice(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"key=" + canary + "&page=2", "page=2&%6bey=" + strings.Replace(canary, "-", "%2d", 1)} {
		b := &base{}
		tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: b})
		if _, err := do(t, tr, request(t, "https://api.example.com/?"+query)); err != nil {
			t.Fatal("an address of a next page is refused")
		}
		if got := b.requests(); len(got) != 1 || got[0].url != "https://api.example.com/?"+query {
			t.Error("the address is not sent as it is")
		}
	}
}

func TestTheBodyIsSentAndItsLengthAndReplayAreKept(t *testing.T) {
	t.Parallel()
	for name, s := range schemes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &base{serve: map[string]http.HandlerFunc{"api.example.com": func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength != 5 || r.GetBody == nil || r.Method != http.MethodPost {
					w.WriteHeader(http.StatusBadRequest)
				}
			}}}
			tr := transport(t, httpauth.Config{Get: give(s.secret), Scheme: s.scheme, Base: b})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/", strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := get(t, tr.HTTP(), req)
			if err != nil || resp.StatusCode != http.StatusOK || b.requests()[0].body != "hello" {
				t.Errorf("the request has lost something: %v", err)
			}
		})
	}
}

func TestManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	for name, s := range schemes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &base{}
			tr := transport(t, httpauth.Config{Get: give(s.secret), Scheme: s.scheme, Base: b})
			shared := request(t, "https://api.example.com/?a=b")
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					// One request for all: it must not be written to.
					if _, err := do(t, tr, shared); err != nil {
						t.Errorf("the request failed: %T", err)
					}
				})
			}
			wg.Wait()
			got := b.requests()
			if len(got) != 32 || slices.ContainsFunc(got, func(s seen) bool { return s.url != got[0].url || !reflect.DeepEqual(s.header, got[0].header) }) {
				t.Error("the requests differ")
			}
		})
	}
}

// broken is a transport that breaks the rules of one.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, nil } //nolint:nilnil // see above

func TestATransportBelowThatAnswersNothingIsNoPanic(t *testing.T) {
	t.Parallel()
	for name, s := range schemes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := transport(t, httpauth.Config{Get: give(s.secret), Scheme: s.scheme, Base: broken{}})
			for _, raw := range []string{"https://api.example.com/", "https://evil.test/"} {
				if _, err := get(t, tr.HTTP(), request(t, raw)); err == nil {
					t.Error("there is no error")
				}
			}
		})
	}
}

// idle counts.
type idle struct {
	base
	closed int
}

func (i *idle) CloseIdleConnections() { i.closed++ }

func TestIdleConnectionsAreClosedBelow(t *testing.T) {
	t.Parallel()
	below := &idle{}
	transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Base: below}).HTTP().CloseIdleConnections()
	if below.closed != 1 {
		t.Errorf("they were closed %d times", below.closed)
	}
	transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Base: &base{}}).HTTP().CloseIdleConnections()
}

func TestNewTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := httpauth.New(httpauth.Config{Name: "weather", Hosts: []string{"https://hunter2.example.com", "*"}})
	e := wantKind(t, err, core.ErrInvalidValue)
	for _, want := range []string{`"weather"`, "Get is nil", "no scheme", "host 1 has a scheme", "host 2 is too wide"} {
		if !strings.Contains(e.Error(), want) {
			t.Errorf("the error %q does not say %q", e, want)
		}
	}
	if strings.Contains(e.Error(), "hunter2") {
		t.Error("the error quotes a host")
	}
	_, err = httpauth.New(httpauth.Config{Get: give("x"), Scheme: httpauth.Bearer()})
	if wantKind(t, err, core.ErrInvalidValue); !strings.Contains(err.Error(), "no hosts") {
		t.Errorf("the error %q does not say that there are no hosts", err)
	}
}

func TestWithoutABaseTheDefaultTransportIsUsed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("X-Api-Key")) }))
	t.Cleanup(server.Close)
	tr := transport(t, httpauth.Config{Scheme: httpauth.Header("X-Api-Key"), Hosts: []string{"127.0.0.1"}})
	resp, err := tr.HTTP().Do(request(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != canary {
		t.Errorf("the server has not seen the secret: %v", err)
	}
}
