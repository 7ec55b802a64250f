package oauthtest

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Paths of the endpoints, below the issuer.
const (
	AuthorizePath = "/authorize"
	TokenPath     = "/oauth/token"
	RevokePath    = "/revoke"
	DevicePath    = "/device_authorization"

	callbackPath = AuthorizePath + "/callback"
	loginPath    = "/login"
	userCodePath = "/device"
	openIDPath   = "/.well-known/openid-configuration"
	metadataPath = "/.well-known/oauth-authorization-server"
)

// Server is an authorization server with a resource server beside it.
type Server struct {
	// Issuer is the server's name and address: http://127.0.0.1:PORT.
	Issuer string

	// API is the resource server's address, of another port.
	API string

	// Proxy stands before the server if the configuration says Proxied, and is nil
	// else.
	Proxy *Proxy

	cfg      Config
	store    *storage
	provider *op.Provider
	notes    notes
	api      api
}

// New starts a server, until the test ends.
func New(t testing.TB, configure ...func(*Config)) *Server {
	t.Helper()
	cfg := defaults()
	for _, f := range configure {
		f(&cfg)
	}
	s := &Server{cfg: cfg}
	s.store = newStorage(&s.cfg)

	web := httptest.NewUnstartedServer(nil)
	addr := web.Listener.Addr().String()
	s.Issuer = "http://" + addr
	if cfg.Proxied {
		s.Proxy = &Proxy{HTTP: faultproxy.NewHTTP(t, addr)}
		s.Issuer = s.Proxy.URL()
	}
	var key [32]byte
	_, _ = rand.Read(key[:])
	provider, err := op.NewProvider(&op.Config{
		CryptoKey:               key,
		CryptoKeyId:             "key",
		CodeMethodS256:          true,
		AuthMethodPost:          true,
		AuthMethodPrivateKeyJWT: true,
		GrantTypeRefreshToken:   true,
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime:     cfg.DeviceTTL,
			PollInterval: cfg.DeviceInterval,
			UserFormPath: userCodePath,
			UserCode:     op.UserCodeBase20,
		},
	}, s.store, op.StaticIssuer(s.Issuer), op.WithAllowInsecure())
	if err != nil {
		t.Fatal("start the authorization server: ", err)
	}
	s.provider = provider
	web.Config.Handler = s.handler()
	web.Start()
	api := httptest.NewServer(http.HandlerFunc(s.serveAPI))
	s.API = api.URL
	t.Cleanup(func() {
		for _, h := range []*httptest.Server{web, api} {
			h.CloseClientConnections()
			h.Close()
		}
	})
	return s
}

// URL returns the address of an endpoint.
func (s *Server) URL(path string) string { return s.Issuer + path }

// User is somebody who can log in.
type User struct{ Name, Password string }

// AddUser makes a user known. The name is also the subject of their tokens; it
// has no colon.
func (s *Server) AddUser(name string) User {
	u := User{Name: name, Password: rand.Text()}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.users[name] = u.Password
	return u
}

// handler serves what the library doesn't, and hands on the rest.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+loginPath, s.showLogin)
	mux.HandleFunc("POST "+loginPath, s.login)
	mux.HandleFunc("GET "+userCodePath, s.showDevice)
	mux.HandleFunc("POST "+userCodePath, s.enterDevice)
	mux.HandleFunc("GET "+openIDPath, s.metadata)
	if !s.cfg.NoMetadata {
		mux.HandleFunc("GET "+metadataPath, s.metadata)
	}
	for _, path := range []string{TokenPath, RevokePath, DevicePath} {
		mux.HandleFunc(path, s.endpoint)
	}
	mux.Handle("/", s.provider)
	return s.tellIssuer(mux)
}

// cutLoopback returns what follows the host in an http address on 127.0.0.1.
func cutLoopback(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" {
		return "", false
	}
	return strings.TrimPrefix(uri, "http://"+u.Host), true
}
