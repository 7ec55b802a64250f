package oauth2

import (
	"context"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const (
	// patience is how long a caller whose access token has not ended waits for a
	// refresh before it goes on with that.
	patience = time.Second

	// A claim of another process is looked at after firstPause, then more and more
	// rarely, up to each lastPause.
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second

	// maxConflicts is how often the claim may be refused, though none is there,
	// before that is told.
	maxConflicts = 8
)

// wish is what a caller wants of the tokens. The zero wish is for an access
// token that has not ended.
type wish struct {
	op    string
	avoid core.Value // an access token that was refused: any other
	force bool       // one that is given from now on
}

func (w wish) plain() bool { return !w.force && w.avoid.IsZero() }

// flight is one attempt to have other tokens, or to read those there are. There
// is one at a time, and whoever needs its outcome waits for it.
type flight struct {
	wish
	began time.Time
	done  chan struct{} // closed once what follows is set
	held  *held
	err   error
	first core.Value // the access token that it found
}

// grants reports whether the outcome of a flight, which may have begun for
// another wish, is what w asks for. A failure is everybody's. So is the same
// access token again, where the provider was asked for another one: some give
// it until it ends.
func (f *flight) grants(w wish) bool {
	switch {
	case f.err != nil:
		return true
	case w.force:
		return f.force || !f.first.Equal(f.held.token.AccessToken)
	case !w.avoid.IsZero():
		return !w.avoid.Equal(f.held.token.AccessToken) || w.avoid.Equal(f.avoid)
	}
	return true
}

// current returns tokens whose access token has not ended. It is called for
// each request, and costs a few loads while there is nothing to do.
func (c *Client) current(ctx context.Context) (*held, error) {
	if h := c.held.Load(); h != nil && c.ending.Err() == nil {
		now := c.clock.Now()
		if !h.due(now) {
			if int64(now.Sub(c.began)) >= c.nextRead.Load() {
				c.reread()
			}
			return h, nil
		}
	}
	return c.want(ctx, wish{op: "token"})
}

// want waits until a wish is granted.
func (c *Client) want(ctx context.Context, w wish) (*held, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, c.fail(w.op, nil, "", err)
		}
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, c.fail(w.op, core.ErrClosed, "", nil)
		}
		f := c.flight
		if f == nil {
			if err := c.known(w); err != nil {
				h := c.held.Load()
				c.mu.Unlock()
				if w.plain() && h.usable(c.clock.Now()) {
					return h, nil
				}
				return nil, err
			}
			f = c.begin(w)
		}
		c.mu.Unlock()
		h, err, settled := c.await(ctx, w, f)
		if settled || f.grants(w) {
			return h, err
		}
	}
}

// begin begins a flight. The lock is held.
func (c *Client) begin(w wish) *flight {
	f := &flight{wish: w, began: c.clock.Now(), done: make(chan struct{})}
	c.flight = f
	c.running.Add(1)
	go func() {
		defer c.running.Done()
		h, err := c.fly(f)
		c.mu.Lock()
		f.held, f.err = h, err
		c.flight = nil
		switch {
		case err != nil:
			c.memo.read = c.clock.Now()
		case c.unsaved == nil:
			c.memo, c.last = memo{}, lastFailure{}
		}
		c.mu.Unlock()
		close(f.done)
	}()
	return f
}

// kick wishes for tokens and does not wait for them.
func (c *Client) kick(w wish) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && c.flight == nil && c.known(w) == nil {
		c.begin(w)
	}
}

// await waits for a flight, for the context, or, with an access token that can
// still be used, for a moment. settled says that the answer is not the flight's.
func (c *Client) await(ctx context.Context, w wish, f *flight) (h *held, err error, settled bool) { //nolint:revive,staticcheck // the error belongs to the held
	now := c.clock.Now()
	var enough <-chan time.Time
	if w.plain() {
		left := patience - now.Sub(f.began)
		if h := c.held.Load(); left <= 0 && h.usable(now) {
			return h, nil, true
		}
		if left > 0 {
			enough = c.clock.After(left)
		}
	}
	for {
		select {
		case <-f.done:
			if f.err != nil && w.plain() {
				if h := c.held.Load(); h.usable(c.clock.Now()) {
					return h, nil, true
				}
			}
			return f.held, f.err, false
		case <-enough:
			enough = nil
			if h := c.held.Load(); h.usable(c.clock.Now()) {
				return h, nil, true
			}
		case <-ctx.Done():
			return nil, c.fail(w.op, nil, "", ctx.Err()), true
		case <-c.ending.Done():
			return nil, c.fail(w.op, core.ErrClosed, "", nil), true
		}
	}
}

// fly reads the tokens, and refreshes them if they are not what is wished for.
func (c *Client) fly(f *flight) (*held, error) {
	if err := c.saveNow(); err != nil {
		return nil, err
	}
	h, err := c.load(c.ending)
	if err != nil {
		return nil, c.cut(f.op, err)
	}
	if h != nil {
		f.first = h.token.AccessToken
		if f.force {
			f.avoid = f.first
		}
	}
	if ok, err := c.enough(f, h); ok || err != nil {
		return h, err
	}
	conditions, settle, err := c.conditions(c.ending)
	if err != nil {
		return nil, c.cut(f.op, err)
	}
	if err := c.mayWrite(f.op, conditions); err != nil {
		return nil, err
	}
	if !conditions {
		return c.alone(f, h)
	}
	return c.compete(f, settle)
}

