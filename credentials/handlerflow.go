package credentials

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// flowLimit ends what goes on when the browser has gone: what was begun at the
// provider is stored, or its failure told to the hook.
const flowLimit = 90 * time.Second

// lasting is the context of what must not be cut by a browser that goes.
func (v *visit) lasting() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(v.r.Context()), flowLimit)
}

// attempt is what is remembered between connect and callback.
type attempt struct {
	User    []byte          `json:"u"` // SHA-256 of who is logged in
	Return  string          `json:"r"`
	Pending json.RawMessage `json:"p"` // as package oauth2 has it
}

func (h *Handler) purpose(v *visit, until time.Time) []string {
	return []string{"connect", h.base.origin + h.base.path, v.name(), untilText(until)}
}

// ask shows the page that a link to connect leads to. A GET begins nothing: a
// link on another site could else connect an account without its user having
// agreed to, where the provider agrees by itself.
func (h *Handler) ask(v *visit) {
	query, ok := v.query()
	if !ok {
		h.refuse(v, errBadForm, nil)
		return
	}
	back, p := h.returnOf(query)
	if p != nil {
		h.refuse(v, p, nil)
		return
	}
	// With no-referrer a browser sends "Origin: null" with the form, which is
	// nobody's origin where it sends no Sec-Fetch-Site.
	v.w.Header().Set("Referrer-Policy", "same-origin")
	writePage(v.w, http.StatusOK, page{
		Title:  "Connect " + v.display(),
		Text:   "You will be asked at " + v.display() + " what this application may do, and come back here.",
		Form:   h.base.page(v.name(), actionConnect),
		Button: "Connect", Return: back, Home: h.home,
	})
}

// begin sends the browser to the provider.
func (h *Handler) begin(v *visit) {
	_, back, p := h.formOf(v)
	if p != nil {
		h.refuse(v, p, nil)
		return
	}
	address, p, err := h.started(v, back)
	if p != nil {
		h.refuse(v, p, err)
		return
	}
	h.tell(HandlerEvent{Kind: HandlerBegun, Name: v.name(), User: v.user})
	if wantsJSON(v.r) {
		writeJSON(v.w, http.StatusOK, struct {
			URL string `json:"url"`
		}{address})
		return
	}
	redirect(v.w, address)
}

// started begins an attempt and leaves its cookie.
func (h *Handler) started(v *visit, back string) (address string, p *problem, err error) {
	client, err := v.client()
	if err != nil {
		return "", h.problemOf(v, err), err
	}
	// A store that can't keep what comes of it is refused here, before the user
	// agrees to anything.
	pending, err := client.Begin(v.ctx, oauth2.BeginOptions{RedirectURL: h.CallbackURL(v.name())})
	if err != nil {
		return "", h.problemOf(v, err), err
	}
	ring, err := h.keys(v.ctx)
	if err != nil {
		return "", h.problemOf(v, err), err
	}
	user := sha256.Sum256([]byte(v.user))
	plain, err := json.Marshal(attempt{User: user[:], Return: back, Pending: pending.Stored().RevealBytes()})
	if err != nil {
		return "", errInternal, nil
	}
	until := pending.ExpiresAt
	sealed, ok := ring.seal(plain, h.purpose(v, until)...)
	if !ok {
		return "", errTooLong, nil
	}
	name, value := h.base.cookieName(pending.State.Reveal()), cookieValue(until, sealed)
	h.base.makeRoom(v.w, v.r, len(name)+len(value))
	h.base.setCookie(v.w, name, value, until.Sub(h.now()))
	return pending.URL.Reveal(), nil, nil
}

// finish takes the provider's answer.
func (h *Handler) finish(v *visit) {
	query, ok := v.query()
	state := query.Get("state")
	if !ok || state == "" || query.Get("code") == "" && query.Get("error") == "" {
		h.refuse(v, errBadAnswer, nil)
		return
	}
	until, sealed, ok := h.base.pendingCookie(v.r, state)
	if !ok {
		h.refuse(v, errNotBegun, nil)
		return
	}
	ring, err := h.keys(v.ctx)
	if err != nil {
		h.refuse(v, h.problemOf(v, err), err)
		return
	}
	plain, ok := ring.open(sealed, h.purpose(v, until)...)
	var was attempt
	if !ok || json.Unmarshal(plain, &was) != nil || !isReturn(was.Return) {
		h.refuse(v, errNotBegun, nil)
		return
	}
	pending, err := oauth2.ParsePending(core.Bytes(was.Pending))
	if err != nil || !pending.State.Equal(core.String(state)) {
		h.refuse(v, errNotBegun, nil)
		return
	}
	user := sha256.Sum256([]byte(v.user))
	if subtle.ConstantTimeCompare(user[:], was.User) != 1 {
		h.refuse(v, errOtherUser, nil)
		return
	}
	now := h.now()
	if !now.Before(until) {
		h.refuse(v, errLate, nil)
		return
	}
	ctx, cancel := v.lasting()
	defer cancel()
	err = h.used.use(ctx, v.target.idOf(v.owner)+pendingSuffix, state, now, until)
	switch {
	case errors.Is(err, errUsed):
		h.refuse(v, errAgain, nil)
		return
	case errors.Is(err, errTooMany):
		h.refuse(v, errFlood, nil)
		return
	case err != nil:
		h.refuse(v, h.problemOf(v, err), err)
		return
	}
	h.base.setCookie(v.w, h.base.cookieName(state), "", 0)
	client, err := v.client()
	if err != nil {
		h.refuse(v, h.problemOf(v, err), err)
		return
	}
	outcome, event := outcomeConnected, HandlerConnected
	if err := client.Finish(ctx, pending, query); isDenied(err) {
		outcome, event = outcomeDenied, HandlerDenied
	} else if err != nil {
		h.refuse(v, h.problemOfAnswer(v, err), err)
		return
	}
	h.tell(HandlerEvent{Kind: event, Name: v.name(), User: v.user})
	redirect(v.w, withOutcome(h.base.origin, was.Return, outcome, v.name()))
}
