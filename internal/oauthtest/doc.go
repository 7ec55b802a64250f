// Package oauthtest gives tests an OAuth2 and OpenID Connect server that is not
// ours: its protocol is that of github.com/zitadel/oidc, and only what it keeps
// is from here. So a client that works with it does not work by agreeing with
// itself.
//
//	srv := oauthtest.New(t)
//	app := srv.Register(oauthtest.Client{Redirects: []string{"http://127.0.0.1/callback"}})
//	alice := srv.AddUser("alice")
//	back, err := oauthtest.Approver{User: alice}.Approve(ctx, authorizationURL)
//
// It is stricter than most. A refresh token is good for one use, and one that
// comes again revokes all tokens of its connection, which [Server.Counts]
// tells (RFC 9700 section 4.14.2). A client must authenticate in the way that it
// is registered for. An assertion is good for one use. A code that comes again
// revokes what it was exchanged for.
//
// Beside it stands a resource server, whose address is [Server.API]. It answers
// 401 to a token that is unknown, expired or revoked. [Server.ExpireAccessTokens]
// makes all expired.
//
// Between a client and the server a [Proxy] can stand, which loses, delays and
// replaces answers as a test says.
//
// All of it listens on loopback and ends with the test. The protocol's library
// logs refused requests to slog's default; nothing of a token is among that.
// [Server.Leaks] finds in any text what was given out.
//
// Everything is safe for concurrent use.
package oauthtest
