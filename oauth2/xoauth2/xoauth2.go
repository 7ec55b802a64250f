// Package xoauth2 gives an account's tokens to software that takes a
// golang.org/x/oauth2.TokenSource, such as the SDKs of vendors. Programs that
// don't import it don't link that module.
package xoauth2

import (
	"context"

	xoauth2 "golang.org/x/oauth2"

	"github.com/lukko-dev/lukko/oauth2"
)

// TokenSource returns a source of the account's current access token. Each call
// of Token asks the Client, so that a refresh or a new connection elsewhere is
// seen; the interface has no context, so all calls wait as ctx says, which is
// kept: it must live as long as the source.
//
// Give it to what takes a TokenSource as it is. Wrapped in
// [golang.org/x/oauth2.ReuseTokenSource], which [golang.org/x/oauth2.NewClient]
// does by itself, it is asked again only shortly before a token's end, and a
// token that was refused or replaced is used until then. Unlike
// [oauth2.Client.RoundTripper] whatever uses it decides where the token goes, and
// does nothing about a 401.
//
// The tokens that it gives print: that type is not ours. They have no refresh
// token, so that nobody but the Client spends it. The errors are the Client's. It
// is safe for concurrent use.
func TokenSource(ctx context.Context, c *oauth2.Client) xoauth2.TokenSource {
	return source{ctx, c}
}

type source struct {
	ctx    context.Context //nolint:containedctx // the interface has none
	client *oauth2.Client
}

func (s source) Token() (*xoauth2.Token, error) {
	t, err := s.client.Token(s.ctx)
	if err != nil {
		return nil, err
	}
	return &xoauth2.Token{AccessToken: t.AccessToken.Reveal(), TokenType: t.TokenType, Expiry: t.ExpiresAt.Time}, nil
}
