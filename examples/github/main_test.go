package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/examples/internal/hub"
)

func TestTheTourIsTrue(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := atHub(t.Context(), &out, hub.New); err != nil {
		t.Fatal(err)
	}
	next := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"● An account is declared", "GITHUB_APP",
		"● Nobody has connected", "no account is connected",
		"● Connected", "granted: repo", "octocat/hello-world, octocat/spoon-knife",
		"● The access token ends", "1 refresh",
		"a restart", "octocat/hello-world",
		"● On disk", "were looked for",
		"● Revoked", "no account is connected",
		"● All of this was true",
	} {
		_, after, found := strings.Cut(next, want)
		if !found {
			t.Fatalf("it does not say %q, or not there, in:\n%s", want, out.String())
		}
		next = after
	}
}

// spoiled is a hub of which one kind of request is answered by another handler.
func spoiled(method, path string, answer func(h *hub.Hub, below http.Handler) http.Handler) func(map[string][]string) *hub.Hub {
	return func(repositories map[string][]string) *hub.Hub {
		h := hub.New(repositories)
		below := h.Config.Handler
		instead := answer(h, below)
		h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == method && strings.HasPrefix(r.URL.Path, path) {
				instead.ServeHTTP(w, r)
				return
			}
			below.ServeHTTP(w, r)
		})
		return h
	}
}

func TestTheTourFailsIfAnythingIsUntrue(t *testing.T) {
	t.Parallel()
	say := func(status int, body string) func(*hub.Hub, http.Handler) http.Handler {
		return func(*hub.Hub, http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			})
		}
	}
	for name, open := range map[string]func(map[string][]string) *hub.Hub{
		"somebody else's repositories":   spoiled("GET", "/user/repos", say(200, `[{"full_name":"hubot/brain"}]`)),
		"an API that refuses each token": spoiled("GET", "/user/repos", say(401, `{}`)),
		"a revocation that ends nothing": spoiled("DELETE", "/applications/", say(204, "")),
		"a revocation that fails":        spoiled("DELETE", "/applications/", say(500, "{}")),
		"a user who does not agree":      spoiled("POST", "/login/oauth/authorize", say(403, "{}")),
		"no tokens":                      spoiled("POST", "/login/oauth/access_token", say(200, `{"error":"bad_verification_code"}`)),
		"an answer that gives other scopes": spoiled("POST", "/login/oauth/access_token",
			say(200, `{"access_token":"ghu_x","token_type":"bearer","scope":"gist"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := atHub(t.Context(), &out, open)
			if err == nil || strings.Contains(out.String(), "All of this was true") {
				t.Errorf("no error, in:\n%s", out.String())
			}
		})
	}
}
