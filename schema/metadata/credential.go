package metadata

import "encoding/json"

// Credential is one declared account: a key of an API, or an OAuth2
// connection. Its fields are those of Spec and Meta of package
// github.com/lukko-dev/lukko/credentials, which declares what is read here.
type Credential struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
	Description string `json:"description,omitempty"`
	DocsURL     string `json:"docsURL,omitempty"`

	// PerUser says that each user has one, else it is the application's.
	PerUser bool `json:"perUser,omitempty"`

	// SecretID is the id of the key, or with OAuth2 of the application's
	// secret; TokenSecretID is that of the tokens. Of a credential that each
	// user has, the key's or the tokens' id is what those of users begin with.
	SecretID      string `json:"secretID"`
	TokenSecretID string `json:"tokenSecretID,omitempty"`

	// Schema is that of a key, and Text says that a key is a text as it is and
	// no JSON document. OAuth2 has stored forms of its own.
	Schema json.RawMessage `json:"schema,omitempty"`
	Text   bool            `json:"text,omitempty"`

	Optional   bool     `json:"optional,omitempty"`
	RequiredIn []string `json:"requiredIn,omitempty"`

	// OAuth2 is the JSON form of oauth2.Settings, of which the published schema
	// knows every field. Empty: it is a key.
	OAuth2 json.RawMessage `json:"oauth2,omitempty"`

	// Hosts are those that a key may be sent to, Auth is the text form of an
	// httpauth.Scheme, and KeyAt is the JSON pointer (RFC 6901) to the key in a
	// document.
	Hosts []string `json:"hosts,omitempty"`
	Auth  string   `json:"auth,omitempty"`
	KeyAt string   `json:"keyAt,omitempty"`

	Type string `json:"type,omitempty"` // the Go type: oauth2.Token

	// Place is the file and line of the declaration, relative to the folder of
	// this file, with slashes.
	Place string `json:"place,omitempty"`
}
