package gcp

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"cloud.google.com/go/auth"
	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/lukko-dev/lukko/core"
)

// silent takes what Google's libraries would log, which at their level of debugging
// is every answer, with its value.
var silent = slog.New(slog.DiscardHandler)

// common is how each connection is made.
func common(more ...option.ClientOption) []option.ClientOption {
	return append([]option.ClientOption{
		option.WithLogger(silent),
		option.WithTelemetryDisabled(), // whose spans would hold the service's texts of errors
		// DNS may say to retry, and so to double a write.
		option.WithGRPCDialOption(grpc.WithDisableServiceConfig()),
		option.WithGRPCDialOption(grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 10 * time.Second,
		})),
		// A hundred values of 64 KiB need no second round trip for their room.
		option.WithGRPCDialOption(grpc.WithInitialWindowSize(256 << 10)),
		option.WithGRPCDialOption(grpc.WithInitialConnWindowSize(8 << 20)),
		// A connection that died without a word is found while calls wait on it.
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second})),
	}, more...)
}

func dialPlain(endpoint string) (*secretmanager.Client, error) {
	return secretmanager.NewClient(context.Background(), common(
		option.WithEndpoint(endpoint), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	)...)
}

// dialGoogle makes a client with the credentials that login has found.
func dialGoogle(endpoint string, l *login) (*secretmanager.Client, error) {
	l.mu.Lock()
	creds := l.creds
	l.mu.Unlock()
	options := common(option.WithAuthCredentials(auth.NewCredentials(&auth.CredentialsOptions{
		TokenProvider:          l,
		JSON:                   creds.JSON(),
		QuotaProjectIDProvider: auth.CredentialsPropertyFunc(creds.QuotaProjectID),
		UniverseDomainProvider: auth.CredentialsPropertyFunc(creds.UniverseDomain),
	})))
	if endpoint != "" {
		options = append(options, option.WithEndpoint(endpoint))
	}
	return secretmanager.NewClient(context.Background(), options...)
}

// link is one client, and so one connection. A store uses one at a time, and a new
// one where the old may be dead: gRPC would go on to use that until a ping fails,
// or answer from the memory of a failed attempt until it makes the next.
type link struct {
	client *secretmanager.Client

	// Guarded by conn.mu.
	calls   int       // in flight
	dropped bool      // closed by the last of them
	heard   time.Time // when anything last came back
}

// links hands out the link of the moment.
type links struct {
	mu       sync.Mutex
	current  *link
	borrowed *link // in place of all others, and the caller's to close
	closed   bool
	connect  func() (*secretmanager.Client, error)
}

func (ls *links) take() (*link, error) {
	if ls.borrowed != nil {
		return ls.borrowed, nil
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed {
		return nil, &core.Error{Kind: core.ErrClosed}
	}
	if ls.current == nil {
		client, err := ls.connect()
		if err != nil {
			return nil, &core.Error{Kind: core.ErrInvalidOption, Hint: "Google's client can't be made of these settings; look at the environment's certificates and universe domain"}
		}
		ls.current = &link{client: client}
	}
	ls.current.calls++
	return ls.current, nil
}

// give is told what became of a call that began at a time: whether anything came
// back, and whether the link is doubted.
func (ls *links) give(l *link, began time.Time, answered, doubt bool) {
	if l == ls.borrowed {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if answered {
		l.heard = time.Now()
	}
	if doubt && !l.heard.After(began) {
		ls.drop(l)
	}
	if l.calls--; l.dropped && l.calls == 0 {
		_ = l.client.Close()
	}
}

func (ls *links) drop(l *link) {
	l.dropped = true
	if ls.current == l {
		ls.current = nil
	}
}

// close ends the connection. No call is in flight.
func (ls *links) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.closed = true
	if ls.current != nil {
		_ = ls.current.client.Close()
		ls.current = nil
	}
}
