package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const (
	// skew is how long before its end an access token is no longer used: clocks
	// differ, and a request takes its time.
	skew = 60 * time.Second

	// rereadEvery is how often a Client in use reads the store in the background,
	// at most.
	rereadEvery = 30 * time.Second

	// storeLimit is how long one call of the store may take.
	storeLimit = 10 * time.Second
)

// held is what a process knows of the tokens. It does not change. The zero
// held is of an account that has none.
type held struct {
	token   Token
	header  core.Value // the Authorization field, whole
	version string     // of the secret; empty if it is not stored
	doc     core.Value // the secret as it is stored, with the fields that we don't know

	// When the access token is renewed, and when it ends, on the wall clock; zero
	// is never.
	dueAt, endsAt time.Time
}

func (h *held) due(now time.Time) bool   { return !h.dueAt.IsZero() && !now.Before(h.dueAt) }
func (h *held) ended(now time.Time) bool { return !h.endsAt.IsZero() && !now.Before(h.endsAt) }

// usable reports whether the access token can still be sent.
func (h *held) usable(now time.Time) bool {
	return h != nil && !h.token.AccessToken.IsZero() && !h.ended(now)
}

// restrict puts off the renewal of tokens that can't be renewed: they are used
// to their end.
func (h *held) restrict(byItself bool) {
	if h.token.RefreshToken.IsZero() && !byItself {
		h.dueAt = h.endsAt
	}
}

// hold makes what is known of tokens, without the times.
func hold(t Token, version string, doc core.Value) *held {
	return &held{token: t, version: version, doc: doc, header: core.String(tokenType(t.TokenType) + " " + t.AccessToken.Reveal())}
}

// life says when an access token is renewed and when it ends. seen is when it was
// read or given; other, if it is known, when others were still stored.
//
// ExpiresAt is by the clock of whoever stored it. How long the token lives in
// all is the same on every clock, and so two bounds hold: it ends no later than
// that after it was seen, and not before that after others were still stored.
// Else a process whose clock is ahead would find each new token at its end,
// and one whose clock is behind would use it long after.
func life(t Token, seen, other time.Time) (dueAt, endsAt time.Time) {
	if t.ExpiresAt.IsZero() {
		return time.Time{}, time.Time{}
	}
	endsAt = t.ExpiresAt.Time.Round(0)
	margin := skew
	if !t.RefreshedAt.IsZero() {
		if whole := t.ExpiresAt.Sub(t.RefreshedAt.Time); whole > 0 {
			margin = min(margin, whole/2)
			if latest := seen.Round(0).Add(whole); latest.Before(endsAt) {
				endsAt = latest
			}
			if !other.IsZero() {
				if earliest := other.Round(0).Add(whole); endsAt.Before(earliest) {
					endsAt = earliest
				}
			}
		}
	}
	return endsAt.Add(-margin), endsAt
}

// decodeToken reads the stored form. Names match exactly, and the error is a
// *schema.Error.
func (c *Client) decodeToken(value core.Value) (Token, error) {
	if err := c.tokens.Validate(value); err != nil {
		return Token{}, err
	}
	var t Token
	fields, err := fieldsOf(value)
	if err != nil {
		return Token{}, core.ErrInvalidValue
	}
	for name, to := range map[string]any{
		"accessToken": &t.AccessToken, "refreshToken": &t.RefreshToken, "tokenType": &t.TokenType, "expiresAt": &t.ExpiresAt,
		"scope": &t.Scope, "connectedAt": &t.ConnectedAt, "refreshedAt": &t.RefreshedAt, "claim": &t.Claim,
	} {
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, to) != nil {
			return Token{}, core.ErrInvalidValue
		}
	}
	return t, nil
}

