package credentials_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
)

func TestConnectBeginsByAPostFromTheApplicationsOwnPagesOnly(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	for name, test := range map[string]struct {
		header map[string]string
		begins bool
	}{
		"same-origin":                            {map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		"same-origin of a page without referrer": {map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, true},
		"an old browser":                         {map[string]string{"Origin": webSite}, true},
		"cross-site":                             {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.com"}, false},
		"a sibling":                              {map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example.com"}, false},
		"an old browser elsewhere":               {map[string]string{"Origin": "https://evil.com"}, false},
		"an old browser in a sandbox":            {map[string]string{"Origin": "null"}, false},
		"the same host without encryption":       {map[string]string{"Origin": "http://example.com"}, false},
		"another port without encryption":        {map[string]string{"Origin": "http://example.com:8080"}, false},
	} {
		for _, page := range []string{"/github/connect", "/github/disconnect"} {
			req := b.form(pages+page, nil)
			req.Header.Set("Accept", "application/json")
			req.Header.Del("Origin")
			req.Header.Del("Sec-Fetch-Site")
			for k, v := range test.header {
				req.Header.Set(k, v)
			}
			a := b.do(req)
			if want := http.StatusForbidden; !test.begins && (a.StatusCode != want || a.code() != "cross_origin") {
				t.Errorf("%s to %s: status %d, code %q", name, page, a.StatusCode, a.code())
			}
			if test.begins && a.StatusCode != http.StatusOK {
				t.Errorf("%s to %s: status %d, %s", name, page, a.StatusCode, a.body)
			}
		}
	}
	// A host of somebody else's that leads here.
	rebound := b.form(pages+"/github/connect", nil)
	rebound.Header.Del("Sec-Fetch-Site")
	rebound.Header.Set("Origin", "https://evil.com")
	b.pretend(rebound, "evil.com")
	if a := b.do(rebound); a.StatusCode != http.StatusForbidden {
		t.Errorf("an old browser at another host: status %d, %s", a.StatusCode, a.body)
	}
	// Behind a proxy that changes Host it is our own origin all the same.
	req := b.form(pages+"/github/connect", nil)
	req.Header.Del("Sec-Fetch-Site")
	b.pretend(req, "inner.internal:8080")
	if a := b.do(req); a.StatusCode != http.StatusSeeOther {
		t.Errorf("an old browser behind a proxy: status %d, %s", a.StatusCode, a.body)
	}
}

// A link on another site could else connect an account without its user having
// agreed to, at a provider that agrees by itself.
func TestALinkToConnectBeginsNothing(t *testing.T) {
	t.Parallel()
	var writes []string
	store := memory.New(memory.Config{OnCall: func(c memory.Call) {
		if c.Op == "set" || c.Op == "delete" {
			writes = append(writes, c.Op)
		}
	}})
	w := newWeb(t, webSettings{secrets: store})
	writes = nil
	b := w.browser("alice")
	a := b.get(pages + "/github/connect?return=" + url.QueryEscape(`/a"><script>`))
	if a.StatusCode != http.StatusOK || a.location() != "" || len(a.Cookies()) != 0 || len(writes) != 0 {
		t.Errorf("status %d, to %q, %d cookies, writes %q", a.StatusCode, a.location(), len(a.Cookies()), writes)
	}
	if !strings.Contains(a.body, `<form method="post" action="`+pages+`/github/connect">`) || strings.Contains(a.body, "<script") {
		t.Errorf("the page: %s", a.body)
	}
	// With no-referrer, which the other pages have, browsers send "Origin: null".
	if got := a.Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("its Referrer-Policy is %q", got)
	}
}

func TestAScriptGetsTheAddressToSendTheBrowserTo(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	a := b.postJSON(pages+"/github/connect", nil)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, `{"url":"`+w.github.URL+"/authorize?") || len(a.Cookies()) != 1 {
		t.Errorf("status %d, %d cookies, %.40q", a.StatusCode, len(a.Cookies()), a.body)
	}
}

func TestTheCallbacksAddressComesFromTheConfiguration(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	if got := w.handler.CallbackURL("github"); got != pages+"/github/callback" {
		t.Errorf("CallbackURL is %q", got)
	}
	b := w.browser("alice")
	for _, header := range []http.Header{
		{"Host": {"evil.com"}},
		{"X-Forwarded-Host": {"evil.com"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Prefix": {"/evil"}},
		{"Forwarded": {"host=evil.com;proto=http"}},
		{"X-Original-Host": {"evil.com"}, "X-Original-Url": {"/evil/callback"}, "X-Rewrite-Url": {"/evil/callback"}},
	} {
		req := b.form(pages+"/github/connect", url.Values{"return": {"/x"}})
		if host := header.Get("Host"); host != "" {
			b.pretend(req, host)
		}
		for k, v := range header {
			req.Header[k] = v
		}
		a := b.do(req)
		u, err := url.Parse(a.location())
		if err != nil || u.Query().Get("redirect_uri") != pages+"/github/callback" {
			t.Errorf("%v: sent to %q", header, u.Query().Get("redirect_uri"))
		}
		if strings.Contains(a.body+fmt.Sprint(a.Header), "evil") {
			t.Errorf("%v is in the answer", header)
		}
	}
	callback := b.begin("github", "/x")
	req := b.request(http.MethodGet, callback, nil)
	b.pretend(req, "evil.com")
	if a := b.do(req); !strings.HasPrefix(a.location(), webSite+"/x?lukko=connected") {
		t.Errorf("sent back to %q", a.location())
	}
}

func TestPagesAreThereForTheirMethodsOnly(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	for path, allow := range map[string]string{
		"/github/connect": "GET, HEAD, POST", "/github/callback": "GET", "/github/disconnect": "POST", "/github/status": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get"} {
			known := false
			for _, m := range strings.Split(allow, ", ") {
				known = known || m == method
			}
			if known {
				continue
			}
			req := b.request(method, pages+path, nil)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if a := b.do(req); a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != allow {
				t.Errorf("%s %s: status %d, Allow %q, want %q", method, path, a.StatusCode, a.Header.Get("Allow"), allow)
			}
		}
	}
}

func TestThereAreNoOtherPages(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	for _, path := range []string{
		"/", "", "/github", "/github/", "/github/other", "/github/connect/", "/github/connect/x", "//connect", "/github//connect",
		"/GitHub/connect", "/gith%75b%2Fx/connect", "/nobody/connect", "/nobody/status", "/nobody/callback?state=x&code=y",
		"/key/status", "/key/connect", // a key, which nobody connects
		"/robot/connect", "/robot/status",
		"/team/connect", "/team/status", "/team/callback?state=x&code=y", // the application's own, which is not allowed here
	} {
		if a := b.getJSON(pages + path); a.StatusCode != http.StatusNotFound && a.StatusCode/100 != 3 || a.StatusCode == http.StatusSeeOther {
			t.Errorf("%s: status %d", path, a.StatusCode)
		}
	}
	for _, path := range []string{"/nobody/disconnect", "/team/disconnect", "/team/connect"} {
		b.wantRefused(b.postJSON(pages+path, nil), http.StatusNotFound, "not_found")
	}
}

func TestNobodyIsAnybodyByDefault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		user   func(*http.Request) (string, error)
		status int
		code   string
	}{
		"an error":      {func(*http.Request) (string, error) { return "alice", errors.New("canary") }, 401, "not_logged_in"},
		"an empty user": {func(*http.Request) (string, error) { return "", nil }, 401, "not_logged_in"},
		"one who may not": {func(*http.Request) (string, error) {
			return "alice", fmt.Errorf("canary: %w", core.ErrPermissionDenied)
		}, 403, "forbidden"},
		"sessions that are down": {func(*http.Request) (string, error) { return "alice", fmt.Errorf("canary: %w", core.ErrUnavailable) }, 503, "login_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t, webSettings{handler: func(c *credentials.HandlerConfig) { c.User = test.user }})
			b := w.browser("alice")
			for _, a := range []webAnswer{
				b.getJSON(pages + "/github/connect"), b.postJSON(pages+"/github/connect", nil), b.getJSON(pages + "/github/status"),
				b.getJSON(pages + "/github/callback?state=x&code=y"), b.postJSON(pages+"/github/disconnect", nil),
				b.getJSON(pages + "/nobody/status"), // it is not told either which there are
			} {
				b.wantRefused(a, test.status, test.code)
				if strings.Contains(a.body, "canary") {
					t.Error("the error of the hook is in the answer")
				}
			}
			if ids := stored(t, w.secrets, ""); len(ids) != 3 {
				t.Errorf("stored: %q", ids)
			}
		})
	}
}

