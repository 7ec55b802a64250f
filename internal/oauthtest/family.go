package oauthtest

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// family is all that came of one consent: a chain of refresh tokens, each of
// which is good for one use, and the access tokens given with them.
type family struct {
	user, client string
	scopes       []string
	refreshes    int
	reuses       int
	revoked      bool
	ended        bool // at the client's wish
}

type refreshToken struct {
	family *family
	spent  bool
}

type accessToken struct {
	family  *family
	expires time.Time
	revoked bool
}

// grant is a refresh token that is about to be used, as the library wants it.
type grant struct {
	user, client string
	scopes       []string
}

var _ op.RefreshTokenRequest = (*grant)(nil)

func (g *grant) GetAMR() []string                 { return []string{"pwd"} }
func (g *grant) GetAudience() []string            { return []string{g.client} }
func (g *grant) GetAuthTime() time.Time           { return time.Now() }
func (g *grant) GetClientID() string              { return g.client }
func (g *grant) GetScopes() []string              { return g.scopes }
func (g *grant) GetSubject() string               { return g.user }
func (g *grant) SetCurrentScopes(scopes []string) { g.scopes = scopes }

// The methods without a name of the library's have their caller hold the lock.

func (s *storage) begin(user, client string, scopes []string) *family {
	f := &family{user: user, client: client, scopes: slices.Clone(scopes)}
	s.families = append(s.families, f)
	return f
}

// reuse revokes a family of which a spent token or code came again.
func (s *storage) reuse(f *family) {
	f.reuses++
	s.count(f.user).Reuses++
	if !f.revoked {
		f.revoked = true
		s.count(f.user).Revocations++
	}
}

func (s *storage) giveAccess(f *family) (string, time.Time) {
	id := rand.Text()
	expires := time.Now().Add(s.cfg.AccessTTL)
	s.access[id] = &accessToken{family: f, expires: expires}
	return id, expires
}

func (s *storage) giveRefresh(f *family) string {
	token := "refresh-" + rand.Text()
	s.refresh[token] = &refreshToken{family: f}
	return token
}

// TokenRequestByRefreshToken is called once the client has authenticated.
func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.usable(token)
	if err != nil {
		return nil, err
	}
	return &grant{user: t.family.user, client: t.family.client, scopes: slices.Clone(t.family.scopes)}, nil
}

func (s *storage) usable(token string) (*refreshToken, error) {
	t, ok := s.refresh[token]
	switch {
	case !ok:
		return nil, op.ErrInvalidRefreshToken
	case t.spent:
		s.reuse(t.family)
		return nil, op.ErrInvalidRefreshToken
	case t.family.revoked, t.family.ended:
		return nil, op.ErrInvalidRefreshToken
	}
	return t, nil
}

// CreateAccessAndRefreshTokens answers a code, a device code or a refresh token. It
// looks at the token again: several requests with one may have come as far as here.
func (s *storage) CreateAccessAndRefreshTokens(_ context.Context, by op.TokenRequest, current string) (string, string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f *family
	if current != "" {
		t, err := s.usable(current)
		if err != nil {
			return "", "", time.Time{}, oidc.ErrInvalidGrant()
		}
		t.spent = true
		f = t.family
		f.refreshes++
		s.count(f.user).Refreshes++
	} else {
		var err error
		if f, err = s.first(by); err != nil {
			return "", "", time.Time{}, err
		}
	}
	id, expires := s.giveAccess(f)
	return id, s.giveRefresh(f), expires, nil
}

// CreateAccessToken answers where there is no refresh token.
func (s *storage) CreateAccessToken(_ context.Context, by op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.first(by)
	if err != nil {
		return "", time.Time{}, err
	}
	id, expires := s.giveAccess(f)
	return id, expires, nil
}

func (s *storage) first(by op.TokenRequest) (*family, error) {
	switch by := by.(type) {
	case *request:
		return s.redeem(by)
	case *op.DeviceAuthorizationState:
		return s.redeemDevice(by)
	case *grant:
		s.count(by.user).ClientCredentials++
		return s.begin(by.user, by.client, by.scopes), nil
	}
	return nil, oidc.ErrUnsupportedGrantType()
}

// ClientCredentialsTokenRequest gives the application's own account, whose user is the
// client.
func (s *storage) ClientCredentialsTokenRequest(_ context.Context, clientID string, scopes []string) (op.TokenRequest, error) {
	c, err := s.client(clientID)
	if err != nil {
		return nil, err
	}
	granted := slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return !c.IsScopeAllowed(scope) })
	return &grant{user: clientID, client: clientID, scopes: granted}, nil
}

func (s *storage) GetRefreshTokenInfo(_ context.Context, clientID, token string) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.refresh[token]; ok && t.family.client == clientID {
		return t.family.user, token, nil
	}
	return "", "", op.ErrInvalidRefreshToken
}

// RevokeToken ends a connection by its refresh token, spent or not, or an access
// token alone. An unknown one is no error: RFC 7009 section 2.2.
func (s *storage) RevokeToken(_ context.Context, token, _, clientID string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.refresh[token]; ok && t.family.client == clientID {
		if !t.family.ended {
			t.family.ended = true
			s.count(t.family.user).Disconnects++
		}
	} else if t, ok := s.access[token]; ok && t.family.client == clientID {
		t.revoked = true
	}
	return nil
}

// freshness is what the resource server is told of an access token.
type freshness int

const (
	unknown freshness = iota
	expired
	fresh
)

func (s *storage) check(id string) freshness {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.access[id]
	switch {
	case !ok:
		return unknown
	case t.revoked, t.family.revoked, t.family.ended, !time.Now().Before(t.expires):
		return expired
	}
	return fresh
}
