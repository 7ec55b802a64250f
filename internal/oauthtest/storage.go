package oauthtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"sync"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// storage is all that the server keeps. The library calls it for each step of a
// request, without a transaction around them, so what must happen once is
// decided within one method.
type storage struct {
	cfg *Config
	key *ecdsa.PrivateKey // signs id tokens

	mu       sync.Mutex // guards what follows, and all that it leads to
	clients  map[string]*registered
	users    map[string]string // passwords by name
	requests map[string]*request
	codes    map[string]*request
	refresh  map[string]*refreshToken
	access   map[string]*accessToken
	devices  map[string]*device
	families []*family
	counts   map[string]*Counts
	slow     int // polls that are still to be told to slow down
}

var (
	_ op.Storage                    = (*storage)(nil)
	_ op.ClientCredentialsStorage   = (*storage)(nil)
	_ op.DeviceAuthorizationStorage = (*storage)(nil)
)

var errUnknown = errors.New("unknown")

func newStorage(cfg *Config) *storage {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // rand.Reader never fails
	}
	return &storage{
		cfg: cfg, key: key,
		clients:  map[string]*registered{},
		users:    map[string]string{},
		requests: map[string]*request{},
		codes:    map[string]*request{},
		refresh:  map[string]*refreshToken{},
		access:   map[string]*accessToken{},
		devices:  map[string]*device{},
		counts:   map[string]*Counts{},
	}
}

func (s *storage) client(id string) (*registered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[id]; ok {
		return c, nil
	}
	return nil, oidc.ErrInvalidClient()
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, err := s.client(id)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	c, err := s.client(id)
	if err != nil {
		return err
	}
	if !c.is(secret) {
		return oidc.ErrInvalidClient()
	}
	return nil
}

func (s *storage) GetKeyByIDAndClientID(_ context.Context, keyID, clientID string) (*jose.JSONWebKey, error) {
	c, err := s.client(clientID)
	if err != nil {
		return nil, err
	}
	if c.PublicKey == nil || c.KeyID != keyID {
		return nil, errUnknown
	}
	return &jose.JSONWebKey{Key: c.PublicKey, KeyID: keyID, Use: oidc.KeyUseSignature}, nil
}

// ClientCredentials also takes a client whose assertion has been verified, which the
// library would not for this grant: see Server.endpoint.
func (s *storage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c, err := s.client(id)
	if err != nil {
		return nil, err
	}
	if !c.is(secret) && !asserted(ctx, id) {
		return nil, oidc.ErrInvalidClient()
	}
	return c, nil
}

// signer is the key of id tokens, both halves.
type signer struct{ key any }

func (signer) ID() string                                  { return "id-token-key" }
func (signer) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (signer) Algorithm() jose.SignatureAlgorithm          { return jose.ES256 }
func (signer) Use() string                                 { return oidc.KeyUseSignature }
func (k signer) Key() any                                  { return k.key }

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return signer{s.key}, nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{signer{&s.key.PublicKey}}, nil
}

func (s *storage) Health(context.Context) error { return nil }

// What follows is of OpenID's user information, of which the server has the subject
// only, and of grants that it doesn't offer.

func (s *storage) SetUserinfoFromScopes(_ context.Context, u *oidc.UserInfo, user, _ string, _ []string) error {
	u.Subject = user // which is also that of id tokens
	return nil
}

func (s *storage) SetUserinfoFromToken(_ context.Context, u *oidc.UserInfo, id, subject, _ string) error {
	if s.check(id) != fresh {
		return errUnknown
	}
	u.Subject = subject
	return nil
}

func (s *storage) SetIntrospectionFromToken(_ context.Context, r *oidc.IntrospectionResponse, id, subject, _ string) error {
	if s.check(id) != fresh {
		return errUnknown
	}
	r.Active, r.Subject = true, subject
	return nil
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, oidc.ErrUnsupportedGrantType()
}

func (s *storage) TerminateSession(context.Context, string, string) error { return nil }
