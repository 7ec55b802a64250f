package credentials

import (
	"encoding/json"
	"slices"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
	"github.com/lukko-dev/lukko/schema"
)

// Spec is what a declaration says of a credential, beside its Go type and
// whose it is. Later versions add fields; name them when you write one.
type Spec struct {
	// Name is how people, tools and generated code call it: letters, digits,
	// "_", "-" and ".", beginning with a letter. One name stands for one
	// credential.
	Name string

	DisplayName string // for people: "GitHub"
	Description string // what it is for
	DocsURL     string // where it is told how to get one; an http or https URL

	// SecretID is the id of the value; with OAuth2 it is that of the
	// application's secret, an [oauth2.App].
	SecretID string

	// TokenSecretID is, with OAuth2, the id of the tokens, an [oauth2.Token].
	//
	// Of a credential that each user has, the id of the value (SecretID, or
	// with OAuth2 TokenSecretID) is the base of the ids of theirs: it is
	// followed by "__" and the user. No other id may begin so.
	TokenSecretID string

	// Schema is a JSON Schema in place of the one inferred from the Go type;
	// see [schema.Spec]. OAuth2 has stored forms of its own.
	Schema json.RawMessage

	// Optional says that the program does without it: it is not among what
	// [Store.Missing] and [Store.MissingFor] tell.
	Optional bool

	// RequiredIn lists the environments where the program can't do without
	// it; see [schema.Spec].
	RequiredIn []string

	// OAuth2 says how the accounts of a provider are connected; nil: it is no
	// OAuth2 but a key, and people store it.
	OAuth2 *oauth2.Settings

	// Hosts are the hosts that HTTP sends a key to, and Auth is how it stands in
	// a request: see [httpauth.Config]. Without them there is no HTTP. With OAuth2
	// the hosts are AllowedHosts of its settings.
	Hosts []string
	Auth  httpauth.Scheme

	// KeyAt is where in a value that is a JSON document the key stands, which
	// is what HTTP sends: a JSON pointer (RFC 6901) to a string, such as "/apiKey".
	// Of a value that is a text it is all.
	KeyAt string
}

// clone copies all that a caller could change later.
func (s Spec) clone() Spec {
	s.Schema = slices.Clone(s.Schema)
	s.RequiredIn = slices.Clone(s.RequiredIn)
	s.Hosts = slices.Clone(s.Hosts)
	if s.OAuth2 != nil {
		s.OAuth2 = cloneSettings(s.OAuth2)
	}
	return s
}

// valueID is the id of the value, or the base of those of users.
func (s Spec) valueID() string {
	if s.OAuth2 != nil {
		return s.TokenSecretID
	}
	return s.SecretID
}

// Meta is what tools know of a declaration.
type Meta struct {
	// Spec is the declaration's. Its Schema is the effective one of a key,
	// given or inferred; empty where any bytes are valid, with OAuth2, and
	// where the declaration is wrong.
	Spec

	// PerUser says that each user has one; else it is the application's own.
	PerUser bool

	// Text says that a key is stored as one text (or any bytes), and not as a
	// JSON document.
	Text bool

	// Type is the name of the Go type, such as "oauth2.Token".
	Type string

	// Place is the file and line of the declaration, "accounts/github.go:12".
	Place string

	// Warnings says what is allowed but may hurt.
	Warnings []string
}

// Declared is a declaration whose Go type and owner do not matter: what a
// [Set], a scope and tools take. Only [*Credential] and [*UserCredential]
// implement it, so that a type switch tells whose it is; with OAuth2 their T
// is always [oauth2.Token], and with [DeclareMeta] else [core.Value]. Its
// methods are safe for concurrent use.
type Declared interface {
	// Meta returns what tools know of the declaration.
	Meta() Meta

	// Check returns a [*schema.Error] that matches [schema.ErrDeclaration] if
	// the declaration is wrong, alone or beside the others of its set.
	Check() error

	base() *definition
}

var (
	_ Declared = (*Credential[core.Value])(nil)
	_ Declared = (*UserCredential[core.Value])(nil)
)

// ErrDeclaration is [schema.ErrDeclaration]: what the error of a wrong
// declaration matches. It is a mistake in the program, not in what is stored.
var ErrDeclaration = schema.ErrDeclaration
