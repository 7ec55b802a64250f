package oauth2_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestAPendingConnectionIsFinishedByAnotherProcess(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Scopes = []string{"openid"} })
	began := f.begin()
	p, err := oauth2.ParsePending(began.Stored())
	if err != nil {
		t.Fatal(err)
	}
	if !p.State.Equal(began.State) || p.RedirectURL != flowRedirect || !p.ExpiresAt.Equal(began.ExpiresAt) || !p.URL.IsZero() {
		t.Error("what was read back is not what was stored")
	}
	other := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Scopes, c.Service = []string{"openid"}, f.store })
	if err := other.client.Finish(t.Context(), p, s.agree(began.URL.Reveal())); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.stored(); !ok {
		t.Error("nothing is stored")
	}
}

func TestAPendingConnectionPrintsNothingSecret(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), func(c *oauth2.Config) { c.Settings.Scopes = []string{"openid"} })
	p := f.begin()
	address, err := url.Parse(p.URL.Reveal())
	if err != nil {
		t.Fatal("the address does not parse")
	}
	query := address.Query()
	var stored struct{ State, Verifier, Nonce string }
	if err := json.Unmarshal(p.Stored().RevealBytes(), &stored); err != nil || stored.Verifier == "" || stored.State != query.Get("state") || stored.Nonce != query.Get("nonce") {
		t.Fatal("the stored form has not what is looked for here")
	}
	in := struct {
		Deep   map[string]*oauth2.Pending
		hidden *oauth2.Pending //nolint:unused // fmt sees it
	}{map[string]*oauth2.Pending{"x": p}, p}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		for _, v := range []any{p, in, in.Deep, []*oauth2.Pending{p}, p.Stored(), p.URL, p.State} {
			fmt.Fprintf(&printed, verb, v)
		}
	}
	for _, v := range []any{p, in, p.Stored()} {
		if text, err := json.Marshal(v); err == nil {
			printed.Write(text)
		}
		_ = gob.NewEncoder(&printed).Encode(v)
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("m", "p", v)
		slog.New(slog.NewTextHandler(&printed, nil)).Info("m", "p", v)
	}
	text := printed.String()
	for name, secret := range map[string]string{"state": stored.State, "verifier": stored.Verifier, "nonce": stored.Nonce, "challenge": query.Get("code_challenge")} {
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("the %s is printed", name)
		}
	}
}

func TestAPendingConnectionDoesNotDecodeByAccident(t *testing.T) {
	t.Parallel()
	p := newFlow(t, newFlowProvider(t), nil).begin()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, new(oauth2.Pending)); err == nil {
		t.Error("what prints was taken for what is stored")
	}
}

func TestAStoredPendingConnectionIsReadStrictly(t *testing.T) {
	t.Parallel()
	p := newFlow(t, newFlowProvider(t), func(c *oauth2.Config) { c.Settings.Scopes = []string{"openid"} }).begin()
	whole := p.Stored().Reveal()
	if len(whole) > 600 {
		t.Errorf("it has %d bytes, much for a cookie", len(whole))
	}
	longest, err := newFlow(t, newFlowProvider(t), nil).client.Begin(t.Context(), oauth2.BeginOptions{
		RedirectURL: "https://app.example/?" + strings.Repeat("&", 512-len("https://app.example/?")),
	})
	if err != nil || longest.Stored().Len() >= 4<<10 {
		t.Errorf("the longest has 4 KiB or more: %v", err)
	}
	change := func(old, new string) string {
		t.Helper()
		if !strings.Contains(whole, old) {
			t.Fatalf("the stored form has no %s", old)
		}
		return strings.Replace(whole, old, new, 1)
	}
	state := p.State.Reveal()
	versions := []string{"another version", "no version", "null", "an object of nothing"}
	for name, text := range map[string]string{
		"empty":                "",
		"null":                 "null",
		"a list":               "[]",
		"an object of nothing": "{}",
		"a rest":               whole + " ",
		"two":                  whole + whole,
		"a space":              change(`,`, `, `),
		"another version":      change(`"v":1`, `"v":2`),
		"no version":           change(`"v":1,`, ``),
		"an unknown name":      change(`"v":1`, `"v":1,"canary":1`),
		"a name in capitals":   change(`"state"`, `"State"`),
		"a name twice":         change(`"v":1`, `"v":1,"v":1`),
		"a short state":        change(state, state[:42]),
		"no state":             change(state, ""),
		"a state with a line":  change(state, state+`\n`),
		"another alphabet":     change(state, "+"+state[1:]),
		"another address":      change("https://app", "http://app"),
		"no address":           change(flowRedirect, ""),
		"an account of nobody": change(`"account":"`, `"account":"x`),
		"no provider":          change(`"provider":"`, `"provider":"","x":"`),
		"a null":               change(`"verifier":`, `"verifier":null,"x":`),
		"a broken character":   change(state, "\xff"+state[1:]),
		"long":                 change(`"v":1`, `"v":1`+strings.Repeat(" ", 4<<10)),
	} {
		_, err := oauth2.ParsePending(core.String(text))
		if !errors.Is(err, core.ErrInvalidValue) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantSafe(t, err, p.State)
		if of := strings.Contains(err.Error(), "of another version"); of != slices.Contains(versions, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParsePending(f *testing.F) {
	const state = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	f.Add([]byte(`{"v":1,"state":"` + state + `","verifier":"` + state + `","nonce":"` + state + `","redirectURL":"https://app.example/a?b=c\u0026d=e","expiresAt":1800000000,"account":"` + state + `","provider":"` + state + `"}`))
	f.Add([]byte(`{"v":1,"state":"` + state + `","redirectURL":"http://[::1]:1/","expiresAt":-1,"account":"` + state + `","provider":"` + state + `"}`))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := oauth2.ParsePending(core.Bytes(text))
		if err != nil {
			if p != nil || !errors.Is(err, core.ErrInvalidValue) {
				t.Fatal("an error of another kind, or something beside it")
			}
			return
		}
		if !bytes.Equal(p.Stored().RevealBytes(), text) {
			t.Fatal("two texts are the same pending connection")
		}
		if p.State.Len() != 43 || p.RedirectURL == "" {
			t.Fatal("not what Begin makes")
		}
	})
}

func TestAPastedAnswerConnects(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), nil)
	p := f.begin()
	answer, err := oauth2.ParseAnswer(flowRedirect + "&" + f.provider.agree(p.URL.Reveal()).Encode() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.client.Finish(t.Context(), p, answer); err != nil {
		t.Fatal(err)
	}
}
