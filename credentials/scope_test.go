package credentials_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
)

func TestAScopeHasItsCredentialsAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	scope := w.store.Scope("mailer", w.stripe, w.github)
	w.calls.take()
	for name, err := range w.everyOperation(t.Context(), scope, "alice") {
		credential, _, _ := strings.Cut(name, " ")
		allowed := credential == "stripe" || credential == "github" || credential == "store" && name != "store delete user"
		if denied := errors.Is(err, core.ErrPermissionDenied); denied == allowed {
			t.Errorf("%s: %v", name, err)
		}
		if !allowed && !strings.Contains(err.Error(), `"mailer"`) {
			t.Errorf("%s: the scope is not named: %v", name, err)
		}
		if !allowed && credential != "store" && !strings.Contains(err.Error(), `"`+credential+`"`) {
			t.Errorf("%s: the credential is not named: %v", name, err)
		}
	}
	for _, call := range w.calls.take() {
		for _, id := range []string{"BOT", "NOTION", "SHOP"} {
			if strings.Contains(call, id) && !strings.Contains(call, "BOT_APP") {
				t.Errorf("a call arrived: %q", call)
			}
		}
	}
}

func TestAScopeRefreshesItsOwnToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("GITHUB_APP", `{"clientId":"id","clientSecret":"secret"}`)
	w.put("GITHUB__bob", `{"accessToken":"old","refreshToken":"spent-0","expiresAt":"2020-01-01T00:00:00Z"}`)
	scope := w.store.Scope("mailer", w.github)
	if err := request(t.Context())(w.github.HTTP(scope, "bob")); err != nil {
		t.Fatal(err)
	}
	if got := w.api.take(); !slices.Equal(got, []string{"api.example.com: Bearer access-1"}) || !strings.Contains(w.stored(t, "GITHUB__bob"), "refresh-1") {
		t.Errorf("sent is %q", got)
	}
	client, err := w.github.Client(scope, "bob")
	other, otherErr := w.github.Client(w.store, "bob")
	if client != other || err != nil || otherErr != nil {
		t.Errorf("the scope has a client of its own: %v, %v", err, otherErr)
	}
}

func TestAScopeListsNoUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	scope := w.store.Scope("mailer", w.notion)
	for _, c := range []*credentials.UserCredential[core.Value]{w.notion} {
		n := 0
		for user, err := range c.Users(t.Context(), scope) {
			if n++; !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), `"mailer"`) || user != (credentials.User{}) {
				t.Errorf("got %+v, %v", user, err)
			}
		}
		if n != 1 {
			t.Errorf("%d pairs", n)
		}
	}
	for user, err := range w.github.Users(t.Context(), scope) {
		if !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), `"github"`) {
			t.Errorf("got %+v, %v", user, err)
		}
	}
	if calls := w.calls.take(); len(calls) > 0 {
		t.Errorf("the calls are %q", calls)
	}
}

func TestAScopeOfAScopeHasNoMore(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	w.fill()
	outer := w.store.Scope("outer", w.notion, w.shop)
	inner := outer.Scope("inner", w.notion, w.github, other.bot, nil)
	if _, err := w.notion.Get(t.Context(), inner, "alice"); err != nil {
		t.Errorf("what both name: %v", err)
	}
	if _, err := w.shop.Get(t.Context(), inner, "alice"); !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), `"inner"`) {
		t.Errorf("what the outer alone names: %v", err)
	}
	if _, err := w.github.Get(t.Context(), inner, "alice"); !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), `"outer"`) {
		t.Errorf("what the inner alone names: %v", err)
	}
	if _, err := w.bot.Has(t.Context(), w.store.Scope("foreign", other.bot)); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("the same name of another set: %v", err)
	}
	if _, err := w.shop.Get(t.Context(), outer, "alice"); err != nil {
		t.Errorf("the outer: %v", err)
	}
	if err := inner.Scope("all", w.stripe, w.bot, w.notion, w.shop, w.github).DeleteUser(t.Context(), "alice"); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("deleting a user: %v", err)
	}
}

func TestARequestInAScopeReadsWhatTheScopeHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	ctx := credentials.WithUser(t.Context(), w.store.Scope("mailer", w.notion), "bob", w.shop.Given(stripeKeys{APIKey: core.String("sk_given")}))
	if key, err := w.notion.FromContext(ctx); err != nil || key.Reveal() != "bobs" {
		t.Errorf("its own: %v", err)
	}
	if _, err := w.github.FromContext(ctx); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("another: %v", err)
	}
	if keys, err := w.shop.FromContext(ctx); !errors.Is(err, core.ErrPermissionDenied) || !keys.APIKey.IsZero() {
		t.Errorf("another that is given: %v", err)
	}
	if calls := w.calls.take(); !slices.Equal(calls, []string{"get many NOTION__bob"}) {
		t.Errorf("the calls are %q", calls)
	}
}

func TestWhatAScopeTellsIsOfItsCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scope := w.store.Scope("mailer", w.bot, w.github)
	users, userErr := scope.UserCredentials(t.Context(), "bob")
	missing, err := scope.Missing(t.Context())
	configured, _ := scope.Configured(t.Context())
	if userErr != nil || len(users) != 1 || users[0].Name != "github" || err != nil || len(missing) != 1 || missing[0].Name != "bot" || len(configured) != 2 {
		t.Errorf("got %+v, %+v, %+v", users, missing, configured)
	}
	if _, err := w.bot.Client(scope); err != nil {
		t.Error(err)
	}
	if _, err := w.stripe.Client(scope); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("got %v", err)
	}
}
