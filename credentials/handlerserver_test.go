package credentials_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// authServer is an authorization server as RFC 6749, 7636, 7009 and 9207 have
// it, strict and with no user interface: whoever asks is the account that
// account names, and agrees.
type authServer struct {
	*httptest.Server
	clientID, clientSecret string
	redirectURIs           []string // that are registered

	mu       sync.Mutex
	account  string              // who agrees
	deny     bool                // or does not
	iss      string              // what it says that it is, in its answers; empty: nothing
	broken   map[string]int      // the status that a path answers with
	asked    []url.Values        // authorization requests
	codes    map[string]authCode // that were given
	access   map[string]string   // access tokens and their accounts, revoked ones not
	refresh  map[string]string   // refresh tokens and their accounts
	secrets  []string            // everything that nobody may see
	exchange int                 // codes that were asked to be exchanged
	gate     chan struct{}       // the token endpoint waits for it, if it is there
	arrived  chan struct{}       // and tells here that somebody came
}

type authCode struct {
	account, challenge, redirectURI string
	tokens                          []string // nil until it was used
}

func newAuthServer(t *testing.T, redirectURIs ...string) *authServer {
	s := &authServer{
		clientID: "client-" + randomText(), clientSecret: randomText(), redirectURIs: redirectURIs, account: "octocat",
		broken: map[string]int{}, codes: map[string]authCode{}, access: map[string]string{}, refresh: map[string]string{},
	}
	s.secrets = []string{s.clientSecret}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /revoke", s.revoke)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := s.get(func() int { return s.broken[r.URL.Path] }); status != 0 {
			http.Error(w, "the canary "+s.clientSecret, status)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func randomText() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// get reads under the lock.
func (s *authServer) get(f func() int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

func (s *authServer) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// secret makes what nobody may see.
func (s *authServer) secret() string {
	text := randomText()
	s.secrets = append(s.secrets, text)
	return text
}

// metadata is that of RFC 8414.
func (s *authServer) metadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
		"revocation_endpoint": s.URL + "/revoke", "response_types_supported": []string{"code"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (s *authServer) authorize(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	s.asked = append(s.asked, q)
	challenge, err := base64.RawURLEncoding.DecodeString(q.Get("code_challenge"))
	if q.Get("client_id") != s.clientID || !slices.Contains(s.redirectURIs, q.Get("redirect_uri")) {
		http.Error(w, "RFC 6749 section 4.1.2.1: no redirect", http.StatusBadRequest)
		return
	}
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || err != nil || len(challenge) != sha256.Size || q.Get("state") == "" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if s.iss != "" {
		answer.Set("iss", s.iss)
	}
	if s.deny {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "<script>the canary</script>")
	} else {
		id := s.secret()
		s.codes[id] = authCode{account: s.account, challenge: q.Get("code_challenge"), redirectURI: q.Get("redirect_uri")}
		answer.Set("code", id)
	}
	w.Header().Set("Location", q.Get("redirect_uri")+"?"+answer.Encode())
	w.WriteHeader(http.StatusFound)
}

func (s *authServer) client(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	return ok && id == url.QueryEscape(s.clientID) && secret == url.QueryEscape(s.clientSecret)
}

func (s *authServer) token(w http.ResponseWriter, r *http.Request) {
	if gate := s.gate; gate != nil {
		s.arrived <- struct{}{}
		<-gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(status int, what string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": what, "error_description": "the canary " + s.clientSecret})
	}
	if !s.client(r) {
		fail(http.StatusUnauthorized, "invalid_client")
		return
	}
	if r.PostFormValue("grant_type") != "authorization_code" {
		fail(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	s.exchange++
	given, ok := s.codes[r.PostFormValue("code")]
	if ok && given.tokens != nil { // RFC 6749 section 4.1.2: what it gave is revoked
		for _, token := range given.tokens {
			delete(s.access, token)
			delete(s.refresh, token)
		}
	}
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || given.tokens != nil || given.redirectURI != r.PostFormValue("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != given.challenge {
		fail(http.StatusBadRequest, "invalid_grant")
		return
	}
	s.secrets = append(s.secrets, r.PostFormValue("code_verifier"))
	access, refresh := s.secret(), s.secret()
	given.tokens = []string{access, refresh}
	s.codes[r.PostFormValue("code")] = given
	s.access[access], s.refresh[refresh] = given.account, given.account
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600, "scope": "repo",
	})
}

func (s *authServer) revoke(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.client(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	token := r.PostFormValue("token")
	if account, ok := s.refresh[token]; ok { // and all that it gave
		for access, of := range s.access {
			if of == account {
				delete(s.access, access)
			}
		}
	}
	delete(s.access, token)
	delete(s.refresh, token)
}

// leaks fails the test if one of the server's secrets stands in text.
func (s *authServer) leaks(t *testing.T, where, text string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, secret := range s.secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s: secret %d is in it", where, i)
		}
	}
	if strings.Contains(text, "canary") {
		t.Errorf("%s: what the provider said is in it", where)
	}
}