func fieldsOf(value core.Value) (map[string]json.RawMessage, error) {
	if value.IsZero() {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	err := json.Unmarshal(value.RevealBytes(), &fields)
	return fields, err
}

// encodeToken writes the stored form. Fields of over, which is what is stored
// now, that a Token doesn't have are kept.
func encodeToken(t Token, over core.Value) (core.Value, error) {
	fields, err := fieldsOf(over)
	if err != nil || fields == nil {
		fields = map[string]json.RawMessage{}
	}
	set := func(name string, is bool, v any) {
		delete(fields, name)
		if !is {
			return
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false) // a "&" in a token stays one, for people who look
		if e.Encode(v) == nil {
			fields[name] = bytes.TrimSpace(b.Bytes())
		}
	}
	set("accessToken", true, t.AccessToken.Reveal())
	set("refreshToken", !t.RefreshToken.IsZero(), t.RefreshToken.Reveal())
	set("tokenType", t.TokenType != "", t.TokenType)
	set("expiresAt", !t.ExpiresAt.IsZero(), t.ExpiresAt)
	set("scope", t.Scope != "", t.Scope)
	set("connectedAt", !t.ConnectedAt.IsZero(), t.ConnectedAt)
	set("refreshedAt", !t.RefreshedAt.IsZero(), t.RefreshedAt)
	set("claim", t.Claim != "", t.Claim)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(fields); err != nil {
		return core.Value{}, core.ErrInvalidValue
	}
	return core.Bytes(bytes.TrimSpace(b.Bytes())), nil
}

// load reads the stored tokens and takes them for the current ones. An account
// that has none is a nil held and no error.
func (c *Client) load(ctx context.Context) (*held, error) {
	n, asked := c.reads.Add(1), c.clock.Now()
	h, err := c.fetch(ctx)
	if err != nil {
		return nil, err
	}
	return c.take(n, asked, h), nil
}

// fetch reads the stored tokens; nil are none.
func (c *Client) fetch(ctx context.Context) (*held, error) {
	secret, err := c.get(ctx, c.cfg.TokenSecretID)
	switch {
	case core.KindOf(err) == core.ErrNotFound: //nolint:errorlint // a kind is a sentinel itself
		return nil, nil
	case err != nil:
		return nil, c.fail("read the tokens", nil, "", err)
	}
	t, err := c.decodeToken(secret.Value)
	if err != nil {
		return nil, c.fail("read the tokens", core.ErrInvalidValue, "what is stored at "+c.cfg.TokenSecretID+" is malformed; connect again, or mend it", err)
	}
	return hold(t, secret.Version, secret.Value), nil
}

// take makes what was read the current tokens, and returns what is current: more
// may be known by now, and what was read may be of the past.
func (c *Client) take(n int64, asked time.Time, h *held) *held {
	now := c.clock.Now()
	c.mu.Lock()
	before := c.held.Load()
	if n < c.read || c.unsaved != nil || h != nil && h.version != "" && h.version == c.replaced {
		c.mu.Unlock()
		return before
	}
	same := before != nil && h != nil && before.token.AccessToken.Equal(h.token.AccessToken)
	if h != nil {
		other := c.other
		if same {
			other = time.Time{}
		}
		h.dueAt, h.endsAt = life(h.token, now, other)
		h.restrict(c.byItself())
		if same && h.token.ExpiresAt.Equal(before.token.ExpiresAt.Time) {
			h.dueAt, h.endsAt = before.dueAt, before.endsAt // judged when it came
		}
	}
	c.read, c.other = n, asked
	c.held.Store(h)
	c.nextRead.Store(int64(now.Sub(c.began) + rereadEvery))
	c.mu.Unlock()
	if !same && before != nil && h != nil {
		c.tell(EventAdopted, 0, nil)
	}
	return h
}

// get reads a secret past every cache.
func (c *Client) get(ctx context.Context, id string) (core.Secret, error) {
	ctx, cancel := within(ctx, c.clock, storeLimit)
	defer cancel()
	return c.cfg.Service.Get(ctx, id, core.Fresh())
}

// reread reads the store in the background, one at a time.
func (c *Client) reread() {
	if !c.reading.CompareAndSwap(false, true) {
		return
	}
	c.mu.Lock()
	if c.closed || c.flight != nil { // a flight reads by itself
		c.mu.Unlock()
		c.reading.Store(false)
		return
	}
	c.running.Add(1)
	c.mu.Unlock()
	go func() {
		defer c.running.Done()
		defer c.reading.Store(false)
		// A failure is no news: what is known is used until it ends, and then told.
		if _, err := c.load(c.ending); err != nil {
			c.nextRead.Store(int64(c.clock.Now().Sub(c.began) + rereadEvery))
		}
	}()
}

// within ends a context after a time on the clock.
func within(ctx context.Context, clock Clock, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := clock.(wireClock); ok {
		return context.WithTimeout(ctx, d)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	over := clock.After(d)
	go func() {
		select {
		case <-over:
			cancel(context.DeadlineExceeded)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}
