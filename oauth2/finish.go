package oauth2

import (
	"context"
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Finish ends what [Client.Begin] began: it takes the parameters with which the
// provider sent the user back, exchanges the code and stores the tokens over
// whatever is there. The first answer that brings the state back uses p up,
// whatever comes of it.
//
// An answer is refused, with an [*Error] of kind core.ErrInvalidValue and
// without a word to the provider, if it has another state, if p is another
// account's, another provider's, used or over, if a parameter is there twice,
// and if its issuer is another or is missing where the provider's metadata
// promises it (RFC 9207). What the provider says in place of a code has its own
// kind, among them core.ErrPermissionDenied for access_denied, and Code; its
// description and its page are never passed on. With "openid" among the scopes
// an id token must come, and its nonce must be that of p.
//
// Once the provider has given tokens they are stored, also if ctx ends meanwhile.
// Where that fails they are lost, and the user must be asked again; what was
// stored before is untouched.
func (c *Client) Finish(ctx context.Context, p *Pending, answer url.Values) error {
	refuse := func(hint string) error {
		return c.connectError(core.ErrInvalidValue, hint+"; begin to connect anew")
	}
	if !p.whole() || p.account != c.accountDigest() {
		return refuse("the pending connection is none, or another account's")
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(answer[name]) > 1 { // RFC 6749 section 3.1
			return refuse("the answer has a parameter twice")
		}
	}
	if !p.answers(answer) {
		return refuse("the answer has another state: it is forged, or the answer to another request")
	}
	if !p.used.CompareAndSwap(false, true) {
		return refuse("the answer was used before")
	}
	if !c.clock.Now().Before(p.ExpiresAt) {
		return refuse("the ten minutes in which to agree are over")
	}

	app, ends, err := c.opening(ctx)
	if err != nil {
		return err
	}
	if p.provider != providerDigest(app, ends) {
		return refuse("the provider's settings, or the client id, have changed since")
	}
	switch iss := answer.Get("iss"); {
	case iss == "" && ends.issPromised:
		return refuse("the answer doesn't say which provider it is from, though the provider always does")
	case iss != "" && !ends.isIssuer(iss):
		return refuse("the answer is another provider's")
	}
	if answer.Has("error") {
		return c.denied(answer.Get("error"))
	}
	code := core.String(answer.Get("code"))
	if code.IsZero() {
		return refuse("the answer has neither a code nor an error")
	}

	form := url.Values{
		"grant_type":   {"authorization_code"},
		"code":         {code.Reveal()},
		"redirect_uri": {p.RedirectURL},
	}
	if !p.verifier.IsZero() {
		form.Set("code_verifier", p.verifier.Reveal())
	}
	t, extra, failed := c.provider.tokens(ctx, app, form)
	if failed != nil {
		return c.connectFailed(failed)
	}
	if !p.nonce.IsZero() {
		if extra.IDToken.IsZero() {
			return c.connectError(core.ErrUnavailable, `the provider sent no id token, though "openid" is among the scopes`)
		}
		if err := c.provider.checkIDToken(ctx, app, extra.IDToken, p.nonce.Reveal()); err != nil {
			return err
		}
	}
	return c.connected(ctx, t)
}

// answers reports whether an answer brings back the state of p, in a time that
// tells nothing of it.
func (p *Pending) answers(answer url.Values) bool {
	return core.String(answer.Get("state")).Equal(p.State)
}

// isIssuer reports whether an answer can be of this provider: RFC 9207 section
// 2.4. Where the settings don't say who issues, it can; of an issuer for all
// tenants it is any one's, and the token endpoint has the last word.
func (e endpoints) isIssuer(iss string) bool {
	before, after, tenants := strings.Cut(e.issuer, tenantHole)
	if !tenants {
		return e.issuer == "" || e.issuer == iss
	}
	tenant, ok := strings.CutPrefix(iss, before)
	tenant, ok2 := strings.CutSuffix(tenant, after)
	return ok && ok2 && isTenantID(tenant)
}
