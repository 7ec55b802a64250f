package credentials_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

const anApp = `{"clientId":"id","clientSecret":"secret"}`

const endedToken = `{"accessToken":"old","refreshToken":"spent-0","scope":"read","connectedAt":"2020-01-01T00:00:00Z","refreshedAt":"2020-01-01T00:00:00Z","expiresAt":"2020-01-01T01:00:00Z"}`

func TestATokenIsSetGotAndDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, access := range []string{"one", "two"} {
		if err := w.github.Set(t.Context(), w.store, "bob", oauth2.Token{AccessToken: core.String(access)}); err != nil {
			t.Fatal(err)
		}
		if got, err := w.github.Get(t.Context(), w.store, "bob"); err != nil || got.AccessToken.Reveal() != access {
			t.Errorf("%s: it is not what was set: %v", access, err)
		}
		if err := request(t.Context())(w.github.HTTP(w.store, "bob")); err != nil {
			t.Error(err)
		}
		if got, want := w.api.take(), []string{"api.example.com: Bearer " + access}; !slices.Equal(got, want) {
			t.Errorf("sent is %q, want %q", got, want)
		}
	}
	if has, err := w.github.Has(t.Context(), w.store, "bob"); !has || err != nil {
		t.Errorf("has: %t, %v", has, err)
	}
	w.put("GITHUB__bob_CLAIM", "x")
	w.put("GITHUB__bob_PEND", "x")
	if err := w.github.Delete(t.Context(), w.store, "bob"); err != nil {
		t.Fatal(err)
	}
	// What says which attempts to connect were finished stays.
	for id, left := range map[string]bool{"GITHUB__bob": false, "GITHUB__bob_CLAIM": false, "GITHUB__bob_PEND": true} {
		if (w.stored(t, id) != "") != left {
			t.Errorf("%s is left: %t", id, !left)
		}
	}
	if _, err := w.github.Get(t.Context(), w.store, "bob"); !errors.Is(err, oauth2.ErrNotConnected) {
		t.Errorf("after that: %v", err)
	}
	w.put("GITHUB__bob_CLAIM", "x") // which alone is no account
	if err := w.github.Delete(t.Context(), w.store, "bob"); !errors.Is(err, oauth2.ErrNotConnected) || w.stored(t, "GITHUB__bob_CLAIM") != "" {
		t.Errorf("deleting it again: %v", err)
	}
}

func TestAClientThatIsHeldSeesWhatTheStoreSetAndDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("GITHUB__bob", token("one"))
	client, err := w.github.HTTP(w.store, "bob")
	if err != nil {
		t.Fatal(err)
	}
	send := func() error { return request(t.Context())(client, nil) }
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if err := w.github.Set(t.Context(), w.store, "bob", oauth2.Token{AccessToken: core.String("two")}); err != nil {
		t.Fatal(err)
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if err := w.github.Update(t.Context(), w.store, "bob", func(v *oauth2.Token) error { v.AccessToken = core.String("three"); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if err := w.store.DeleteUser(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	err = send()
	var missing *credentials.MissingError
	if !errors.As(err, &missing) || missing.User != "bob" || !missing.OAuth2 || missing.ConnectURL != "https://app.example.com/credentials/github" {
		t.Errorf("after it is deleted: %v", err)
	}
	want := []string{"api.example.com: Bearer one", "api.example.com: Bearer two", "api.example.com: Bearer three"}
	if got := w.api.take(); !slices.Equal(got, want) {
		t.Errorf("sent is %q", got)
	}
}

func TestGetRefreshesATokenThatEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("GITHUB_APP", anApp)
	w.put("BOT_APP", anApp)
	w.put("GITHUB__bob", endedToken)
	w.put("BOT", endedToken)
	users, err := w.github.Get(t.Context(), w.store, "bob")
	if err != nil || users.AccessToken.Reveal() != "access-1" || time.Until(users.ExpiresAt.Time) < time.Minute {
		t.Errorf("a user's: %v", err)
	}
	app, err := w.bot.Get(t.Context(), w.store)
	if err != nil || app.AccessToken.Reveal() != "access-2" {
		t.Errorf("the application's: %v", err)
	}
}

func TestTheStatusOfAnAccountTellsHowItStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("GITHUB_APP", anApp)
	w.put("GITHUB__bob", endedToken)
	check := func(want credentials.State) credentials.Status {
		t.Helper()
		status, err := w.github.Status(t.Context(), w.store, "bob")
		many, manyErr := w.store.UserCredentials(t.Context(), "bob")
		if err != nil || manyErr != nil || status.State != want || many[2].State != want {
			t.Errorf("the status is %+v, %v, and among many %+v, %v; want %s", status, err, many[2], manyErr, want)
		}
		if !status.OAuth2 || status.User != "bob" || status.ID != "GITHUB__bob" || status.Name != "github" || status.DisplayName != "GitHub" {
			t.Errorf("it is of %+v", status)
		}
		return status
	}
	status := check(credentials.StateOK)
	if !status.Refreshable || !slices.Equal(status.Granted, []string{"read"}) || !slices.Equal(status.MissingScopes, []string{"write"}) ||
		!status.ConnectedAt.Equal(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) || !status.ExpiresAt.Equal(time.Date(2020, 1, 1, 1, 0, 0, 0, time.UTC)) || status.LastFailure != nil {
		t.Errorf("the status is %+v", status)
	}
	w.put("GITHUB__bob", `{"accessToken":"old","expiresAt":"2020-01-01T01:00:00Z"}`) // nothing to refresh with
	status = check(credentials.StateEnded)
	var ended *oauth2.ReauthorizeError
	if !errors.As(status.Err, &ended) || ended.Name != "github" || ended.User != "bob" || ended.Connect != "https://app.example.com/credentials/github" {
		t.Errorf("the status is %+v", status)
	}
	w.put("GITHUB__bob", `{"accessToken":""}`)
	if status = check(credentials.StateInvalid); !errors.Is(status.Err, core.ErrInvalidValue) {
		t.Errorf("the status is %+v", status)
	}
	if err := w.mem.Delete(t.Context(), "GITHUB__bob"); err != nil {
		t.Fatal(err)
	}
	if status = check(credentials.StateMissing); !errors.Is(status.Err, oauth2.ErrNotConnected) {
		t.Errorf("the status is %+v", status)
	}
	w.mem.Inject(memory.Fault{Op: "get", ID: "GITHUB__bob", Err: core.ErrPermissionDenied})
	if status, err := w.github.Status(t.Context(), w.store, "bob"); status.State != credentials.StateUnknown || !errors.Is(err, core.ErrPermissionDenied) || errors.Is(err, core.ErrNotFound) {
		t.Errorf("denied: %+v, %v", status, err)
	}
}

func TestAnAccountWithoutItsApplicationIsNotOneThatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("GITHUB__bob", endedToken) // connected, and the provider isn't configured
	_, err := w.github.Get(t.Context(), w.store, "bob")
	var missing *credentials.MissingError
	if err == nil || errors.As(err, &missing) || errors.Is(err, oauth2.ErrNotConnected) || !strings.Contains(err.Error(), "GITHUB_APP") {
		t.Errorf("got %v", err)
	}
}

