package credentials

import (
	"errors"
	"net/http"

	"github.com/lukko-dev/lukko/oauth2"
)

// disconnect revokes at the provider, and deletes.
func (h *Handler) disconnect(v *visit) {
	form, back, p := h.formOf(v)
	if p != nil {
		h.refuse(v, p, nil)
		return
	}
	force := form.Get("force")
	if force != "" && force != "true" {
		h.refuse(v, errBadForm, nil)
		return
	}
	client, err := v.client()
	if err != nil {
		h.refuse(v, h.problemOf(v, err), err)
		return
	}
	ctx, cancel := v.lasting()
	defer cancel()
	done, err := client.Revoke(ctx, oauth2.RevokeOptions{Force: force == "true"})
	if errors.Is(err, oauth2.ErrNotConnected) {
		err, done.AtProvider = nil, true // which is what was asked for
	}
	if err != nil {
		h.refuse(v, h.problemOfRevoke(v, err), err)
		return
	}
	outcome := outcomeDisconnected
	if !done.AtProvider {
		outcome = outcomeDeleted
	}
	h.tell(HandlerEvent{Kind: HandlerDisconnected, Name: v.name(), User: v.user, Err: done.Why})
	if wantsJSON(v.r) {
		writeJSON(v.w, http.StatusOK, struct {
			Name      string `json:"name"`
			Connected bool   `json:"connected"`
			Revoked   bool   `json:"revoked"` // at the provider
		}{v.name(), false, done.AtProvider})
		return
	}
	redirect(v.w, withOutcome(h.base.origin, back, outcome, v.name()))
}

// problemOfRevoke says that the account is still connected, and why.
func (h *Handler) problemOfRevoke(v *visit, err error) *problem {
	p := *h.problemOf(v, err)
	p.text += " The account is still connected."
	return &p
}
