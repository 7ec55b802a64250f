package oauth2

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// The times of a claim. A holder asks the provider within askWithin of the
// moment before it wrote the claim, which takes endpointLimit at most, and has
// storeLimit for the write that stores the answer. After that the claim is
// over.
const (
	askWithin     = 20 * time.Second
	claimDuration = askWithin + endpointLimit + storeLimit

	// watchDuration is that of the claim of a taker who was refused, and who
	// watches for claimDuration whether whoever it took over from stores tokens
	// after all.
	watchDuration = claimDuration + askWithin

	// maxClaimDuration bounds what is believed of a claim that others wrote.
	maxClaimDuration = 10 * time.Minute
)

// claim is the stored form of a claim: the right of one process to spend one
// refresh token. docs/oauth2-stored-form.md has it with examples.
//
// There is no time in it that means something to another clock than the
// writer's, but for FailedAt, which is shown to people.
type claim struct {
	// Nonce names the claim. Tokens that carry it were stored under it, and end
	// it.
	Nonce string `json:"nonce"`

	// Milliseconds is how long the claim holds, from when its reader first saw
	// it.
	Milliseconds int64 `json:"milliseconds"`

	// Of says for which refresh token it is: HMAC-SHA-256 of that with the nonce
	// as the key, 32 hexadecimal digits of it.
	Of string `json:"of"`

	// Released says that the holder is done and stored nothing, as the refresh
	// failed.
	Released bool `json:"released,omitempty"`

	// Refused is the provider's error code: it will never take this refresh
	// token again.
	Refused string `json:"refused,omitempty"`

	// How the last refresh failed, for those who ask for the status.
	FailedAt Time   `json:"failedAt,omitzero"`
	Status   int    `json:"status,omitempty"`
	Code     string `json:"code,omitempty"`

	version string // of the secret; empty if there is none
}

// claimState is what a claim means for some tokens.
type claimState int

const (
	claimFree    claimState = iota // none holds
	claimLive                      // somebody may be asking the provider
	claimRefused                   // the provider refused these tokens
	claimForeign                   // it is of other tokens than these: they were replaced by hand, or what was read is of the past
)

// of tells what a claim means for tokens.
func (cl claim) of(t Token) claimState {
	switch {
	case cl.Nonce == "" || cl.Nonce == t.Claim:
		return claimFree
	case cl.Of == "": // made by connecting
		return claimFree
	case cl.Of != digest(cl.Nonce, t.RefreshToken):
		return claimForeign
	case cl.Refused != "":
		return claimRefused
	case cl.Released:
		return claimFree
	}
	return claimLive
}

func (cl claim) duration() time.Duration {
	if cl.Milliseconds <= 0 {
		return claimDuration
	}
	return time.Duration(min(cl.Milliseconds, maxClaimDuration.Milliseconds())) * time.Millisecond
}

// digest ties a claim to a refresh token without holding it.
func digest(nonce string, refreshToken core.Value) string {
	h := hmac.New(sha256.New, []byte(nonce))
	h.Write([]byte(refreshToken.Reveal()))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// newClaim makes one for tokens, with a nonce of its own.
func newClaim(t Token, d time.Duration) claim {
	nonce := rand.Text()
	return claim{Nonce: nonce, Milliseconds: d.Milliseconds(), Of: digest(nonce, t.RefreshToken)}
}

// document is the stored form.
func (cl claim) document() core.Value {
	doc, err := json.Marshal(cl)
	if err != nil {
		panic("oauth2: a claim is texts and numbers") // and so this can't be
	}
	return core.Bytes(doc)
}

func (c *Client) claimID() string { return c.cfg.TokenSecretID + ClaimSuffix }

// readClaim reads the claim. What is there and is none is free, and can be
// written over.
func (c *Client) readClaim(ctx context.Context) (claim, error) {
	secret, err := c.get(ctx, c.claimID())
	switch {
	case core.KindOf(err) == core.ErrNotFound: //nolint:errorlint // a kind is a sentinel itself
		return claim{}, nil
	case err != nil:
		return claim{}, c.fail("read the claim", nil, "", err)
	}
	var cl claim
	if json.Unmarshal(secret.Value.RevealBytes(), &cl) != nil {
		cl = claim{}
	}
	cl.version = secret.Version
	return cl, nil
}

// writeClaim writes a claim over the one that was read, if that is still there,
// and returns it with its version. An error is the store's.
func (c *Client) writeClaim(ctx context.Context, over, cl claim) (claim, error) {
	o := core.SetOptions{IfVersion: over.version, IfAbsent: over.version == ""}
	ctx, cancel := within(ctx, c.clock, storeLimit)
	defer cancel()
	info, err := c.cfg.Service.Set(ctx, c.claimID(), cl.document(), o)
	cl.version = info.Version
	return cl, err
}

// release ends a claim of ours under which nothing was stored. If that fails, it
// ends by itself.
func (c *Client) release(cl claim, f *failure) {
	if cl.version == "" {
		return
	}
	over := cl
	cl.Released = true
	if f != nil {
		cl.FailedAt, cl.Status, cl.Code = Time{c.clock.Now().Round(0)}, f.Status, safeCode(f.Code)
	}
	_, _ = c.writeClaim(context.Background(), over, cl)
}

// conditions reports whether the store can hold a claim, and how long its
// reads may be of the past.
func (c *Client) conditions(ctx context.Context) (ok bool, settle time.Duration, err error) {
	ctx, cancel := within(ctx, c.clock, storeLimit)
	defer cancel()
	caps, err := c.cfg.Service.Capabilities(ctx)
	if err != nil {
		return false, 0, c.fail("ask the store what it can", nil, "", err)
	}
	return caps.IfVersion && caps.IfAbsent, caps.Settle, nil
}

// mayWrite refuses a store on which two processes could refresh at once,
// unless there is one.
func (c *Client) mayWrite(op string, conditions bool) error {
	if conditions || c.cfg.OneProcess {
		return nil
	}
	return c.fail(op, errors.ErrUnsupported, "the store at "+c.cfg.TokenSecretID+" has no conditional writes (IfVersion and IfAbsent), so that two processes could refresh at once and be logged out; "+
		"keep the tokens in a store that has them, or say OneProcess if no other process refreshes them", nil)
}

// seenClaim is since when a claim was seen.
type seenClaim struct {
	key string
	at  time.Time
}

// see returns how long a claim has been seen, up to the time when the store was
// asked for it last. It is called by the flight alone.
func (c *Client) see(key string, asked time.Time) time.Duration {
	if c.seen.key != key {
		c.seen = seenClaim{key, c.clock.Now()}
		return 0
	}
	return asked.Sub(c.seen.at)
}

// unseen forgets since when a claim was seen, as the store fails: its holder may
// have tokens that it could not store either, and has the whole time for that
// once the store is back.
func (c *Client) unseen(op string, err error) error {
	c.seen = seenClaim{}
	return c.cut(op, err)
}

// elapsed is the time since by the clock that has gone further: the monotonic
// one stands while a machine sleeps, and the wall clock can be set back.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}
