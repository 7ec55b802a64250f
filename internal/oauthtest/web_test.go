package oauthtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/internal/oauthtest"
	"github.com/lukko-dev/lukko/internal/providertest"
	lukko "github.com/lukko-dev/lukko/oauth2"
)

// site is a web application whose users connect accounts at two providers, in
// as many processes as there are handlers.
type site struct {
	t         *testing.T
	service   core.SecretService
	providers map[string]*oauthtest.Server
	origins   []string // of the processes, of which the first is the one that providers know
	said      output
}

// newSite starts an application of two processes.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		t: t, service: providertest.Closed(t, memory.New(memory.Config{})),
		providers: map[string]*oauthtest.Server{"one": start(t), "two": start(t)},
	}
	servers := []*httptest.Server{httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)}
	base := "http://" + servers[0].Listener.Addr().String() + "/accounts"
	for name, srv := range s.providers {
		app := srv.Register(oauthtest.Client{Redirects: []string{base + "/" + name + "/callback"}})
		value, err := json.Marshal(map[string]string{"clientId": app.ID, "clientSecret": app.Secret})
		if err != nil {
			t.Fatal("no application")
		}
		if _, err := s.service.Set(t.Context(), strings.ToUpper(name)+"_APP", core.Bytes(value)); err != nil {
			t.Fatal(err)
		}
	}
	for _, server := range servers {
		set := new(credentials.Set)
		for name, srv := range s.providers {
			credentials.DeclarePerUserIn[lukko.Token](set, credentials.Spec{
				Name: name, SecretID: strings.ToUpper(name) + "_APP", TokenSecretID: strings.ToUpper(name) + "_TOKENS",
				OAuth2: &lukko.Settings{Issuer: srv.Issuer, Scopes: []string{"openid", "offline_access", "repo"}},
			})
		}
		store, err := credentials.New(credentials.Config{Secrets: s.service, Set: set})
		if err != nil {
			t.Fatal(err)
		}
		handler, err := credentials.NewHandler(credentials.HandlerConfig{
			Store: store, BaseURL: base,
			User:    func(r *http.Request) (string, error) { return r.Header.Get("Logged-In"), nil },
			OnEvent: func(e credentials.HandlerEvent) { fmt.Fprintf(&s.said, "%v %+v %#v %v\n", e, e, e, e.Err) },
		})
		if err != nil {
			t.Fatal(err)
		}
		server.Config.Handler = handler
		server.Start()
		t.Cleanup(func() {
			server.Close()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		s.origins = append(s.origins, server.URL)
	}
	t.Cleanup(func() {
		for name, srv := range s.providers {
			if kinds := srv.Leaks(s.said.bytes()); len(kinds) > 0 {
				t.Errorf("pages or events hold what %s gave: %v", name, kinds)
			}
		}
	})
	return s
}

// visitor is a browser with somebody logged in.
type visitor struct {
	*site
	user string
	jar  *cookiejar.Jar
}

func (s *site) visitor(user string) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visitor{s, user, jar}
}

