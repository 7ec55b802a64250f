package oauth2_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// The ids of what a rig stores.
const (
	appID    = "GITHUB_APP"
	tokensID = "GITHUB_TOKENS"
	claimID  = tokensID + oauth2.ClaimSuffix
)

// fakeProvider is a token endpoint and an API, as transports. It rotates refresh
// tokens, and revokes all of an account when one is used twice.
type fakeProvider struct {
	life time.Duration // of an access token; 0 says nothing of it

	mu        sync.Mutex
	n         int             // numbers the tokens
	refresh   string          // the one that is good; empty once revoked
	spent     map[string]bool // those that were used
	access    map[string]time.Time
	now       func() time.Time
	posts     int  // requests at the token endpoint
	refreshes int  // that were granted
	reuses    int  // of a spent refresh token, each of which revoked the family
	requests  int  // at the API
	keeps     bool // the refresh token is not rotated
	lenient   bool // a spent one revokes nothing
	scopes    string

	// script is asked before a request to the token endpoint is looked at, and
	// after: a non-nil answer or error goes before the provider's own. n counts
	// from 1.
	before, after func(n int, req *http.Request) (*http.Response, error)
	// api goes before the API's own answer.
	api func(req *http.Request, n int) *http.Response
}

func newFakeProvider(life time.Duration) *fakeProvider {
	return &fakeProvider{life: life, refresh: "refresh-0", access: map[string]time.Time{}, spent: map[string]bool{}, now: time.Now}
}

// answerOf is an answer with a text.
func answerOf(req *http.Request, status int, body string, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	for i := 0; i+1 < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func (p *fakeProvider) endpoints() http.RoundTripper { return roundTripFunc(p.token) }
func (p *fakeProvider) transport() http.RoundTripper { return roundTripFunc(p.resource) }

func (p *fakeProvider) token(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.posts++
	n := p.posts
	p.mu.Unlock()
	if p.before != nil {
		if resp, err := p.before(n, req); resp != nil || err != nil {
			return resp, err
		}
	}
	resp := p.grant(req, form)
	if p.after != nil {
		if other, err := p.after(n, req); other != nil || err != nil {
			return other, err
		}
	}
	return resp, nil
}

func (p *fakeProvider) grant(req *http.Request, form url.Values) *http.Response {
	p.mu.Lock()
	defer p.mu.Unlock()
	if form.Get("grant_type") == "refresh_token" {
		given := form.Get("refresh_token")
		if p.spent[given] {
			p.reuses++
			if !p.lenient {
				p.refresh = ""
				clear(p.access)
			}
		}
		if given == "" || given != p.refresh {
			return answerOf(req, 400, `{"error":"invalid_grant","error_description":"`+given+`"}`)
		}
	}
	p.refreshes++
	return answerOf(req, 200, p.give())
}

// give makes new tokens. The lock is held.
func (p *fakeProvider) give() string {
	p.n++
	access := fmt.Sprintf("access-%d", p.n)
	p.access[access] = p.now().Add(p.life)
	answer := map[string]any{"access_token": access, "token_type": "bearer"}
	if p.life > 0 {
		answer["expires_in"] = int(p.life / time.Second)
	}
	if !p.keeps {
		p.spent[p.refresh] = true
		p.refresh = fmt.Sprintf("refresh-%d", p.n)
		answer["refresh_token"] = p.refresh
	}
	if p.scopes != "" {
		answer["scope"] = p.scopes
	}
	text, _ := json.Marshal(answer)
	return string(text)
}

// end ends all access tokens.
func (p *fakeProvider) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.access)
}

func (p *fakeProvider) resource(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.requests++
	n := p.requests
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	until, ok := p.access[token]
	ok = ok && (p.life == 0 || p.now().Before(until))
	p.mu.Unlock()
	if p.api != nil {
		if resp := p.api(req, n); resp != nil {
			return resp, nil
		}
	}
	if !ok {
		return answerOf(req, 401, `{"message":"Bad credentials"}`), nil
	}
	return answerOf(req, 200, `{"ok":true}`), nil
}

