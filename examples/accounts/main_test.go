package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheTourIsTrue(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out, tour, guard); err != nil {
		t.Fatalf("%v, after:\n%s", err, out.String())
	}
	next := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"● Two users log in", "/accounts/github/connect",
		"● Alice connects hers", "alice-dev/compiler and alice-dev/parser",
		"● An attacker sends Bob", "This browser has not begun this connection",
		"● Bob connects his own", "refreshed once for each",
		"● Alice disconnects", "none of her tokens opens her account",
		"● Bob leaves", "● All of this was true",
	} {
		_, after, found := strings.Cut(next, want)
		if !found {
			t.Fatalf("it does not say %q, or not there, in:\n%s", want, out.String())
		}
		next = after
	}
}

func TestTheTourFailsIfAnythingIsUntrue(t *testing.T) {
	t.Parallel()
	instead := func(method, path string, answer http.HandlerFunc) func(*app) http.Handler {
		return func(a *app) http.Handler {
			below := guard(a)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == method && strings.HasPrefix(r.URL.Path, path) {
					answer(w, r)
					return
				}
				below.ServeHTTP(w, r)
			})
		}
	}
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<!doctype html>"+body)
		}
	}
	for name, wrap := range map[string]func(*app) http.Handler{
		"everybody is one user": func(a *app) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/login" {
					r.URL.RawQuery, r.Form = "user=alice", nil
					r.Body = io.NopCloser(strings.NewReader("user=alice"))
				}
				guard(a).ServeHTTP(w, r)
			})
		},
		"the page shows all":                 instead("GET", "/", say(200, "Connect your account alice-dev/compiler")),
		"a callback that takes every answer": instead("GET", "/accounts/github/callback", say(200, "connected")),
		"a disconnect that does nothing":     instead("POST", "/accounts/github/disconnect", say(200, "disconnected")),
		"connecting leads nowhere":           instead("POST", "/accounts/github/connect", say(200, "connected")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), &out, tour, wrap)
			if err == nil || strings.Contains(out.String(), "All of this was true") {
				t.Errorf("no error, in:\n%s", out.String())
			}
		})
	}
}

func TestServedItWaitsUntilItIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	err := run(ctx, &out, func(ctx context.Context, out io.Writer, w *world) error {
		resp, err := http.Get(w.url)
		if err != nil {
			return err
		}
		resp.Body.Close()
		cancel()
		return look(ctx, out, w)
	}, guard)
	if err != nil || !strings.Contains(out.String(), "open http://127.0.0.1:") {
		t.Errorf("%q, %v", out.String(), err)
	}
}
