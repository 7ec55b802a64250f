package oauthtest_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/internal/oauthtest"
	"github.com/lukko-dev/lukko/internal/providertest"
	lukko "github.com/lukko-dev/lukko/oauth2"
)

// accounts is a web application whose users connect accounts of their own. It is two processes,
// as far as memory goes, which answer in turn.
type accounts struct {
	t      *testing.T
	srv    *oauthtest.Server
	github *credentials.UserCredential[lukko.Token]
	stores [2]*credentials.Store
	url    string
	said   output
}

func newAccounts(t *testing.T) *accounts {
	t.Helper()
	s := &accounts{t: t, srv: start(t)}
	var turn atomic.Int32
	var handlers [2]http.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[turn.Add(1)%2].ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s.url = web.URL + "/accounts"
	app := s.srv.Register(oauthtest.Client{Redirects: []string{s.url + "/github/callback"}})
	secrets := providertest.Closed(t, memory.New(memory.Config{}))
	form := fmt.Sprintf(`{"clientId":%q,"clientSecret":%q}`, app.ID, app.Secret)
	if _, err := secrets.Set(t.Context(), appID, core.String(form)); err != nil {
		t.Fatal(err)
	}
	set := new(credentials.Set)
	settings := lukko.OpenID(s.srv.Issuer, "openid", "offline_access", "repo")
	settings.AllowedHosts = []string{strings.TrimPrefix(s.srv.API, "http://")}
	s.github = credentials.DeclarePerUserIn[lukko.Token](set, credentials.Spec{Name: "github", SecretID: appID, TokenSecretID: tokensID, OAuth2: &settings})
	for i := range s.stores {
		store, err := credentials.New(credentials.Config{Secrets: secrets, Set: set, ConnectURL: credentials.ConnectURLs(s.url)})
		if err != nil {
			t.Fatal(err)
		}
		s.stores[i] = providertest.Closed(t, store)
		handlers[i], err = credentials.NewHandler(credentials.HandlerConfig{
			Store: store, BaseURL: s.url,
			User: func(r *http.Request) (string, error) {
				c, err := r.Cookie("session")
				if err != nil {
					return "", err
				}
				return c.Value, nil
			},
			OnEvent: func(e credentials.HandlerEvent) { fmt.Fprintf(&s.said, "%+v %#v %v\n", e, e, e.Err) },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if kinds := s.srv.Leaks(s.said.bytes()); len(kinds) > 0 {
			t.Errorf("events hold: %v", kinds)
		}
	})
	return s
}

// browser is one where somebody is logged in.
func (s *accounts) browser(user string) *http.Client {
	jar, _ := cookiejar.New(nil)
	at, _ := url.Parse(s.url)
	jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: user, Path: "/"}})
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// agreed begins in a browser, has the user agree at the provider, and returns the callback.
func (s *accounts) agreed(b *http.Client, user oauthtest.User) *url.URL {
	s.t.Helper()
	resp, err := b.PostForm(s.url+"/github/connect", nil)
	if err != nil {
		s.t.Fatal("the site does not answer")
	}
	resp.Body.Close()
	back, err := oauthtest.Approver{User: user, Client: b}.Approve(s.t.Context(), resp.Header.Get("Location"))
	if err != nil {
		s.t.Fatalf("%v, after %d", err, resp.StatusCode)
	}
	return back
}

