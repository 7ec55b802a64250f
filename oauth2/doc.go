// Package oauth2 works with OAuth2 accounts whose tokens are kept in any
// [core.SecretService]: it connects them, and keeps them connected.
//
//	client, err := oauth2.New(oauth2.Config{
//		Name: "github", Settings: oauth2.GitHub("repo"),
//		SecretID: "GITHUB_APP", TokenSecretID: "GITHUB_TOKENS", // two secrets of the store
//		Service: store,
//	})
//	defer client.Close()
//
//	err = client.ConnectBrowser(ctx, oauth2.BrowserOptions{Open: open}) // once
//
//	resp, err := client.Do(req)   // adds the header, for api.github.com alone
//	status, err := client.Status(ctx)
//	done, err := client.Revoke(ctx, oauth2.RevokeOptions{})
//
// # A provider
//
// [Settings] say how a provider is reached; [GitHub], [Google], [Slack],
// [Stripe], [Microsoft] and [OpenID] are ready-made, each with what it does
// otherwise than the RFCs say. They hold no secret. The application's client
// id and secret are a secret of their own, an [App], which is read anew for
// each request to the provider, so that a rotated one is used at once.
//
// # Refreshing once
//
// A provider that rotates refresh tokens revokes an account whose refresh token
// is spent twice. So a [Client] refreshes once for any number of goroutines
// and processes: before it posts, it puts a claim beside the tokens by a
// conditional write, and whoever else wants to refresh waits for what comes of
// it. That needs a store with conditional writes, or the word that there is one
// process: Config.OneProcess. The window that stays is an answer of the
// provider that is lost on its way: the account must be connected again then.
//
// # What is sent, and where to
//
// Tokens go to Settings.AllowedHosts, by https or to this machine, and along
// no redirect to another host. What goes to the provider's own endpoints goes
// to the URLs of the settings or of the issuer's metadata; no redirect is
// followed there, an answer has 30 seconds and 1 MiB, and nothing of it comes
// out but the tokens and an error code of 1 to 64 letters a to z and "_".
//
// # Errors
//
// [ErrNotConnected] and [ErrReauthorize] say that somebody must connect the
// account, and how. All other errors are an [*Error], whose kind says whether to
// try again: core.ErrUnavailable is what may pass.
//
// docs/oauth2-stored-form.md of the repository has the stored form of it all.
package oauth2
