package credentials_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/schema"
)

func TestBaseURLIsWhereBrowsersFindTheHandler(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	for address, callback := range map[string]string{
		"https://app.example.com/credentials":  "https://app.example.com/credentials/github/callback",
		"https://app.example.com/credentials/": "https://app.example.com/credentials/github/callback",
		"https://app.example.com":              "https://app.example.com/github/callback",
		"https://app.example.com/":             "https://app.example.com/github/callback",
		"https://App.Example.com:8443/a/b":     "https://app.example.com:8443/a/b/github/callback",
		"http://localhost:8080/x":              "http://localhost:8080/x/github/callback",
		"http://127.0.0.1/x":                   "http://127.0.0.1/x/github/callback",
		"http://[::1]:80/x":                    "http://[::1]/x/github/callback",
		"https://app.example.com:443/x":        "https://app.example.com/x/github/callback",
		"https://app.example.com:80/x":         "https://app.example.com:80/x/github/callback",
		"https://app.example.com:/x":           "https://app.example.com/x/github/callback",

		"": "", "app.example.com": "", "/credentials": "", "https://": "", "https:///x": "", "https:app.example.com": "",
		"http://app.example.com/x": "", "http://localhost.example.com/x": "", "http://10.0.0.1/x": "", "ftp://app.example.com": "",
		"https://canary@app.example.com/x": "", "https://app.example.com/x?canary": "", "https://app.example.com/x#canary": "",
		"https://app.example.com/x?": "", "https://app.example.com/x#": "", "https://app.example.com//x": "",
		"https://app.example.com/../x": "", "https://app.example.com/a%2Fb": "", "https://app.example.com/a b": "", "https://app.example.com/\x00": "",
		"https://app.example.com;canary/x": "", `https://app.example.com">canary/x`: "", "https://*.example.com/x": "", "https://ü.example/x": "",
		"https://app.example.com/" + strings.Repeat("x", 256): "",
	} {
		h, err := credentials.NewHandler(credentials.HandlerConfig{Store: w.store, BaseURL: address, User: sessionUser})
		switch {
		case callback == "" && (err == nil || !errors.Is(err, core.ErrInvalidOption)):
			t.Errorf("%q: got %v", address, err)
		case callback == "" && strings.Contains(err.Error(), "canary"):
			t.Errorf("%q is repeated in the error", address)
		case callback != "" && err != nil:
			t.Errorf("%q: %v", address, err)
		case callback != "" && h.CallbackURL("github") != callback:
			t.Errorf("%q: the callback is %q, want %q", address, h.CallbackURL("github"), callback)
		}
	}
}

func TestAHandlerThatCanNotKnowWhoIsLoggedInIsNotMade(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	for name, cfg := range map[string]credentials.HandlerConfig{
		"no store":  {BaseURL: pages, User: sessionUser},
		"no user":   {Store: w.store, BaseURL: pages},
		"no key id": {Store: w.store, BaseURL: pages, User: sessionUser, KeyID: "no id"},
		"no prefix": {Store: w.store, BaseURL: pages, User: sessionUser, Prefix: "accounts"},
	} {
		if h, err := credentials.NewHandler(cfg); h != nil || !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAHandlerIsMountedWhereARequestArrives(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]webSettings{
		"at the path of BaseURL": {},
		"below StripPrefix": {
			handler: func(c *credentials.HandlerConfig) { c.Prefix = "/" },
			around:  func(h *credentials.Handler) http.Handler { return http.StripPrefix("/accounts", h) },
		},
		"behind a proxy that takes a part away": {
			handler: func(c *credentials.HandlerConfig) { c.Prefix = "/inner/" },
			around: func(h *credentials.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.URL.Path = strings.Replace(r.URL.Path, "/accounts/", "/inner/", 1)
					h.ServeHTTP(w, r)
				})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t, s)
			b := w.browser("alice")
			if a := b.get(pages + "/github/connect"); !strings.Contains(a.body, `action="`+pages+`/github/connect"`) {
				t.Errorf("the page: status %d, %s", a.StatusCode, a.body)
			}
			if a := b.get(b.begin("github", "")); a.location() != webSite+"/home?lukko=connected&lukko_name=github" {
				t.Errorf("status %d to %q", a.StatusCode, a.location())
			}
		})
	}
}

