package oauthtest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The ways that a client authenticates, by the names of RFC 8414 section 2.
const (
	SecretBasic   = "client_secret_basic"
	SecretPost    = "client_secret_post"
	None          = "none"
	PrivateKeyJWT = "private_key_jwt"
)

// Client is a registered application.
type Client struct {
	// ID is its name; empty is one that [Server.Register] makes.
	ID string

	// Auth is how it authenticates: SecretBasic if empty. Any other way is
	// refused.
	Auth string

	// Secret is for SecretBasic and SecretPost; empty is one that Register makes.
	// It has characters that must be escaped in a header (RFC 6749 section 2.3.1).
	Secret string

	// PublicKey verifies the assertions of PrivateKeyJWT, and KeyID is what their
	// header names: RSA (RS256) or P-256 (ES256).
	PublicKey any
	KeyID     string

	// Redirects are the addresses that answers may go to. An http one on 127.0.0.1
	// stands for all ports of it (RFC 8252 section 7.3).
	Redirects []string

	// Scopes are what users may grant beside OpenID's own; others are left out
	// without an error. None: "repo" and "admin".
	Scopes []string

	// NoRefresh gives no refresh tokens.
	NoRefresh bool
}

// Register makes an application known, or known anew, and returns it with what
// was made for it.
func (s *Server) Register(c Client) Client {
	if c.ID == "" {
		c.ID = "app-" + rand.Text()[:8]
	}
	if c.Auth == "" {
		c.Auth = SecretBasic
	}
	if c.Secret == "" && (c.Auth == SecretBasic || c.Auth == SecretPost) {
		c.Secret = "secret+/%: " + rand.Text()
	}
	if c.Scopes == nil {
		c.Scopes = []string{"repo", "admin"}
	}
	c.Redirects = slices.Clone(c.Redirects)
	c.Scopes = slices.Clone(c.Scopes)
	s.note("client secret", c.Secret)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.clients[c.ID] = &registered{Client: c, login: s.Issuer + loginPath}
	return c
}

// registered is a Client as the protocol's library wants it.
type registered struct {
	Client
	login string
}

var (
	_ op.Client           = (*registered)(nil)
	_ op.HasRedirectGlobs = (*registered)(nil)
)

func (c *registered) GetID() string                        { return c.ID }
func (c *registered) RedirectURIs() []string               { return c.Redirects }
func (c *registered) PostLogoutRedirectURIs() []string     { return nil }
func (c *registered) PostLogoutRedirectURIGlobs() []string { return nil }
func (c *registered) AuthMethod() oidc.AuthMethod          { return oidc.AuthMethod(c.Auth) }
func (c *registered) LoginURL(id string) string            { return c.login + "?id=" + id }
func (c *registered) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c *registered) IDTokenLifetime() time.Duration       { return time.Hour }
func (c *registered) DevMode() bool                        { return true }
func (c *registered) IsScopeAllowed(scope string) bool     { return slices.Contains(c.Scopes, scope) }
func (c *registered) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c *registered) ClockSkew() time.Duration             { return 0 }

func (c *registered) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c *registered) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

// RedirectURIGlobs stand for the ports of a loopback address.
func (c *registered) RedirectURIGlobs() []string {
	var globs []string
	for _, uri := range c.Redirects {
		if rest, ok := cutLoopback(uri); ok {
			globs = append(globs, "http://127.0.0.1:*"+rest)
		}
	}
	return globs
}

// ApplicationType tells the library whether the client is confidential.
func (c *registered) ApplicationType() op.ApplicationType {
	if c.Auth == None {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c *registered) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c *registered) GrantTypes() []oidc.GrantType {
	grants := []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeDeviceCode}
	if !c.NoRefresh {
		grants = append(grants, oidc.GrantTypeRefreshToken)
	}
	if c.Auth != None { // RFC 6749 section 4.4: confidential clients only
		grants = append(grants, oidc.GrantTypeClientCredentials)
	}
	return grants
}

func (c *registered) is(secret string) bool {
	want, got := sha256.Sum256([]byte(c.Secret)), sha256.Sum256([]byte(secret))
	return c.Secret != "" && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}
