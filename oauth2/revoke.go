package oauth2

import (
	"context"
	"errors"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// RevokeOptions say how [Client.Revoke] treats a provider that fails.
type RevokeOptions struct {
	// Force deletes the stored tokens though the provider did not end them, or
	// though they can't be read.
	Force bool
}

// Revoked says what [Client.Revoke] has done. The stored tokens are deleted
// wherever Revoke returns no error.
type Revoked struct {
	// AtProvider reports whether the provider has ended the tokens: all of them,
	// or the refresh token, where access tokens end by themselves.
	AtProvider bool

	// Why says why not, and is nil where AtProvider: an error of the kind
	// errors.ErrUnsupported where the provider has no way to revoke, and
	// otherwise the failure that Force passed over. Such tokens work until they
	// expire, or until the user removes the application at the provider.
	Why error

	// AccessUntil is when an access token ends that the provider did not;
	// zero where it did, or where nobody knows.
	AccessUntil Time
}

// Revoke disconnects the account: it has the provider end the refresh token and
// the access token (RFC 7009, or as Settings.Revocation says), and then deletes
// the stored tokens and their claim. A refresh that is on its way is waited for,
// and what it or another process has stored meanwhile is ended as well.
//
// Where the provider fails or refuses, the tokens stay and the error says so,
// unless Force: nothing is lost that still opens the account. Calling it again
// is safe, as a token that has ended already is no failure. A provider without
// a way to revoke is no error: the tokens are deleted, and [Revoked] says why
// they still work there.
//
// Errors are a [*NotConnectedError] where no tokens are stored, an [*Error] for
// the provider and the application's secret, and those of the store. A context
// that ends leaves the tokens stored, also with Force.
func (c *Client) Revoke(ctx context.Context, o RevokeOptions) (Revoked, error) {
	if c.ending.Err() != nil {
		return Revoked{}, c.fail(opRevoke, core.ErrClosed, "", nil)
	}
	t, err := c.readTokens(ctx)
	if err != nil {
		kind := core.KindOf(err)
		if o.Force && (errors.Is(kind, core.ErrInvalidValue) || errors.Is(kind, core.ErrCorrupt)) {
			return c.drop(ctx, Revoked{Why: err}) // what can't be read can't be shown to the provider
		}
		return Revoked{}, err
	}
	for range revokeRounds {
		ended, done, err := c.endTokens(ctx, t)
		switch {
		case ctx.Err() != nil:
			return Revoked{}, c.fail(opRevoke, nil, stillStored, ctx.Err())
		case err != nil && o.Force:
			return c.drop(ctx, Revoked{Why: err, AccessUntil: t.ExpiresAt})
		case err != nil:
			return Revoked{}, kept(err)
		case !done.AtProvider:
			return c.drop(ctx, done) // others would not end either
		}
		switch err := c.quiet(ctx); {
		case err == nil:
		case o.Force && ctx.Err() == nil && c.ending.Err() == nil:
			return c.drop(ctx, done)
		default:
			return done, err
		}
		now, err := c.readTokens(ctx)
		if err != nil && !errors.Is(err, ErrNotConnected) {
			return done, err
		}
		if err != nil || now.AccessToken.Equal(ended.AccessToken) && now.RefreshToken.Equal(ended.RefreshToken) {
			return c.drop(ctx, done)
		}
		t = now
	}
	return Revoked{}, c.fail(opRevoke, core.ErrConflict, "another process connects or refreshes the account all the time; "+stillStored, nil)
}

const opRevoke = "revoke" // of an [Error]

// revokeRounds is how often tokens that have changed meanwhile are ended too.
const revokeRounds = 3

const stillStored = "the tokens are still stored: revoke again, or with Force delete them all the same"

// quiet waits while a refresh is on its way that may have asked the provider
// before the tokens ended there: what it brings would open the account, and once
// there is nothing to store it over, nobody would know of it. A claim that is
// not ended is waited for until it is over.
func (c *Client) quiet(ctx context.Context) error {
	c.mu.Lock()
	f := c.flight
	c.mu.Unlock()
	if f != nil {
		select {
		case <-f.done:
		case <-ctx.Done():
		case <-c.ending.Done():
		}
	}
	var nonce string
	var seen time.Time
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		if c.ending.Err() != nil {
			return c.fail(opRevoke, core.ErrClosed, stillStored, nil)
		}
		if ctx.Err() != nil {
			return c.fail(opRevoke, nil, stillStored, ctx.Err())
		}
		asked := c.clock.Now()
		cl, err := c.readClaim(ctx)
		if err != nil {
			return err
		}
		h, err := c.fetch(ctx)
		if err != nil {
			return err
		}
		if h == nil || cl.of(h.token) != claimLive {
			return nil
		}
		if nonce != cl.Nonce {
			nonce, seen = cl.Nonce, c.clock.Now()
		} else if asked.Sub(seen) >= cl.duration() {
			return nil
		}
		select {
		case <-c.clock.After(pause):
		case <-ctx.Done():
		case <-c.ending.Done():
		}
	}
}

