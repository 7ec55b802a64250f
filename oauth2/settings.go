package oauth2

// Settings say how one OAuth2 provider is reached and what is asked of it.
// They hold no secret, so that they stand in the source, in lukko.yaml and in
// secrets_meta.json; their JSON form is that of the tags. The zero value of a
// field is what the comment says. Ready-made ones are [GitHub], [Google],
// [Slack], [SlackUser],
// [Stripe], [Microsoft] and [OpenID].
type Settings struct {
	// Issuer is the provider's identifier, an https URL without query or
	// fragment. Endpoints that are not given are discovered from it, at first
	// use: RFC 8414 section 3, and where that is not there OpenID Connect
	// Discovery 1.0 section 4. What is discovered must name the same issuer.
	//
	// One with "{tenantid}" in it, as Microsoft's for all tenants, is compared
	// with an id token's after its claim "tid" was put there. Nothing is
	// discovered from it.
	Issuer string `json:"issuer,omitempty"`

	// The endpoints: https URLs, or http on a loopback address. Given, they go
	// before what is discovered.
	AuthURL   string `json:"authURL,omitempty"`   // authorization, RFC 6749 section 3.1
	TokenURL  string `json:"tokenURL,omitempty"`  // tokens, RFC 6749 section 3.2
	RevokeURL string `json:"revokeURL,omitempty"` // revocation, RFC 7009 or as Revocation says; there may be none
	DeviceURL string `json:"deviceURL,omitempty"` // device authorization, RFC 8628; there may be none

	// Grant is how tokens are first had: by a user who agrees (the zero value,
	// [GrantAuthorizationCode], with the device grant where there is a
	// DeviceURL), or by the application alone ([GrantClientCredentials]).
	Grant Grant `json:"grant,omitempty"`

	// Scopes are what is asked for. With "openid" among them an id token is
	// expected, and its nonce, issuer, audience and times are checked.
	Scopes []string `json:"scopes,omitempty"`

	// Revocation is how a token is revoked at the RevokeURL. The zero value is
	// RFC 7009.
	Revocation Revocation `json:"revocation,omitempty"`

	// ScopeSeparator stands between scopes, in requests and in answers. Empty
	// is a space (RFC 6749 section 3.3). Answers are split at spaces as well, and
	// at commas, as GitHub's have, unless a scope that is asked for has one in it.
	ScopeSeparator string `json:"scopeSeparator,omitempty"`

	// ScopeParam is the parameter of the authorization request that the scopes
	// go in; empty is "scope".
	ScopeParam string `json:"scopeParam,omitempty"`

	// Resources are the APIs that the tokens are for, absolute URIs without
	// fragment: RFC 8707.
	Resources []string `json:"resources,omitempty"`

	// PKCE is the challenge of RFC 7636. The zero value is S256.
	PKCE PKCE `json:"pkce,omitempty"`

	// ClientAuth is how the application shows who it is at the token endpoint.
	// The zero value is [ClientSecretBasic] where the application secret has a
	// client secret ([ClientSecretPost] if what is discovered has that and not
	// the other), [PrivateKeyJWT] where it has a private key, and [ClientNone]
	// where it has neither. An application without a client secret is a public
	// client also where one of the first two is said.
	ClientAuth ClientAuth `json:"clientAuth,omitempty"`

	// AssertionAudience is the audience of the assertions of [PrivateKeyJWT].
	// Empty, it is the Issuer, and where there is none the token endpoint: the
	// two that RFC 7523 section 3 and OpenID Connect Core 1.0 section 9 name.
	AssertionAudience string `json:"assertionAudience,omitempty"`

	// AuthParams and TokenParams are more parameters of the authorization
	// request and of each request to the token endpoint, such as Google's
	// access_type=offline. They can't replace one that the protocol sets.
	AuthParams  map[string]string `json:"authParams,omitempty"`
	TokenParams map[string]string `json:"tokenParams,omitempty"`

	// TokenPath leads to the object of the token endpoint's answer that holds
	// the tokens, where that is not the answer itself: "authed_user" at Slack,
	// "a/b" for one in another. Where an answer to a refresh has no such object,
	// the tokens are looked for in the answer itself.
	TokenPath string `json:"tokenPath,omitempty"`

	// AllowedHosts are the hosts that a token may be sent to: exact
	// ("api.github.com"), with a port if it is not the scheme's, or
	// "*.example.com" for all below example.com and not itself. They are
	// compared without case. None: the token goes nowhere by itself, and
	// [Client.Token] is the only way to it.
	AllowedHosts []string `json:"allowedHosts,omitempty"`
}

// Grant is how tokens are first had.
type Grant string

// The grants that a client begins with.
const (
	GrantAuthorizationCode Grant = ""                   // RFC 6749 section 4.1
	GrantClientCredentials Grant = "client_credentials" // RFC 6749 section 4.4
)

// PKCE is whether the proof key of RFC 7636 is sent.
type PKCE string

// S256 is the only method: "plain" protects nothing.
const (
	PKCES256 PKCE = ""     // section 4.2
	PKCENone PKCE = "none" // for a provider that refuses parameters that it does not know
)

// ClientAuth is how the application shows who it is; the names are those of
// the registry of RFC 8414 section 2, token_endpoint_auth_methods_supported.
type ClientAuth string

// The ways to authenticate at the token endpoint.
const (
	ClientAuthAuto    ClientAuth = ""                    // by what the application secret holds
	ClientSecretBasic ClientAuth = "client_secret_basic" // RFC 6749 section 2.3.1, the header
	ClientSecretPost  ClientAuth = "client_secret_post"  // the same, in the body
	ClientNone        ClientAuth = "none"                // a public client: its id alone
	PrivateKeyJWT     ClientAuth = "private_key_jwt"     // RFC 7523 section 2.2
)

// Revocation is how a token is revoked.
type Revocation string

// RFC 7009, and what providers do that don't follow it. Each ends the whole
// connection where the provider's documentation says so.
const (
	RevokeRFC7009 Revocation = "" // the token in a form, with client authentication

	// RevokeBearer posts an empty form that the access token authorizes, as
	// Slack's auth.revoke.
	RevokeBearer Revocation = "bearer"

	// RevokeGitHub deletes with the application's client id and secret as basic
	// authentication and the access token in a JSON body. "{client_id}" in the
	// RevokeURL is the client id.
	RevokeGitHub Revocation = "github"

	// RevokeStripe asks Stripe's API which account the access token is for, and
	// posts its id with the application's client id to the RevokeURL, with the
	// client secret as basic authentication.
	RevokeStripe Revocation = "stripe"
)
