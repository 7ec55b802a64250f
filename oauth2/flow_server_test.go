package oauth2_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// flowProvider is an authorization server as RFC 6749, 7009, 7636, 8414, 8628,
// 8707 and 9207 have it, in this process: it is an http.RoundTripper, so that
// its waits run on the clock of a synctest bubble.
type flowProvider struct {
	t      *testing.T
	issuer string

	// How it behaves; set before its first request.
	promisesIss bool
	noRevoke    bool
	noDevice    bool
	noAuth      bool
	idToken     func(nonce string) string       // nil: as it should be, where "openid" is asked for
	token       func(answer map[string]any)     // changes an answer of tokens
	device      func(answer map[string]any)     // changes an answer of the device endpoint
	interfere   func(*http.Request) *flowAnswer // answers in the server's place if it is not nil
	poll        func(n int) *flowAnswer         // the n-th poll for a device code, from 1; nil: agreed
	key         *ecdsa.PublicKey                // of the client's assertions; nil: a client secret is wanted

	mu       sync.Mutex
	codes    map[string]*flowCode
	devices  map[string]bool
	requests []flowRequest
	issued   int
	live     map[string]bool // tokens that are neither ended nor spent
	assert   map[string]bool // the jti of assertions that were used
}

type flowCode struct {
	redirect, challenge, nonce string
	scope                      string
	resources                  []string
}

type flowRequest struct {
	path string
	form url.Values
	at   time.Time
}

type flowAnswer struct {
	status int
	body   string
	header http.Header
	err    error // in place of an answer
}

const (
	flowClient = "client-1"
	flowSecret = "canary-client-secret"
)

func newFlowProvider(t *testing.T) *flowProvider {
	return &flowProvider{
		t: t, issuer: "https://auth.example",
		codes: map[string]*flowCode{}, devices: map[string]bool{}, live: map[string]bool{}, assert: map[string]bool{},
	}
}

func (s *flowProvider) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if "https://"+r.URL.Host != s.issuer {
		return nil, fmt.Errorf("no such host: %s", r.URL.Host)
	}
	w := httptest.NewRecorder()
	err := s.serve(w, r)
	if err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func (s *flowProvider) serve(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		s.t.Errorf("a request to %s has no form", r.URL.Path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, flowRequest{r.URL.Path, r.PostForm, time.Now()})
	if s.interfere != nil {
		if a := s.interfere(r); a != nil {
			return a.write(w)
		}
	}
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server":
		s.metadata(w)
	case "/token", "/device", "/revoke":
		if r.Method != http.MethodPost || r.URL.RawQuery != "" {
			s.t.Errorf("%s %s is no post, or has something in its URL, which others log", r.Method, r.URL.Path)
		}
		if !s.authenticated(r) {
			flowJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
			return nil
		}
		switch r.URL.Path {
		case "/token":
			return s.tokens(w, r.PostForm)
		case "/device":
			s.devices["device-code"] = true
			answer := map[string]any{
				"device_code": "device-code", "user_code": "WDJB-MJHT", "expires_in": 600,
				"verification_uri":          s.issuer + "/activate",
				"verification_uri_complete": s.issuer + "/activate?user_code=WDJB-MJHT",
			}
			if s.device != nil {
				s.device(answer)
			}
			flowJSON(w, http.StatusOK, answer)
		case "/revoke":
			delete(s.live, r.PostForm.Get("token"))
			w.WriteHeader(http.StatusOK)
		}
	default:
		http.NotFound(w, r)
	}
	return nil
}

