package oauth2

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

// store stores the tokens of an account that was just connected, over whatever
// is there: nothing of an old account is kept. It ends any claim, so that who
// is refreshing the old tokens discards its answer, and what was remembered of
// them is forgotten.
//
// On a store without conditional writes it is refused, unless OneProcess was
// said: two processes would refresh at once later.
func (c *Client) store(ctx context.Context, t Token) error {
	if c.ending.Err() != nil {
		return c.fail("connect", core.ErrClosed, "", nil)
	}
	conditions, _, err := c.conditions(ctx)
	if err != nil {
		return err
	}
	if err := c.mayWrite("connect", conditions); err != nil {
		return err
	}
	now := c.clock.Now()
	if t.ConnectedAt.IsZero() {
		t.ConnectedAt = Time{now.Round(0)}
	}
	if t.RefreshedAt.IsZero() {
		t.RefreshedAt = t.ConnectedAt
	}
	t.Claim = ""
	if conditions {
		cl, err := c.readClaim(ctx)
		if err != nil {
			return err
		}
		if cl.Nonce == "" {
			// The write has no condition: where a secret that was deleted can be
			// recovered, one that must be absent may be refused, and this is not.
			cl = newClaim(t, claimDuration)
			cl.Of = ""
			if err := c.set(ctx, c.claimID(), cl.document()); err != nil {
				return c.fail("connect", nil, "the claim beside the tokens could not be written; nothing was stored", err)
			}
		}
		t.Claim = cl.Nonce
	}
	doc, err := encodeToken(t, core.Value{})
	if err != nil {
		return c.fail("connect", core.ErrInvalidValue, "the provider's tokens can't be stored", nil)
	}
	// Who holds a claim may store its answer for the old tokens once more before
	// this, and never after.
	if err := c.set(ctx, c.cfg.TokenSecretID, doc); err != nil {
		return c.fail("connect", nil, "the tokens could not be stored; connect again", err)
	}
	c.mu.Lock()
	c.memo, c.last, c.futile, c.unsaved, c.replaced = memo{}, lastFailure{}, futile{}, nil, ""
	c.accounts++
	c.use(&answered{token: t, over: &held{}}, "")
	c.nextRead.Store(0) // what it has become is read at the next use
	c.mu.Unlock()
	return nil
}

// forget deletes the tokens and the claim. What isn't there is deleted.
func (c *Client) forget(ctx context.Context) error {
	// The tokens first: who is refreshing them finds none to write over.
	for _, id := range []string{c.cfg.TokenSecretID, c.claimID()} {
		err := c.delete(ctx, id)
		if err != nil && core.KindOf(err) != core.ErrNotFound { //nolint:errorlint // a kind is a sentinel itself
			return c.fail("disconnect", nil, "the stored tokens may be there still; try again", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.memo, c.last, c.futile, c.unsaved = memo{}, lastFailure{}, futile{}, nil
	c.accounts++
	c.read = c.reads.Add(1)
	c.held.Store(nil)
	return nil
}

// delete deletes the tokens or the claim. The claim it discards, as one that
// could be recovered may bar the next. Ended tokens are of no use
// to anybody either, but who may purge what people have stored is for the store's
// owner to say.
func (c *Client) delete(ctx context.Context, id string) error {
	ctx, cancel := within(ctx, c.clock, storeLimit)
	defer cancel()
	if id == c.claimID() {
		return core.Discard(ctx, c.cfg.Service, id)
	}
	return c.cfg.Service.Delete(ctx, id)
}

func (c *Client) set(ctx context.Context, id string, doc core.Value) error {
	ctx, cancel := within(ctx, c.clock, storeLimit)
	defer cancel()
	_, err := c.cfg.Service.Set(ctx, id, doc)
	return err
}