// cut is the error of what Close has cut.
func (c *Client) cut(op string, err error) error {
	if c.ending.Err() != nil {
		return c.fail(op, core.ErrClosed, "", nil)
	}
	return err
}

// unready remembers for a moment that the application's secret can't be had, so
// that not each request reads it again.
func (c *Client) unready(f *flight, h *held, err error) error {
	if h == nil {
		h = &held{}
	}
	if c.ending.Err() == nil {
		c.remember(err, h, recheck)
	}
	return c.cut(f.op, err)
}

// enough reports whether tokens are what a flight is for. An error says that
// they are not, and that the provider is not asked for others.
func (c *Client) enough(f *flight, h *held) (bool, error) {
	now := c.clock.Now()
	switch {
	case h == nil && c.byItself():
	case h == nil:
		return false, c.notConnected()
	case (f.avoid.IsZero() || !f.avoid.Equal(h.token.AccessToken)) && !h.due(now):
		return true, nil
	case h.token.RefreshToken.IsZero() && !c.byItself():
		err := c.reauthorize("")
		c.remember(err, h, 0)
		return false, err
	}
	return false, c.resting(f.wish, h)
}

// byItself reports whether the application gets tokens without a user, and so
// without a refresh token.
func (c *Client) byItself() bool { return c.cfg.Settings.Grant == GrantClientCredentials }

// alone refreshes where no other process does, over a store that can't hold a
// claim.
func (c *Client) alone(f *flight, h *held) (*held, error) {
	app, err := c.app(c.ending)
	if err != nil {
		return nil, c.unready(f, h, err)
	}
	for {
		if h == nil {
			h = &held{}
		}
		got, again, err := c.ask(f, attempt{app: app, held: h})
		if !again {
			return got, err
		}
		if h, err = c.load(c.ending); err != nil {
			return nil, c.cut(f.op, err)
		}
		if ok, err := c.enough(f, h); ok || err != nil {
			return h, err
		}
	}
}

// compete refreshes where other processes may want the same: who writes the
// claim asks the provider, and the others wait for its tokens.
//
// The claim is read before the tokens. What a refresh stores is stored under a
// claim, so if the claim that was read is still there when ours is written over
// it, then the tokens that were read after it are not from before it: the
// refresh token that we are about to spend is not spent.
func (c *Client) compete(f *flight, settle time.Duration) (*held, error) {
	var (
		app       *App
		mine      claim // one that we wrote and did not ask under
		conflicts int
		pause     = firstPause
	)
	defer func() { c.release(mine, nil) }()
	for {
		asked := c.clock.Now()
		cl, err := c.readClaim(c.ending)
		if err != nil {
			return nil, c.unseen(f.op, err)
		}
		h, err := c.load(c.ending)
		if err != nil {
			return nil, c.unseen(f.op, err)
		}
		if ok, err := c.enough(f, h); ok || err != nil {
			return h, err
		}
		if h == nil {
			h = &held{}
		}

		state, wait := cl.of(h.token), time.Duration(0)
		key := cl.Nonce
		switch {
		case cl.Nonce != "" && cl.Nonce == mine.Nonce:
		case state == claimRefused:
			return nil, c.refused(h, cl.Refused)
		case state == claimLive:
			wait = cl.duration() + settle
		case state == claimForeign:
			wait, key = settle, cl.Nonce+" "+h.version
		}
		if left := wait - c.see(key, asked); wait > 0 && left > 0 {
			if err := c.pause(f.op, min(pause, left)); err != nil {
				return nil, err
			}
			pause = min(pause*3/2, lastPause)
			continue
		}

		if app == nil {
			read, err := c.app(c.ending)
			if err != nil {
				return nil, c.unready(f, h, err)
			}
			app = &read
			if err := c.locate(f, h); err != nil {
				return nil, err
			}
		}
		taken := state == claimLive && cl.Nonce != mine.Nonce
		began := c.clock.Now()
		// Close doesn't cut it: what was written is released, so that others need not
		// wait for its end.
		written, err := c.writeClaim(context.Background(), cl, newClaim(h.token, claimDuration))
		switch kind := core.KindOf(err); {
		case err == nil:
			mine = written
		case kind == core.ErrIndeterminate: //nolint:errorlint // a kind is a sentinel itself
			mine = written // if it is there, it is ours, and nobody has asked under it
			if err := c.pause(f.op, firstPause); err != nil {
				return nil, err
			}
			continue
		case kind == core.ErrConflict && (cl.version != "" || conflicts < maxConflicts): //nolint:errorlint // as above
			conflicts++
			if err := c.pause(f.op, firstPause/2); err != nil {
				return nil, err
			}
			continue
		default:
			return nil, c.unseen(f.op, c.fail(f.op, nil, "the claim could not be written, so nothing was asked of the provider", err))
		}
		if c.ending.Err() != nil {
			return nil, c.fail(f.op, core.ErrClosed, "", nil)
		}
		// Was this process stopped, or the machine asleep? Then others may have
		// taken the claim for over.
		if elapsed(began, c.clock.Now()) > askWithin {
			continue
		}
		if taken {
			c.tell(EventTakenOver, c.clock.Now().Sub(f.began), nil)
		}
		mine = claim{}
		got, again, err := c.ask(f, attempt{app: *app, held: h, claim: written, taken: taken})
		if !again {
			return got, err
		}
		pause = firstPause
	}
}

// pause waits, unless the Client closes.
func (c *Client) pause(op string, d time.Duration) error {
	select {
	case <-c.clock.After(d):
		return nil
	case <-c.ending.Done():
		return c.fail(op, core.ErrClosed, "", nil)
	}
}