func (p *fakeProvider) counts() (posts, refreshes, reuses, requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.posts, p.refreshes, p.reuses, p.requests
}

// rig is a provider, a store, and events.
type rig struct {
	t        testing.TB
	provider *fakeProvider
	store    *memory.Store
	settings oauth2.Settings

	mu     sync.Mutex
	events []oauth2.Event
}

// newRig has an account that is connected.
func newRig(t testing.TB, life time.Duration) *rig {
	f := &rig{t: t, provider: newFakeProvider(life), settings: oauth2.Settings{
		AuthURL: "https://auth.test/authorize", TokenURL: "https://auth.test/token",
		AllowedHosts: []string{"api.test", "other.test", "127.0.0.1"}, Scopes: []string{"repo", "user"},
	}}
	f.store = memory.With(map[string]string{appID: `{"clientId":"client","clientSecret":"client-secret"}`})
	f.connect()
	return f
}

// connect stores what the provider gives, as connecting by another process
// would.
func (f *rig) connect() {
	f.provider.mu.Lock()
	if f.provider.refresh == "" {
		f.provider.refresh = fmt.Sprintf("again-%d", f.provider.n)
	}
	var given map[string]any
	_ = json.Unmarshal([]byte(f.provider.give()), &given)
	f.provider.mu.Unlock()
	now := time.Now().UTC()
	stored := map[string]any{"accessToken": given["access_token"], "refreshToken": given["refresh_token"], "scope": "repo", "connectedAt": now, "refreshedAt": now, "extra": map[string]any{"team": "t1"}}
	if f.provider.life > 0 {
		stored["expiresAt"] = now.Add(f.provider.life)
	}
	f.put(stored)
}

func (f *rig) put(stored map[string]any) {
	text, _ := json.Marshal(stored)
	f.store.Seed(tokensID, core.Bytes(text))
}

func (f *rig) config() oauth2.Config {
	return oauth2.Config{
		Name: "github", Settings: f.settings, SecretID: appID, TokenSecretID: tokensID, Service: f.store,
		Transport: f.provider.transport(), Endpoints: f.provider.endpoints(),
		OnEvent: func(e oauth2.Event) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, e)
		},
	}
}

// client makes a client that is closed with the test.
func (f *rig) client(change ...func(*oauth2.Config)) *oauth2.Client {
	f.t.Helper()
	cfg := f.config()
	for _, do := range change {
		do(&cfg)
	}
	c, err := oauth2.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	return c
}

// kinds are the kinds of the events so far.
func (f *rig) kinds() (kinds []oauth2.EventKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// stored is what the store has, as text.
func (f *rig) stored(id string) map[string]any {
	f.t.Helper()
	s, err := f.store.Get(context.Background(), id)
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	var m map[string]any
	if json.Unmarshal(s.Value.RevealBytes(), &m) != nil {
		f.t.Fatal("what is stored is no object")
	}
	return m
}

// want compares the counts at the provider.
func (f *rig) want(posts, refreshes, reuses int) {
	f.t.Helper()
	p, r, u, _ := f.provider.counts()
	if p != posts || r != refreshes || u != reuses {
		f.t.Errorf("the provider saw %d requests at the token endpoint, %d refreshes, %d reuses; want %d, %d, %d", p, r, u, posts, refreshes, reuses)
	}
}

// bubble runs a test in a bubble whose clock stands while anything runs.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, test)
}

// isAccess compares a token without printing it.
func isAccess(t testing.TB, got oauth2.Token, err error, want string) {
	t.Helper()
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	if !got.AccessToken.Equal(core.String(want)) {
		t.Errorf("Token is not %s", want)
	}
}

func getURL(t testing.TB, c *oauth2.Client, address string) *http.Response {
	t.Helper()
	resp, err := tryURL(c, context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func tryURL(c *oauth2.Client, ctx context.Context, address string) (*http.Response, error) { //nolint:revive // the client is what is tested
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	return resp, err
}

func copyAll(to io.Writer, from io.ReadCloser) (int64, error) {
	defer from.Close()
	return io.Copy(to, from)
}
