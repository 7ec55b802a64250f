package hub

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// token is the token endpoint. As GitHub's it answers errors with the status
// 200.
func (h *Hub) token(w http.ResponseWriter, r *http.Request) {
	answer := func(code string) { reply(w, http.StatusOK, map[string]any{"error": code}) }
	id := r.PostFormValue("client_id")
	h.mu.Lock()
	defer h.mu.Unlock()
	app, ok := h.apps[id]
	if !ok || subtle.ConstantTimeCompare([]byte(app.secret), []byte(r.PostFormValue("client_secret"))) != 1 {
		answer("incorrect_client_credentials")
		return
	}
	var g grant
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		code := r.PostFormValue("code")
		g, ok = h.codes[code]
		delete(h.codes, code) // it is for once
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		proven := base64.RawURLEncoding.EncodeToString(sum[:]) == g.challenge
		if !ok || !proven || g.app != id || g.redirect != r.PostFormValue("redirect_uri") || time.Now().After(g.until) {
			answer("bad_verification_code")
			return
		}
	case "refresh_token":
		text := r.PostFormValue("refresh_token")
		if family, twice := h.spent[text]; twice {
			h.endFamily(family)
			h.revoked++
			answer("bad_refresh_token")
			return
		}
		g, ok = h.refresh[text]
		if !ok || g.app != id || time.Now().After(g.until) {
			answer("bad_refresh_token")
			return
		}
		delete(h.refresh, text)
		h.spent[text] = g.family
		h.refreshes++
	default:
		answer("unsupported_grant_type")
		return
	}
	g.challenge, g.redirect = "", ""
	reply(w, http.StatusOK, map[string]any{
		"access_token": h.give(h.access, "ghu_", g, accessLife), "expires_in": int(accessLife.Seconds()),
		"refresh_token": h.give(h.refresh, "ghr_", g, refreshLife), "refresh_token_expires_in": int(refreshLife.Seconds()),
		"token_type": "bearer", "scope": strings.ReplaceAll(g.scope, " ", ","),
	})
}

// end ends what an application may do in an account.
func (h *Hub) end(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body)
	h.mu.Lock()
	defer h.mu.Unlock()
	app, ok := h.apps[id]
	g, live := h.access[body.AccessToken]
	switch {
	case !ok || id != r.PathValue("client") || subtle.ConstantTimeCompare([]byte(app.secret), []byte(secret)) != 1:
		reply(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
	case err != nil || !live || g.app != id:
		reply(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
	default:
		h.endFamily(g.family)
		w.WriteHeader(http.StatusNoContent)
	}
}

// list lists the repositories of the account that a token opens.
func (h *Hub) list(w http.ResponseWriter, r *http.Request) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	h.mu.Lock()
	g, ok := h.access[text]
	h.mu.Unlock()
	if !strings.EqualFold(scheme, "bearer") || !ok || time.Now().After(g.until) {
		reply(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
		return
	}
	type repository struct {
		FullName string `json:"full_name"`
	}
	repositories := []repository{}
	for _, name := range h.repositories[g.account] {
		repositories = append(repositories, repository{g.account + "/" + name})
	}
	reply(w, http.StatusOK, repositories)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
