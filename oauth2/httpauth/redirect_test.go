package httpauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// has reports whether a request that came has a credential.
func has(s seen) bool {
	return holds(s.url) || s.header.Get("Authorization") != "" || s.header.Get("X-Api-Key") != "" || holds(strings.Join(s.header["Referer"], " "))
}

// clients are what an application may send by.
func clients(tr *httpauth.Transport) map[string]*http.Client {
	return map[string]*http.Client{"its own client": tr.HTTP(), "any client": {Transport: tr}}
}

func TestTheSecretIsNotCarriedAcrossARedirect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		hops  []string // each redirects to the next; all hosts are declared but evil.test
		with  []bool   // whether each gets it
		after string   // a fresh request to the last host's root gets it again, if that is declared
	}{
		{"the same host", []string{"https://api.example.com/", "https://api.example.com/x", "https://API.example.com:443/y"}, []bool{true, true, true}, ""},
		{"an undeclared host", []string{"https://api.example.com/", "https://evil.test/"}, []bool{true, false}, ""},
		{"a declared host", []string{"https://api.example.com/", "https://files.example.com/"}, []bool{true, false}, "https://files.example.com/z"},
		{"a host below", []string{"https://api.example.com/", "https://x.api.example.com/"}, []bool{true, false}, "https://x.api.example.com/z"},
		{"a host above", []string{"https://x.api.example.com/", "https://api.example.com/"}, []bool{true, false}, "https://api.example.com/z"},
		{"another port", []string{"https://api.example.com/", "https://api.example.com:8443/"}, []bool{true, false}, "https://api.example.com:8443/z"},
		{"another port of loopback", []string{"http://127.0.0.1:8080/", "http://127.0.0.1:8081/"}, []bool{true, false}, "http://127.0.0.1:8081/z"},
		{"no TLS", []string{"https://api.example.com/", "http://api.example.com/"}, []bool{true, false}, ""},
		{"no TLS, loopback", []string{"https://localhost/", "http://localhost/"}, []bool{true, false}, "http://localhost/z"},
		{"TLS, loopback", []string{"http://localhost/", "https://localhost/"}, []bool{true, false}, "https://localhost/z"},
		{"there and back", []string{"https://api.example.com/", "https://evil.test/", "https://api.example.com/x", "https://api.example.com/y"}, []bool{true, false, false, false}, "https://api.example.com/z"},
		{"from elsewhere", []string{"https://evil.test/", "https://api.example.com/"}, []bool{false, false}, "https://api.example.com/z"},
	} {
		for scheme, s := range schemes {
			t.Run(tt.name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				next := map[string]string{}
				for i, hop := range tt.hops[1:] {
					next[hop0(t, tt.hops[i])] = hop
				}
				b := &base{serve: map[string]http.HandlerFunc{}}
				for _, hop := range append(tt.hops, tt.after) {
					u, err := url.Parse(hop)
					if err != nil {
						t.Fatal(err)
					}
					b.serve[u.Host] = func(w http.ResponseWriter, r *http.Request) {
						if to, ok := next[r.URL.Scheme+"://"+r.URL.Host+r.URL.Path]; ok {
							redirect(to)(w, r)
						}
					}
				}
				tr := transport(t, httpauth.Config{
					Get: give(s.secret), Scheme: s.scheme, Base: b,
					Hosts: []string{"api.example.com", "*.api.example.com", "files.example.com", "api.example.com:8443", "127.0.0.1", "localhost"},
				})
				for name, client := range clients(tr) {
					before := len(b.requests())
					if _, err := get(t, client, request(t, tt.hops[0])); err != nil {
						t.Fatal("the request failed")
					}
					came := b.requests()[before:]
					if len(came) != len(tt.hops) {
						t.Fatalf("%s: %d requests came", name, len(came))
					}
					for i, s := range came {
						if has(s) != tt.with[i] {
							t.Errorf("%s: request %d has the secret: %v", name, i, has(s))
						}
					}
					if tt.after == "" {
						continue
					}
					if _, err := get(t, client, request(t, tt.after)); err != nil {
						t.Fatal("the request failed")
					}
					if came := b.requests(); !has(came[len(came)-1]) {
						t.Errorf("%s: a request of its own doesn't get the secret", name)
					}
				}
			})
		}
	}
}

