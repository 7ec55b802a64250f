package httpauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// FuzzLocation redirects to any address, in which QUERY and KEY stand for what a
// server copies: the second request has the secret only where it is ours.
func FuzzLocation(f *testing.F) {
	for _, location := range []string{
		"/x?QUERY", "?QUERY", "?key=KEY", "https://evil.test/?QUERY&a=%zz", "//evil.test/KEY#KEY", "https://api.example.com:8443?%6bey=KEY", "/login?r=%2Fx%3Fkey%3DKEY", "#KEY", "https://KEY@evil.test",
	} {
		f.Add(location)
	}
	f.Fuzz(func(t *testing.T, location string) {
		b := &base{serve: map[string]http.HandlerFunc{}}
		b.serve["api.example.com"] = func(w http.ResponseWriter, r *http.Request) {
			if len(b.requests()) == 1 {
				redirect(strings.NewReplacer("QUERY", r.URL.RawQuery, "KEY", canary).Replace(location))(w, r)
			}
		}
		tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: b})
		resp, err := get(t, tr.HTTP(), request(t, "https://api.example.com/v1?a=b"))
		noLeak(t, err)
		if err == nil && holds(unescaped(resp.Request.URL.String())) {
			t.Error("the caller's own next request has the secret")
		}
		for i, s := range b.requests() {
			u, err := url.Parse(s.url)
			if err != nil {
				t.Fatal("a request without an address was sent")
			}
			ours := u.Scheme == "https" && strings.EqualFold(strings.TrimSuffix(u.Hostname(), "."), "api.example.com") && (u.Port() == "" || u.Port() == "443") && u.Opaque == ""
			if i > 0 && !ours && holds(unescaped(s.url)+s.header.Get("Referer")) {
				t.Error("the secret was carried elsewhere")
			}
		}
	})
}

// unescaped is the text with its escapes resolved, and those that this leaves,
// all of them beside one another.
func unescaped(text string) string {
	all := text
	for range 4 {
		plain, err := url.PathUnescape(text)
		if err != nil || plain == text {
			break
		}
		text = plain
		all += " " + text
	}
	return all
}
