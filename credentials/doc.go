// Package credentials declares the accounts and keys that a program works
// with, its own and its users', and keeps them by name and user over any
// [core.SecretService].
//
//	var GitHub = credentials.DeclarePerUser[oauth2.Token](credentials.Spec{
//		Name: "github", DisplayName: "GitHub",
//		SecretID: "GITHUB_APP", TokenSecretID: "GITHUB_TOKENS",
//		OAuth2: &github, // github := oauth2.GitHub("repo")
//	})
//
//	store, err := credentials.New(credentials.Config{Secrets: svc})
//	defer store.Close()
//
//	client, err := GitHub.HTTP(store, user)          // sends this user's token, refreshed once for all processes
//
//	ctx = credentials.WithUser(ctx, store, user)     // for a request: one batch, when the first is asked for
//	client, err = GitHub.HTTPFromContext(ctx)
//
// # Whose it is
//
// A [Credential] is the application's own, a [UserCredential] is one of which
// each user has one. They are two types, so that which is meant is never
// decided at run time: no method of a Credential takes a user, and every one of
// a UserCredential that reads or writes does. A user who has none gets a
// [*MissingError], which carries what a web application needs to send them to
// the page that connects; without a user it is [ErrNoUser]. Neither is ever
// answered with somebody else's.
//
// A user is any string that is not empty, and no two of them meet: not in
// another case, not in another Unicode form, and not as part of a path or a
// pattern. Their ids in the store are made of a-z, 0-9 and "_" alone, 54 bytes at
// most after the base; [UserCredential.Users] lists them without reading a value.
//
// # What it is
//
// With [Spec].OAuth2 a credential is an account at a provider. The application's
// secret (client id and secret) and the tokens are two secrets. The account is
// connected by pages ([Handler]), by the command line, or by the flows of
// [oauth2.Client], and kept fresh from then on. Without OAuth2 it is a key that
// people store: a text, or a JSON document that is validated as any declared
// secret. Of both, HTTP gives a client that sends it to the declared hosts and
// nowhere else.
//
// # Who may use it
//
// [Store.Scope] is the store as a component gets it: with the credentials that
// it declares, which it can read, write and refresh, and no others. It can't list
// users.
//
// # What is missing
//
// Denied, unreachable and missing are three things: only what the store knows
// not to be there is a MissingError. A provider that isn't configured is skipped
// ([Store.Configured] has the reasons), and its application's secret, if it is
// malformed, is an error of [Store.Check].
package credentials
