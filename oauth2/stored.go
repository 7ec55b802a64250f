package oauth2

import (
	_ "embed"
	"encoding/json"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// App is the stored form of an application's secret, as the provider gave it
// when the application was registered. docs/oauth2-stored-form.md has it with
// examples.
type App struct {
	ClientID string `json:"clientId"`

	// ClientSecret is absent for a public client, and for one that has a key.
	ClientSecret core.Value `json:"clientSecret,omitzero"`

	// PrivateKey signs the assertions of private_key_jwt: PKCS #8 in PEM, RSA of
	// at least 2048 bits (RS256), P-256 (ES256) or Ed25519 (EdDSA). KeyID is what
	// the provider calls it.
	PrivateKey core.Value `json:"privateKey,omitzero"`
	KeyID      string     `json:"keyId,omitempty"`
}

// Token is the stored form of an account's tokens. Fields that it doesn't
// know are kept when it is refreshed. docs/oauth2-stored-form.md has it with
// examples.
type Token struct {
	AccessToken core.Value `json:"accessToken"`

	// RefreshToken is absent where the provider gave none.
	RefreshToken core.Value `json:"refreshToken,omitzero"`

	// TokenType is what goes before the token in the header, "Bearer" if empty.
	TokenType string `json:"tokenType,omitempty"`

	// ExpiresAt is when the access token ends; zero is not known. What can't be
	// read as a time is not known either, and is no error.
	ExpiresAt Time `json:"expiresAt,omitzero"`

	// Scope is what was granted, separated by spaces; empty is not known.
	Scope string `json:"scope,omitempty"`

	// ConnectedAt and RefreshedAt say when the account was connected and when
	// these tokens were given.
	ConnectedAt Time `json:"connectedAt,omitzero"`
	RefreshedAt Time `json:"refreshedAt,omitzero"`

	// Claim is the nonce of the claim under which these tokens were stored;
	// storing them ends it. See docs/oauth2-stored-form.md.
	Claim string `json:"claim,omitempty"` //lukko:allow plainstring it names a claim and opens nothing
}

//go:embed schema_app.json
var appSchema []byte

//go:embed schema_token.json
var tokenSchema []byte

// AppSpec declares the secret of an application, an [App], at an id. Its
// schema tells a malformed one: without a client id, with a client secret and
// a private key, with spaces around a text, with a key that is not PKCS #8 in
// PEM. The caller adds a name, and what people are shown.
func AppSpec(id string) schema.Spec {
	return schema.Spec{
		ID: id, Schema: json.RawMessage(appSchema),
		Description: "The OAuth2 application as it is registered at the provider: its client id, and its secret or private key",
	}
}

// TokenSpec declares the tokens of an account, a [Token], at an id. They are
// Optional: an account that is not connected yet is no fault of a deployment.
// The schema allows what other writers leave behind, such as null for a
// refresh token that there is not, and an expiry that is no time.
func TokenSpec(id string) schema.Spec {
	return schema.Spec{
		ID: id, Schema: json.RawMessage(tokenSchema), Optional: true,
		Description: "The OAuth2 tokens of a connected account, written when it is connected and refreshed",
	}
}
