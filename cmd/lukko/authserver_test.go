package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lukko-dev/lukko/core"
)

// authServer is an authorization server as RFC 6749, 7009, 7636 and 8628 have
// it. It knows all that it gave out and was sent, so that a test can look for
// it where it does not belong.
type authServer struct {
	*httptest.Server

	mu       sync.Mutex
	deny     bool   // the user says no
	down     bool   // every endpoint but the page fails
	noDevice bool   // the application may not use the device grant
	final    bool   // refreshes are refused
	scope    string // what is granted; empty is all that is asked for
	codes    map[string]url.Values
	refresh  map[string]bool // that work
	access   map[string]bool
	polls    map[string]int
	waited   bool
	counts   map[string]int
	secrets  []string
}

const (
	authClient = "client-of-tests"
	authSecret = "canary-client-secret-9041"
)

func newAuthServer() *authServer {
	s := &authServer{
		codes: map[string]url.Values{}, refresh: map[string]bool{}, access: map[string]bool{},
		polls: map[string]int{}, counts: map[string]int{}, secrets: []string{authSecret},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.client(s.token))
	mux.HandleFunc("POST /device", s.client(s.device))
	mux.HandleFunc("POST /revoke", s.client(s.revoke))
	s.Server = httptest.NewServer(mux)
	return s
}

// made returns something random that is a secret.
func (s *authServer) made(kind string) string {
	text := kind + "-" + rand.Text()
	s.secrets = append(s.secrets, text)
	return text
}

func answerJSON(w http.ResponseWriter, status int, v map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// authorize is the page where the user agrees, at once.
func (s *authServer) authorize(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	if q.Get("client_id") != authClient || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" {
		http.Error(w, "a request that is none", http.StatusBadRequest)
		return
	}
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || to.Host == "" {
		http.Error(w, "no redirect address", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if s.deny {
		answer.Set("error", "access_denied")
	} else {
		code := s.made("code")
		s.codes[code] = q
		answer.Set("code", code)
	}
	to.RawQuery = answer.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// client lets in who has the client secret.
func (s *authServer) client(f func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		id, secret, ok := r.BasicAuth()
		switch {
		case s.down:
			http.Error(w, "canary-of-an-error-page", http.StatusServiceUnavailable)
		case !ok || id != authClient || secret != authSecret:
			answerJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		default:
			f(w, r)
		}
	}
}

func (s *authServer) token(w http.ResponseWriter, r *http.Request) {
	grant := r.PostFormValue("grant_type")
	s.counts[grant]++
	refuse := func(code string) { answerJSON(w, http.StatusBadRequest, map[string]any{"error": code}) }
	scope := "repo user"
	switch grant {
	case "authorization_code":
		verifier := r.PostFormValue("code_verifier")
		s.secrets = append(s.secrets, verifier)
		began, ok := s.codes[r.PostFormValue("code")]
		delete(s.codes, r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(verifier))
		if !ok || began.Get("redirect_uri") != r.PostFormValue("redirect_uri") || began.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			refuse("invalid_grant")
			return
		}
		scope = began.Get("scope")
	case "refresh_token":
		old := r.PostFormValue("refresh_token")
		if !s.refresh[old] || s.final {
			refuse("invalid_grant")
			return
		}
		delete(s.refresh, old)
	case "urn:ietf:params:oauth:grant-type:device_code":
		code := r.PostFormValue("device_code")
		s.polls[code]++
		if !s.waited {
			s.waited = true // the first user of all takes longer
			refuse("authorization_pending")
			return
		}
	case "client_credentials":
		answerJSON(w, http.StatusOK, map[string]any{"access_token": s.made("access"), "token_type": "Bearer", "expires_in": 3600, "scope": "api"})
		return
	default:
		refuse("unsupported_grant_type")
		return
	}
	if s.scope != "" {
		scope = s.scope
	}
	access, refresh := s.made("access"), s.made("refresh")
	s.access[access], s.refresh[refresh] = true, true
	answerJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600, "scope": scope,
	})
}

func (s *authServer) device(w http.ResponseWriter, _ *http.Request) {
	if s.noDevice {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "device_flow_disabled"})
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"device_code": s.made("device"), "user_code": "WDJB-MJHT", "verification_uri": s.URL + "/activate", "expires_in": 600, "interval": 1,
	})
}

func (s *authServer) revoke(w http.ResponseWriter, r *http.Request) {
	s.counts["revoke"]++
	delete(s.refresh, r.PostFormValue("token"))
	delete(s.access, r.PostFormValue("token"))
	w.WriteHeader(http.StatusOK)
}

// count is how many requests of a grant there were.
func (s *authServer) count(grant string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[grant]
}

