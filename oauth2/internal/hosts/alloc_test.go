//go:build !race

package hosts_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

func TestAllowsDoesNotAllocate(t *testing.T) {
	set, err := hosts.Parse([]string{"api.example.com", "*.example.org:8443", "localhost", "[::1]", "[2001:db8::1]:8443"})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{
		"https://API.example.com./", "https://a.b.Example.org:8443/", "http://localhost:1/", "http://[::1]:80/", "https://[2001:DB8:0::1]:8443/",
		"https://evil.test/", "http://api.example.com/", "https://bücher.example/", "https://" + strings.Repeat("a", 300) + "/",
		"https://a..example.org:8443/", "ftp://x/",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { set.Allows(u) }); n != 0 {
			t.Errorf("%s: %v allocations", raw, n)
		}
		req := &http.Request{URL: u, Host: "API.example.com", Response: &http.Response{Request: &http.Request{URL: u}}}
		if n := testing.AllocsPerRun(100, func() { set.AllowsRequest(req); hosts.Crossed(req) }); n != 0 {
			t.Errorf("%s as a request: %v allocations", raw, n)
		}
	}
}
