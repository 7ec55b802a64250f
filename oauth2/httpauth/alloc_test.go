//go:build !race

package httpauth_test

import (
	"net/http"
	"testing"

	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

func TestARequestAllocatesNoMoreThanItsSmallestCopy(t *testing.T) {
	count := func(rt http.RoundTripper, url string) float64 {
		req := apiRequest(t, url)
		return testing.AllocsPerRun(100, func() {
			if _, err := rt.RoundTrip(req); err != nil {
				t.Error("the request failed")
			}
		})
	}
	const url = "https://api.example.com/v1/things"
	floor := count(plainCopy{&still{}}, url)
	for name, scheme := range map[string]httpauth.Scheme{"bearer": httpauth.Bearer(), "header": httpauth.Header("X-Api-Key")} {
		tr := transport(t, httpauth.Config{Scheme: scheme, Base: &still{}})
		if n := count(tr, url); n > floor {
			t.Errorf("%s: %v allocations, and the smallest copy has %v", name, n, floor)
		}
	}
	if n := count(transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Base: &still{}}), "https://other.test/"); n != 0 {
		t.Errorf("a request that doesn't get the secret has %v allocations", n)
	}
}