// hop0 is an address without its query.
func hop0(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host + u.Path
}

func TestStrictFollowsNoRedirectElsewhere(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/out":
			redirect("https://evil.test/")(w, r)
		case "/files":
			redirect("https://files.example.com/")(w, r)
		case "/plain":
			redirect("http://api.example.com/")(w, r)
		}
	}}}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Strict: true, Base: b, Hosts: []string{"api.example.com", "files.example.com"}})
	for name, client := range clients(tr) {
		for _, path := range []string{"/out", "/plain"} {
			before := len(b.requests())
			_, err := get(t, client, request(t, "https://api.example.com"+path))
			wantKind(t, err, core.ErrPermissionDenied)
			if came := b.requests(); len(came) != before+1 {
				t.Errorf("%s: %d requests came", name, len(came)-before)
			}
		}
		if _, err := get(t, client, request(t, "https://api.example.com/files")); err != nil {
			t.Fatal("a redirect to another declared host is refused")
		}
		if came := b.requests(); came[len(came)-1].url != "https://files.example.com/" || has(came[len(came)-1]) {
			t.Errorf("%s: the redirect was not followed, or with the secret", name)
		}
	}
}

func TestItsOwnClientCarriesNoCallersHeaderAcrossARedirect(t *testing.T) {
	t.Parallel()
	// A subdomain, where net/http leaves even Authorization.
	b := &base{serve: map[string]http.HandlerFunc{}}
	b.serve["other.test"] = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			redirect("https://other.test/same")(w, r)
		} else if r.URL.Path == "/same" {
			redirect("https://x.other.test/")(w, r)
		}
	}
	b.serve["x.other.test"] = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			redirect("https://x.other.test/same")(w, r)
		} else {
			redirect("https://other.test/x")(w, r)
		}
	}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Header("X-Api-Key"), Base: b})
	req := request(t, "https://other.test/")
	req.Header.Set("X-Api-Key", "theirs")
	req.Header.Set("Authorization", "Bearer theirs")
	req.Header.Set("Accept", "text/plain")
	if _, err := get(t, tr.HTTP(), req); err != nil {
		t.Fatal(err)
	}
	came := b.requests()
	if len(came) != 5 {
		t.Fatalf("%d requests came", len(came))
	}
	for i, want := range []bool{true, true, false, false, false} {
		h := came[i].header
		if (h.Get("X-Api-Key") != "") != want || (h.Get("Authorization") != "") != want || h.Get("Accept") == "" {
			t.Errorf("request %d (%s) has the headers %v", i, came[i].url, h)
		}
	}
}

func TestItsOwnClientFollowsTenRedirects(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": redirect("https://api.example.com/")}}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Base: b})
	_, err := get(t, tr.HTTP(), request(t, "https://api.example.com/"))
	_, want := get(t, &http.Client{Transport: &base{serve: b.serve}}, request(t, "https://api.example.com/"))
	if err == nil || want == nil || err.Error() != want.Error() || len(b.requests()) != 10 {
		t.Errorf("after %d requests the error is %v, and net/http's own %v", len(b.requests()), err, want)
	}
}

func TestAServerThatCopiesTheQueryDoesNotCarryTheSecret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		location string // QUERY is what the server was asked with
		want     string // where the next request goes, without the secret
	}{
		{"a slash more", "/v1/?QUERY", "https://api.example.com/v1/?a=b%20c"},
		{"nothing but the query", "?x=y&QUERY", "https://api.example.com/v1?x=y&a=b%20c"},
		{"nothing but the secret", "?key=" + canary, "https://api.example.com/v1?"},
		{"another host", "https://evil.test/?QUERY", "https://evil.test/?a=b%20c"},
		{"another declared host", "https://files.example.com/?QUERY#x", "https://files.example.com/?a=b%20c#x"},
		{"another spelling", "https://evil.test/?%6bey=" + strings.ReplaceAll(canary, "-", "%2D") + "&a=b;c", "https://evil.test/?a=b;c"},
		{"twice", "https://evil.test/?QUERY&QUERY", "https://evil.test/?a=b%20c&a=b%20c"},
		{"without it", "https://evil.test/A%2fb?key=other&z=1&a=%zz", "https://evil.test/A%2fb?key=other&z=1&a=%zz"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &base{serve: map[string]http.HandlerFunc{}}
			b.serve["api.example.com"] = func(w http.ResponseWriter, r *http.Request) {
				if len(b.requests()) == 1 {
					redirect(strings.ReplaceAll(tt.location, "QUERY", r.URL.RawQuery))(w, r)
				}
			}
			tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: b, Hosts: []string{"api.example.com", "files.example.com"}})
			resp, err := get(t, tr.HTTP(), request(t, "https://api.example.com/v1?a=b%20c"))
			if err != nil {
				t.Fatal("the request failed")
			}
			if got := resp.Request.URL.String(); got != tt.want {
				t.Error("the redirect leads elsewhere, or is not without the secret")
			}
			came := b.requests()
			if len(came) != 2 {
				t.Fatalf("%d requests came", len(came))
			}
			if same := strings.HasPrefix(tt.want, "https://api.example.com/"); has(came[1]) != same {
				t.Errorf("the second request has the secret: %v", !same)
			}
		})
	}
}

