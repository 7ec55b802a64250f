package credentials_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

func TestAUserConnectsAnAccountLooksAtItAndDisconnects(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	alice, bob := w.browser("alice"), w.browser("bob")

	a := alice.get(pages + "/github/connect?return=" + url.QueryEscape("/settings?tab=1#accounts"))
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Connect GitHub") {
		t.Fatalf("the page of connect: status %d, %s", a.StatusCode, a.body)
	}
	a = alice.get(alice.begin("github", "/settings?tab=1#accounts"))
	if want := webSite + "/settings?tab=1&lukko=connected&lukko_name=github#accounts"; a.StatusCode != http.StatusSeeOther || a.location() != want {
		t.Fatalf("callback: status %d to %q, want %q", a.StatusCode, a.location(), want)
	}
	if got := w.connected(w.github, "GITHUB_TOKENS__alice"); got != "octocat" {
		t.Errorf("alice has connected %q", got)
	}

	for b, want := range map[*browser]bool{alice: true, bob: false} {
		a := b.getJSON(pages + "/github/status")
		var status struct {
			Connected  bool   `json:"connected"`
			State      string `json:"state"`
			ConnectURL string `json:"connectURL"`
		}
		if err := json.Unmarshal([]byte(a.body), &status); err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("status: %d, %s", a.StatusCode, a.body)
		}
		if status.Connected != want || status.ConnectURL != pages+"/github/connect" {
			t.Errorf("status of %s: %+v", b.user, status)
		}
		w.github.leaks(t, "status", a.body)
	}

	a = alice.post(pages+"/github/disconnect", url.Values{"return": {"/settings"}})
	if want := webSite + "/settings?lukko=disconnected&lukko_name=github"; a.StatusCode != http.StatusSeeOther || a.location() != want {
		t.Errorf("disconnect: status %d to %q, want %q", a.StatusCode, a.location(), want)
	}
	if n := w.github.get(func() int { return len(w.github.access) + len(w.github.refresh) }); n != 0 {
		t.Errorf("%d tokens are still good at the provider", n)
	}
	if has, err := core.Has(t.Context(), w.secrets, "GITHUB_TOKENS__alice"); has || err != nil {
		t.Errorf("the tokens are still stored: %v, %v", has, err)
	}
	a = alice.postJSON(pages+"/github/disconnect", nil)
	if a.StatusCode != http.StatusOK || a.body != `{"name":"github","connected":false,"revoked":true}`+"\n" {
		t.Errorf("disconnect of what is not connected: status %d, %s", a.StatusCode, a.body)
	}
}

// A victim who is sent to an attacker's callback must not get the attacker's
// account, and one who agrees to an attacker's attempt must not give theirs.
func TestAnAttemptIsFinishedOnlyInTheBrowserThatBeganIt(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	for _, user := range []string{"alice", "mallory"} {
		callback := w.browser("mallory").begin("github", "")
		other := w.browser(user) // also a second browser of the same user
		other.wantRefused(other.getJSON(callback), http.StatusBadRequest, "not_begun")
	}
	if n := w.github.get(func() int { return w.github.exchange }); n != 0 {
		t.Errorf("%d codes were exchanged", n)
	}
	if list := stored(t, w.secrets, "GITHUB_TOKENS"); len(list) != 0 {
		t.Errorf("stored: %q", list)
	}
}

func TestAnAttemptIsFinishedOnlyByTheUserWhoBeganIt(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("mallory")
	callback := b.begin("github", "")
	b.login("alice") // a shared computer, or a planted session
	b.wantRefused(b.getJSON(callback), http.StatusForbidden, "other_user")
	if list := stored(t, w.secrets, "GITHUB_TOKENS"); len(list) != 0 {
		t.Errorf("stored: %q", list)
	}
	b.login("mallory") // who was not robbed of the attempt by that
	if a := b.get(callback); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the user who began: status %d, %s", a.StatusCode, a.body)
	}
}

