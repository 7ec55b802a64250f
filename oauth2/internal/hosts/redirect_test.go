package hosts_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

func TestARequestsHostHeaderMustBeOfTheSetToo(t *testing.T) {
	t.Parallel()
	set, err := hosts.Parse([]string{"api.example.com", "tenant.example.com", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, url, host string
		want            bool
	}{
		{"none", "https://api.example.com/", "", true},
		{"the URL's", "https://api.example.com/", "api.example.com", true},
		{"the URL's with its port", "https://api.example.com/", "api.example.com:443", true},
		{"another of the set", "https://api.example.com/", "tenant.example.com", true},
		{"another", "https://api.example.com/", "evil.test", false},
		{"another port", "https://api.example.com/", "api.example.com:8443", false},
		{"the URL is not of the set", "https://evil.test/", "api.example.com", false},
		{"the URL's, which is not of the set", "https://evil.test/", "evil.test", false},
		{"one that needs https", "http://127.0.0.1/", "api.example.com", false},
		{"a header in the header", "https://api.example.com/", "api.example.com\r\nHost: evil.test", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			if got := set.AllowsRequest(&http.Request{URL: u, Host: tt.host}); got != tt.want {
				t.Errorf("it is allowed: %v", got)
			}
		})
	}
	if set.AllowsRequest(&http.Request{}) {
		t.Error("a request without a URL is allowed")
	}
}

// follow is a request as an http.Client has it after these redirects.
func follow(t *testing.T, urls ...string) *http.Request {
	t.Helper()
	var req *http.Request
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		next := &http.Request{URL: u}
		if req != nil {
			next.Response = &http.Response{Request: req}
		}
		req = next
	}
	return req
}

func TestARedirectToAnotherOriginIsCrossingForGood(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		urls []string
		want bool
	}{
		{"no redirect", []string{"https://a.test/"}, false},
		{"another path", []string{"https://a.test/", "https://a.test/x", "https://a.test/y?z"}, false},
		{"another spelling", []string{"https://a.test/", "https://A.TEST.:443/"}, false},
		{"another host", []string{"https://a.test/", "https://b.test/"}, true},
		{"a host below", []string{"https://a.test/", "https://b.a.test/"}, true},
		{"a host above", []string{"https://b.a.test/", "https://a.test/"}, true},
		{"another port", []string{"https://a.test/", "https://a.test:8443/"}, true},
		{"another port of loopback", []string{"http://127.0.0.1:80/", "http://127.0.0.1:81/"}, true},
		{"no TLS", []string{"https://a.test/", "http://a.test/"}, true},
		{"no TLS at the same port", []string{"https://a.test/", "http://a.test:443/"}, true},
		{"TLS", []string{"http://localhost/", "https://localhost/"}, true},
		{"there and back", []string{"https://a.test/", "https://b.test/", "https://a.test/"}, true},
		{"there and on", []string{"https://a.test/", "https://b.test/", "https://b.test/x", "https://b.test/y"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := hosts.Crossed(follow(t, tt.urls...)); got != tt.want {
				t.Errorf("it has crossed: %v", got)
			}
		})
	}
}

func TestARedirectFromNobodyKnowsWhereIsCrossing(t *testing.T) {
	t.Parallel()
	req := follow(t, "https://a.test/")
	req.Response = &http.Response{}
	if !hosts.Crossed(req) {
		t.Error("an answer without its request")
	}
	req.Response.Request = &http.Request{}
	if !hosts.Crossed(req) {
		t.Error("an answer to a request without a URL")
	}
	req.Response.Request = req
	if !hosts.Crossed(req) {
		t.Error("a request that is its own cause")
	}
}