func TestARedirectWithTheSecretInsideIsAnError(t *testing.T) {
	t.Parallel()
	back := "https://api.example.com/v1?key=" + canary
	for name, location := range map[string]string{
		"a link back":             "https://login.example.com/?return=" + url.QueryEscape(back),
		"a link in a link":        "/login?return=" + url.QueryEscape("/x?return="+url.QueryEscape(back)),
		"a link in three":         "/login?a=" + url.QueryEscape("/x?b="+url.QueryEscape("/y?c="+url.QueryEscape(strings.ReplaceAll(back, "-", "%2D")))),
		"the fragment":            "https://evil.test/#key=" + canary,
		"the path":                "https://evil.test/" + canary + "/x",
		"a parameter's name":      "https://evil.test/?" + canary,
		"another parameter":       "https://evil.test/?token=" + canary,
		"after a semicolon":       "https://evil.test/?a=b;key=" + canary,
		"what is no address":      "https://evil.test:port/?key=" + canary,
		"a user":                  "https://" + canary + "@evil.test/",
		"a percent that is wrong": "https://evil.test/?a=%zz&b=" + strings.ReplaceAll(canary, "-", "%2d") + "&c=%",
		"all of it escaped":       "https://evil.test/" + escapeAll(canary),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &base{serve: map[string]http.HandlerFunc{"api.example.com": redirect(location)}}
			tr := transport(t, httpauth.Config{Name: "weather", Scheme: httpauth.Query("key"), Base: b})
			for client, c := range clients(tr) {
				before := len(b.requests())
				_, err := get(t, c, request(t, "https://api.example.com/v1"))
				e := wantKind(t, err, core.ErrPermissionDenied)
				if !strings.Contains(e.Error(), "redirects to an address that has the secret") || e.Name != "weather" {
					t.Errorf("%s: the error is %q", client, e)
				}
				if len(b.requests()) != before+1 {
					t.Errorf("%s: the redirect was followed", client)
				}
			}
		})
	}
}

// escapeAll escapes what needs no escape, too.
func escapeAll(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

func TestAnAnswerThatIsNoRedirectKeepsItsLocation(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/things/1?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusCreated)
	}}}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: b})
	resp, err := get(t, tr.HTTP(), request(t, "https://api.example.com/things"))
	if err != nil || resp.Header.Get("Location") != "/things/1?key="+canary {
		t.Error("it was changed, or the request failed")
	}
}

func TestARefererDoesNotCarryTheSecret(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": redirect("https://evil.test/")}}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: b})
	for name, client := range clients(tr) {
		// An address of a next page, as the server gave it.
		req := request(t, "https://api.example.com/?page=2&key="+canary)
		resp, err := get(t, client, req)
		if err != nil {
			t.Fatal("the request failed")
		}
		came := b.requests()
		if last := came[len(came)-1]; !strings.HasPrefix(last.url, "https://evil.test/") || has(last) || len(last.header["Referer"]) != 0 {
			t.Errorf("%s: the second request has the secret", name)
		}
		if resp.Request.Header.Get("Referer") == "" {
			t.Errorf("%s: the client's own request was changed", name)
		}
		// Without it the header stays.
		if _, err := get(t, client, request(t, "https://api.example.com/?page=2")); err != nil {
			t.Fatal("the request failed")
		}
		came = b.requests()
		if got := came[len(came)-1].header.Get("Referer"); got != "https://api.example.com/?page=2" {
			t.Errorf("%s: the header Referer is %q", name, got)
		}
	}
}

