// Package hub is a site with accounts and repositories, for the examples: an
// OAuth2 authorization server (RFC 6749, RFC 7636, RFC 7009) and the API that
// its tokens open. It answers as GitHub does where that is another way than
// the RFCs', so that an example differs from the real thing by addresses only.
// It keeps all in memory, and knows the account of whoever says who they are:
// it is for examples and their tests, and for nothing else.
package hub

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/oauth2"
)

// The lives of what the hub gives, as those of a GitHub App's users.
const (
	codeLife    = 10 * time.Minute
	accessLife  = 8 * time.Hour
	refreshLife = 183 * 24 * time.Hour
)

// Hub is the site. It is safe for concurrent use.
type Hub struct {
	*httptest.Server
	repositories map[string][]string // of each account

	mu        sync.Mutex
	apps      map[string]application
	codes     map[string]grant
	access    map[string]grant
	refresh   map[string]grant
	spent     map[string]string // a refresh token that was used, and its family
	issued    []string          // all that is nobody's to see
	refreshes int
	revoked   int
}

type application struct {
	secret, redirect string
	loopback         bool // the redirect's port may be any: RFC 8252 section 7.3
}

// grant is what a code or a token stands for.
type grant struct {
	app, account, scope string
	family              string // of one agreement, and all that is refreshed of it
	until               time.Time
	challenge, redirect string // of a code
}

// New starts a hub with accounts and their repositories. Close it.
func New(repositories map[string][]string) *Hub {
	h := &Hub{
		repositories: repositories,
		apps:         map[string]application{}, codes: map[string]grant{},
		access: map[string]grant{}, refresh: map[string]grant{}, spent: map[string]string{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", h.ask)
	mux.HandleFunc("POST /login/oauth/authorize", h.agree)
	mux.HandleFunc("POST /login/oauth/access_token", h.token)
	mux.HandleFunc("DELETE /applications/{client}/grant", h.end)
	mux.HandleFunc("GET /user/repos", h.list)
	h.Server = httptest.NewServer(mux)
	return h
}

// Register makes an application of the hub, as its owner does on a page of the
// real site. Answers go to the redirect address, and nowhere else; of one on a
// loopback address the port may be any.
func (h *Hub) Register(redirect string) oauth2.App {
	id, secret := "Iv1."+rand.Text()[:16], rand.Text()
	u, err := url.Parse(redirect)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.apps[id] = application{secret, redirect, err == nil && u.Hostname() == "127.0.0.1"}
	h.issued = append(h.issued, secret)
	return oauth2.App{ClientID: id, ClientSecret: value(secret)}
}

// Settings are GitHub's, at the hub's addresses.
func (h *Hub) Settings(scopes ...string) oauth2.Settings {
	s := oauth2.GitHub(scopes...)
	s.AuthURL, s.TokenURL = h.URL+"/login/oauth/authorize", h.URL+"/login/oauth/access_token"
	s.RevokeURL, s.DeviceURL = h.URL+"/applications/{client_id}/grant", ""
	u, err := url.Parse(h.URL)
	if err != nil {
		panic(err) // httptest's own
	}
	s.AllowedHosts = []string{u.Host}
	return s
}

// Expire ends all access tokens before their time.
func (h *Hub) Expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.access)
}

// Refreshes is how often tokens were refreshed.
func (h *Hub) Refreshes() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refreshes
}

// Revoked is how many connections were ended because a refresh token was used
// twice: somebody has a copy of it, or the application refreshes twice.
func (h *Hub) Revoked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.revoked
}

// Live is how many tokens open an account.
func (h *Hub) Live(account string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, tokens := range []map[string]grant{h.access, h.refresh} {
		for _, g := range tokens {
			if g.account == account {
				n++
			}
		}
	}
	return n
}

// Issued are all secrets, codes and tokens that the hub has given away, for a
// look at where they must not be.
func (h *Hub) Issued() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.issued)
}

// give makes something that stands for a grant. The lock is held.
func (h *Hub) give(in map[string]grant, prefix string, g grant, life time.Duration) string {
	text := prefix + rand.Text()
	g.until = time.Now().Add(life)
	in[text] = g
	h.issued = append(h.issued, text)
	return text
}

// endFamily ends all that came of one agreement. The lock is held.
func (h *Hub) endFamily(family string) {
	for _, tokens := range []map[string]grant{h.access, h.refresh} {
		for text, g := range tokens {
			if g.family == family {
				delete(tokens, text)
			}
		}
	}
}
