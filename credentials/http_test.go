package credentials_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

func TestAKeyIsSentToItsHostsAloneAndFollowsWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("STRIPE", `{"apiKey":"sk_application"}`)
	w.bobs()
	for name, test := range map[string]struct {
		client func() (*http.Client, error)
		id     string
		want   string
		next   string
		then   string
	}{
		"the application's": {func() (*http.Client, error) { return w.stripe.HTTP(w.store) }, "STRIPE", "sk_application", `{"apiKey":"sk_rotated"}`, "sk_rotated"},
		"a user's":          {func() (*http.Client, error) { return w.notion.HTTP(w.store, "bob") }, "NOTION__bob", "bobs", "rotated", "rotated"},
		"a user's document": {func() (*http.Client, error) { return w.shop.HTTP(w.store, "bob") }, "SHOP__bob", "sk_bobs", `{"apiKey":"sk_rotated"}`, "sk_rotated"},
	} {
		client, err := test.client()
		if err != nil {
			t.Fatal(err)
		}
		get := func(url string) {
			t.Helper()
			resp, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		get("https://api.example.com/x")
		get("https://api.example.com.evil.test/x")
		get("http://api.example.com/x")
		w.put(test.id, test.next)
		get("https://API.example.com/x")
		want := []string{"api.example.com: Bearer " + test.want, "api.example.com.evil.test: ", "api.example.com: ", "API.example.com: Bearer " + test.then}
		if got := w.api.take(); !slices.Equal(got, want) {
			t.Errorf("%s: sent is %q, want %q", name, got, want)
		}
		if err := w.mem.Delete(t.Context(), test.id); err != nil {
			t.Fatal(err)
		}
		err = request(t.Context())(client, nil)
		var missing *credentials.MissingError
		if !errors.As(err, &missing) || missing.ID != test.id || len(w.api.take()) > 0 {
			t.Errorf("%s: after it is deleted: %v", name, err)
		}
		w.put(test.id, "\x00"+canary)
		if err = request(t.Context())(client, nil); !errors.Is(err, core.ErrInvalidValue) || strings.Contains(err.Error(), canary) || len(w.api.take()) > 0 {
			t.Errorf("%s: what can't be sent: %v", name, err)
		}
	}
}

func TestStrictRefusesOtherHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *credentials.Config) { c.Strict = true })
	w.bobs()
	client, err := w.notion.HTTP(w.store, "bob")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get("https://evil.test/")
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, core.ErrPermissionDenied) || len(w.api.take()) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestAKeyWithoutHostsIsNotSent(t *testing.T) {
	t.Parallel()
	set := newSet()
	c := credentials.DeclarePerUserIn[string](set, credentials.Spec{Name: "a", SecretID: "A"})
	store, err := credentials.New(credentials.Config{Secrets: memory.With(map[string]string{"A__bob": "x"}), Set: set})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.HTTP(store, "bob"); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("got %v", err)
	}
}

func TestTheKeyIsFoundInTheDocument(t *testing.T) {
	t.Parallel()
	const document = `{"key":"plain","a/b":{"m~n":"escaped"},"":"empty name","list":["first",["nested"]],"n":1,"null":null,"object":{},"0":"zero"}`
	for pointer, want := range map[string]string{
		"/key": "plain", "/a~1b/m~0n": "escaped", "/": "empty name", "/list/0": "first", "/list/1/0": "nested", "/0": "zero",
		"/n": "", "/null": "", "/object": "", "/list": "", "/list/2": "", "/list/-": "", "/list/00": "", "/list/-1": "", "/absent": "", "/key/x": "", "/n/x": "", "/KEY": "",
	} {
		t.Run(pointer, func(t *testing.T) {
			t.Parallel()
			set, net := newSet(), new(api)
			c := credentials.DeclarePerUserIn[map[string]any](set, credentials.Spec{
				Name: "a", SecretID: "A", KeyAt: pointer, Hosts: []string{"api.example.com"}, Auth: httpauth.Authorization("Key"),
			})
			store, err := credentials.New(credentials.Config{Secrets: memory.With(map[string]string{"A__bob": document}), Set: set, Transport: net})
			if err != nil {
				t.Fatal(err)
			}
			err = request(t.Context())(c.HTTP(store, "bob"))
			got := net.take()
			switch {
			case want == "" && (!errors.Is(err, core.ErrInvalidValue) || len(got) > 0):
				t.Errorf("got %q, %v", got, err)
			case want == "empty name": // a key with a space in it
				if !errors.Is(err, core.ErrInvalidValue) {
					t.Errorf("got %v", err)
				}
			case want != "" && (err != nil || !slices.Equal(got, []string{"api.example.com: Key " + want})):
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
