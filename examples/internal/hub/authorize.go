package hub

import (
	"crypto/rand"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/lukko-dev/lukko/core"
)

func value(s string) core.Value { return core.String(s) }

var consent = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The hub</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.4rem 1rem;margin:.3rem 0}</style>
<h1>The hub</h1>
<p>An application asks to see repositories. Whose?</p>
<form method="post">
{{range .}}<p><button name="account" value="{{.}}">I am {{.}}, and I agree</button></p>
{{end}}<p><button name="account" value="">I do not agree</button></p>
</form>
</html>
`))

// ask is the page that asks a user whether they agree. The real one asks for a
// password first.
func (h *Hub) ask(w http.ResponseWriter, r *http.Request) {
	if _, ok := h.asked(r.URL.Query()); !ok {
		http.Error(w, "the application, or its redirect address, is not registered", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consent.Execute(w, slices.Sorted(maps.Keys(h.repositories)))
}

// asked returns the application of an authorization request, if its redirect
// address is the application's.
func (h *Hub) asked(q url.Values) (id string, ok bool) {
	id = q.Get("client_id")
	h.mu.Lock()
	app, ok := h.apps[id]
	h.mu.Unlock()
	return id, ok && app.takes(q.Get("redirect_uri"))
}

func (a application) takes(redirect string) bool {
	if redirect == a.redirect {
		return true
	}
	given, err := url.Parse(redirect)
	registered, err2 := url.Parse(a.redirect)
	return a.loopback && err == nil && err2 == nil && given.User == nil && given.RawQuery == "" && given.Fragment == "" &&
		given.Scheme == registered.Scheme && given.Hostname() == registered.Hostname() && given.Path == registered.Path
}

// agree is where the page leads.
func (h *Hub) agree(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	id, ok := h.asked(q)
	back, err := url.Parse(q.Get("redirect_uri"))
	if !ok || err != nil {
		http.Error(w, "the application, or its redirect address, is not registered", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	account := r.PostFormValue("account")
	switch _, known := h.repositories[account]; {
	case account == "":
		answer.Set("error", "access_denied") // RFC 6749 section 4.1.2.1
	case !known:
		http.Error(w, "there is no such account", http.StatusBadRequest)
		return
	case q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" || q.Get("state") == "":
		answer.Set("error", "invalid_request")
	default:
		h.mu.Lock()
		answer.Set("code", h.give(h.codes, "", grant{
			app: id, account: account, scope: q.Get("scope"), family: rand.Text(),
			challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"),
		}, codeLife))
		h.mu.Unlock()
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}
