package oauthtest

import (
	"crypto/subtle"
	"html/template"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

var page = template.Must(template.New("login").Parse(`<!doctype html>
<title>Log in</title>
<form method="post">
<input type="hidden" name="{{.Name}}" value="{{.Value}}">
<input name="user"> <input name="password" type="password">
<button name="consent" value="allow">Allow</button>
<button name="consent" value="deny">Deny</button>
</form>
`))

func show(w http.ResponseWriter, name, value string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, struct{ Name, Value string }{name, value})
}

func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) { show(w, "id", r.FormValue("id")) }

func (s *Server) showDevice(w http.ResponseWriter, r *http.Request) {
	show(w, "user_code", r.FormValue("user_code"))
}

// user returns who logs in by a form, and answers where nobody does.
func (s *Server) user(w http.ResponseWriter, r *http.Request) (string, bool) {
	name := r.FormValue("user")
	s.store.mu.Lock()
	password, ok := s.store.users[name]
	s.store.mu.Unlock()
	if !ok || subtle.ConstantTimeCompare([]byte(password), []byte(r.FormValue("password"))) != 1 {
		http.Error(w, "no such user, or another password", http.StatusForbidden)
		return "", false
	}
	return name, true
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	name, ok := s.user(w, r)
	if !ok {
		return
	}
	id := r.FormValue("id")
	req, err := s.store.decide(id, name, r.FormValue("consent") == "allow")
	if err != nil {
		http.Error(w, "no such request", http.StatusBadRequest)
		return
	}
	ctx := op.ContextWithIssuer(r.Context(), s.Issuer)
	if !req.Done() {
		op.AuthRequestError(w, r.WithContext(ctx), req, oidc.ErrAccessDenied(), s.provider)
		return
	}
	http.Redirect(w, r, op.AuthCallbackURL(s.provider)(ctx, id), http.StatusFound)
}

func (s *Server) enterDevice(w http.ResponseWriter, r *http.Request) {
	name, ok := s.user(w, r)
	if !ok {
		return
	}
	if !s.store.decideDevice(r.FormValue("user_code"), name, r.FormValue("consent") == "allow") {
		http.Error(w, "no such code", http.StatusBadRequest)
	}
}
