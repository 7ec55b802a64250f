package wire

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// The engines that each server has.
const (
	MountV2    = "secret"
	MountV1    = "kv1"
	MountOther = "cubbyhole" // an engine that is no KV engine
)

// A Server keeps what is written to it in memory. It is safe for concurrent
// use.
type Server struct {
	URL      string // of the servers that New and NewTLS start
	Token    string // the one token that it takes without a login
	RoleID   string
	SecretID string

	test *httptest.Server

	mu     sync.Mutex
	tokens map[string]bool
	v1     map[string]any
	v2     map[string]*secret
	rules  []*rule
	seen   []Request
}

// Request is what a server was asked.
type Request struct {
	Method string
	Path   string // with the query
	Header http.Header
}

// New starts a server on loopback that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := Make()
	s.test = httptest.NewServer(s)
	s.URL = s.test.URL
	t.Cleanup(s.close)
	return s
}

// NewTLS is New with TLS and HTTP/2. Certificate returns what its clients have
// to trust.
func NewTLS(t testing.TB) *Server {
	t.Helper()
	s := Make()
	s.test = httptest.NewUnstartedServer(s)
	s.test.EnableHTTP2 = true
	s.test.Config.ErrorLog = discard
	s.test.StartTLS()
	s.URL = s.test.URL
	t.Cleanup(s.close)
	return s
}

// Make returns a server that listens nowhere: a handler for a transport of the
// test's own.
func Make() *Server {
	token := "hvs." + rand.Text()
	return &Server{
		Token: token, RoleID: rand.Text(), SecretID: rand.Text(),
		tokens: map[string]bool{token: true},
		v1:     map[string]any{}, v2: map[string]*secret{},
	}
}

// Certificate is the DER form of the certificate of NewTLS.
func (s *Server) Certificate() []byte { return s.test.Certificate().Raw }

// Addr is where New and NewTLS listen.
func (s *Server) Addr() net.Addr { return s.test.Listener.Addr() }

// close ends the server, with what hangs in its handlers.
func (s *Server) close() {
	s.test.CloseClientConnections()
	s.test.Close()
}

// Requests returns all requests so far that match says, in their order.
func (s *Server) Requests(match Match) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Request
	for _, r := range s.seen {
		if match(r) {
			found = append(found, r)
		}
	}
	return found
}

// ServeHTTP answers a request, as a rule of Replace says if there is one.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := Request{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone()}
	body := readBody(r)
	s.mu.Lock()
	s.seen = append(s.seen, asked)
	instead := s.replaced(asked)
	var a reply
	if instead == nil || instead.After {
		a = s.answer(r, body)
	}
	s.mu.Unlock()
	if instead != nil {
		instead.write(w, r)
		return
	}
	a.write(w)
}

// answer is what Vault says.
// https://developer.hashicorp.com/vault/api-docs
func (s *Server) answer(r *http.Request, body map[string]any) reply {
	path, isAPI := strings.CutPrefix(r.URL.Path, "/v1/")
	if !isAPI {
		return reply{status: http.StatusNotFound}
	}
	mount, rest, _ := strings.Cut(path, "/")
	token := r.Header.Get("X-Vault-Token")
	switch {
	case path == "auth/approle/login":
		return s.logIn(body)
	case !s.tokens[token]:
		return failure(http.StatusForbidden, "permission denied")
	case path == "auth/token/lookup-self":
		return lookupSelf(token)
	case strings.HasPrefix(path, "sys/internal/ui/mounts/"):
		return mounted(strings.TrimPrefix(path, "sys/internal/ui/mounts/"))
	case mount == MountV2:
		return s.serveV2(r, rest, body)
	case mount == MountV1:
		return s.serveV1(r, rest, body)
	case mount == "identity":
		return failure(http.StatusNotFound, "1 error occurred:\n\t* unsupported path\n\n")
	}
	return failure(http.StatusNotFound, `no handler for route "`+path+`". route entry not found.`)
}

func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }
