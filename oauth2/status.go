package oauth2

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// Status says how it stands with an account. It holds no secret.
type Status struct {
	Connected   bool // tokens are stored
	Refreshable bool // they can be renewed without the user
	Reauthorize bool // only connecting again helps: the provider refused, or the access token has ended and can't be renewed

	ExpiresAt   Time // when the access token ends; zero is not known
	ConnectedAt Time // when the account was connected
	RefreshedAt Time // when these tokens were given

	// Granted are the scopes that the provider said it granted, in the order of
	// its answer; none is not known. Wanted are those of the settings, and Missing
	// those of them that were not granted, where that is known.
	Granted, Wanted, Missing []string

	// LastFailure is the last refresh, if it failed: one of this Client, or the
	// last one of any process where the store tells.
	LastFailure *Failure
}

// Failure is a refresh that failed.
type Failure struct {
	At  time.Time
	Err error // an *Error, or a *ReauthorizeError
}

// Status reads how it stands with the account from the store. It asks the
// provider nothing. An account that is not connected is no error, and a store
// that can't be read is one: it is not "not connected".
func (c *Client) Status(ctx context.Context) (Status, error) {
	s := Status{Wanted: slices.Clone(c.cfg.Settings.Scopes)}
	if c.ending.Err() != nil {
		return s, c.fail("status", core.ErrClosed, "", nil)
	}
	cl, err := c.readClaim(ctx)
	if err != nil {
		return s, err
	}
	n, asked := c.reads.Add(1), c.clock.Now()
	h, err := c.fetch(ctx)
	if err != nil {
		return s, err
	}
	h = c.take(n, asked, h)
	var t Token
	if h != nil {
		t = h.token
	}
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if !last.isOf(t) {
		last = lastFailure{} // of tokens that are no more
	}
	if last.err != nil {
		s.LastFailure = &Failure{last.at, last.err}
	}
	if h == nil {
		return s, nil
	}
	s.Connected = true
	s.Refreshable = c.byItself() || !t.RefreshToken.IsZero()
	s.ExpiresAt, s.ConnectedAt, s.RefreshedAt = t.ExpiresAt, t.ConnectedAt, t.RefreshedAt
	s.Granted = c.cfg.Settings.splitScopes(t.Scope)
	if len(s.Granted) > 0 {
		for _, scope := range s.Wanted {
			if !slices.Contains(s.Granted, scope) {
				s.Missing = append(s.Missing, scope)
			}
		}
	}
	state := cl.of(t)
	if s.LastFailure == nil && !cl.FailedAt.IsZero() && cl.Nonce != t.Claim && cl.Of == digest(cl.Nonce, t.RefreshToken) {
		s.LastFailure = &Failure{cl.FailedAt.Time, c.provider.error("refresh", &failure{Status: cl.Status, Code: safeCode(cl.Code), Final: cl.Status >= 400 && cl.Status < 500 && cl.Status != 429})}
	}
	if state == claimRefused || errors.Is(last.err, ErrReauthorize) {
		s.Refreshable, s.Reauthorize = false, true
		if last.err == nil {
			s.LastFailure = &Failure{cl.FailedAt.Time, c.reauthorize(cl.Refused)}
		}
	}
	if !s.Refreshable && h.ended(c.clock.Now()) {
		s.Reauthorize = true
	}
	return s, nil
}