// ask asks a page of the application, without following redirects.
func (v *visitor) ask(method, address string) (status int, location string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, address, nil)
	if err != nil {
		v.t.Fatal("no address")
	}
	req.Header.Set("Logged-In", v.user)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	client := &http.Client{Jar: v.jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		v.t.Fatalf("%T", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(&v.said, resp.Body)
	return resp.StatusCode, resp.Header.Get("Location")
}

// begin begins at a provider and has somebody agree there. It returns where the
// provider sends the browser.
func (v *visitor) begin(name string, who oauthtest.User) *url.URL {
	v.t.Helper()
	status, location := v.ask(http.MethodPost, v.origins[0]+"/accounts/"+name+"/connect")
	if status != http.StatusSeeOther {
		v.t.Fatalf("connect: status %d", status)
	}
	back, err := oauthtest.Approver{User: who}.Approve(v.t.Context(), location)
	if err != nil {
		v.t.Fatal(err)
	}
	return back
}

// refused wants a callback to be refused.
func (v *visitor) refused(what, address string, want int) {
	v.t.Helper()
	if status, location := v.ask(http.MethodGet, address); status != want || location != "" {
		v.t.Errorf("%s: status %d, want %d", what, status, want)
	}
}

func TestTheConnectPagesTakeTheAnswerThatTheyAskedForAndNoOther(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one, two := s.providers["one"], s.providers["two"]
	alice, mallory := one.AddUser("alice"), one.AddUser("mallory")
	aliceAtTwo := two.AddUser("alice")
	victim, attacker := s.visitor("alice"), s.visitor("mallory")

	// Mallory's attempt in Alice's browser, in both directions.
	theirs := attacker.begin("one", mallory)
	victim.refused("mallory's answer in alice's browser", theirs.String(), http.StatusBadRequest)
	agreed := attacker.begin("one", alice) // Alice was made to agree to Mallory's attempt
	victim.refused("alice's answer to mallory's attempt", agreed.String(), http.StatusBadRequest)

	// Forged and mixed up.
	back := victim.begin("one", alice)
	other := victim.begin("two", aliceAtTwo)
	change := func(u *url.URL, path string, set map[string]string) string {
		c, q := *u, u.Query()
		for k, v := range set {
			q.Set(k, v)
		}
		c.RawQuery = q.Encode()
		if path != "" {
			c.Path = path
		}
		return c.String()
	}
	victim.refused("another state", change(back, "", map[string]string{"state": "x"}), http.StatusBadRequest)
	victim.refused("the answer of one at two", change(back, "/accounts/two/callback", nil), http.StatusBadRequest)
	victim.refused("the state of one with the answer of two", change(other, "", map[string]string{"state": back.Query().Get("state")}), http.StatusBadRequest)
	late := victim.begin("one", alice)
	if late.Query().Get("iss") != one.Issuer {
		t.Fatal("the provider does not say who it is")
	}
	victim.refused("the issuer of two", change(late, "", map[string]string{"iss": two.Issuer}), http.StatusBadRequest)

	for _, user := range []string{"alice", "mallory"} {
		if n := one.Counts(user).Codes + two.Counts(user).Codes; n != 0 {
			t.Errorf("%d codes of %s were exchanged", n, user)
		}
	}

	// As it is, in the other process, and once.
	kept := s.visitor("alice")
	at, err := url.Parse(s.origins[0])
	if err != nil {
		t.Fatal(err)
	}
	kept.jar.SetCookies(at, victim.jar.Cookies(at)) // cookies know no port
	elsewhere := strings.Replace(back.String(), s.origins[0], s.origins[1], 1)
	if status, location := victim.ask(http.MethodGet, elsewhere); status != http.StatusSeeOther || !strings.Contains(location, "lukko=connected") {
		t.Fatalf("the answer: status %d to %q", status, location)
	}
	for _, origin := range s.origins {
		again := strings.Replace(back.String(), s.origins[0], origin, 1)
		victim.refused("the answer again", again, http.StatusBadRequest)
		kept.refused("the answer again, with its cookie", again, http.StatusBadRequest)
	}
	if got := one.Counts("alice"); got.Codes != 1 || got.Reuses != 0 || got.Revocations != 0 {
		t.Errorf("the provider counts %+v", got)
	}
	if status, location := victim.ask(http.MethodGet, other.String()); status != http.StatusSeeOther { // begun before, in the same browser
		t.Errorf("the answer of two: status %d to %q", status, location)
	}

	if status, _ := victim.ask(http.MethodPost, s.origins[1]+"/accounts/one/disconnect"); status != http.StatusSeeOther {
		t.Errorf("disconnect: status %d", status)
	}
	if got := one.Counts("alice").Disconnects; got != 1 {
		t.Errorf("the provider has ended %d connections", got)
	}
}
