package httpauth_test

import (
	"net/http"
	"testing"

	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// An authorized request beside the smallest legal copy of a request with its header
// set. The transport below does nothing.
//
//bench:ratio BenchmarkBearer BenchmarkPlainCopy 1.3
//bench:ratio BenchmarkHeader BenchmarkPlainCopy 1.3
//bench:ratio BenchmarkElsewhere BenchmarkPlainCopy

// still answers the same without looking.
type still struct{ resp http.Response }

func (s *still) RoundTrip(*http.Request) (*http.Response, error) { return &s.resp, nil }

// apiRequest has the headers that a client of an API sends.
func apiRequest(tb testing.TB, url string) *http.Request {
	tb.Helper()
	req := request(tb, url)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "example/1.0")
	return req
}

// plainCopy is the floor: what RoundTripper allows, and no more.
type plainCopy struct{ base http.RoundTripper }

func (p plainCopy) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := new(http.Request)
	*sent = *req
	sent.Header = req.Header.Clone()
	sent.Header.Set("Authorization", "Bearer "+canary)
	return p.base.RoundTrip(sent)
}

func BenchmarkPlainCopy(b *testing.B) {
	measure(b, plainCopy{&still{}}, "https://api.example.com/v1/things")
}

func BenchmarkBearer(b *testing.B) {
	measure(b, transport(b, httpauth.Config{Scheme: httpauth.Bearer(), Base: &still{}}), "https://api.example.com/v1/things")
}

func BenchmarkHeader(b *testing.B) {
	measure(b, transport(b, httpauth.Config{Scheme: httpauth.Header("X-Api-Key"), Base: &still{}}), "https://api.example.com/v1/things")
}

// BenchmarkElsewhere is a request that doesn't get the secret.
func BenchmarkElsewhere(b *testing.B) {
	measure(b, transport(b, httpauth.Config{Scheme: httpauth.Bearer(), Base: &still{}}), "https://other.test/v1/things")
}

func measure(b *testing.B, rt http.RoundTripper, url string) {
	req := apiRequest(b, url)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := rt.RoundTrip(req)
		if err != nil || resp == nil {
			b.Fatal("the request failed")
		}
	}
}
