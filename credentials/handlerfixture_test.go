package credentials_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

const (
	webSite = "https://example.com" // which the certificate of httptest is for
	pages   = webSite + "/accounts"
)

// web is a web application with a Handler behind its login. Its session is a
// cookie with the user's name, which is enough for a test.
type web struct {
	t       *testing.T
	secrets core.SecretService
	github  *authServer // one of each user
	tracker *authServer // one of each user, discovered, says who it is
	team    *authServer // the application's own
	store   *credentials.Store
	handler *credentials.Handler
	decls   *credentials.Set
	clock   *webClock

	mu     sync.Mutex
	events []credentials.HandlerEvent
	server *httptest.Server

	network *http.Transport // where example.com is this process
}

type webClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *webClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *webClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func (c *webClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// webSettings change what a web is made of.
type webSettings struct {
	secrets core.SecretService
	store   func(*credentials.Config)
	handler func(*credentials.HandlerConfig)
	scope   string // the only credential that the Handler has
	around  func(*credentials.Handler) http.Handler
}

func newWeb(t *testing.T, s webSettings) *web {
	t.Helper()
	w := &web{t: t, secrets: s.secrets, clock: &webClock{now: time.Now().Truncate(time.Second)}}
	if w.secrets == nil {
		w.secrets = memory.New(memory.Config{})
	}
	w.github = newAuthServer(t, pages+"/github/callback", pages+"/unset/callback")
	w.tracker = newAuthServer(t, pages+"/tracker/callback")
	w.tracker.iss = w.tracker.URL
	w.team = newAuthServer(t, pages+"/team/callback")
	for id, server := range map[string]*authServer{"GITHUB_APP": w.github, "TRACKER_APP": w.tracker, "TEAM_APP": w.team} {
		w.set(id, fmt.Sprintf(`{"clientId":%q,"clientSecret":%q}`, server.clientID, server.clientSecret))
	}
	w.process(s)
	return w
}

// process makes a Store and a Handler with memory of their own over the same
// secrets, and serves them.
func (w *web) process(s webSettings) {
	w.t.Helper()
	set := new(credentials.Set)
	credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{
		Name: "github", DisplayName: "GitHub", SecretID: "GITHUB_APP", TokenSecretID: "GITHUB_TOKENS",
		OAuth2: &oauth2.Settings{
			AuthURL: w.github.URL + "/authorize", TokenURL: w.github.URL + "/token", RevokeURL: w.github.URL + "/revoke",
			Scopes: []string{"repo"},
		},
	})
	credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{
		Name: "tracker", SecretID: "TRACKER_APP", TokenSecretID: "TRACKER_TOKENS",
		OAuth2: &oauth2.Settings{Issuer: w.tracker.URL},
	})
	credentials.DeclareIn[oauth2.Token](set, credentials.Spec{
		Name: "team", SecretID: "TEAM_APP", TokenSecretID: "TEAM_TOKENS",
		OAuth2: &oauth2.Settings{
			AuthURL: w.team.URL + "/authorize", TokenURL: w.team.URL + "/token", RevokeURL: w.team.URL + "/revoke",
		},
	})
	credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{
		Name: "unset", DisplayName: "Unset & Co", SecretID: "UNSET_APP", TokenSecretID: "UNSET_TOKENS",
		OAuth2: &oauth2.Settings{AuthURL: w.github.URL + "/authorize", TokenURL: w.github.URL + "/token"},
	})
	credentials.DeclareIn[oauth2.Token](set, credentials.Spec{
		Name: "robot", SecretID: "GITHUB_APP", TokenSecretID: "ROBOT_TOKENS",
		OAuth2: &oauth2.Settings{TokenURL: w.github.URL + "/token", Grant: oauth2.GrantClientCredentials},
	})
	credentials.DeclarePerUserIn[string](set, credentials.Spec{Name: "key", SecretID: "KEY"})
	if err := set.Check(); err != nil {
		w.t.Fatal(err)
	}
	cfg := credentials.Config{Secrets: w.secrets, Set: set, ConnectURL: credentials.ConnectURLs(pages), Clock: w.clock}
	if s.store != nil {
		s.store(&cfg)
	}
	store, err := credentials.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = store.Close() })
	hc := credentials.HandlerConfig{
		Store: store, BaseURL: pages, Home: "/home", User: sessionUser,
		OnEvent: func(e credentials.HandlerEvent) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}
	if s.scope != "" {
		declared, _ := set.ByName(s.scope)
		hc.Store = store.Scope("a component", declared)
	}
	if s.handler != nil {
		s.handler(&hc)
	}
	handler, err := credentials.NewHandler(hc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.store, w.handler, w.decls = store, handler, set
	mounted := http.Handler(handler)
	if s.around != nil {
		mounted = s.around(handler)
	}
	mux := http.NewServeMux()
	mux.Handle("/accounts/", mounted)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, "page "+r.URL.Path) })
	w.server = httptest.NewUnstartedServer(mux)
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that a test's end cuts
	w.server.StartTLS()
	w.t.Cleanup(w.server.Close)
	w.network = &http.Transport{
		TLSClientConfig: w.server.Client().Transport.(*http.Transport).TLSClientConfig,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasPrefix(addr, "example.com:") {
				addr = w.server.Listener.Addr().String()
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	w.t.Cleanup(w.network.CloseIdleConnections)
}

// another returns the same application in another process.
func (w *web) another(s webSettings) *web {
	other := &web{t: w.t, secrets: w.secrets, github: w.github, tracker: w.tracker, team: w.team, clock: w.clock}
	other.process(s)
	return other
}

// sessionUser is who is logged in.
func sessionUser(r *http.Request) (string, error) {
	c, err := r.Cookie("session")
	if err != nil {
		return "", err
	}
	return url.QueryUnescape(c.Value)
}

func (w *web) set(id, value string) {
	w.t.Helper()
	if _, err := w.secrets.Set(context.Background(), id, core.String(value)); err != nil {
		w.t.Fatal(err)
	}
}

// connected reports whose account a user has connected; empty is none.
func (w *web) connected(server *authServer, id string) string {
	w.t.Helper()
	stored, err := w.secrets.Get(context.Background(), id)
	if err != nil {
		return ""
	}
	var token struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.Unmarshal(stored.Value.RevealBytes(), &token); err != nil {
		w.t.Fatal("the tokens are no JSON")
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	return server.access[token.AccessToken]
}

// lastEvent is the last thing that the hook was told.
func (w *web) lastEvent() credentials.HandlerEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) == 0 {
		return credentials.HandlerEvent{}
	}
	return w.events[len(w.events)-1]
}