// Over http, which is for a loopback address, browsers take no cookie that is
// Secure or called __Host-.
func TestOnALoopbackAddressTheCookieIsOneThatBrowsersTake(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{handler: func(c *credentials.HandlerConfig) { c.BaseURL = "http://localhost:8080/accounts" }})
	req := httptest.NewRequest(http.MethodPost, "/accounts/github/connect", nil)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.AddCookie(&http.Cookie{Name: "session", Value: "alice"})
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	cookies := rec.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("status %d, %d cookies", rec.Code, len(cookies))
	}
	if c := cookies[0]; c.Secure || strings.HasPrefix(c.Name, "__") || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("the cookie: %s", strings.ReplaceAll(c.Raw, c.Value, "…"))
	}
}

// Without the prefix __Host- a parent domain can plant a cookie beside ours.
func TestOfTwoCookiesOfOneNameNeitherIsBelieved(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	callback := b.begin("github", "")
	held := b.pending()[0]
	for _, values := range [][]string{{"planted", held.Value}, {held.Value, "planted"}, {held.Value, held.Value}} {
		thief := w.browser("alice") // which sends just these
		req := thief.request(http.MethodGet, callback, nil)
		req.Header.Set("Accept", "application/json")
		for _, value := range values {
			req.AddCookie(&http.Cookie{Name: held.Name, Value: value})
		}
		b.wantRefused(thief.do(req), http.StatusBadRequest, "not_begun")
	}
	if a := b.get(callback); a.StatusCode != http.StatusSeeOther {
		t.Errorf("without it: status %d", a.StatusCode)
	}
}

func TestTwoHandlersOnOneHostLeaveOneAnothersAttemptsAlone(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	other := w.another(webSettings{handler: func(c *credentials.HandlerConfig) { c.BaseURL, c.Prefix = webSite+"/other", "/accounts" }})
	w.github.change(func() { w.github.redirectURIs = append(w.github.redirectURIs, webSite+"/other/github/callback") })
	b := w.browser("alice")
	callback := b.begin("github", "")
	for range 7 {
		b.at(other).begin("github", "")
		w.clock.advance(2e9)
	}
	had := b.pending()
	theirs := strings.Replace(b.at(other).begin("github", ""), "/other/", "/accounts/", 1)
	b.wantRefused(b.getJSON(theirs), http.StatusBadRequest, "not_begun")
	for _, c := range b.pending() { // nor is what one has sealed taken by the other under a name of its own
		if !slices.ContainsFunc(had, func(h *http.Cookie) bool { return h.Name == c.Name }) {
			prefix := cookiePrefix(t, w)[0]
			b.take([]*http.Cookie{{Name: prefix + c.Name[len(c.Name)-16:], Value: c.Value}})
			b.wantRefused(b.getJSON(theirs), http.StatusBadRequest, "not_begun")
		}
	}
	if a := b.get(callback); a.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d, %s", a.StatusCode, a.body)
	}
}

func TestTheKeysDeclarationIsOneThatToolsCanMake(t *testing.T) {
	t.Parallel()
	set := new(schema.Set)
	decl := schema.DeclareIn[core.Value](set, credentials.SealKeySpec(""))
	if err := set.Check(); err != nil {
		t.Fatal(err)
	}
	if id := decl.Meta().ID; id != credentials.DefaultSealKeyID || !core.IsPortable(id) {
		t.Errorf("its id is %q", id)
	}
	made, err := schema.Generate(decl)
	if err != nil {
		t.Fatal(err)
	}
	secrets := memory.New(memory.Config{})
	w := newWeb(t, webSettings{secrets: secrets})
	w.set(credentials.DefaultSealKeyID, made.Value.Reveal())
	b := w.browser("alice")
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", a.StatusCode)
	}
	if stored, err := secrets.Get(t.Context(), credentials.DefaultSealKeyID); err != nil || !stored.Value.Equal(made.Value) {
		t.Errorf("the key that was there was not used: %v", err)
	}
}
