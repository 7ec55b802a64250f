package oauth2

import (
	"context"
	"net/url"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const (
	// A failure that may pass is asked about again after firstBackoff, then after
	// twice as long each time, up to lastBackoff; not before the time that the
	// provider asks for, which is believed up to maxRetryAfter.
	firstBackoff = time.Second
	lastBackoff  = time.Minute

	// finalBackoff is how long a failure is remembered that is final, and not of
	// the account: whoever mends the application's secret waits no longer, and
	// [Client.Refresh] doesn't wait at all.
	finalBackoff = time.Minute

	// recheck is how often the store is read while what is remembered is a
	// failure: what it may show is that the account was connected anew.
	recheck = 5 * time.Second
)

// memo is a failure that is remembered, so that the provider is not asked the
// same again and again.
type memo struct {
	err      error
	spent    core.Value // the refresh token that it is of, where it is of one alone
	of       bool       // it is of that alone
	until    time.Time  // zero is for ever
	read     time.Time  // when the store was last read
	failures int        // in a row, of those that may pass
	final    bool
}

// lastFailure is what Status tells, as long as the tokens are the same: others
// were refreshed, or the account was connected anew.
type lastFailure struct {
	at  time.Time
	err error
	of  Token
}

// isOf reports whether the failure is of these tokens.
func (l lastFailure) isOf(t Token) bool {
	return l.err != nil && l.of.AccessToken.Equal(t.AccessToken) && l.of.RefreshToken.Equal(t.RefreshToken) && l.of.Claim == t.Claim
}

// attempt is what a holder has when it asks the provider.
type attempt struct {
	app   App
	held  *held // the tokens that it spends
	claim claim // the zero claim where the store can't hold one
	taken bool  // from another holder, which may store its tokens yet
}

// known returns the failure that is remembered, where it answers a wish without
// a look at the store. The lock is held.
func (c *Client) known(w wish) error {
	m, now := c.memo, c.clock.Now()
	if m.err == nil || !m.until.IsZero() && !now.Before(m.until) || now.Sub(m.read) >= recheck {
		return nil
	}
	if w.force && m.final {
		return nil
	}
	return m.err
}

// resting returns the failure that is remembered, where it is of these tokens.
func (c *Client) resting(w wish, h *held) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.memo
	switch {
	case m.err == nil, !m.until.IsZero() && !c.clock.Now().Before(m.until):
		return nil
	case m.of && (h == nil || !m.spent.Equal(h.token.RefreshToken)):
		return nil
	case w.force && m.final:
		return nil
	}
	return m.err
}

// remember keeps a failure for a time; 0 is until other tokens are stored.
func (c *Client) remember(err error, h *held, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	m := memo{err: err, read: now}
	if d > 0 {
		m.until, m.final = now.Add(d), true
	} else {
		m.of, m.spent = true, h.token.RefreshToken
	}
	c.memo, c.last = m, lastFailure{now, err, h.token}
}

// rest keeps a failure that may pass, for longer each time.
func (c *Client) rest(err error, h *held, asked time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, failures := c.clock.Now(), c.memo.failures
	d := min(firstBackoff<<min(failures, 6), lastBackoff)
	c.memo = memo{err: err, read: now, until: now.Add(max(d, min(asked, maxRetryAfter))), failures: failures + 1}
	c.last = lastFailure{now, err, h.token}
}

// refused remembers that the provider refused a refresh token.
func (c *Client) refused(h *held, code string) error {
	err := c.reauthorize(code)
	c.remember(err, h, 0)
	return err
}

// form is the request to the token endpoint.
func (c *Client) form(h *held) url.Values {
	if !c.byItself() {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {h.token.RefreshToken.Reveal()}}
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if scope := c.cfg.Settings.joinScopes(); scope != "" {
		form.Set("scope", scope)
	}
	return form
}

// ask asks the provider for tokens and stores them. again says that the store
// has other ones now, which the caller judges. It is not cut by Close: an
// answer that is lost is a connection that has ended.
func (c *Client) ask(f *flight, a attempt) (h *held, again bool, err error) {
	ctx, cancel := within(context.Background(), c.clock, endpointLimit)
	t, _, fail := c.provider.tokens(ctx, a.app, c.form(a.held))
	cancel()
	if fail == nil {
		return c.keep(f, a, t)
	}
	if fail.refused() && !c.byItself() {
		return c.giveUp(f, a, fail)
	}
	c.release(a.claim, fail)
	return nil, false, c.failed(f, a.held, fail)
}

// failed remembers a failure that is not of the account, and makes its error.
func (c *Client) failed(f *flight, h *held, fail *failure) error {
	// A context's error is of the endpoint's limit, and of no caller's context.
	fail.Err = nil
	err := c.provider.error(f.op, fail)
	if fail.Final {
		c.remember(err, h, finalBackoff)
	} else {
		c.rest(err, h, fail.RetryAfter)
	}
	c.tell(EventFailed, c.clock.Now().Sub(f.began), err)
	return err
}

// locate finds out where the token endpoint is, before there is a claim: what a
// claim has time for is the one request.
func (c *Client) locate(f *flight, h *held) error {
	ctx, cancel := within(c.ending, c.clock, endpointLimit)
	defer cancel()
	_, fail := c.provider.need(ctx, func(e endpoints) string { return e.token })
	switch {
	case fail == nil:
		return nil
	case c.ending.Err() != nil:
		return c.fail(f.op, core.ErrClosed, "", nil)
	}
	return c.failed(f, h, fail)
}

// giveUp makes sure that a refusal is not the trace of somebody else's success,
// and remembers it beside the tokens, for all processes.
func (c *Client) giveUp(f *flight, a attempt, fail *failure) (*held, bool, error) {
	cl := a.claim
	watch := time.Duration(0)
	if a.taken {
		// Whoever the claim was taken from may have asked, and be about to store its
		// answer. Others must wait meanwhile.
		over := cl
		cl = newClaim(a.held.token, watchDuration)
		written, err := c.writeClaim(context.Background(), over, cl)
		if core.KindOf(err) == core.ErrConflict { //nolint:errorlint // a kind is a sentinel itself
			return nil, true, nil
		}
		if err == nil {
			cl = written
		}
		watch = claimDuration
	}
	for began, pause := c.clock.Now(), firstPause; ; pause = min(pause*3/2, lastPause) {
		h, err := c.load(c.ending)
		if err == nil && (h == nil || !h.token.RefreshToken.Equal(a.held.token.RefreshToken) || h.token.Claim != a.held.token.Claim) {
			return nil, true, nil
		}
		left := watch - c.clock.Now().Sub(began)
		if left <= 0 {
			break
		}
		if err := c.pause(f.op, min(pause, left)); err != nil {
			return nil, false, err // the claim ends by itself
		}
	}
	if cl.version != "" {
		over := cl
		cl.Refused = safeCode(fail.Code)
		if cl.Refused == "" {
			cl.Refused = "invalid_grant"
		}
		cl.FailedAt, cl.Status, cl.Code = Time{c.clock.Now().Round(0)}, fail.Status, cl.Refused
		if _, err := c.writeClaim(context.Background(), over, cl); core.KindOf(err) == core.ErrConflict { //nolint:errorlint // as above
			return nil, true, nil
		}
	}
	err := c.refused(a.held, fail.Code)
	c.tell(EventReauthorize, c.clock.Now().Sub(f.began), err)
	return nil, false, err
}
