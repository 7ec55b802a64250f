package credentials_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// shown is all that prints make of a value.
func shown(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	if data, err := json.Marshal(v); err == nil {
		b.Write(data)
	}
	_ = gob.NewEncoder(&b).Encode(v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("it", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("it", "v", v)
	return b.String()
}

func TestEverythingPrintsWithoutASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := `{"clientId":"id","clientSecret":"` + canary + `-app"}`
	tokens := `{"accessToken":"` + canary + `-access","refreshToken":"` + canary + `-refresh","scope":"read"}`
	for id, value := range map[string]string{
		"STRIPE": `{"apiKey":"sk_` + canary + `"}`, "BOT_APP": app, "GITHUB_APP": app, "BOT": tokens, "GITHUB__bob": tokens,
		"NOTION__bob": canary, "SHOP__bob": `{"apiKey":"sk_` + canary + `"}`,
	} {
		w.put(id, value)
	}
	printed := map[string]any{"store": w.store, "scope": w.store.Scope("x", w.github), "given": w.notion.Given(core.String(canary))}
	add := func(name string, v any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		printed[name] = v
	}
	ctx := credentials.WithUser(t.Context(), w.store, "bob", w.shop.Given(stripeKeys{APIKey: core.String("sk_" + canary)}))
	key, err := w.notion.FromContext(ctx)
	add("a key", key, err)
	keys, err := w.stripe.Get(t.Context(), w.store)
	add("a document", keys, err)
	tok, err := w.github.Get(t.Context(), w.store, "bob")
	add("a token", tok, err)
	status, err := w.github.Status(t.Context(), w.store, "bob")
	add("a status", status, err)
	all, err := w.store.UserCredentials(t.Context(), "bob")
	add("all of a user", all, err)
	configured, err := w.store.Configured(t.Context())
	add("what is configured", configured, err)
	client, err := w.github.Client(w.store, "bob")
	add("a client", client, err)
	httpClient, err := w.github.HTTP(w.store, "bob")
	add("an HTTP client", httpClient, err)
	add("its transport", httpClient.Transport, nil)
	keyClient, err := w.notion.HTTP(w.store, "bob")
	add("an HTTP client of a key", keyClient, err)
	printed["a context"] = ctx
	for d := range w.set.All() {
		printed[d.Meta().Name] = d
		printed["meta of "+d.Meta().Name] = d.Meta()
	}
	for name, v := range printed {
		if strings.Contains(shown(v), canary) {
			t.Errorf("%s shows a secret", name)
		}
	}
	if !strings.Contains(w.stored(t, "GITHUB__bob"), canary) {
		t.Error("the canary is nowhere")
	}
}

func TestNoErrorHasASecretOrAForeignError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"STRIPE", "BOT_APP", "GITHUB_APP", "BOT", "GITHUB__bob", "NOTION__bob", "SHOP__bob"} {
		w.put(id, `{"accessToken":{"`+canary+`":1},"clientId":["`+canary+`"],"apiKey":"`+canary+`"}`)
	}
	seen := 0
	for name, err := range w.everyOperation(t.Context(), w.store, "bob") {
		if err == nil {
			continue
		}
		seen++
		if strings.Contains(shown(err), canary) {
			t.Errorf("%s: it is in the error", name)
		}
	}
	if seen < 15 {
		t.Errorf("only %d operations failed", seen)
	}
}

func TestTheErrorOfAMissingOneIsOneLineForAnyUser(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"bob\nfake: line", "\x1b[31mred", strings.Repeat("a", 1<<20), "\xff\xfe", "\u202ereversed", `quote"d`} {
		w := newWorld(t)
		_, err := w.github.Get(t.Context(), w.store, user)
		var missing *credentials.MissingError
		if !errors.As(err, &missing) || missing.User != user {
			t.Errorf("got %v", err)
			continue
		}
		for _, text := range []string{err.Error(), fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", missing)} {
			if strings.ContainsAny(text, "\n\x1b\u202e") || strings.Contains(text, "\xff") || len(text) > 1000 {
				t.Errorf("%.30q: the error is %.300q", user, text)
			}
		}
	}
	var nothing *credentials.MissingError
	if nothing.Error() == "" || errors.Is(nothing, oauth2.ErrNotConnected) {
		t.Error("a nil one is something")
	}
}

// No two words of what to do fit both an account and a key.
func TestTheErrorOfAMissingOneSaysWhatToDo(t *testing.T) {
	t.Parallel()
	const page = "https://app.example.com/x"
	for want, e := range map[string]credentials.MissingError{
		"connect it at " + page: {Name: "n", ID: "I", OAuth2: true, User: "bob", ConnectURL: page},
		"store it at " + page:   {Name: "n", ID: "I", User: "bob", ConnectURL: page},
		"connect it, as with: lukko oauth connect n --user USER": {Name: "n", ID: "I", OAuth2: true, User: "bob"},
		"connect it, as with: lukko oauth connect n":             {Name: "n", ID: "I", OAuth2: true},
		"store it, as with: lukko credentials set n --user USER": {Name: "n", ID: "I", User: "bob"},
		"store it, as with: lukko set I":                         {Name: "n", ID: "I"},
	} {
		if text := e.Error(); !strings.HasSuffix(text, ": "+want) {
			t.Errorf("%s; want %s", text, want)
		}
	}
}