func TestASchemeOfAHeaderLeavesALocationAlone(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": redirect("https://evil.test/?key=abc")}}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Base: b})
	if _, err := get(t, tr.HTTP(), request(t, "https://api.example.com/")); err != nil {
		t.Fatal(err)
	}
	if got := b.requests()[1].url; got != "https://evil.test/?key=abc" {
		t.Errorf("the redirect led to %s", got)
	}
}

func TestARefererOfAnyOtherKindStays(t *testing.T) {
	t.Parallel()
	const referer = "https://api.example.com/?Key=x"
	for name, scheme := range map[string]httpauth.Scheme{"a header of that name": httpauth.Header("Key"), "no redirect": httpauth.Query("Key")} {
		b := &base{serve: map[string]http.HandlerFunc{"other.test": redirect("https://evil.test/")}}
		tr := transport(t, httpauth.Config{Scheme: scheme, Base: b})
		req := request(t, "https://other.test/")
		req.Header.Set("Referer", referer)
		if scheme == httpauth.Query("Key") {
			_, _ = do(t, tr, req)
		} else if _, err := get(t, tr.HTTP(), req); err != nil {
			t.Fatal(err)
		}
		came := b.requests()
		if got := came[len(came)-1].header.Get("Referer"); got != referer {
			t.Errorf("%s: it is %q", name, got)
		}
	}
}

func TestASecretWithSpacesIsFoundInAnAddress(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": func(w http.ResponseWriter, r *http.Request) {
		redirect("https://evil.test/?return="+url.QueryEscape(r.URL.String()))(w, r)
	}}}
	tr := transport(t, httpauth.Config{Get: give("a b+c d e&f%g"), Scheme: httpauth.Query("key"), Base: b})
	if _, err := get(t, tr.HTTP(), request(t, "https://api.example.com/")); !errors.Is(err, core.ErrPermissionDenied) || len(b.requests()) != 1 {
		t.Error("the redirect was followed")
	}
}

func TestAShortSecretForbidsNoRedirectByChance(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": redirect("https://evil.test/a?b=a&key=a")}}
	tr := transport(t, httpauth.Config{Get: give("a"), Scheme: httpauth.Query("key"), Base: b})
	if _, err := get(t, tr.HTTP(), request(t, "https://api.example.com/")); err != nil {
		t.Fatal("the redirect wasn't followed")
	}
	if got := b.requests()[1].url; got != "https://evil.test/a?b=a" {
		t.Error("the redirect leads elsewhere")
	}
}

// answering answers with that.
type answering struct{ resp *http.Response }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) { return a.resp, nil }

func TestTheBodyOfARefusedRedirectIsClosed(t *testing.T) {
	t.Parallel()
	answer := &body{Reader: strings.NewReader("moved")}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: answering{&http.Response{
		StatusCode: http.StatusFound, Header: http.Header{"Location": {"/" + canary}}, Body: answer,
	}}})
	if _, err := do(t, tr, request(t, "https://api.example.com/")); !errors.Is(err, core.ErrPermissionDenied) || answer.closed != 1 {
		t.Errorf("it was closed %d times", answer.closed)
	}
}

func TestARedirectThatTheCallerFollowsItselfIsItsOwnRequest(t *testing.T) {
	t.Parallel()
	b := &base{serve: map[string]http.HandlerFunc{"api.example.com": redirect("https://files.example.com/")}}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Bearer(), Base: b, Hosts: []string{"api.example.com", "files.example.com"}})
	client := tr.HTTP()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := get(t, client, request(t, "https://api.example.com/"))
	if err != nil {
		t.Fatal(err)
	}
	location, err := resp.Location()
	if err != nil {
		t.Fatal(errors.New("the answer has no location"))
	}
	if _, err := get(t, client, request(t, location.String())); err != nil {
		t.Fatal(err)
	}
	if came := b.requests(); !has(came[1]) {
		t.Error("it was sent without the secret")
	}
}
