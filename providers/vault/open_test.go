package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// wayside is a proxy that writes down what it is asked for, in place of
// asking anybody: so a test sees where a request would go.
type wayside struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newWayside(t testing.TB) *wayside {
	t.Helper()
	p := &wayside{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := r.Method + " " + r.URL.String()
		if r.Method == http.MethodConnect {
			line = "CONNECT " + r.Host
		}
		if namespace := r.Header.Get("X-Vault-Namespace"); namespace != "" {
			line += " in " + namespace
		}
		if strings.HasSuffix(r.URL.Path, "/login") {
			body, _ := io.ReadAll(r.Body)
			line += " " + string(body)
		}
		p.mu.Lock()
		p.seen = append(p.seen, line)
		p.mu.Unlock()
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *wayside) first() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		return "nothing"
	}
	return p.seen[0]
}

func openURL(t testing.TB, url string, cfg vault.Config) (*core.Store, error) {
	t.Helper()
	schemes := core.Schemes{"vault": vault.Opener(cfg)}
	return schemes.Open(t.Context(), url)
}

func TestURLSaysWhere(t *testing.T) {
	t.Parallel()
	const ask = "/v1/sys/internal/ui/mounts/"
	file := fileOf(t, "token-of-a-pod")
	for _, c := range []struct {
		url  string
		cfg  vault.Config
		env  map[string]string
		want string
	}{
		{url: "vault:", want: "CONNECT 127.0.0.1:8200"},
		{url: "vault:", env: map[string]string{"VAULT_ADDR": "http://h:1"}, want: "GET http://h:1" + ask + "secret"},
		{url: "vault://", env: map[string]string{"VAULT_ADDR": "http://h:1/"}, want: "GET http://h:1" + ask + "secret"},
		{url: "vault:///team", env: map[string]string{"VAULT_ADDR": "http://h:1"}, want: "GET http://h:1" + ask + "team"},
		{url: "vault:///team/kv/", env: map[string]string{"VAULT_ADDR": "http://h:1"}, want: "GET http://h:1" + ask + "team/kv"},
		{url: "vault:///secret", env: map[string]string{"BAO_AGENT_ADDR": "http://h:2", "VAULT_ADDR": "http://h:1"}, want: "GET http://h:2" + ask + "secret"},
		{url: "vault:///secret", cfg: vault.Config{Address: "http://h:3"}, env: map[string]string{"VAULT_ADDR": "http://h:1"}, want: "GET http://h:3" + ask + "secret"},
		{url: "vault:", cfg: vault.Config{Address: "http://h:3", Mount: "team"}, want: "GET http://h:3" + ask + "team"},

		{url: "vault://h/secret", want: "CONNECT h:8200"},
		{url: "vault://h:8300/secret", want: "CONNECT h:8300"},
		{url: "vault://[::1]/secret", want: "CONNECT [::1]:8200"},
		{url: "vault://[::1]:8300/secret", want: "CONNECT [::1]:8300"},
		{url: "vault://h/secret?tls=on", want: "CONNECT h:8200"},
		{url: "vault://h/secret?tls=off", want: "GET http://h:8200" + ask + "secret"},
		{url: "vault://h:8300?tls=off", want: "GET http://h:8300" + ask + "secret"},
		{url: "vault://[::1]/secret?tls=off", want: "GET http://[::1]:8200" + ask + "secret"},

		// The environment says http of just that server.
		{url: "vault://h/secret", env: map[string]string{"VAULT_ADDR": "http://h:8200"}, want: "GET http://h:8200" + ask + "secret"},
		{url: "vault://h:1/secret", env: map[string]string{"BAO_ADDR": "http://h:1/"}, want: "GET http://h:1" + ask + "secret"},
		{url: "vault://h:1/secret", env: map[string]string{"VAULT_AGENT_ADDR": "http://h:1"}, want: "GET http://h:1" + ask + "secret"},
		{url: "vault://h:1/secret?tls=on", env: map[string]string{"VAULT_ADDR": "http://h:1"}, want: "CONNECT h:1"},
		{url: "vault://h:1/secret", env: map[string]string{"VAULT_ADDR": "http://h:2"}, want: "CONNECT h:1"},
		{url: "vault://g:1/secret", env: map[string]string{"VAULT_ADDR": "http://h:1"}, want: "CONNECT g:1"},
		{url: "vault://h:1/secret", env: map[string]string{"VAULT_ADDR": "https://h:1"}, want: "CONNECT h:1"},

		{url: "vault://h/kv?tls=off&namespace=a/b", want: "GET http://h:8200" + ask + "kv in a/b"},
		{url: "vault://h/kv?tls=off&namespace=a", env: map[string]string{"BAO_NAMESPACE": "b"}, want: "GET http://h:8200" + ask + "kv in a"},
		{url: "vault://h/kv?tls=off&kv=1", want: "GET http://h:8200/v1/kv/app/a"},
		{url: "vault://h/kv?tls=off&kv=2", want: "GET http://h:8200/v1/kv/data/app/a"},
		{url: "vault://h/kv?tls=off&kv=2&prefix=shop/", want: "GET http://h:8200/v1/kv/data/shop/app/a"},
		{url: "vault://h/kv?tls=off&kv=2", cfg: vault.Config{KV: 1}, want: "GET http://h:8200/v1/kv/data/app/a"},
		{url: "vault://h/kv?tls=off&concurrency=1024", want: "GET http://h:8200" + ask + "kv"},

		{
			url: "vault://h/kv?tls=off&auth=approle", env: map[string]string{"VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s"},
			want: `PUT http://h:8200/v1/auth/approle/login {"role_id":"r","secret_id":"s"}`,
		},
		{
			url: "vault://h:8300/team/kv?kv=2&tls=off&namespace=x&auth=approle&auth_mount=y", env: map[string]string{"VAULT_ROLE_ID": "r"},
			want: `PUT http://h:8300/v1/auth/y/login in x {"role_id":"r"}`,
		},
		{
			url:  "vault://h/kv?tls=off&auth=kubernetes&auth_mount=team/pods&role=app&jwt_file=" + file,
			want: `PUT http://h:8200/v1/auth/team/pods/login {"jwt":"token-of-a-pod","role":"app"}`,
		},
		{
			url: "vault://h/kv?tls=off&auth=jwt", env: map[string]string{"BAO_JWT": "j"},
			want: `PUT http://h:8200/v1/auth/jwt/login {"jwt":"j"}`,
		},
		{url: "vault://h/kv?tls=off&auth=userpass&username=me", env: map[string]string{"VAULT_PASSWORD": "p"}, want: "PUT http://h:8200/v1/auth/userpass/login/me"},
		{
			url: "vault://h/kv?tls=off&auth=approle", cfg: vault.Config{Login: vault.Login{Method: "jwt", Mount: "other"}},
			env:  map[string]string{"VAULT_ROLE_ID": "r"},
			want: `PUT http://h:8200/v1/auth/other/login {"role_id":"r"}`,
		},
	} {
		t.Run(fmt.Sprint(c.url, " ", c.env), func(t *testing.T) {
			t.Parallel()
			p := newWayside(t)
			env := map[string]string{"VAULT_PROXY_ADDR": p.URL, "VAULT_MAX_RETRIES": "0"}
			if !strings.Contains(c.url, "auth=") {
				env["VAULT_TOKEN"] = "t"
			}
			maps.Copy(env, c.env)
			c.cfg.Lookup = environ(env).lookup
			store, err := openURL(t, c.url, c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if got := p.first(); got != "nothing" {
				t.Error("opening asks for ", got)
			}
			if err := read(t, store, allowed); !errors.Is(err, core.ErrUnavailable) {
				t.Error(err)
			}
			if got := p.first(); got != c.want {
				t.Errorf("the first request is %s, want %s", got, c.want)
			}
		})
	}
}

func TestURLThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	secret := providertest.Canary()
	for _, c := range []struct{ url, hint string }{
		{"vault:secret", "vault:///secret"},
		{"vault:" + secret + "/kv", "vault:///secret"},
		{"vault://u:" + secret + "@h/kv", ""},
		{"vault://" + secret + "@h/kv", ""},
		{"vault://h/kv#" + secret, ""},
		{"vault://h:" + secret + "/kv", ""},
		{"vault://h/kv?" + secret + "=x", "it knows auth, "},
		{"vault://h/kv?address=" + secret, "it knows auth, "},
		{"vault://h/kv?kv=1&kv=" + secret, "repeats"},
		{"vault://h/kv?kv=" + secret, "the key kv is 1 or 2"},
		{"vault://h/kv?kv=3", "the key kv is 1 or 2"},
		{"vault://h/kv?kv=", "the key kv is 1 or 2"},
		{"vault://h/kv?concurrency=0", "1 to 1024"},
		{"vault://h/kv?concurrency=1025", "1 to 1024"},
		{"vault://h/kv?concurrency=" + secret, "1 to 1024"},
		{"vault://h/kv?concurrency=", "1 to 1024"},
		{"vault://h/kv?tls=" + secret, "the key tls is on or off"},
		{"vault://h/kv?tls=", "the key tls is on or off"},
		{"vault:///kv?tls=off", "the key tls goes with a host"},
		{"vault://h/kv?namespace=", "the key namespace is empty"},
		{"vault://h/kv?auth=", "the key auth is empty"},
		{"vault://h/kv?auth=jwt&auth_mount=", "the key auth_mount is empty"},
		{"vault://h/kv?auth=jwt&role=", "the key role is empty"},
		{"vault://h/kv?auth=userpass&username=", "the key username is empty"},
		{"vault://h/kv?auth=jwt&jwt_file=", "the key jwt_file is empty"},
		{"vault://h/kv?auth=" + secret, "no such login method"},
		{"vault://h/kv?role=" + secret, "no method"},
		{"vault://h/kv?auth=kubernetes", "needs a role"},
		{"vault://h/a//" + secret, "the mount is no path"},
		{"vault://h/a/../" + secret, "the mount is no path"},
		{"vault://h/..", "the mount is no path"},
		{"vault://h/a%3F" + secret, "the mount is no path"},
		{"vault://h/a%0A" + secret, "the mount is no path"},
		{"vault://h/kv?token=" + secret, "VAULT_TOKEN"},
		{"vault://h/kv?role_id=" + secret, "VAULT_ROLE_ID"},
		{"vault://h/kv?secret_id=" + secret, "VAULT_SECRET_ID_FILE"},
		{"vault://h/kv?jwt=" + secret, "VAULT_JWT"},
		{"vault://h/kv?auth=userpass&username=me&password=" + secret, "VAULT_PASSWORD"},
	} {
		t.Run(strings.ReplaceAll(c.url, secret, "X"), func(t *testing.T) {
			t.Parallel()
			store, err := openURL(t, c.url, vault.Config{Lookup: environ(nil).lookup})
			if err == nil {
				t.Fatal("it is taken: ", store.Close())
			}
			if !errors.Is(err, core.ErrInvalidOption) || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("want ErrInvalidOption and %q: %v", c.hint, err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error shows a part of the URL")
			}
		})
	}
}

func TestVaultIsASchemeOfTheDefaultOnes(t *testing.T) {
	t.Parallel()
	if _, err := core.Open(context.Background(), "vault://h/kv?kv=7"); !errors.Is(err, core.ErrInvalidOption) {
		t.Error(err)
	}
}

func TestURLOfAStoreOverAClientSaysNoMoreThanTheMount(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	cfg := vault.Config{Client: clientOf(t, p.Address, p.Token(t, p.role)), Lookup: environ(nil).lookup}
	store, err := openURL(t, "vault:///"+p.kv.Mount, cfg)
	if err != nil {
		t.Fatal(err)
	}
	providertest.Closed(t, store)
	if err := read(t, store, allowed); err != nil {
		t.Error(err)
	}
	for _, url := range []string{"vault://h/kv", "vault:///kv?namespace=x", "vault:///kv?auth=token"} {
		if _, err := openURL(t, url, cfg); !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
