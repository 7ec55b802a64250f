package oauth2

import (
	"net/url"
	"slices"
)

// GitHub is an OAuth app or a GitHub App at github.com, for users who agree in
// a browser or with a device code.
//
// What is not as the RFCs have it: errors are answered with the status 200 and
// codes of GitHub's own, scopes are granted with commas between, the tokens of
// an OAuth app have no expiry and no refresh token, and a connection is ended
// by [RevokeGitHub]: here the whole grant, all tokens that the application has
// of that user. A RevokeURL that ends in "/token" ends the one token.
func GitHub(scopes ...string) Settings {
	return Settings{
		AuthURL:      "https://github.com/login/oauth/authorize",
		TokenURL:     "https://github.com/login/oauth/access_token",
		DeviceURL:    "https://github.com/login/device/code",
		RevokeURL:    "https://api.github.com/applications/{client_id}/grant",
		Revocation:   RevokeGitHub,
		Scopes:       slices.Clone(scopes),
		ClientAuth:   ClientSecretPost,
		AllowedHosts: []string{"api.github.com", "uploads.github.com"},
	}
}

const googleIssuer = "https://accounts.google.com"

// Google is Google's accounts.
//
// It gives a refresh token only if access_type=offline asks for one, and only
// the first time that a user agrees, so that prompt=consent has the user agree
// each time. The issuer in id tokens may lack its "https://", and the answer
// for devices has "verification_url". Revoking ends the whole grant.
func Google(scopes ...string) Settings {
	return Settings{
		Issuer:       googleIssuer,
		AuthURL:      "https://accounts.google.com/o/oauth2/v2/auth",
		TokenURL:     "https://oauth2.googleapis.com/token",
		RevokeURL:    "https://oauth2.googleapis.com/revoke",
		DeviceURL:    "https://oauth2.googleapis.com/device/code",
		Scopes:       slices.Clone(scopes),
		ClientAuth:   ClientSecretPost,
		AuthParams:   map[string]string{"access_type": "offline", "prompt": "consent"},
		AllowedHosts: []string{"*.googleapis.com"},
	}
}

// Slack is a Slack app that is installed in a workspace, with the token of its
// bot. [SlackUser] is for a user's.
//
// Errors are answered with the status 200, "ok": false and codes of Slack's
// own; scopes are joined by commas; the type of the token is "bot", which is
// no scheme: it is sent as a bearer's; tokens expire only if the app has token
// rotation. A token is revoked by one request that it authorizes itself. No
// PKCE is sent: an app that turns it on is a public client for good.
func Slack(scopes ...string) Settings {
	return Settings{
		AuthURL:        "https://slack.com/oauth/v2/authorize",
		TokenURL:       "https://slack.com/api/oauth.v2.access",
		RevokeURL:      "https://slack.com/api/auth.revoke",
		Revocation:     RevokeBearer,
		Scopes:         slices.Clone(scopes),
		ScopeSeparator: ",",
		PKCE:           PKCENone,
		ClientAuth:     ClientSecretBasic,
		AllowedHosts:   []string{"slack.com", "files.slack.com"},
	}
}

// SlackUser is [Slack] with the token of the user who agrees: its scopes are
// asked for as "user_scope", and the token is in "authed_user" of the answer,
// but of an answer to a refresh.
func SlackUser(scopes ...string) Settings {
	s := Slack(scopes...)
	s.ScopeParam, s.TokenPath = "user_scope", "authed_user"
	return s
}

// Stripe is a platform of Stripe Connect, with standard accounts. The client
// id is that of the platform ("ca_…"), the client secret its secret key
// ("sk_…"), which goes into the body. Tokens have no expiry. An account is
// disconnected by [RevokeStripe]. No PKCE is sent, as Stripe does not have it.
func Stripe(scopes ...string) Settings {
	return Settings{
		AuthURL:      "https://connect.stripe.com/oauth/authorize",
		TokenURL:     "https://connect.stripe.com/oauth/token",
		RevokeURL:    "https://connect.stripe.com/oauth/deauthorize",
		Revocation:   RevokeStripe,
		Scopes:       slices.Clone(scopes),
		PKCE:         PKCENone,
		ClientAuth:   ClientSecretPost,
		AllowedHosts: []string{"api.stripe.com", "files.stripe.com"},
	}
}

// Microsoft is Microsoft Entra ID, version 2.0. The tenant is its id, one of
// its domains, or "common", "organizations" or "consumers"; empty is "common".
//
// A refresh token is given only where the scope "offline_access" asks for one,
// so that is added. The issuer of an id token has the id of the user's tenant
// in it, which the settings of other tenants can't know. There is no
// revocation endpoint.
func Microsoft(tenant string, scopes ...string) Settings {
	if tenant == "" {
		tenant = "common"
	}
	base := "https://login.microsoftonline.com/" + url.PathEscape(tenant)
	s := Settings{
		Issuer:       "https://login.microsoftonline.com/" + tenantHole + "/v2.0",
		AuthURL:      base + "/oauth2/v2.0/authorize",
		TokenURL:     base + "/oauth2/v2.0/token",
		DeviceURL:    base + "/oauth2/v2.0/devicecode",
		Scopes:       with(scopes, "offline_access"),
		ClientAuth:   ClientSecretPost,
		AllowedHosts: []string{"graph.microsoft.com"},
	}
	if isTenantID(tenant) {
		s.Issuer = base + "/v2.0"
		s.AssertionAudience = s.TokenURL // as its documentation asks for
	}
	return s
}

// OpenID is any OpenID provider, or authorization server with metadata: all
// is discovered from its issuer. The scope "openid" is added. It has no
// AllowedHosts: where its tokens may go is not known.
func OpenID(issuer string, scopes ...string) Settings {
	return Settings{Issuer: issuer, Scopes: with(scopes, "openid")}
}

// with is the scopes with one more, if it is not there.
func with(scopes []string, one string) []string {
	if slices.Contains(scopes, one) {
		return slices.Clone(scopes)
	}
	return append(slices.Clone(scopes), one)
}

// Presets returns the ready-made settings by the names that lukko.yaml has for
// them: github, google, slack, slack-user, stripe and microsoft, which is that
// of all tenants.
func Presets() map[string]func(scopes ...string) Settings {
	return map[string]func(...string) Settings{
		"github":     GitHub,
		"google":     Google,
		"slack":      Slack,
		"slack-user": SlackUser,
		"stripe":     Stripe,
		"microsoft":  func(scopes ...string) Settings { return Microsoft("", scopes...) },
	}
}
