package hosts_test

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{
		"api.example.com", "*.example.com:8443", "localhost", "127.0.0.1:80", "[::1]:8080", "[2001:DB8::1]", "*", "*.com", "a.b.", "0x7f.1", "bücher.example",
	} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		set, err := hosts.Parse([]string{pattern})
		if err != nil {
			return
		}
		spelled := set.Patterns()
		again, err := hosts.Parse(spelled)
		if err != nil || !slices.Equal(again.Patterns(), spelled) {
			t.Fatalf("%q is spelled %q, which makes another set: %v", pattern, spelled, err)
		}
		rest, wildcard := strings.CutPrefix(spelled[0], "*.")
		host := rest
		if wildcard {
			host = "x." + rest
			if u, err := url.Parse("https://" + rest + "/"); err != nil || set.Allows(u) {
				t.Errorf("%q is no URL's host, or allowed by %q: %v", rest, pattern, err)
			}
		}
		u, err := url.Parse("https://" + host + "/")
		if err != nil {
			t.Fatalf("%q is taken and can't stand in a URL", pattern)
		}
		if len(u.Hostname()) <= 253 && !set.Allows(u) {
			t.Errorf("%q doesn't allow %q", pattern, u)
		}
		u.Scheme = "http"
		if set.Allows(u) && !isLoopback(u.Hostname()) {
			t.Errorf("%q allows %q", pattern, u)
		}
	})
}

// FuzzAllows holds what is allowed to a second reading of the rules.
func FuzzAllows(f *testing.F) {
	for _, seed := range [][2]string{
		{"api.example.com", "https://api.example.com/"},
		{"*.example.com:8443", "https://a.example.com.:8443/"},
		{"localhost", "http://localhost:8080/"},
		{"[::1]", "http://[0:0::1]:8080/"},
		{"example.com", "https://example.com@evil.test/"},
		{"example.com", "https://evil.test#example.com"},
		{"slack.com", "https://\u017flack.com/"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, raw string) {
		set, err := hosts.Parse([]string{pattern})
		if err != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		if got, want := set.Allows(u), allows(set.Patterns()[0], u); got != want {
			t.Errorf("%q allows %q: %v, and should be %v", pattern, raw, got, want)
		}
	})
}

// allows is the rules once more, written to be read.
func allows(pattern string, u *url.URL) bool {
	if u.Opaque != "" {
		return false
	}
	p, err := url.Parse("https://" + strings.Replace(pattern, "*", "x", 1))
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if u.Hostname() != u.Host && strings.HasPrefix(u.Host, "[") != strings.Contains(host, ":") {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() && strings.HasPrefix(u.Host, "[") {
		host = addr.String()
	} else {
		if name, ok := strings.CutSuffix(host, "."); ok {
			if _, err := netip.ParseAddr(name); err == nil {
				return false
			}
			host = name
		}
		for label := range strings.SplitSeq(host, ".") {
			if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.Trim(u.Hostname(), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
				return false
			}
		}
		if len(host) > 253 {
			return false
		}
	}
	if suffix, ok := strings.CutPrefix(p.Hostname(), "x."); ok && strings.HasPrefix(pattern, "*") {
		if !strings.HasSuffix(host, "."+suffix) {
			return false
		}
	} else if host != p.Hostname() {
		return false
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(host):
	default:
		return false
	}
	if p.Port() == "" && isLoopback(host) {
		return true
	}
	ports := map[string]string{"https": "443", "http": "80"}
	port, want := u.Port(), p.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	if want == "" {
		want = ports[u.Scheme]
	}
	return port == want
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
