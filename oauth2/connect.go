package oauth2

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// ConnectOptions say how [Client.Connect] reaches the user. The zero value is
// enough for a credential of [GrantClientCredentials].
type ConnectOptions struct {
	// Browser is for [Client.ConnectBrowser]; without its Open there is no
	// browser.
	Browser BrowserOptions

	// Device shows the code of [Client.ConnectDevice]; nil is not that flow.
	Device func(DeviceCode) error
}

// Connect connects the account by the first of these that Settings and options
// allow: client credentials where Settings.Grant says so, a browser, the
// device flow. What was connected before is replaced. Its errors are those of
// [Client.ConnectClientCredentials], [Client.ConnectBrowser] and
// [Client.ConnectDevice], and core.ErrInvalidOption where there is no way to the
// user.
func (c *Client) Connect(ctx context.Context, o ConnectOptions) error {
	switch {
	case c.cfg.Settings.Grant == GrantClientCredentials:
		return c.ConnectClientCredentials(ctx)
	case o.Browser.Open != nil:
		return c.ConnectBrowser(ctx, o.Browser)
	case o.Device != nil:
		return c.ConnectDevice(ctx, o.Device)
	}
	return c.connectError(core.ErrInvalidOption, "say how to reach the user: Browser.Open, or Device")
}

// opening is what every flow begins with: the application's secret, without
// which no user is bothered, a store that can keep what comes of it, and the
// provider's endpoints.
func (c *Client) opening(ctx context.Context) (App, endpoints, error) {
	if c.ending.Err() != nil {
		return App{}, endpoints{}, c.connectError(core.ErrClosed, "")
	}
	app, err := c.app(ctx)
	if err != nil {
		return App{}, endpoints{}, err
	}
	conditions, _, err := c.conditions(ctx)
	if err != nil {
		return App{}, endpoints{}, err
	}
	if err := c.mayWrite(opConnect, conditions); err != nil {
		return App{}, endpoints{}, err
	}
	ends, failed := c.provider.endpoints(ctx)
	if failed != nil {
		return App{}, endpoints{}, c.provider.error(opConnect, failed)
	}
	return app, ends, nil
}

// connected stores the tokens of an account that has just been connected. What was
// asked for is what was granted, where the answer doesn't say (RFC 6749
// section 5.1). It doesn't end with ctx: the code is spent, and what was given
// for it would be lost. The store has limits of its own.
func (c *Client) connected(ctx context.Context, t Token) error {
	if t.Scope == "" {
		t.Scope = strings.Join(c.cfg.Settings.Scopes, " ")
	}
	return c.store(context.WithoutCancel(ctx), t)
}

func (c *Client) scopeParam() string {
	if name := c.cfg.Settings.ScopeParam; name != "" {
		return name
	}
	return "scope"
}

// openID reports whether an id token is asked for.
func (c *Client) openID() bool { return slices.Contains(c.cfg.Settings.Scopes, "openid") }

func (c *Client) connectError(kind error, hint string) *Error {
	return c.fail(opConnect, kind, hint, nil)
}

// denied is the error of a provider that answered with an error code.
func (c *Client) denied(code string) *Error {
	return c.connectFailed(&failure{Final: true, Code: safeCode(code)})
}

// connectFailed is the error of an endpoint that did not connect the account.
func (c *Client) connectFailed(f *failure) *Error {
	e := c.provider.error(opConnect, f)
	if known, ok := connectErrors[f.Code]; ok && f.Final {
		e.Kind, e.Hint = known.kind, known.hint
	}
	return e
}

// connectErrors are the codes with which a provider answers in place of a code
// or of tokens, each with its kind and what to do: RFC 6749 sections 4.1.2.1 and
// 5.2, RFC 8628 section 3.5, RFC 8707 section 2, OpenID Connect Core section
// 3.1.2.6, and GitHub's own. Other codes are as at every endpoint.
var connectErrors = map[string]struct {
	kind error
	hint string
}{
	"access_denied":              {core.ErrPermissionDenied, "the user or the provider said no; connect again to ask once more"},
	"consent_required":           {core.ErrPermissionDenied, "the user must agree: connect without prompt=none"},
	"login_required":             {core.ErrPermissionDenied, "the user must sign in at the provider: connect without prompt=none"},
	"interaction_required":       {core.ErrPermissionDenied, "the user must be asked: connect without prompt=none"},
	"account_selection_required": {core.ErrPermissionDenied, "the user must choose an account: connect without prompt=none"},
	"expired_token":              {core.ErrPermissionDenied, "nobody agreed in time; connect again"},
	"invalid_grant":              {core.ErrPermissionDenied, "the code was used before, is over, or was another application's; connect again"},
	"bad_verification_code":      {core.ErrPermissionDenied, "the code was used before, is over, or was another application's; connect again"},
	"unauthorized_client":        {core.ErrUnauthenticated, "allow this application, where it is registered, to connect in this way"},
	"invalid_scope":              {core.ErrInvalidValue, "check the scopes in the settings"},
	"invalid_target":             {core.ErrInvalidValue, "check the resources in the settings"},
	"invalid_request":            {core.ErrInvalidValue, "check the settings, and the redirect address where the application is registered"},
	"device_flow_disabled":       {errors.ErrUnsupported, "allow the device flow where the application is registered"},
	"unsupported_response_type":  {errors.ErrUnsupported, "the provider gives no codes; is its authorization endpoint right?"},
	"server_error":               {core.ErrUnavailable, "the provider failed; connect again later"},
	"temporarily_unavailable":    {core.ErrUnavailable, "the provider is overloaded; connect again later"},
}