// endTokens has the provider end some tokens, and returns those that it was
// asked to end: they are newer ones where it takes a valid access token.
func (c *Client) endTokens(ctx context.Context, t Token) (Token, Revoked, error) {
	cant := func(hint string) Revoked {
		return Revoked{Why: c.fail(opRevoke, errNoEndpoint, hint+"; end the connection on its own pages", nil), AccessUntil: t.ExpiresAt}
	}
	ends, failed := c.provider.need(ctx, func(e endpoints) string { return e.revoke })
	if failed != nil {
		return t, Revoked{}, c.provider.error(opRevoke, failed)
	}
	if ends.revoke == "" {
		return t, cant("the provider has no revocation endpoint"), nil
	}
	app, err := c.app(ctx)
	if err != nil {
		return t, Revoked{}, err
	}
	if c.cfg.Settings.Revocation != RevokeRFC7009 {
		return c.endByAccess(ctx, app, t)
	}
	// The refresh token first: a server that ends all of a grant by it ends the
	// access token too (RFC 7009 section 2.1), and if the second request fails,
	// the one that lives on is over soon.
	done := Revoked{AtProvider: true}
	for _, one := range []struct {
		token core.Value
		hint  string
	}{{t.RefreshToken, "refresh_token"}, {t.AccessToken, "access_token"}} {
		if one.token.IsZero() {
			continue
		}
		failed := c.provider.revoke(ctx, app, one.token, one.hint)
		switch {
		case failed == nil:
		case failed.Code != "unsupported_token_type":
			return t, Revoked{}, c.provider.error(opRevoke, failed)
		case one.hint == "access_token" && !t.RefreshToken.IsZero():
			done.AccessUntil = t.ExpiresAt
		default: // section 2.2.1 of the one that matters
			done = cant("the provider does not revoke tokens of this type")
		}
	}
	return t, done, nil
}

// endByAccess ends a connection where the provider wants a valid access token
// for it, and takes one that is over for one that has ended.
func (c *Client) endByAccess(ctx context.Context, app App, t Token) (Token, Revoked, error) {
	now, err := c.Token(ctx)
	if errors.Is(err, ErrReauthorize) {
		return t, Revoked{AtProvider: true}, nil // the provider has ended it already
	}
	if err != nil {
		return t, Revoked{}, err
	}
	if failed := c.provider.revoke(ctx, app, now.AccessToken, "access_token"); failed != nil {
		return t, Revoked{}, c.provider.error(opRevoke, failed)
	}
	return now, Revoked{AtProvider: true}, nil
}

// drop deletes what is stored, as the last step.
func (c *Client) drop(ctx context.Context, done Revoked) (Revoked, error) {
	if err := c.forget(ctx); err != nil {
		what := "the provider was not asked or has failed, and the tokens are still stored: revoke again"
		if done.AtProvider {
			what = "the provider has ended the tokens, but they are still stored: revoke again"
		}
		return done, c.fail(opRevoke, nil, what, err)
	}
	return done, nil
}

// kept is the error of tokens that stay.
func kept(err error) error {
	e, ok := err.(*Error) //nolint:errorlint // another one's hint is not ours to change
	if !ok {
		return err
	}
	said := *e
	if said.Hint != "" {
		said.Hint += "; "
	}
	said.Hint += stillStored
	return &said
}

// readTokens reads the tokens that are stored, or that are about to be.
func (c *Client) readTokens(ctx context.Context) (Token, error) {
	h, err := c.load(ctx)
	if err != nil {
		return Token{}, err
	}
	if h == nil {
		return Token{}, c.notConnected()
	}
	return h.token, nil
}
