package hosts

import (
	"net/http"
	"net/url"
	"strings"
)

// AllowsRequest reports whether the request may have the credential as far as
// its address says: [Set.Allows] its URL, and its Host header, which decides who
// answers where many share a server, names the same host or another of the set.
func (s Set) AllowsRequest(req *http.Request) bool {
	if !s.Allows(req.URL) {
		return false
	}
	return req.Host == "" || req.Host == req.URL.Host || s.Allows(&url.URL{Scheme: req.URL.Scheme, Host: req.Host})
}

// maxHops is far more than any client follows.
const maxHops = 100

// Crossed reports whether the request follows redirects and one of them, not
// only the last, led to another origin. Such a request has no credential,
// also to a host of the set: whoever redirects has chosen its address, and
// net/http's own rule, which knows nothing of what a RoundTripper adds and
// counts what is below a domain as the domain, doesn't help.
//
// It goes by Request.Response, which an [http.Client] sets, and by what the
// answers say of their requests; where that isn't known it is true.
func Crossed(req *http.Request) bool {
	for range maxHops {
		if req.Response == nil {
			return false
		}
		from := req.Response.Request
		if from == nil || !SameOrigin(from.URL, req.URL) {
			return true
		}
		req = from
	}
	return true
}

// SameOrigin reports whether both URLs have one scheme, host and port, as RFC
// 6454 section 5 compares origins; the port may be left out where it is the
// scheme's.
func SameOrigin(a, b *url.URL) bool {
	if a == nil || b == nil || a.Scheme != b.Scheme {
		return false
	}
	if !strings.EqualFold(strings.TrimSuffix(a.Hostname(), "."), strings.TrimSuffix(b.Hostname(), ".")) {
		return false
	}
	portA, portB := a.Port(), b.Port()
	if portA == "" {
		portA = defaultPort(a.Scheme)
	}
	if portB == "" {
		portB = defaultPort(b.Scheme)
	}
	return portA == portB
}
