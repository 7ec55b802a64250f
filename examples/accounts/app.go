package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// app is the web application.
type app struct {
	http.Handler
	store    *credentials.Store
	github   *credentials.UserCredential[oauth2.Token]
	accounts *credentials.Handler
	api      string

	mu       sync.Mutex
	sessions map[string]string // who has logged in, by what their cookie has
}

func newApp(url string, store *credentials.Store, github *credentials.UserCredential[oauth2.Token]) (*app, error) {
	a := &app{store: store, github: github, sessions: map[string]string{}}
	tokenURL := github.Meta().OAuth2.TokenURL
	a.api = tokenURL[:len(tokenURL)-len("/login/oauth/access_token")]
	var err error
	// The pages where users connect and disconnect, behind our own login.
	a.accounts, err = credentials.NewHandler(credentials.HandlerConfig{
		Store: store, BaseURL: url + "/accounts", User: a.user,
		OnEvent: func(e credentials.HandlerEvent) {
			slog.Debug("accounts", "event", e.Kind, "credential", e.Name, "user", e.User, "code", e.Code, "error", e.Err)
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/accounts/", a.accounts)
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("POST /login", a.login)
	a.Handler = mux
	return a, nil
}

// guard is what stands around the application.
func guard(a *app) http.Handler { return http.NewCrossOriginProtection().Handler(a) }

// user says who is logged in, for our pages and those that connect accounts.
func (a *app) user(r *http.Request) (string, error) {
	c, err := r.Cookie("session")
	if err != nil {
		return "", nil // nobody
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sessions[c.Value], nil
}

// login believes everybody: it is no part of what this shows.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	session := rand.Text()
	a.mu.Lock()
	a.sessions[session] = r.PostFormValue("user")
	a.mu.Unlock()
	// Lax: the hub sends the browser back from its own site.
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// home shows the user's repositories.
func (a *app) home(w http.ResponseWriter, r *http.Request) {
	var v view
	v.User, _ = a.user(r)
	if v.User != "" {
		// Whatever is called with this context works on this user's accounts.
		ctx := credentials.WithUser(r.Context(), a.store, v.User)
		var missing *credentials.MissingError
		switch names, err := a.repositories(ctx); {
		case errors.As(err, &missing):
			v.Connect = missing.ConnectURL
		case errors.Is(err, oauth2.ErrReauthorize):
			v.Connect = "/accounts/github/connect"
		case err != nil:
			slog.Error("repositories", "error", err)
			http.Error(w, "the hub does not answer as it should", http.StatusBadGateway)
			return
		default:
			v.Repositories = names
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = pages.Execute(w, v)
}

// repositories lists those of the user of the context. There is no user in its
// arguments to get wrong, and without one in the context it is an error.
func (a *app) repositories(ctx context.Context) ([]string, error) {
	client, err := a.github.HTTPFromContext(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.api+"/user/repos", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the API answers %s", resp.Status)
	}
	var found []struct {
		FullName string `json:"full_name"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(&found); err != nil {
		return nil, err
	}
	names := []string{}
	for _, r := range found {
		names = append(names, r.FullName)
	}
	return names, nil
}

// view is what the page shows: nobody logged in, a user who has not connected,
// or their repositories.
type view struct {
	User, Connect string
	Repositories  []string
}

var pages = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Repositories</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.4rem 1rem}</style>
<h1>Repositories</h1>
{{if not .User}}<form method="post" action="/login">
<p>Who are you? <button name="user" value="alice">alice</button> <button name="user" value="bob">bob</button></p>
</form>
{{else}}<p>You are {{.User}}.</p>
{{if .Connect}}<p><a href="{{.Connect}}">Connect your account at the hub</a> to see your repositories.</p>
{{else}}<ul>
{{range .Repositories}}<li>{{.}}</li>
{{end}}</ul>
<form method="post" action="/accounts/github/disconnect"><button>Disconnect</button></form>
{{end}}{{end}}</html>
`))
