package credentials_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/credentials"
)

// returns are return addresses: what they become, and those that are refused.
var (
	goodReturns = map[string]string{
		"/":                                  "/?lukko=connected&lukko_name=github",
		"/x":                                 "/x?lukko=connected&lukko_name=github",
		"/x/":                                "/x/?lukko=connected&lukko_name=github",
		"/x?a=b&c":                           "/x?a=b&c&lukko=connected&lukko_name=github",
		"/x?next=//evil.com":                 "/x?next=//evil.com&lukko=connected&lukko_name=github", // what the application makes of it is its own
		"/x#part":                            "/x?lukko=connected&lukko_name=github#part",
		"/x?lukko=denied&a=1&lukko_name=y":   "/x?a=1&lukko=connected&lukko_name=github",
		"/x?%6cukko=denied&lukk%6F_name=y&b": "/x?b&lukko=connected&lukko_name=github",
		"/a b/ä?q=ü":                         "/a%20b/%C3%A4?q=%C3%BC&lukko=connected&lukko_name=github",
		"/100%25":                            "/100%25?lukko=connected&lukko_name=github",
		"/a//b":                              "/a//b?lukko=connected&lukko_name=github",
		"/a:b@c":                             "/a:b@c?lukko=connected&lukko_name=github",
		"/.well-known/x":                     "/.well-known/x?lukko=connected&lukko_name=github",
		"/x?a=%0d%0aSet-Cookie:b":            "/x?a=%0d%0aSet-Cookie:b&lukko=connected&lukko_name=github",
		"":                                   "/home?lukko=connected&lukko_name=github",
	}
	badReturns = []string{
		"x", "//evil.com", "///evil.com", "/\\evil.com", "\\/evil.com", "\\\\evil.com", "/x\\..\\..",
		"https://evil.com", "https:evil.com", "HTTPS://evil.com", "//evil.com:443/", "javascript:alert(1)", "data:text/html,x",
		"//user@evil.com", "https://example.com@evil.com/", "https://example.com/x", "//example.com/x", "?x", "#x", " /x", "\t/x", ".", "..",
		"/\t/evil.com", "/\n/evil.com", "/\r/evil.com", "/x\x00", "/x\x7f", "/x\u0085", "/x\u2028y", "/\xff",
		"/%2Fevil.com", "/%2f%2fevil.com", "/%5Cevil.com", "/%5cevil.com", "/%09/evil.com", "/%0d%0aSet-Cookie:%20a=b", "/x%00",
		"/%252Fevil.com", "/%25255cevil.com", "/%25252525250aevil", "/%c2%85", "/%e2%80%a8",
		"/./x", "/../x", "/x/..//evil.com", "/%2e%2e//evil.com", "/.%2e/x", "/x/%2e", "/%252e%252e/x", "/..", "/.",
		"/" + strings.Repeat("x", 1024),
	}
)

func TestAReturnAddressIsAPathOfTheSameOrigin(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	for back, want := range goodReturns {
		b := w.browser("user of " + back)
		a := b.get(b.begin("github", back))
		if a.StatusCode != http.StatusSeeOther || a.location() != webSite+want {
			t.Errorf("%q: status %d to %q, want %q", back, a.StatusCode, a.location(), webSite+want)
		}
		if u, err := url.Parse(a.location()); err != nil || u.Scheme != "https" || u.Host != "example.com" || u.User != nil {
			t.Errorf("%q leads to %q", back, a.location())
		}
	}
	b := w.browser("alice")
	for _, back := range badReturns {
		form := url.Values{"return": {back}}
		for _, page := range []string{"/github/connect", "/github/disconnect"} {
			a := b.postJSON(pages+page, form)
			if a.StatusCode != http.StatusBadRequest || a.code() != "bad_return" {
				t.Errorf("%s to %q: status %d, code %q", page, back, a.StatusCode, a.code())
			}
		}
		if a := b.getJSON(pages + "/github/connect?" + form.Encode()); a.StatusCode != http.StatusBadRequest || a.code() != "bad_return" {
			t.Errorf("the page of connect with %q: status %d, code %q", back, a.StatusCode, a.code())
		}
	}
	if n := len(b.pending()); n != 0 {
		t.Errorf("%d attempts were begun", n)
	}
}

func TestHomeIsAPathOfTheSameOrigin(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	for _, home := range badReturns {
		if _, err := credentials.NewHandler(credentials.HandlerConfig{Store: w.store, BaseURL: pages, User: sessionUser, Home: home}); err == nil {
			t.Errorf("%q was taken", home)
		} else if len(home) > 2 && strings.Contains(err.Error(), home) {
			t.Errorf("%q is repeated in the error", home)
		}
	}
}