func TestAnAttemptIsFinishedOnceInWhateverProcess(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	other := w.another(webSettings{})
	b := w.browser("alice")
	callback := b.begin("github", "")
	kept := b.cookies()
	if a := b.get(callback); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, %s", a.StatusCode, a.body)
	}
	if n := len(b.pending()); n != 0 {
		t.Errorf("%d cookies are left", n)
	}
	b.wantRefused(b.getJSON(callback), http.StatusBadRequest, "not_begun")
	for _, process := range []*web{w, other, w.another(webSettings{})} {
		thief := process.browser("alice")
		thief.take(kept) // the cookie itself was kept
		thief.wantRefused(thief.getJSON(callback), http.StatusBadRequest, "used")
	}
	if n := w.github.get(func() int { return w.github.exchange }); n != 1 {
		t.Errorf("the code was sent %d times", n)
	}
	if got := w.connected(w.github, "GITHUB_TOKENS__alice"); got != "octocat" {
		t.Errorf("alice has connected %q: the provider takes back what a code gave that comes twice", got)
	}
}

func TestOfManyWhoFinishAnAttemptAtOnceOneDoes(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	processes := []*web{w, w.another(webSettings{}), w.another(webSettings{})}
	b := w.browser("alice")
	callback := b.begin("github", "")
	kept := b.cookies()
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := map[int]int{}
	for i := range 12 {
		wg.Go(func() {
			b := processes[i%len(processes)].browser("alice")
			b.take(kept)
			a := b.getJSON(callback)
			mu.Lock()
			defer mu.Unlock()
			done[a.StatusCode]++
		})
	}
	wg.Wait()
	if done[http.StatusSeeOther] != 1 || done[http.StatusBadRequest] != 11 {
		t.Errorf("got %v, want one 303 and eleven 400", done)
	}
	if n := w.github.get(func() int { return w.github.exchange }); n != 1 {
		t.Errorf("the code was sent %d times", n)
	}
}

func TestAnAttemptThatBeganInOneProcessIsFinishedInAnother(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	callback := b.begin("github", "/x")
	if err := w.store.Close(); err != nil { // and that one has ended
		t.Fatal(err)
	}
	a := b.at(w.another(webSettings{})).get(callback)
	if want := webSite + "/x?lukko=connected&lukko_name=github"; a.location() != want {
		t.Errorf("status %d to %q, want %q", a.StatusCode, a.location(), want)
	}
}

func TestAnAttemptEndsAfterTenMinutes(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{
		9*time.Minute + 58*time.Second: "",
		10 * time.Minute:               "expired",
		24 * time.Hour:                 "expired",
	} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			w := newWeb(t, webSettings{})
			b := w.browser("alice")
			callback := b.begin("github", "")
			w.clock.advance(after)
			a := b.getJSON(callback)
			if a.code() != want {
				t.Errorf("got %q, want %q", a.code(), want)
			}
			if want != "" && w.github.get(func() int { return w.github.exchange }) != 0 {
				t.Error("the code was exchanged")
			}
		})
	}
}

func TestTheCookieOfAnAttemptIsForThisHostAndItsServerOnly(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	a := w.browser("alice").post(pages+"/github/connect", nil)
	cookies := a.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
		c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
		t.Errorf("the cookie: %s", strings.ReplaceAll(c.Raw, c.Value, "…"))
	}
	if len(c.Name)+len(c.Value) > 4096 {
		t.Errorf("%d bytes, of which a browser keeps 4096", len(c.Name)+len(c.Value))
	}
	u, err := url.Parse(a.location())
	if err != nil {
		t.Fatal(err)
	}
	if state := u.Query().Get("state"); len(state) < 43 || strings.Contains(c.Name+c.Value, state) {
		t.Error("the state is short, or in the cookie in clear")
	}
}

// stored are the ids in the store that begin with prefix.
func stored(t *testing.T, svc core.SecretService, prefix string) (ids []string) {
	t.Helper()
	for info, err := range svc.List(context.Background(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, info.ID)
	}
	return ids
}
