package oauth2_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xoauth2 "golang.org/x/oauth2"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// An authorized request beside the smallest legal copy of a request with its
// header set, and beside the Transport of golang.org/x/oauth2. What carries the
// requests does nothing.
//
//bench:ratio BenchmarkRequest BenchmarkSmallestCopy 1.3
//bench:ratio BenchmarkRequest BenchmarkLeanestCopy
//bench:ratio BenchmarkRequest BenchmarkXOAuth2Request
//bench:ratio BenchmarkElsewhere BenchmarkSmallestCopy

// answersAlways answers the same without looking.
type answersAlways struct{ resp http.Response }

func (a *answersAlways) RoundTrip(*http.Request) (*http.Response, error) { return &a.resp, nil }

// smallestCopy is what the contract of RoundTripper asks for, by what net/http has
// for it.
type smallestCopy struct{ base http.RoundTripper }

func (s smallestCopy) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := new(http.Request)
	*sent = *req
	sent.Header = req.Header.Clone()
	sent.Header.Set("Authorization", "Bearer benchmark-access")
	return s.base.RoundTrip(sent)
}

// leanestCopy is the floor: it shares the values of the header with the request,
// which nobody changes, and allocates the new one with the copy.
type leanestCopy struct{ base http.RoundTripper }

func (l leanestCopy) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := &struct {
		req   http.Request
		value [1]string
	}{req: *req}
	sent.value[0] = "Bearer benchmark-access"
	sent.req.Header = maps.Clone(req.Header)
	sent.req.Header["Authorization"] = sent.value[:]
	return l.base.RoundTrip(&sent.req)
}

func benchmarkClient(b *testing.B, endpoints http.RoundTripper, expires string) *oauth2.Client {
	b.Helper()
	c, err := oauth2.New(oauth2.Config{
		Name: "github", SecretID: appID, TokenSecretID: tokensID,
		Service: memory.With(map[string]string{
			appID:    `{"clientId":"client"}`,
			tokensID: `{"accessToken":"benchmark-access","refreshToken":"benchmark-refresh","expiresAt":"` + expires + `"}`,
		}),
		Settings: oauth2.Settings{
			AuthURL: "https://auth.test/authorize", TokenURL: "https://auth.test/token", AllowedHosts: []string{"api.test"},
		},
		Transport: &answersAlways{http.Response{StatusCode: 200}}, Endpoints: endpoints,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

func measureRequests(b *testing.B, rt http.RoundTripper, address string) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "example/1.0"} {
		req.Header.Set(name, value)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.RoundTrip(req); err != nil { //nolint:bodyclose // there is none
			b.Fatal(err)
		}
	}
}

const never = "2999-01-01T00:00:00Z"

func BenchmarkRequest(b *testing.B) {
	measureRequests(b, benchmarkClient(b, nil, never).RoundTripper(), "https://api.test/v1/things")
}

// BenchmarkElsewhere is a request that gets no token.
func BenchmarkElsewhere(b *testing.B) {
	measureRequests(b, benchmarkClient(b, nil, never).RoundTripper(), "https://evil.test/v1/things")
}

// beside keeps a client in memory, so that the collector has the same to look at
// in the benchmarks that have none.
func beside(b *testing.B) {
	c := benchmarkClient(b, nil, never)
	b.Cleanup(func() { runtime.KeepAlive(c) })
}

func BenchmarkSmallestCopy(b *testing.B) {
	beside(b)
	measureRequests(b, smallestCopy{&answersAlways{http.Response{StatusCode: 200}}}, "https://api.test/v1/things")
}

func BenchmarkLeanestCopy(b *testing.B) {
	beside(b)
	measureRequests(b, leanestCopy{&answersAlways{http.Response{StatusCode: 200}}}, "https://api.test/v1/things")
}

func BenchmarkXOAuth2Request(b *testing.B) {
	beside(b)
	source := xoauth2.ReuseTokenSource(nil, xoauth2.StaticTokenSource(&xoauth2.Token{AccessToken: "benchmark-access", Expiry: time.Now().Add(1000 * time.Hour)}))
	measureRequests(b, &xoauth2.Transport{Source: source, Base: &answersAlways{http.Response{StatusCode: 200}}}, "https://api.test/v1/things")
}

// BenchmarkToken is Client.Token with a token that holds.
func BenchmarkToken(b *testing.B) {
	c := benchmarkClient(b, nil, never)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Token(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// countingDown counts the requests at a token endpoint that fails, after a time.
type countingDown struct {
	asked atomic.Int64
	after time.Duration
}

func (c *countingDown) RoundTrip(req *http.Request) (*http.Response, error) {
	c.asked.Add(1)
	if req.Body != nil {
		req.Body.Close()
	}
	select {
	case <-time.After(c.after):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	return answerOf(req, 503, "{}"), nil
}

// BenchmarkFailingEndpoint reports the requests at a token endpoint that fails
// after 10 ms, when 200 goroutines wait for it, and BenchmarkXOAuth2FailingEndpoint
// those of golang.org/x/oauth2.
func BenchmarkFailingEndpoint(b *testing.B) {
	var asked int64
	for b.Loop() {
		down := &countingDown{after: 10 * time.Millisecond}
		c := benchmarkClient(b, down, "2001-01-01T00:00:00Z")
		failAll(b, func() error { _, err := c.Token(b.Context()); return err })
		asked += down.asked.Load()
	}
	b.ReportMetric(float64(asked)/float64(b.N), "requests/op")
}

func BenchmarkXOAuth2FailingEndpoint(b *testing.B) {
	var asked int64
	for b.Loop() {
		down := &countingDown{after: 10 * time.Millisecond}
		source := xSource(b, down)
		failAll(b, func() error { _, err := source.Token(); return err })
		asked += down.asked.Load()
	}
	b.ReportMetric(float64(asked)/float64(b.N), "requests/op")
}

func failAll(b *testing.B, call func() error) {
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if call() == nil {
				b.Error("it should fail")
			}
		})
	}
	all.Wait()
}

func xSource(b *testing.B, rt http.RoundTripper) xoauth2.TokenSource {
	ctx := context.WithValue(b.Context(), xoauth2.HTTPClient, &http.Client{Transport: rt})
	cfg := &xoauth2.Config{ClientID: "client", Endpoint: xoauth2.Endpoint{TokenURL: "https://auth.test/token", AuthStyle: xoauth2.AuthStyleInParams}}
	return cfg.TokenSource(ctx, &xoauth2.Token{RefreshToken: "benchmark-refresh", Expiry: time.Unix(1, 0)})
}

// BenchmarkDeadlineBehindAHang is how long a request with a deadline of 20 ms takes
// while the token endpoint hangs for 2 s. It should be 20 to 25 ms; that of
// golang.org/x/oauth2 takes as long as the endpoint does.
func BenchmarkDeadlineBehindAHang(b *testing.B) {
	c := benchmarkClient(b, &countingDown{after: 2 * time.Second}, "2001-01-01T00:00:00Z")
	deadline(b, c.RoundTripper())
}

func BenchmarkXOAuth2DeadlineBehindAHang(b *testing.B) {
	deadline(b, &xoauth2.Transport{Source: xSource(b, &countingDown{after: 2 * time.Second}), Base: &answersAlways{http.Response{StatusCode: 200}}})
}

func deadline(b *testing.B, rt http.RoundTripper) {
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), 20*time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.test/", strings.NewReader(""))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rt.RoundTrip(req); err == nil { //nolint:bodyclose // there is none
			b.Error("it should fail")
		} else if errors.Is(err, oauth2.ErrReauthorize) {
			b.Error(err)
		}
		cancel()
	}
}
