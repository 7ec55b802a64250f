package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

const aToken = `{"accessToken":"TOKEN","refreshToken":"refresh","tokenType":"Bearer","scope":"read"}`

// fill stores what the application has, at every id where a mistake could look
// for it, and what another user has.
func (w *world) fill() {
	for id, value := range map[string]string{
		"STRIPE": `{"apiKey":"sk_application"}`, "BOT": token("application"), "BOT_APP": `{"clientId":"id","clientSecret":"secret"}`, "GITHUB_APP": `{"clientId":"id"}`,
		// The bases, and what an empty or a strange user could be taken for.
		"NOTION": "application", "NOTION__": "application", "NOTION_": "application", "SHOP": `{"apiKey":"sk_application"}`, "SHOP__": `{"apiKey":"sk_application"}`,
		"GITHUB": token("application"), "GITHUB__": token("application"), "GITHUB__GITHUB": token("application"), "GITHUB__BOT": token("application"),
		"NOTION__alice": "alices", "SHOP__alice": `{"apiKey":"sk_alices"}`, "GITHUB__alice": token("alices"),
	} {
		w.put(id, value)
	}
}

func token(access string) string { return strings.Replace(aToken, "TOKEN", access, 1) }

func TestAUserWithoutOneNeverGetsTheApplicationsOrAnothers(t *testing.T) {
	t.Parallel()
	strangers := append(slices.Clone(users), "", "alice ", "Alice", "ALICE", "alic", "alice\x00", "../alice", "alice/../alice", "GITHUB", "application", "BOT", "alice_CLAIM", "аlice")
	for i, user := range strangers {
		t.Run(fmt.Sprintf("%d %.20q", i, user), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fill()
			for name, store := range map[string]*credentials.Store{"store": w.store, "scope": w.store.Scope("part", w.stripe, w.bot, w.notion, w.shop, w.github)} {
				errs := map[string]error{}
				check := func(what, got string, err error) {
					errs[what] = err
					if got != "" {
						t.Errorf("%s, %s: somebody else's is returned", name, what)
					}
				}
				ctx := credentials.WithUser(t.Context(), store, user)
				key, err := w.notion.Get(t.Context(), store, user)
				check("a key", key.Reveal(), err)
				keys, err := w.shop.Get(t.Context(), store, user)
				check("a document", keys.APIKey.Reveal(), err)
				tok, err := w.github.Get(t.Context(), store, user)
				check("a token", tok.AccessToken.Reveal(), err)
				key, err = w.notion.FromContext(ctx)
				check("a key of the request", key.Reveal(), err)
				keys, err = w.shop.FromContext(ctx)
				check("a document of the request", keys.APIKey.Reveal(), err)
				tok, err = w.github.FromContext(ctx)
				check("a token of the request", tok.AccessToken.Reveal(), err)
				errs["a request with the key"] = request(t.Context())(w.notion.HTTP(store, user))
				errs["a request with the document"] = request(t.Context())(w.shop.HTTP(store, user))
				errs["a request with the token"] = request(t.Context())(w.github.HTTP(store, user))
				errs["a request with the request's key"] = request(t.Context())(w.notion.HTTPFromContext(ctx))
				errs["a request with the request's token"] = request(t.Context())(w.github.HTTPFromContext(ctx))
				want := core.ErrNotFound
				if user == "" {
					want = credentials.ErrNoUser
				}
				for what, err := range errs {
					if !errors.Is(err, want) || user == "" && errors.Is(err, core.ErrNotFound) {
						t.Errorf("%s, %s: %v, want %v", name, what, err, want)
					}
				}
				if got := w.api.take(); len(got) > 0 {
					t.Errorf("%s: requests were sent: %q", name, got)
				}
				for what, has := range map[string]func() (bool, error){
					"a key":      func() (bool, error) { return w.notion.Has(t.Context(), store, user) },
					"a document": func() (bool, error) { return w.shop.Has(t.Context(), store, user) },
					"a token":    func() (bool, error) { return w.github.Has(t.Context(), store, user) },
				} {
					if got, err := has(); got || errors.Is(err, credentials.ErrNoUser) != (user == "") || err != nil && user != "" {
						t.Errorf("%s: has %s: %t, %v", name, what, got, err)
					}
				}
			}
			// What a stranger writes and deletes is theirs.
			before := w.all(t)
			if user != "" {
				_ = w.notion.Set(t.Context(), w.store, user, core.String("mine"))
				_ = w.github.Set(t.Context(), w.store, user, oauth2.Token{AccessToken: core.String("mine")})
				_ = w.notion.Delete(t.Context(), w.store, user)
				_ = w.notion.Set(t.Context(), w.store, user, core.String("mine"))
			}
			_ = w.store.DeleteUser(t.Context(), user)
			if after := w.all(t); after != before {
				t.Errorf("what others have was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// all is all that is stored.
func (w *world) all(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for info, err := range w.mem.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, info.ID, info.Version)
	}
	return b.String()
}

func TestThereIsNoIDOfNobodyAndNoneOfAUsersOfTheApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, d := range []credentials.Declared{w.notion, w.shop, w.github} {
		if id := credentials.IDOf(d, ""); id != "" {
			t.Errorf("nobody's is at %q", id)
		}
	}
	for _, d := range []credentials.Declared{w.stripe, w.bot} {
		if id := credentials.IDOf(d, "bob"); id != "" {
			t.Errorf("a user's of the application is at %q", id)
		}
	}
}

func TestWithoutAUserInTheContextThereIsNoCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	for name, ctx := range map[string]context.Context{
		"no user":             t.Context(),
		"an empty one":        credentials.WithUser(t.Context(), w.store, ""),
		"an empty one, given": credentials.WithUser(t.Context(), w.store, "", w.notion.Given(core.String("given")), w.github.Given(oauth2.Token{AccessToken: core.String("given")})),
		"an empty one within": credentials.WithUser(credentials.WithUser(t.Context(), w.store, "alice"), w.store, ""),
	} {
		key, keyErr := w.notion.FromContext(ctx)
		tok, tokErr := w.github.FromContext(ctx)
		_, httpErr := w.notion.HTTPFromContext(ctx)
		_, clientErr := w.github.HTTPFromContext(ctx)
		for _, err := range []error{keyErr, tokErr, httpErr, clientErr} {
			if !errors.Is(err, credentials.ErrNoUser) || errors.Is(err, core.ErrNotFound) || core.KindOf(err) != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !key.IsZero() || !tok.AccessToken.IsZero() {
			t.Errorf("%s: something is returned", name)
		}
	}
	if calls := w.calls.take(); len(calls) > 0 {
		t.Errorf("calls arrived: %q", calls)
	}
}

func TestTheApplicationsClientIsNeverAUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *credentials.Config) { c.Clients = 1 })
	w.fill()
	w.put("GITHUB__bob", token("bobs"))
	for range 3 { // with a bound of one, each falls out at the next
		for who, client := range map[string]func() (*http.Client, error){
			"application": func() (*http.Client, error) { return w.bot.HTTP(w.store) },
			"alices":      func() (*http.Client, error) { return w.github.HTTP(w.store, "alice") },
			"bobs":        func() (*http.Client, error) { return w.github.HTTP(w.store, "bob") },
		} {
			if err := request(t.Context())(client()); err != nil {
				t.Fatal(err)
			}
			if got, want := w.api.take(), []string{"api.example.com: Bearer " + who}; !slices.Equal(got, want) {
				t.Errorf("%s: sent is %q", who, got)
			}
		}
	}
}

