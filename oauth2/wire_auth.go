package oauth2

import (
	"net/url"
	"slices"

	"github.com/lukko-dev/lukko/core"
)

// authenticate adds to a form how the application shows who it is (RFC 6749
// section 2.3, RFC 7523 section 2.2), or returns what goes into the header.
func (p *provider) authenticate(app App, e endpoints, form url.Values) (*basicAuth, *failure) {
	if app.ClientID == "" {
		return nil, unsent(core.ErrInvalidValue, "the application's secret has no clientId")
	}
	how := p.settings.ClientAuth
	if how == ClientAuthAuto {
		how = authOf(app, e.authMethods)
	}
	if app.ClientSecret.IsZero() && (how == ClientSecretBasic || how == ClientSecretPost) {
		how = ClientNone // a public client's, as of a program that its users run
	}
	switch how {
	case ClientSecretBasic:
		return &basicAuth{app.ClientID, app.ClientSecret}, nil
	case ClientSecretPost:
		form.Set("client_id", app.ClientID)
		form.Set("client_secret", app.ClientSecret.Reveal())
	case PrivateKeyJWT:
		if app.PrivateKey.IsZero() {
			return nil, unsent(core.ErrInvalidValue, "the application's secret has no privateKey, and ClientAuth in the settings asks for one")
		}
		assertion, f := p.assertion(app, e)
		if f != nil {
			return nil, f
		}
		form.Set("client_id", app.ClientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion.Reveal())
	default:
		form.Set("client_id", app.ClientID)
	}
	return nil, nil
}

// authOf is the method for what the application's secret holds. A server that
// names its methods without the header has the body.
func authOf(app App, methods []string) ClientAuth {
	switch {
	case !app.PrivateKey.IsZero():
		return PrivateKeyJWT
	case app.ClientSecret.IsZero():
		return ClientNone
	case len(methods) > 0 && !slices.Contains(methods, string(ClientSecretBasic)) && slices.Contains(methods, string(ClientSecretPost)):
		return ClientSecretPost
	}
	return ClientSecretBasic
}