func TestAccountsThatAreDeniedOrUnreachableAreNeverMissing(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{core.ErrPermissionDenied, core.ErrUnavailable} {
		w := newWorld(t)
		w.put("GITHUB__bob", token("bobs"))
		w.mem.Inject(memory.Fault{Err: kind})
		for name, err := range w.everyOperation(t.Context(), w.store, "bob") {
			if name == "store delete user" || strings.HasSuffix(name, "check") {
				continue
			}
			if !errors.Is(err, kind) || errors.Is(err, core.ErrNotFound) || errors.Is(err, oauth2.ErrNotConnected) {
				t.Errorf("%s: %v, want %v", name, err, kind)
			}
		}
	}
}

func TestAnAccountOfTheApplicationAloneIsConnectedByItself(t *testing.T) {
	t.Parallel()
	set, mem, net := newSet(), memory.With(map[string]string{"APP": anApp}), new(api)
	s := settings()
	s.Grant = oauth2.GrantClientCredentials
	c := credentials.DeclareIn[oauth2.Token](set, credentials.Spec{Name: "machine", SecretID: "APP", TokenSecretID: "TOKENS", OAuth2: s})
	store, err := credentials.New(credentials.Config{Secrets: mem, Set: set, Endpoints: net, Transport: net})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if missing, err := store.Missing(t.Context()); err != nil || len(missing) != 0 {
		t.Errorf("missing are %+v, %v", missing, err)
	}
	if got, err := c.Get(t.Context(), store); err != nil || got.AccessToken.Reveal() != "access-1" {
		t.Errorf("got %v", err)
	}
}

func TestOneClientServesAllWhoAskAndIsNotClosedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *credentials.Config) { c.Clients = 2 })
	for i := range 5 {
		w.put(fmt.Sprintf("GITHUB__user%d", i), token(fmt.Sprintf("of-%d", i)))
	}
	held := make([]*oauth2.Client, 5)
	for round := range 3 {
		for i := range held {
			client, err := w.github.Client(w.store, fmt.Sprintf("user%d", i))
			if err != nil {
				t.Fatal(err)
			}
			if round > 0 && client != held[i] {
				t.Errorf("user%d has a second client beside the one that is held", i)
			}
			held[i] = client
		}
	}
	for i, client := range held { // three of them have fallen out
		if got, err := client.Token(t.Context()); err != nil || got.AccessToken.Reveal() != fmt.Sprintf("of-%d", i) {
			t.Errorf("user%d: %v", i, err)
		}
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	for i, client := range held {
		if _, err := client.Token(t.Context()); !errors.Is(err, core.ErrClosed) {
			t.Errorf("after Close user%d: %v", i, err)
		}
	}
}

func TestAKeyHasNoClientOfOAuth2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, app := w.stripe.Client(w.store)
	_, user := w.notion.Client(w.store, "bob")
	for _, err := range []error{app, user} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
}

func TestReauthorizeStaysWhatItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("GITHUB_APP", anApp)
	w.put("GITHUB__bob", endedToken)
	w.api.refuse()
	_, err := w.github.Get(t.Context(), w.store, "bob")
	var ended *oauth2.ReauthorizeError
	var missing *credentials.MissingError
	if !errors.As(err, &ended) || ended.User != "bob" || ended.Connect != "https://app.example.com/credentials/github" || errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
	if status, err := w.github.Status(t.Context(), w.store, "bob"); err != nil || status.State != credentials.StateEnded || !errors.Is(status.Err, oauth2.ErrReauthorize) || status.LastFailure == nil {
		t.Errorf("the status is %+v, %v", status, err)
	}
}
