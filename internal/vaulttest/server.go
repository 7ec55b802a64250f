package vaulttest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// A Server is one running Vault.
type Server struct {
	Address   string // as in VAULT_ADDR: http://127.0.0.1:PORT
	RootToken string
	UnsealKey string
	CA        string // PEM; empty without TLS
	CAFile    string // the same in a file, as in VAULT_CACERT

	process *process
	client  *http.Client
	shared  bool
}

// Start gives t a server of its own, which ends with t.
func Start(t testing.TB) *Server {
	t.Helper()
	return startFor(t)
}

// StartTLS is Start with HTTPS and HTTP/2, and a certificate that was made for
// this server.
func StartTLS(t testing.TB) *Server {
	t.Helper()
	s := startFor(t, "--tls")
	s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.CAFile, []byte(s.CA), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func startFor(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := start(program(t), args...)
	if err != nil {
		t.Fatal("start the Vault server: ", err)
	}
	t.Cleanup(s.process.end)
	return s
}

var (
	sharedOnce   sync.Once
	sharedServer *Server
	errShared    error
)

// Shared gives the one server that all tests of the binary share, and which
// ends with the binary. Each test works in mounts, policies and roles of its own
// there. It can't be sealed or stopped.
func Shared(t testing.TB) *Server {
	t.Helper()
	name := program(t)
	sharedOnce.Do(func() {
		sharedServer, errShared = start(name)
		if errShared == nil {
			sharedServer.shared = true
		}
	})
	if errShared != nil {
		t.Fatal("start the Vault server: ", errShared)
	}
	return sharedServer
}

func start(name string, args ...string) (*Server, error) {
	p, ready, err := launch(name, args...)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Address:   ready.Address,
		RootToken: ready.RootToken,
		UnsealKey: ready.UnsealKey,
		CA:        ready.CA,
		process:   p,
	}
	// A connection for each request: none is left over for a test that counts
	// goroutines or connections, and none is stale after a restart.
	transport := &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true}
	if s.CA != "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(s.CA))
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	s.client = &http.Client{Transport: transport, Timeout: 30 * time.Second}
	return s, nil
}

func (s *Server) own(t testing.TB) {
	t.Helper()
	if s.shared {
		t.Fatal("other tests use the shared server at this moment: take one from vaulttest.Start")
	}
}

// Seal seals the server: all else is answered by 503 until Unseal.
func (s *Server) Seal(t testing.TB) {
	t.Helper()
	s.own(t)
	s.must(t, "PUT", "sys/seal", nil, http.StatusNoContent)
}

// Unseal undoes Seal.
func (s *Server) Unseal(t testing.TB) {
	t.Helper()
	r := s.must(t, "PUT", "sys/unseal", map[string]any{"key": s.UnsealKey}, http.StatusOK)
	if r.Field("sealed") != false {
		t.Fatal("the server is sealed still")
	}
	s.mountsAreReady(t)
}

// Stop cuts every connection, also in the middle of an answer, and refuses new
// ones. The data stay.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.command(t, "stop")
}

// StartAgain undoes Stop: the same address, unsealed, with the same data,
// tokens and leases.
func (s *Server) StartAgain(t testing.TB) {
	t.Helper()
	s.command(t, "start")
	s.mountsAreReady(t)
}

// Restart is Stop and StartAgain at once.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.command(t, "restart")
	s.mountsAreReady(t)
}

// mountsAreReady waits for the mounts of KV version 2. Each notes down, a moment
// after it was mounted, that it has no data of version 1 to convert. One that
// comes up without that note looks again, and until then answers everything
// with 400.
func (s *Server) mountsAreReady(t testing.TB) {
	t.Helper()
	mounts, _ := s.must(t, "GET", "sys/mounts", nil, http.StatusOK).Field("data").(map[string]any)
	for path, about := range mounts {
		options, _ := about.(map[string]any)["options"].(map[string]any)
		if options["version"] == "2" {
			providertest.Until(t, path+" is ready", func() bool {
				return s.Do(t, "GET", path+"config", nil).Status == http.StatusOK
			})
		}
	}
}

// Kill ends the server's process at once, for good.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.own(t)
	s.process.end()
}

func (s *Server) command(t testing.TB, name string) {
	t.Helper()
	s.own(t)
	if err := s.process.command(name); err != nil {
		t.Fatalf("%s the Vault server: %v", name, err)
	}
}
