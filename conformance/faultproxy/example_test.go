package faultproxy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
)

// A test of a client, with its real server behind a proxy. Each part is a test of its own.
func Example() {
	var (
		t      *testing.T // of the test
		server string     // the real one: "127.0.0.1:8200"
	)
	proxy := faultproxy.NewHTTP(t, server)
	put := func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", proxy.URL()+"/v1/a", strings.NewReader("value"))
		if err != nil {
			return nil, err
		}
		return http.DefaultClient.Do(req)
	}

	// The server takes the next write, and its answer is lost.
	proxy.Do(faultproxy.Rule{Match: faultproxy.To("PUT", "/v1/"), Times: 1, Fault: faultproxy.LoseAnswer})
	if _, err := put(); err == nil {
		t.Error("a lost answer is no error")
	}
	if r := proxy.Requests(); len(r) != 1 || !r[0].Delivered || r[0].Passed {
		t.Errorf("the write was sent more than once, or not at all: %+v", r)
	}

	// The server is too busy for a while.
	restore := proxy.Do(faultproxy.Rule{Fault: faultproxy.Status(429, "Retry-After", "1")})
	_, _ = put()
	restore()

	// The network is slow, and then lets nothing pass.
	proxy.Delay(20 * time.Millisecond)
	restore = proxy.BlackHole()
	_, _ = put() // to its deadline
	restore()
}
