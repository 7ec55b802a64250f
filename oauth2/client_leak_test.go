package oauth2_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/oauth2"
)

// shownSecrets matches what the fixtures take for shownSecrets.
var shownSecrets = regexp.MustCompile(`(access|refresh|again)-\d|client-secret|secret-canary`)

// noSecrets fails if anything that prints shows a secret of the fixtures.
func noSecrets(t testing.TB, values ...any) {
	t.Helper()
	for _, v := range values {
		text := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v)
		if data, err := json.Marshal(v); err == nil {
			text += string(data)
		}
		if shownSecrets.MatchString(text) {
			t.Errorf("a %T prints a secret", v)
		}
	}
}

func TestNothingPrintsAToken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.client()
		resp := getURL(t, c, "https://api.test/")
		if _, ok := resp.Request.Header["Authorization"]; ok {
			t.Error("the request of the answer has the token")
		}
		time.Sleep(time.Hour)
		f.provider.before = func(n int, req *http.Request) (*http.Response, error) {
			if n == 1 {
				return answerOf(req, 503, `{"error":"refresh-1","message":"access-1"}`), nil
			}
			return nil, nil
		}
		_, first := c.Token(t.Context())
		time.Sleep(time.Minute)
		tokens, err := c.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.provider.mu.Lock()
		f.provider.refresh = ""
		f.provider.mu.Unlock()
		time.Sleep(time.Hour)
		_, second := c.Token(t.Context())
		if first == nil || second == nil {
			t.Fatal("two failures should be shown")
		}
		status, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		noSecrets(t, c, *status.LastFailure, status, first, second, tokens, resp.Request.Header, f.kinds())
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, e := range f.events {
			noSecrets(t, e)
		}
		noSecrets(t, f.events)
		if claim := fmt.Sprint(f.stored(claimID)); shownSecrets.MatchString(claim) {
			t.Error("the claim holds a secret")
		}
		_ = oauth2.Event{}
	})
}