func (a *flowAnswer) write(w http.ResponseWriter) error {
	if a.err != nil {
		return a.err
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
	return nil
}

func flowRefusal(code string) *flowAnswer {
	return &flowAnswer{status: http.StatusBadRequest, body: `{"error":"` + code + `","error_description":"canary-description"}`}
}

func flowJSON(w http.ResponseWriter, status int, answer map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *flowProvider) metadata(w http.ResponseWriter) {
	answer := map[string]any{
		"issuer":                           s.issuer,
		"token_endpoint":                   s.issuer + "/token",
		"response_types_supported":         []string{"code"},
		"code_challenge_methods_supported": []string{"S256"},
	}
	if !s.noAuth {
		answer["authorization_endpoint"] = s.issuer + "/authorize?tenant=a"
	}
	if !s.noRevoke {
		answer["revocation_endpoint"] = s.issuer + "/revoke"
	}
	if !s.noDevice {
		answer["device_authorization_endpoint"] = s.issuer + "/device"
	}
	if s.promisesIss {
		answer["authorization_response_iss_parameter_supported"] = true
	}
	flowJSON(w, http.StatusOK, answer)
}

// authenticated checks the client: RFC 6749 section 2.3.1, or RFC 7523 section 3.
func (s *flowProvider) authenticated(r *http.Request) bool {
	if s.key != nil {
		return s.asserted(r.PostForm)
	}
	id, secret, ok := r.BasicAuth()
	return ok && id == flowClient && secret == flowSecret
}

func (s *flowProvider) asserted(form url.Values) bool {
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Has("client_secret") {
		return false
	}
	parts := strings.Split(form.Get("client_assertion"), ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Sub, Aud, Jti string
		Exp, Iat           int64
	}
	if !flowPart(parts[0], &header) || !flowPart(parts[1], &claims) || header.Alg != "ES256" || header.Kid != "key-1" {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return false
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(s.key, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return false
	}
	now := time.Now().Unix()
	fresh := claims.Jti != "" && !s.assert[claims.Jti]
	s.assert[claims.Jti] = true
	return fresh && claims.Iss == flowClient && claims.Sub == flowClient && claims.Iat <= now && claims.Exp > now &&
		(claims.Aud == s.issuer || claims.Aud == s.issuer+"/token")
}

func flowPart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

func (s *flowProvider) tokens(w http.ResponseWriter, form url.Values) error {
	refuse := func(code string) error { return flowRefusal(code).write(w) }
	var scope, nonce string
	switch form.Get("grant_type") {
	case "authorization_code":
		code := s.codes[form.Get("code")]
		if code == nil {
			return refuse("invalid_grant")
		}
		delete(s.codes, form.Get("code"))
		if form.Get("redirect_uri") != code.redirect {
			return refuse("invalid_grant")
		}
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if code.challenge != "" && base64.RawURLEncoding.EncodeToString(sum[:]) != code.challenge || code.challenge == "" && form.Has("code_verifier") {
			return refuse("invalid_grant")
		}
		if !slices.Equal(form["resource"], code.resources) {
			return refuse("invalid_target")
		}
		scope, nonce = code.scope, code.nonce
	case "urn:ietf:params:oauth:grant-type:device_code":
		if !s.devices[form.Get("device_code")] {
			return refuse("invalid_grant")
		}
		if s.poll != nil {
			if a := s.poll(s.count("/token")); a != nil {
				return a.write(w)
			}
		}
		delete(s.devices, form.Get("device_code"))
		scope = "read"
	case "client_credentials":
		scope = form.Get("scope")
	case "refresh_token":
		if !s.live[form.Get("refresh_token")] {
			return refuse("invalid_grant")
		}
		delete(s.live, form.Get("refresh_token"))
	default:
		return refuse("unsupported_grant_type")
	}
	s.issued++
	answer := map[string]any{
		"access_token": fmt.Sprintf("canary-access-%d", s.issued), "token_type": "Bearer", "expires_in": 3600,
	}
	s.live[answer["access_token"].(string)] = true
	if form.Get("grant_type") != "client_credentials" {
		answer["refresh_token"] = fmt.Sprintf("canary-refresh-%d", s.issued)
		s.live[answer["refresh_token"].(string)] = true
	}
	if slices.Contains(strings.Fields(scope), "openid") {
		answer["id_token"] = s.identity(nonce)
		if s.idToken != nil {
			answer["id_token"] = s.idToken(nonce)
		}
	}
	if s.token != nil {
		s.token(answer)
	}
	flowJSON(w, http.StatusOK, answer)
	return nil
}

// identity is an id token; what comes straight from the token endpoint is not
// checked by its signature (OpenID Connect Core section 3.1.3.7).
func (s *flowProvider) identity(nonce string) string {
	return flowJWT(map[string]any{
		"iss": s.issuer, "aud": flowClient, "sub": "user-1", "nonce": nonce,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
}

func flowJWT(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256"}`)) + "." + part(text) + "." + part([]byte("signature"))
}

// count is how often a path was asked; the caller holds the lock.
func (s *flowProvider) count(path string) (n int) {
	for _, r := range s.requests {
		if r.path == path {
			n++
		}
	}
	return n
}

// asked returns the requests to a path so far.
func (s *flowProvider) asked(path string) (requests []flowRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.path == path {
			requests = append(requests, r)
		}
	}
	return requests
}

func (s *flowProvider) isLive(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[token]
}

// agree is a user who follows an address to the provider and agrees there. It
// returns the parameters with which the provider sends them back.
func (s *flowProvider) agree(address string) url.Values {
	s.t.Helper()
	query := s.authorization(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	code := "canary-code-" + rand.Text()
	s.codes[code] = &flowCode{
		redirect: query.Get("redirect_uri"), challenge: query.Get("code_challenge"), nonce: query.Get("nonce"),
		scope: query.Get("scope"), resources: query["resource"],
	}
	answer := url.Values{"code": {code}, "state": {query.Get("state")}}
	if s.promisesIss {
		answer.Set("iss", s.issuer)
	}
	return answer
}

// authorization checks an authorization request and returns its parameters.
func (s *flowProvider) authorization(address string) url.Values {
	s.t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme+"://"+u.Host != s.issuer || u.Path != "/authorize" {
		s.t.Fatal("the user is not sent to the authorization endpoint")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		s.t.Fatal("the authorization request has no query")
	}
	for name, values := range query {
		if len(values) != 1 && name != "resource" {
			s.t.Errorf("the authorization request has %q %d times", name, len(values))
		}
	}
	if query.Get("response_type") != "code" || query.Get("client_id") != flowClient {
		s.t.Error("the authorization request is not one for a code of this client")
	}
	return query
}

// flow is a client with all that is around it.
type flow struct {
	t        *testing.T
	provider *flowProvider
	store    *memory.Store
	client   *oauth2.Client
}

const (
	flowApp    = "SHOP_APP"
	flowTokens = "SHOP_TOKENS"
)

// newFlow makes a client of a provider; change changes its configuration.
func newFlow(t *testing.T, s *flowProvider, change func(*oauth2.Config)) *flow {
	t.Helper()
	f := &flow{t: t, provider: s, store: memory.With(map[string]string{
		flowApp: `{"clientId":"` + flowClient + `","clientSecret":"` + flowSecret + `"}`,
	})}
	c := oauth2.Config{
		Name: "shop", SecretID: flowApp, TokenSecretID: flowTokens, Service: f.store,
		Settings:  oauth2.Settings{Issuer: s.issuer, Scopes: []string{"read", "write"}},
		Endpoints: s,
	}
	if change != nil {
		change(&c)
	}
	client, err := oauth2.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	f.client = client
	return f
}

const flowRedirect = "https://app.example/callback?tenant=1"

func (f *flow) begin() *oauth2.Pending {
	f.t.Helper()
	p, err := f.client.Begin(context.Background(), oauth2.BeginOptions{RedirectURL: flowRedirect})
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// stored is what is stored of the tokens; ok is whether anything is.
func (f *flow) stored() (token oauth2.Token, ok bool) {
	f.t.Helper()
	secret, err := f.store.Get(context.Background(), flowTokens)
	if err != nil {
		return token, false
	}
	if err := json.Unmarshal(secret.Value.RevealBytes(), &token); err != nil {
		f.t.Fatal("what is stored is no JSON")
	}
	return token, true
}

// wantNothingStored fails where a refused flow has left tokens.
func (f *flow) wantNothingStored() {
	f.t.Helper()
	if _, ok := f.stored(); ok {
		f.t.Error("tokens are stored")
	}
}

// flowKey makes a key and its stored form.
func flowKey(t *testing.T) (*ecdsa.PublicKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"clientId": flowClient, "keyId": "key-1",
		"privateKey": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey, string(text)
}