// leaks returns what kind of secret is in a text; empty if none is.
func (s *authServer) leaks(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range append(slices.Clone(s.secrets), "canary-") {
		if strings.Contains(text, secret) {
			kind, _, _ := strings.Cut(secret, "-")
			return kind
		}
	}
	return ""
}

// follow does what a browser does: it opens the address and goes where it is
// sent, and returns the last answer. With stay it does not go to the redirect
// address, and returns that.
func follow(address string, stay bool) (string, error) {
	c := &http.Client{}
	if stay {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	resp, err := c.Get(address)
	if err != nil {
		return "", errors.New("the address could not be followed")
	}
	defer resp.Body.Close()
	if stay {
		return resp.Header.Get("Location"), nil
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// testBrowser is a browser that agrees. It writes down what others see of it,
// and then the page that it shows last.
func testBrowser() {
	seen := strings.Join(os.Args[1:], " ") + "\n" + strings.Join(os.Environ(), "\n") + "\n"
	if err := os.WriteFile("browser.args", []byte(seen), 0o600); err != nil {
		os.Exit(1)
	}
	page, err := follow(os.Args[len(os.Args)-1], false)
	if err != nil {
		page = err.Error()
	}
	if err := os.WriteFile("browser.new", []byte(page), 0o600); err != nil {
		os.Exit(1)
	}
	if err := os.Rename("browser.new", "browser.page"); err != nil {
		os.Exit(1)
	}
}

// serverKey is where a script has its server.
type serverKey struct{}

func serverOf(ts *testscript.TestScript) *authServer {
	s, _ := ts.Value(serverKey{}).(*authServer)
	return s
}

// auth changes the authorization server, and asks it what it was asked:
// auth scope repo, auth down true, auth count refresh_token 1, auth works 2.
func auth(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	if neg || len(args) < 2 {
		ts.Fatalf("usage: auth deny|down|final|nodevice true|false, auth scope SCOPE, auth count GRANT N, auth works N")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	on := args[1] == "true"
	switch args[0] {
	case "deny":
		s.deny = on
	case "down":
		s.down = on
	case "final":
		s.final = on
	case "nodevice":
		s.noDevice = on
	case "scope":
		s.scope = args[1]
	case "count":
		if got := strconv.Itoa(s.counts[args[1]]); got != args[2] {
			ts.Fatalf("%s requests of %s, want %s", got, args[1], args[2])
		}
	case "works": // so many refresh tokens work
		if got := strconv.Itoa(len(s.refresh)); got != args[1] {
			ts.Fatalf("%s refresh tokens work, want %s", got, args[1])
		}
	default:
		ts.Fatalf("no such thing: %s", args[0])
	}
}

// expand puts the server's address and client into files: expand FILE...
func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: expand FILE...")
	}
	for _, name := range args {
		text := strings.NewReplacer("${AS}", serverOf(ts).URL, "${CLIENT}", authClient, "${SECRET}", authSecret).Replace(ts.ReadFile(name))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// noLeak wants files to hold no secret of the server's: noleak FILE...
func noLeak(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		if kind := serverOf(ts).leaks(ts.ReadFile(name)); (kind != "") != neg {
			ts.Fatalf("%s holds a secret: %q", name, kind)
		}
	}
}

// loose is a store in plain files, without conditional writes as Google's has
// none, and with no rights but what it is given.
type loose struct{ dir string }

func openLoose(_ context.Context, u *url.URL) (*core.Store, error) {
	return core.New("loose", loose{cmp.Or(u.Opaque, u.Path)}), nil
}

func (l loose) Get(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	data, err := os.ReadFile(filepath.Join(l.dir, id))
	if errors.Is(err, fs.ErrNotExist) {
		return core.Secret{}, core.ErrNotFound
	}
	return core.Secret{Value: core.Bytes(data)}, err
}

func (l loose) Set(_ context.Context, id string, v core.Value, _ core.SetOptions) (core.Info, error) {
	return core.Info{}, os.WriteFile(filepath.Join(l.dir, id), v.RevealBytes(), 0o600)
}

func (l loose) Delete(_ context.Context, id string, _ core.DeleteOptions) error {
	if err := os.Remove(filepath.Join(l.dir, id)); err != nil {
		return core.ErrNotFound
	}
	return nil
}

// A test that looks for leaks can fail.
func TestTheServerKnowsItsSecrets(t *testing.T) {
	t.Parallel()
	s := newAuthServer()
	defer s.Close()
	token := s.made("access")
	if s.leaks("a text with "+token) != "access" || s.leaks(authSecret) != "canary" || s.leaks("WDJB-MJHT") != "" {
		t.Error("a secret is not found, or something else is")
	}
}
