// Package accounts is what a program has that works with accounts, its own and its
// users'. Its variables have names that the generated file would like to use.
package accounts

import (
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
	"github.com/lukko-dev/lukko/schema"
)

var github = oauth2.GitHub("repo", "read:user")

var GitHub = credentials.DeclarePerUser[oauth2.Token](credentials.Spec{
	Name: "github", DisplayName: "GitHub", Description: "Reads the repositories of a user",
	DocsURL:  "https://github.com/settings/developers",
	SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", OAuth2: &github,
})

// crm is an account of the application itself, without a user who agrees.
var crm = credentials.Declare[oauth2.Token](credentials.Spec{
	Name: "crm", SecretID: "CRM_APP", TokenSecretID: "CRM", Optional: true,
	OAuth2: &oauth2.Settings{TokenURL: "https://crm.example.com/token", Grant: oauth2.GrantClientCredentials},
})

// BankKey is a key with its number.
type BankKey struct {
	Key    core.Value `json:"key"`
	Number int        `json:"number"`
}

var http = credentials.Declare[BankKey](credentials.Spec{
	Name: "bank", DisplayName: "Bank", SecretID: "BANK", Hosts: []string{"api.bank.example"}, Auth: httpauth.Header("X-API-Key"), KeyAt: "/key",
})

var iter = credentials.DeclarePerUser[core.Value](credentials.Spec{
	Name: "maps-key", SecretID: "MAPS_KEY",
})

// SessionKey is beside them, and none of them.
var SessionKey = schema.Declare[core.Value](schema.Spec{Name: "session-key", ID: "SESSION_KEY", Generate: "random"})