func (s *accounts) get(b *http.Client, at *url.URL) int {
	s.t.Helper()
	resp, err := b.Get(at.String())
	if err != nil {
		s.t.Fatal("the site does not answer")
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestUsersOfAWebApplicationConnectTheirOwnAccounts(t *testing.T) {
	t.Parallel()
	s := newAccounts(t)
	users := map[string]oauthtest.User{"alice": s.srv.AddUser("alice"), "bob": s.srv.AddUser("bob")}
	for name, user := range users {
		b := s.browser(name)
		if status := s.get(b, s.agreed(b, user)); status != http.StatusSeeOther {
			t.Errorf("%s comes back to %d", name, status)
		}
	}
	s.srv.ExpireAccessTokens()
	for name := range users {
		for _, store := range s.stores {
			client, err := s.github.HTTP(store, name)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Get(s.srv.API + "/api/repos")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("%s: %d", name, resp.StatusCode)
			}
		}
		if got, want := s.srv.Counts(name), (oauthtest.Counts{Codes: 1, Refreshes: 1}); got != want || s.srv.Served(name) != 2 {
			t.Errorf("for %s the server counts %+v, want %+v, and %d requests", name, got, want, s.srv.Served(name))
		}
	}
	client, err := s.github.HTTP(s.stores[0], "carol")
	if err == nil {
		_, err = client.Get(s.srv.API + "/api/repos") //nolint:bodyclose // there is none
	}
	if err == nil {
		t.Error("a user without an account has one")
	}
	b := s.browser("alice")
	resp, err := b.PostForm(s.url+"/github/disconnect", nil)
	if err != nil {
		t.Fatal("the site does not answer")
	}
	resp.Body.Close()
	if got := s.srv.Counts("alice").Disconnects; got != 1 || s.srv.Counts("bob").Disconnects != 0 {
		t.Errorf("%d were disconnected, after %d", got, resp.StatusCode)
	}
}

// The attack is real in each: the code is good, and the provider would exchange it.
func TestACallbackIsGoodForOneUserInOneBrowserOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		finish func(s *accounts, own *http.Client, answer, other *url.URL) int
		codes  int
	}{
		"another browser of the same user": {func(s *accounts, _ *http.Client, answer, _ *url.URL) int { return s.get(s.browser("mallory"), answer) }, 0},
		"a victim's browser":               {func(s *accounts, _ *http.Client, answer, _ *url.URL) int { return s.get(s.browser("alice"), answer) }, 0},
		"a browser without a login": {func(s *accounts, _ *http.Client, answer, _ *url.URL) int {
			return s.get(&http.Client{}, answer)
		}, 0},
		"another login meanwhile": {func(s *accounts, own *http.Client, answer, _ *url.URL) int {
			at, _ := url.Parse(s.url)
			own.Jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "alice", Path: "/"}})
			return s.get(own, answer)
		}, 0},
		"a forged state": {func(s *accounts, own *http.Client, answer, _ *url.URL) int {
			return s.get(own, with(answer, "state", "forged"))
		}, 0},
		"mixed up with another provider": {func(s *accounts, own *http.Client, answer, _ *url.URL) int {
			return s.get(own, with(answer, "iss", "https://attacker.example"))
		}, 0},
		"another attempt's code": {func(s *accounts, own *http.Client, answer, other *url.URL) int {
			return s.get(own, with(answer, "code", other.Query().Get("code")))
		}, 0},
		"a second time": {func(s *accounts, own *http.Client, answer, _ *url.URL) int {
			if status := s.get(own, answer); status != http.StatusSeeOther {
				s.t.Errorf("the first time: %d", status)
			}
			return s.get(own, answer)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccounts(t)
			mallory := s.srv.AddUser("mallory")
			own := s.browser("mallory")
			answer := s.agreed(own, mallory)
			other := s.agreed(s.browser("mallory"), mallory)
			if status := c.finish(s, own, answer, other); status < 400 { // 502 where the provider has the last word
				t.Errorf("the callback is answered with %d", status)
			}
			if got := s.srv.Counts("mallory"); got.Codes != c.codes || got.Revocations != 0 {
				t.Errorf("the server counts %+v", got)
			}
			if has, err := s.github.Has(t.Context(), s.stores[0], "alice"); has || err != nil {
				t.Errorf("the victim has an account: %t, %v", has, err)
			}
		})
	}
}

// with returns an address with a parameter changed.
func with(at *url.URL, name, value string) *url.URL {
	u := *at
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return &u
}
