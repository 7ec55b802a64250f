package oauth2

import (
	"context"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// answered is what the provider gave and the store does not have yet.
type answered struct {
	token Token      // as it is to be stored
	spent core.Value // the refresh token that was spent for it
	over  *held      // what is stored, as far as is known
	plain bool       // the store has no conditions, and nobody else writes
}

// outcome is what became of an answer.
type outcome int

const (
	notStored outcome = iota // yet
	stored
	discarded // the store has the tokens of another connection, or none
)

// keep stores what the provider gave.
func (c *Client) keep(f *flight, a attempt, t Token) (*held, bool, error) {
	old := a.held.token
	if t.RefreshToken.IsZero() && !c.byItself() {
		t.RefreshToken = old.RefreshToken // RFC 6749 section 6: it stays valid
	}
	switch {
	case t.Scope != "":
	case c.byItself(): // section 5.1: it is what was asked for
		t.Scope = strings.Join(c.cfg.Settings.Scopes, " ")
	default: // section 6: it is as before
		t.Scope = old.Scope
	}
	if t.TokenType == "" {
		t.TokenType = old.TokenType
	}
	now := Time{c.clock.Now().Round(0)}
	if t.RefreshedAt.IsZero() {
		t.RefreshedAt = now
	}
	t.ConnectedAt = old.ConnectedAt
	if t.ConnectedAt.IsZero() && c.byItself() {
		t.ConnectedAt = now
	}
	t.Claim = a.claim.Nonce
	s := &answered{token: t, spent: old.RefreshToken, over: a.held, plain: a.claim.Nonce == ""}

	c.mu.Lock()
	accounts := c.accounts
	c.mu.Unlock()
	h, done, err := c.save(s)
	took := c.clock.Now().Sub(f.began)
	c.mu.Lock()
	if done == notStored && c.accounts != accounts {
		done = discarded
	}
	if done == notStored {
		// They can be used though they are not stored. A refresh token that is lost
		// ends the connection, so storing goes on.
		h = c.use(s, "")
		c.unsaved = s
		c.last = lastFailure{c.clock.Now(), err, s.token}
	}
	c.mu.Unlock()
	switch done {
	case stored:
		c.tell(EventRefreshed, took, nil)
		return h, false, nil
	case discarded:
		c.tell(EventDiscarded, took, nil)
		return nil, true, nil
	}
	c.tell(EventFailed, took, err)
	c.running.Add(1) // by the flight, which is counted: so before Close has waited
	go c.saveLater()
	return h, false, nil
}

// use makes an answer the current tokens. The lock is held.
func (c *Client) use(s *answered, version string) *held {
	now := c.clock.Now()
	h := hold(s.token, version, core.Value{})
	h.dueAt, h.endsAt = life(h.token, now, time.Time{})
	h.restrict(c.byItself())
	c.read, c.other = c.reads.Add(1), now
	if version != "" {
		c.replaced = s.over.version
	}
	c.held.Store(h)
	c.nextRead.Store(int64(now.Sub(c.began) + rereadEvery))
	return h
}

// save stores an answer, and tries for storeLimit. A write that conflicts reads
// again: over the refresh token that was spent it is written again, at the
// version that is there now; another one is of another connection, and wins.
func (c *Client) save(s *answered) (*held, outcome, error) {
	ctx, cancel := within(context.Background(), c.clock, storeLimit)
	defer cancel()
	over := s.over
	read := s.plain // without conditions the look before the write is all there is
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		var err error
		c.mu.Lock()
		accounts := c.accounts
		c.mu.Unlock()
		if read {
			var done outcome
			if over, done, err = c.saved(ctx, s); done != notStored {
				return c.settled(s, over, done, accounts)
			}
			if err == nil {
				s.adopt(over)
			}
		}
		if err == nil {
			s.over = over
			var doc core.Value
			if doc, err = encodeToken(s.token, over.doc); err == nil {
				o := core.SetOptions{IfVersion: over.version, IfAbsent: over.version == ""}
				if s.plain {
					o = core.SetOptions{}
				}
				var info core.Info
				if info, err = c.cfg.Service.Set(ctx, c.cfg.TokenSecretID, doc, o); err == nil {
					return c.settled(s, &held{version: info.Version, doc: doc}, stored, accounts)
				}
			}
			read = true
		}
		select {
		case <-c.clock.After(pause):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return nil, notStored, c.fail("store the tokens", nil, "they are used by this process, and storing them is tried again", err)
		}
	}
}

// adopt takes over what a new connection that has the same refresh token has
// brought with it.
func (s *answered) adopt(over *held) {
	if t := over.token; !t.ConnectedAt.IsZero() && !t.ConnectedAt.Equal(s.token.ConnectedAt.Time) {
		if s.token.Scope == s.over.token.Scope { // which the answer did not say
			s.token.Scope = t.Scope
		}
		s.token.ConnectedAt = t.ConnectedAt
	}
}

// saved looks whether an answer was stored by a write whose outcome was not
// told, and whether it still may be.
func (c *Client) saved(ctx context.Context, s *answered) (*held, outcome, error) {
	secret, err := c.get(ctx, c.cfg.TokenSecretID)
	if core.KindOf(err) == core.ErrNotFound { //nolint:errorlint // a kind is a sentinel itself
		if s.over.version == "" && s.over.doc.IsZero() {
			return &held{}, notStored, nil // there was none, and there is none
		}
		return nil, discarded, nil
	}
	if err != nil {
		return nil, notStored, err
	}
	t, err := c.decodeToken(secret.Value)
	if err != nil {
		// Somebody has written what is none over it, and the connection is all that
		// matters.
		return &held{version: secret.Version}, notStored, nil
	}
	h := hold(t, secret.Version, secret.Value)
	switch {
	case t.AccessToken.Equal(s.token.AccessToken) && t.RefreshToken.Equal(s.token.RefreshToken) && t.Claim == s.token.Claim:
		return h, stored, nil
	case t.RefreshToken.Equal(s.spent):
		return h, notStored, nil
	}
	return nil, discarded, nil
}

// settled uses an answer that is stored, unless the account was connected anew or
// disconnected here since that was looked at: it is over then.
func (c *Client) settled(s *answered, over *held, done outcome, accounts int) (*held, outcome, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done != stored || c.accounts != accounts {
		return nil, discarded, nil
	}
	h := c.use(s, over.version)
	h.doc = over.doc
	return h, stored, nil
}

// saveLater stores what could not be stored, until that is done. The last try
// is when the Client closes.
func (c *Client) saveLater() {
	defer c.running.Done()
	for pause := firstBackoff; ; pause = min(2*pause, rereadEvery) {
		closing := false
		select {
		case <-c.clock.After(pause):
		case <-c.ending.Done():
			closing = true
		}
		if c.saveNow() == nil || closing {
			return
		}
	}
}

// saveNow stores what is not stored yet, if there is something: before that
// nothing can be refreshed.
func (c *Client) saveNow() error {
	c.saving <- struct{}{}
	defer func() { <-c.saving }()
	c.mu.Lock()
	s := c.unsaved
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	_, done, err := c.save(s)
	if done == notStored {
		return err
	}
	c.mu.Lock()
	if c.unsaved == s {
		c.unsaved = nil
	}
	if done == discarded && c.held.Load() != nil && c.held.Load().version == "" {
		c.held.Store(nil)
	}
	c.mu.Unlock()
	kind := EventRefreshed
	if done == discarded {
		kind = EventDiscarded
	}
	c.tell(kind, 0, nil)
	return nil
}
