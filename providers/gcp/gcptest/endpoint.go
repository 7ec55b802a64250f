package gcptest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// serviceName is the service in the details of errors.
const serviceName = "secretmanager.googleapis.com"

// Endpoint is one way to reach a [Server]: at the global service or at the one
// of a location, with some rights. Every endpoint of a server sees the same
// secrets. It is safe for concurrent use.
type Endpoint struct {
	srv      *Server
	location string // empty for the global one
	grants   []grant
	token    string // what a caller must bear; empty takes everyone
}

// As is this endpoint for callers that have only the roles, on the whole
// project; without roles they may do nothing.
func (e *Endpoint) As(roles ...Role) *Endpoint {
	as := *e
	as.grants = nil
	for _, role := range roles {
		as.grants = append(as.grants, grant{role: role})
	}
	return &as
}

// AsOn is this endpoint for callers that have also the roles on one secret,
// named by its ID. Where the secret does not exist they are denied, as a policy
// can't be set on what does not exist. Begin with e.As() for callers that have
// nothing else:
//
//	srv.As().AsOn("db-password", gcptest.VersionAdder)
func (e *Endpoint) AsOn(secretID string, roles ...Role) *Endpoint {
	as := *e
	as.grants = slices.Clone(e.grants)
	for _, role := range roles {
		as.grants = append(as.grants, grant{role: role, secret: secretID})
	}
	return &as
}

// RequireToken is this endpoint for callers that send "authorization: Bearer
// TOKEN"; others get UNAUTHENTICATED. gRPC sends tokens over TLS alone, so use
// it with [Endpoint.ListenTLS].
func (e *Endpoint) RequireToken(token string) *Endpoint {
	as := *e
	as.token = token
	return &as
}

// Conn is a connection over memory, without TLS. It closes with the server.
func (e *Endpoint) Conn() *grpc.ClientConn {
	pipe := bufconn.Listen(1 << 20)
	e.serve(pipe)
	conn, err := grpc.NewClient("passthrough:///gcptest",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return pipe.DialContext(ctx)
		}))
	if err != nil {
		panic("gcptest: " + err.Error()) // a constant target that parses
	}
	e.srv.closer.add(func() { _ = conn.Close() })
	return conn
}

// ClientOptions makes the official client use a new connection over memory. A
// connection serves one client: it closes with it.
func (e *Endpoint) ClientOptions() []option.ClientOption {
	return []option.ClientOption{option.WithGRPCConn(e.Conn())}
}

// Client is the official client over memory. It closes with the test.
func (e *Endpoint) Client(t testing.TB) *secretmanager.Client {
	t.Helper()
	client, err := secretmanager.NewClient(t.Context(), e.ClientOptions()...)
	if err != nil {
		t.Fatalf("gcptest: making the client: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Listen serves plain text on a free port of 127.0.0.1 and returns host:port,
// as SECRET_MANAGER_EMULATOR_HOST takes it. It panics where nothing can listen
// there.
func (e *Endpoint) Listen() string {
	l := listenLoopback()
	e.serve(l)
	return l.Addr().String()
}

// ListenTLS serves TLS on a free port of 127.0.0.1 and returns host:port with
// the authority that signed its certificate, as a pool and in PEM. The
// certificate is for 127.0.0.1 and localhost.
func (e *Endpoint) ListenTLS() (addr string, roots *x509.CertPool, caPEM []byte) {
	cert, caPEM := certificate()
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(caPEM)
	l := listenLoopback()
	e.serve(l, grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
	})))
	return l.Addr().String(), roots, caPEM
}

// serve answers the connections of l until the server closes.
func (e *Endpoint) serve(l net.Listener, opts ...grpc.ServerOption) {
	// A server that is closed has left nothing running.
	opts = append(opts, grpc.UnaryInterceptor(e.intercept), grpc.WaitForHandlers(true))
	server := grpc.NewServer(opts...)
	secretmanagerpb.RegisterSecretManagerServiceServer(server, &service{Endpoint: e})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(&listener{Listener: l, conns: &e.srv.conns})
	}()
	e.srv.closer.add(func() {
		server.Stop()
		<-done
	})
}

func listenLoopback() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("gcptest: listening on loopback: " + err.Error())
	}
	return l
}

// certificate makes a self-signed certificate, which is its own authority.
func certificate() (tls.Certificate, []byte) {
	must := func(err error) {
		if err != nil {
			panic("gcptest: making a certificate: " + err.Error())
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "gcptest"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caPEM
}