func TestEachAnswerIsNobodysToKeepToFrameOrToTell(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	nobody := w.browser("")
	callback := b.begin("github", "")
	for name, a := range map[string]webAnswer{
		"page": b.get(pages + "/github/connect"), "begun": b.post(pages+"/github/connect", nil), "connected": b.get(callback),
		"again": b.get(callback), "status": b.getJSON(pages + "/github/status"), "no page": b.get(pages + "/x/y"),
		"method": b.get(pages + "/github/disconnect"), "nobody": nobody.get(pages + "/github/connect"),
		"forged": b.get(pages + "/github/callback?state=x&code=y"), "not configured": b.post(pages+"/unset/connect", nil),
		"disconnected": b.post(pages+"/github/disconnect", nil),
	} {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
		} {
			if name == "page" && header == "Referrer-Policy" {
				want = "same-origin"
			}
			if got := a.Header.Values(header); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		kind := a.Header.Get("Content-Type")
		if a.body != "" && kind != "text/html; charset=utf-8" && kind != "application/json" {
			t.Errorf("%s: Content-Type is %q", name, kind)
		}
	}
}

func TestNothingThatOthersWroteIsInAPage(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	evil := url.QueryEscape(`canary<script>alert(1)</script>`)
	for _, query := range []string{
		"?state=" + evil + "&code=" + evil, "?error=" + evil + "&state=" + evil + "&error_description=" + evil,
		"?" + evil, "?error=access_denied&error_description=" + evil, "?state=x&code=y&iss=" + evil,
	} {
		for _, accept := range []string{"text/html", "application/json", "", "*/*", "text/plain;q=0.1, application/json"} {
			req := b.request(http.MethodGet, pages+"/github/callback"+query, nil)
			req.Header.Set("Accept", accept)
			a := b.do(req)
			if a.StatusCode != http.StatusBadRequest || strings.Contains(a.body+fmt.Sprint(a.Header), "canary") || strings.Contains(a.body, "<script") {
				t.Errorf("%s as %q: status %d, %s", query, accept, a.StatusCode, a.body)
			}
			want := "text/html; charset=utf-8"
			if strings.Contains(accept, "json") {
				want = "application/json"
			}
			if got := a.Header.Get("Content-Type"); got != want {
				t.Errorf("as %q: got %q", accept, got)
			}
		}
	}
}

func TestAFormThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	for name, test := range map[string]struct {
		kind, body, query string
		status            int
		code              string
	}{
		"json":           {"application/json", `{"return":"/x"}`, "", 415, "media_type"},
		"multipart":      {"multipart/form-data; boundary=x", "--x--", "", 415, "media_type"},
		"of no kind":     {"", "return=/x", "", 415, "media_type"},
		"a query":        {"application/x-www-form-urlencoded", "", "?return=/x", 400, "bad_request"},
		"two addresses":  {"application/x-www-form-urlencoded", "return=/x&return=/y", "", 400, "bad_request"},
		"broken escapes": {"application/x-www-form-urlencoded", "return=%zz", "", 400, "bad_request"},
		"endless":        {"application/x-www-form-urlencoded", "return=/" + strings.Repeat("x", 9<<10), "", 400, "bad_request"},
	} {
		for _, page := range []string{"/github/connect", "/github/disconnect"} {
			req := b.request(http.MethodPost, pages+page+test.query, strings.NewReader(test.body))
			req.Header.Set("Accept", "application/json")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if test.kind != "" {
				req.Header.Set("Content-Type", test.kind)
			}
			if a := b.do(req); a.StatusCode != test.status || a.code() != test.code {
				t.Errorf("%s: %s: status %d, code %q, want %d, %q", page, name, a.StatusCode, a.code(), test.status, test.code)
			}
		}
	}
	req := b.request(http.MethodPost, pages+"/github/connect", nil)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if a := b.do(req); a.StatusCode != http.StatusSeeOther {
		t.Errorf("no form at all: status %d", a.StatusCode)
	}
}
