package credentials

import (
	"net/http"
	"time"
)

// statusJSON is what a status page tells. There is no secret in it.
type statusJSON struct {
	Name          string     `json:"name"`
	DisplayName   string     `json:"displayName,omitempty"`
	State         State      `json:"state"`
	Connected     bool       `json:"connected"`
	ConnectURL    string     `json:"connectURL"`
	ExpiresAt     *time.Time `json:"expiresAt,omitempty"` // of the access token; absent where it is not known
	Refreshable   bool       `json:"refreshable"`
	Granted       []string   `json:"granted,omitempty"`
	MissingScopes []string   `json:"missingScopes,omitempty"`
	ConnectedAt   *time.Time `json:"connectedAt,omitempty"`
	RefreshedAt   *time.Time `json:"refreshedAt,omitempty"`
}

// status tells whether the account is connected. A store that can't be reached
// is a failure, and not "not connected".
func (h *Handler) status(v *visit) {
	s, err := v.status(v.ctx)
	switch {
	case err != nil:
		h.refuse(v, h.problemOf(v, err), err)
		return
	case s.State == StateUnknown || s.State == StateWrong:
		h.refuse(v, h.problemOf(v, s.Err), s.Err)
		return
	}
	writeJSON(v.w, http.StatusOK, statusJSON{
		Name: v.name(), DisplayName: s.DisplayName,
		State: s.State, Connected: s.State == StateOK,
		ConnectURL: h.base.page(v.name(), actionConnect),
		ExpiresAt:  known(s.ExpiresAt), Refreshable: s.Refreshable,
		Granted: s.Granted, MissingScopes: s.MissingScopes,
		ConnectedAt: known(s.ConnectedAt), RefreshedAt: known(s.RefreshedAt),
	})
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
