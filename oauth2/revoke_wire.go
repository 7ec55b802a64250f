package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// revoke asks the provider to revoke a token: RFC 7009 section 2.1, or as the
// settings' Revocation says. hint is "refresh_token" or "access_token". A
// token that is not valid any more is no failure (section 2.2). Without an
// endpoint it is one whose kind is errors.ErrUnsupported. The ways that are
// not RFC 7009 know access tokens only: there is nothing to do for a refresh
// token, which ends with its access token.
func (p *provider) revoke(ctx context.Context, app App, token core.Value, hint string) *failure {
	e, f := p.need(ctx, func(e endpoints) string { return e.revoke })
	if f != nil {
		return f
	}
	if e.revoke == "" {
		return unsent(errNoEndpoint, "the provider has no revocation endpoint; end the connection on its own pages")
	}
	if p.settings.Revocation != RevokeRFC7009 && hint == "refresh_token" {
		return nil
	}
	secrets := []string{app.ClientSecret.Reveal(), token.Reveal()}
	var r *reply
	switch p.settings.Revocation {
	case RevokeBearer:
		r, f = p.revokeBearer(ctx, e.revoke, token)
	case RevokeGitHub:
		r, f = p.revokeGitHub(ctx, e.revoke, app, token)
	case RevokeStripe:
		return p.revokeStripe(ctx, e.revoke, app, token)
	default:
		form := url.Values{"token": {token.Reveal()}}
		if hint != "" {
			form.Set("token_type_hint", hint)
		}
		var basic *basicAuth
		if basic, f = p.authenticate(app, e, form); f == nil {
			r, f = p.post(ctx, e.revoke, form, basic)
		}
	}
	if f != nil {
		return f
	}
	return p.revoked(r, secrets)
}

// revoked reads the answer to a revocation. The body of a 2xx is of no
// account (RFC 7009 section 2.2), unless it says that it is an error.
func (p *provider) revoked(r *reply, secrets []string) *failure {
	object, _ := parseAnswer(r)
	f := p.statusFailure(r.status, r.header)
	failed := isError(object)
	if failed {
		f.Code = codeOf(object, secrets)
	}
	if r.status >= 200 && r.status <= 299 {
		if !failed {
			return nil
		}
		f.Final = !mayPass(f.Code)
	}
	switch f.Code {
	case "invalid_token", "token_revoked", "token_expired", "invalid_auth", "account_inactive": // Google's, and Slack's
		if f.Final {
			return nil // it is not valid any more
		}
	}
	if p.settings.Revocation == RevokeGitHub && f.Status == http.StatusNotFound {
		return nil
	}
	return f
}

// revokeBearer posts an empty form that the token itself authorizes.
func (p *provider) revokeBearer(ctx context.Context, endpoint string, token core.Value) (*reply, *failure) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, http.NoBody)
	if err != nil {
		return nil, unsent(core.ErrInvalidValue, "the RevokeURL in the settings is no URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	return p.send(ctx, req)
}

// revokeGitHub deletes an application's token.
func (p *provider) revokeGitHub(ctx context.Context, endpoint string, app App, token core.Value) (*reply, *failure) {
	body, _ := json.Marshal(map[string]string{"access_token": token.Reveal()})
	endpoint = strings.ReplaceAll(endpoint, clientHole, url.PathEscape(app.ClientID))
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, unsent(core.ErrInvalidValue, "the RevokeURL in the settings is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(app.ClientID, app.ClientSecret.Reveal())
	return p.send(ctx, req)
}

// stripeAccount is where Stripe tells whose an access token is.
const stripeAccount = "https://api.stripe.com/v1/account"

// revokeStripe disconnects the account of a token from the platform.
func (p *provider) revokeStripe(ctx context.Context, endpoint string, app App, token core.Value) *failure {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, stripeAccount, nil)
	if err != nil {
		return unsent(core.ErrInvalidValue, "the address of Stripe's API is no URL")
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	secrets := []string{app.ClientSecret.Reveal(), token.Reveal()}
	r, f := p.send(ctx, req)
	if f != nil {
		return f
	}
	if r.status == http.StatusUnauthorized {
		return nil // it is not valid any more
	}
	account, f := p.read(r, secrets)
	if f != nil {
		return f
	}
	form := url.Values{"client_id": {app.ClientID}, "stripe_user_id": {account.text("id")}}
	r, f = p.post(ctx, endpoint, form, &basicAuth{id: app.ClientSecret.Reveal()})
	if f != nil {
		return f
	}
	return p.revoked(r, secrets)
}
