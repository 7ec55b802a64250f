package oauthtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/internal/oauthtest"
	"github.com/lukko-dev/lukko/internal/providertest"
	lukko "github.com/lukko-dev/lukko/oauth2"
)

// The ids of the secrets.
const (
	appID    = "GITHUB_APP"
	tokensID = "GITHUB_TOKENS"
)

// account is a credential of a user at a server, with its secrets in a store.
type account struct {
	t       *testing.T
	srv     *oauthtest.Server
	app     oauthtest.Client
	user    oauthtest.User
	service core.SecretService
	cfg     lukko.Config
	said    output // all that errors and events say
	events  struct {
		sync.Mutex
		all []lukko.Event
	}
}

// newAccount makes an account that is not connected. Its client finds nothing of it in
// the environment of the machine.
func newAccount(t *testing.T, srv *oauthtest.Server, register oauthtest.Client) *account {
	t.Helper()
	if register.Redirects == nil {
		register.Redirects = []string{redirect}
	}
	a := &account{t: t, srv: srv, app: srv.Register(register), user: srv.AddUser("alice")}
	a.service = providertest.Closed(t, memory.New(memory.Config{}))
	a.cfg = lukko.Config{
		Name: "github", SecretID: appID, TokenSecretID: tokensID, Service: a.service, Connect: "lukko oauth connect github",
		Settings: lukko.Settings{
			Issuer: srv.Issuer, Scopes: []string{"openid", "offline_access", "repo", "other"},
			ClientAuth: lukko.ClientAuth(a.app.Auth), AllowedHosts: []string{strings.TrimPrefix(srv.API, "http://")},
		},
		OnEvent: func(e lukko.Event) {
			fmt.Fprintf(&a.said, "%v %+v %#v %v\n", e, e, e, e.Err)
			a.events.Lock()
			defer a.events.Unlock()
			a.events.all = append(a.events.all, e)
		},
	}
	a.setApp(a.app.Secret, "", "")
	t.Cleanup(func() {
		if kinds := srv.Leaks(a.said.bytes()); len(kinds) > 0 {
			t.Errorf("errors or events hold: %v", kinds)
		}
		if strings.Contains(string(a.said.bytes()), oauthtest.Canary) {
			t.Error("errors or events hold what the token endpoint answered")
		}
	})
	return a
}

// setApp stores the application's secret, in the form that is documented.
func (a *account) setApp(secret, key, keyID string) {
	a.t.Helper()
	form := map[string]string{"clientId": a.app.ID}
	for name, value := range map[string]string{"clientSecret": secret, "privateKey": key, "keyId": keyID} {
		if value != "" {
			form[name] = value
		}
	}
	text, _ := json.Marshal(form)
	if _, err := a.service.Set(a.t.Context(), appID, core.String(string(text))); err != nil {
		a.t.Fatal(err)
	}
}

// client makes a client of the account; several are like several processes.
func (a *account) client() *lukko.Client {
	a.t.Helper()
	c, err := lukko.New(a.cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			a.t.Error(err)
		}
	})
	return c
}

// seed connects the account without our client: the tokens come by x/oauth2, and are
// stored in the form that is documented.
func (a *account) seed() {
	a.t.Helper()
	token := connect(a.t, a.srv, settings(a.srv, a.app), a.user)
	now := time.Now().UTC().Format(time.RFC3339)
	text, _ := json.Marshal(map[string]string{
		"accessToken": token.AccessToken, "refreshToken": token.RefreshToken, "tokenType": "Bearer",
		"expiresAt": token.Expiry.UTC().Format(time.RFC3339), "scope": "openid offline_access repo",
		"connectedAt": now, "refreshedAt": now,
	})
	if _, err := a.service.Set(a.t.Context(), tokensID, core.String(string(text))); err != nil {
		a.t.Fatal(err)
	}
}

// stored is what is stored of the tokens: their version, and the refresh token.
func (a *account) stored() (version, refreshToken string) {
	a.t.Helper()
	secret, err := a.service.Get(a.t.Context(), tokensID)
	if err != nil {
		a.t.Fatal(err)
	}
	var form struct {
		RefreshToken string `json:"refreshToken"`
	}
	if err := json.Unmarshal(secret.Value.RevealBytes(), &form); err != nil {
		a.t.Fatal("the stored tokens are no JSON")
	}
	return secret.Version, form.RefreshToken
}

// count returns how many events there were of a kind.
func (a *account) count(kind lukko.EventKind) int {
	a.events.Lock()
	defer a.events.Unlock()
	n := 0
	for _, e := range a.events.all {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// say keeps all forms of an error for the search for leaks, and returns it.
func (a *account) say(err error) error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(&a.said, "%v %+v %#v %s %q\n", e, e, e, e, e)
	}
	return err
}

// is checks an error, and keeps it.
func (a *account) is(err error, kinds ...error) {
	a.t.Helper()
	a.say(err)
	for _, kind := range kinds {
		if !errors.Is(err, kind) {
			a.t.Errorf("the error is %v, which is not %v", err, kind)
		}
	}
}

// api is a request to the resource server.
func (a *account) api(ctx context.Context, c *lukko.Client) (int, error) {
	resp, err := do(ctx, c, a.srv.API)
	if err != nil {
		return 0, a.say(err)
	}
	return resp, nil
}

// A clock is the machine's, set forward.
type clock struct {
	mu      sync.Mutex
	forward time.Duration
	skip    func(time.Duration) bool // waits that are over at once: the clock goes on by them
	waits   []time.Duration          // those that were
	limit   chan time.Time           // ends waits of 30 s, if it is there
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.forward)
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit != nil && d == 30*time.Second {
		return c.limit
	}
	if c.skip == nil || !c.skip(d) {
		return time.After(d)
	}
	c.waits = append(c.waits, d)
	c.forward += max(d, 0)
	done := make(chan time.Time, 1)
	done <- time.Now().Add(c.forward)
	return done
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forward += d
}

// together calls f in n goroutines, which begin at one moment, and returns what they
// return.
func together[T any](n int, f func(i int) T) []T {
	begin := make(chan struct{})
	all := make([]T, n)
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-begin
			all[i] = f(i)
		})
	}
	close(begin)
	done.Wait()
	return all
}

// long is n, or many in the long form of the tests.
func long(n, many int) int {
	if os.Getenv("LUKKO_TRIAL") == "1" {
		return many
	}
	return n
}
