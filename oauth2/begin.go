package oauth2

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// BeginOptions are what [Client.Begin] needs beyond the [Settings].
type BeginOptions struct {
	// RedirectURL is where the provider sends the user back to, exactly as the
	// application is registered: https, or http on a loopback address, without
	// fragment, and at most 512 bytes. It must come from configuration and never
	// from a request, whose headers anyone can write.
	RedirectURL string

	// Params are more parameters of this one authorization request, such as
	// login_hint or prompt. They go before Settings.AuthParams, and can't replace
	// one that the protocol sets.
	Params map[string]string
}

// Begin begins to connect an account by the authorization code grant (RFC 6749
// section 4.1), and stores nothing: send the user to the URL of what it
// returns, and give that and the answer to [Client.Finish]. The state, the
// verifier of PKCE (RFC 7636, S256) and, where "openid" is asked for, the nonce
// are 32 random bytes each. Settings.Resources go with it (RFC 8707).
//
// Errors are of type [*Error]: core.ErrInvalidOption for options that can't be,
// errors.ErrUnsupported where the provider has no authorization endpoint or
// Settings.Grant is another, and core.ErrNotFound where the application's
// secret is not there.
func (c *Client) Begin(ctx context.Context, o BeginOptions) (*Pending, error) {
	if c.cfg.Settings.Grant != GrantAuthorizationCode {
		return nil, c.connectError(errors.ErrUnsupported, "this credential is the application's own, without a user who agrees: use ConnectClientCredentials")
	}
	if !isRedirectURL(o.RedirectURL) {
		return nil, c.connectError(core.ErrInvalidOption, "RedirectURL must be an https URL, or http on a loopback address, without fragment and of at most 512 bytes")
	}
	for name := range o.Params {
		if c.protocolParam(name) {
			return nil, c.connectError(core.ErrInvalidOption, "Params can't set what the protocol sets, such as state, scope and redirect_uri")
		}
	}
	app, ends, err := c.opening(ctx)
	if err != nil {
		return nil, err
	}
	if ends.auth == "" {
		return nil, c.connectError(errors.ErrUnsupported, "the provider has no authorization endpoint: set authURL, or connect by the device flow")
	}
	authURL, err := url.Parse(ends.auth)
	if err != nil {
		return nil, c.connectError(core.ErrInvalidValue, "the authorization endpoint is no URL")
	}

	p := &Pending{
		State:       random32(),
		RedirectURL: o.RedirectURL,
		ExpiresAt:   c.clock.Now().Add(pendingLife),
		account:     c.accountDigest(),
		provider:    providerDigest(app, ends),
	}
	// The wall clock alone, in the seconds of the stored form: a monotonic
	// reading would make a Pending live on while the machine sleeps.
	p.ExpiresAt = p.ExpiresAt.Round(0).Truncate(time.Second)

	// The endpoint's own query is kept (RFC 6749 section 3.1).
	query := authURL.Query()
	for name, value := range c.cfg.Settings.AuthParams {
		query.Set(name, value)
	}
	for name, value := range o.Params {
		query.Set(name, value)
	}
	query.Set("response_type", "code")
	query.Set("client_id", app.ClientID)
	query.Set("redirect_uri", o.RedirectURL)
	query.Set("state", p.State.Reveal())
	if scope := c.cfg.Settings.joinScopes(); scope != "" {
		query.Set(c.scopeParam(), scope)
	}
	if resources := c.cfg.Settings.Resources; len(resources) > 0 {
		query["resource"] = slices.Clone(resources)
	}
	if c.cfg.Settings.PKCE == PKCES256 {
		p.verifier = random32()
		challenge := sha256.Sum256(p.verifier.RevealBytes())
		query.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
		query.Set("code_challenge_method", "S256")
	}
	if c.openID() {
		p.nonce = random32()
		query.Set("nonce", p.nonce.Reveal())
	}
	authURL.RawQuery = query.Encode() //lukko:allow revealed the state and the nonce are what this address is for, and it is a core.Value itself
	p.URL = core.String(authURL.String())
	return p, nil
}

// protocolParam reports whether a parameter is the protocol's, or none at all.
func (c *Client) protocolParam(name string) bool {
	return !isText(name) || name == c.scopeParam() || slices.Contains(authReserved, name)
}

// accountDigest stands for whose account is connected.
func (c *Client) accountDigest() string { return pendingDigest(c.cfg.Name, c.cfg.User) }

// providerDigest stands for where a code comes from and goes to. A client that
// has other endpoints, or another client id, can't finish what this one began:
// it would send a provider's code to another one.
func providerDigest(app App, ends endpoints) string {
	return pendingDigest(ends.issuer, ends.auth, ends.token, app.ClientID)
}