// browser is a browser with cookies of its own. It follows no redirect by
// itself.
type browser struct {
	t    *testing.T
	jar  http.CookieJar
	user string
	web  *web // where example.com leads to
}

func (w *web) browser(user string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	b := &browser{t: w.t, jar: jar, web: w}
	b.login(user)
	return b
}

func (b *browser) login(user string) {
	b.user = user
	u, _ := url.Parse(webSite)
	b.jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: url.QueryEscape(user), Path: "/", Secure: true}})
}

// at is the same browser where another process answers.
func (b *browser) at(w *web) *browser {
	return &browser{t: b.t, jar: b.jar, user: b.user, web: w}
}

// webAnswer is a response that was read.
type webAnswer struct {
	*http.Response
	body string
}

func (a webAnswer) location() string { return a.Header.Get("Location") }

// code is the "error" of a refusal in JSON.
func (a webAnswer) code() string {
	var v struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal([]byte(a.body), &v)
	return v.Error
}

func (b *browser) do(req *http.Request) webAnswer {
	b.t.Helper()
	client := &http.Client{
		Transport: b.web.network, Jar: b.jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatalf("%s: %T", req.Method, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return webAnswer{resp, string(body)}
}

func (b *browser) request(method, address string, body io.Reader) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	return req
}

func (b *browser) get(address string) webAnswer {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, address, nil))
}

// getJSON is get as a script does it.
func (b *browser) getJSON(address string) webAnswer {
	b.t.Helper()
	req := b.request(http.MethodGet, address, nil)
	req.Header.Set("Accept", "application/json")
	return b.do(req)
}

// post sends a form from the application's own page.
func (b *browser) post(address string, form url.Values) webAnswer {
	b.t.Helper()
	return b.do(b.form(address, form))
}

func (b *browser) form(address string, form url.Values) *http.Request {
	b.t.Helper()
	req := b.request(http.MethodPost, address, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", webSite)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

func (b *browser) postJSON(address string, form url.Values) webAnswer {
	b.t.Helper()
	req := b.form(address, form)
	req.Header.Set("Accept", "application/json")
	return b.do(req)
}

// begin posts to connect and returns where the provider sends the browser
// back to: the callback with the provider's answer.
func (b *browser) begin(name, back string) (callback string) {
	b.t.Helper()
	form := url.Values{}
	if back != "" {
		form.Set("return", back)
	}
	a := b.post(pages+"/"+name+"/connect", form)
	if a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("connect of %s: status %d, %s", name, a.StatusCode, a.body)
	}
	a = b.get(a.location())
	if a.StatusCode != http.StatusFound {
		b.t.Fatalf("the provider: status %d, %s", a.StatusCode, a.body)
	}
	return a.location()
}

// wantRefused fails the test if the answer is no refusal with that code.
func (b *browser) wantRefused(a webAnswer, status int, code string) {
	b.t.Helper()
	if a.StatusCode != status || a.code() != code {
		b.t.Errorf("got status %d and code %q, want %d and %q", a.StatusCode, a.code(), status, code)
	}
}

// cookies are those of the application's host.
func (b *browser) cookies() []*http.Cookie {
	u, _ := url.Parse(webSite)
	return b.jar.Cookies(u)
}

// pending are those of attempts.
func (b *browser) pending() (pending []*http.Cookie) {
	for _, c := range b.cookies() {
		if strings.HasPrefix(c.Name, "__Host-lukko-") {
			pending = append(pending, c)
		}
	}
	return pending
}

// take plants cookies into the browser, as a thief does.
func (b *browser) take(cookies []*http.Cookie) {
	u, _ := url.Parse(webSite)
	for _, c := range cookies {
		b.jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/", Secure: true}})
	}
}

// pretend makes a request that says that it is for another host, with the
// cookies of the application's all the same.
func (b *browser) pretend(req *http.Request, host string) {
	for _, c := range b.cookies() {
		req.AddCookie(c)
	}
	req.Host = host
}