func TestNoMethodOfAUsersCredentialForgetsTheUser(t *testing.T) {
	t.Parallel()
	// What tells of the declaration, lists who has one, or makes a value for a
	// request; and what takes a context of WithUser.
	without := []string{"Check", "Meta", "Users", "Given"}
	ofContext := []string{"FromContext", "HTTPFromContext"}
	context1 := reflect.TypeFor[context.Context]()
	store := reflect.TypeFor[*credentials.Store]()
	user := reflect.TypeFor[string]()
	for _, typ := range []reflect.Type{reflect.TypeFor[*credentials.UserCredential[oauth2.Token]](), reflect.TypeFor[*credentials.UserCredential[core.Value]]()} {
		seen := 0
		for i := range typ.NumMethod() {
			m := typ.Method(i)
			var in []reflect.Type
			for j := 1; j < m.Type.NumIn(); j++ { // the first is the receiver
				in = append(in, m.Type.In(j))
			}
			switch {
			case slices.Contains(without, m.Name):
				seen++
				for j := range m.Type.NumOut() {
					if out := m.Type.Out(j); out.AssignableTo(reflect.TypeFor[*http.Client]()) || out == reflect.TypeFor[*oauth2.Client]() || out == reflect.TypeFor[oauth2.Token]() || out == reflect.TypeFor[core.Value]() {
						t.Errorf("%s takes no user and returns a %s", m.Name, out)
					}
				}
			case slices.Contains(ofContext, m.Name):
				seen++
				if !slices.Equal(in, []reflect.Type{context1}) {
					t.Errorf("%s takes %v", m.Name, in)
				}
			default:
				at := slices.Index(in, store)
				if at < 0 || len(in) < at+2 || in[at+1] != user {
					t.Errorf("%s takes %v, and no user after the store", m.Name, in)
				}
			}
		}
		if seen != len(without)+len(ofContext) {
			t.Error("a method that is listed here is gone")
		}
	}
	if reflect.TypeFor[*credentials.UserCredential[core.Value]]().AssignableTo(reflect.TypeFor[*credentials.Credential[core.Value]]()) {
		t.Error("a user's credential can be used as the application's")
	}
}

// None but Users lists, and none of a scope does.
var _ func(*credentials.UserCredential[core.Value], context.Context, *credentials.Store) iter.Seq2[credentials.User, error] = (*credentials.UserCredential[core.Value]).Users

func TestNoCallListsAllUsersToFindOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.mem.Inject(memory.Fault{Op: "list", Err: core.ErrPermissionDenied}) // it has no right to
	w.everyOperation(t.Context(), w.store, "alice")
	w.everyOperation(t.Context(), w.store, "bob")
	calls := w.calls.take()
	if len(calls) < 50 || slices.Contains(calls, "list") || slices.ContainsFunc(calls, func(c string) bool { return strings.HasPrefix(c, "versions") }) {
		t.Errorf("the calls are %q", calls)
	}
}
