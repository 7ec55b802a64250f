package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// printed is what printers of the standard library make of a value.
func printed(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	text, err := json.Marshal(v)
	fmt.Fprintln(&b, string(text), err)
	log.New(&b, "", 0).Println(v)
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("a store", "store", v, "group", slog.GroupValue(slog.Any("store", v)))
	}
	return b.String()
}

// reach returns the way to a string or to bytes with the text in all that a
// printer gets at by reflection, as github.com/davecgh/go-spew does: through
// pointers, interfaces and unexported fields, but into no func and no channel. What
// the standard library keeps of a request in its buffers is not counted.
func reach(v reflect.Value, text, path string, seen map[unsafe.Pointer]bool) string {
	switch v.Kind() {
	case reflect.String:
		if strings.Contains(v.String(), text) {
			return path
		}
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() || v.Kind() != reflect.Slice && seen[v.UnsafePointer()] {
			return ""
		}
		if v.Kind() != reflect.Slice {
			seen[v.UnsafePointer()] = true
		}
		fallthrough
	case reflect.Interface, reflect.Struct, reflect.Array:
		switch v.Type().PkgPath() {
		case "net/http", "net", "context", "sync", "crypto/tls", "crypto/x509", "net/http/internal/http2", "golang.org/x/net/http2":
			return ""
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return reach(v.Elem(), text, path, seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if found := reach(v.Field(i), text, path+"."+v.Type().Field(i).Name, seen); found != "" {
				return found
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if found := reach(key, text, path+"[]", seen) + reach(v.MapIndex(key), text, path+"[]", seen); found != "" {
				return found
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			if bytes.Contains(v.Bytes(), []byte(text)) {
				return path
			}
			return ""
		}
		for i := range v.Len() {
			if found := reach(v.Index(i), text, path+"[]", seen); found != "" {
				return found
			}
		}
	}
	return ""
}

func TestReachFindsATokenInAClient(t *testing.T) {
	t.Parallel()
	token := providertest.Canary()
	if reach(reflect.ValueOf(clientOf(t, "http://127.0.0.1:1", token)), token, "client", map[unsafe.Pointer]bool{}) == "" {
		t.Error("the API client's own token is not found, so that this finds nothing")
	}
}

func TestNoCredentialIsInWhatAStorePrints(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	a := p.AppRole(t, p.role)
	user, password := p.Userpass(t, p.role)
	j, k := p.JWT(t, p.role), p.Kubernetes(t, p.role)
	jwt, pod, given := j.Token(t, time.Minute), k.Token(t), p.Token(t, p.role)
	for name, c := range map[string]struct {
		cfg vault.Config
		env map[string]string
	}{
		"token":      {vault.Config{}, map[string]string{"VAULT_TOKEN": given}},
		"approle":    {vault.Config{}, map[string]string{"VAULT_ROLE_ID": a.RoleID, "VAULT_SECRET_ID": a.SecretID}},
		"jwt":        {vault.Config{Login: vault.Login{Method: "jwt", Mount: j.Mount, Role: j.Role}}, map[string]string{"VAULT_JWT": jwt}},
		"kubernetes": {vault.Config{Login: vault.Login{Method: "kubernetes", Mount: k.Mount, Role: k.Role, JWTFile: fileOf(t, pod)}}, nil},
		"userpass":   {vault.Config{Login: vault.Login{Method: "userpass", Username: user}}, map[string]string{"VAULT_PASSWORD": password}},
		"a client":   {vault.Config{Client: clientOf(t, p.Address, given)}, nil},
		"one's own":  {vault.Config{Login: vault.Login{With: &byPassword{user, password}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTap(t, p.Address, nil)
			cfg := c.cfg
			cfg.Mount, cfg.Lookup = p.kv.Mount, environ(c.env).lookup
			if cfg.Client == nil {
				cfg.Address = x.URL
			}
			secrets := []string{given, a.RoleID, a.SecretID, jwt, pod, password}
			mine := providertest.NewGoroutines()
			var store *core.Store
			mine.Do(func() {
				store = open(t, cfg)
				if err := read(t, store, allowed); err != nil {
					t.Fatal(err)
				}
				denied := read(t, store, forbidden)
				var text strings.Builder
				for _, v := range []any{store, &store, cfg, &cfg, cfg.Login, &cfg.Login, denied} {
					text.WriteString(printed(v))
				}
				if token := x.token(); token != "" {
					secrets = append(secrets, token)
				}
				for _, secret := range secrets {
					if strings.Contains(text.String(), secret) {
						t.Error("a printer shows a credential")
					}
				}
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			// A store that is closed holds what it held, and nobody changes it
			// while it is walked through.
			if cfg.Client == nil {
				mine.WantNone(t)
			}
			for _, secret := range secrets {
				if path := reach(reflect.ValueOf(store), secret, "store", map[unsafe.Pointer]bool{}); path != "" {
					t.Error("a printer that follows pointers finds a credential at ", path)
				}
			}
		})
	}
}

// echo answers with all that it was sent, as Vault's own error: the worst that
// what stands in between may do.
func echo(t testing.TB, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := httputil.DumpRequest(r, true)
		text, _ := json.Marshal(map[string]any{"errors": []string{string(sent)}, "data": string(sent), "auth": string(sent)})
		w.Header().Set("X-Echo", r.Header.Get("X-Vault-Token"))
		w.WriteHeader(status)
		_, _ = w.Write(text)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestNoCredentialIsInAnErrorOrItsChain(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	secret := providertest.Canary()
	user, _ := p.Userpass(t, p.role)
	j := p.JWT(t, p.role)
	for name, c := range map[string]struct {
		login vault.Login
		env   map[string]string
	}{
		"token":     {vault.Login{}, map[string]string{"VAULT_TOKEN": secret}},
		"approle":   {vault.Login{}, map[string]string{"VAULT_ROLE_ID": secret, "VAULT_SECRET_ID": secret}},
		"jwt":       {vault.Login{Method: "jwt", Mount: j.Mount, Role: j.Role}, map[string]string{"VAULT_JWT": secret}},
		"userpass":  {vault.Login{Method: "userpass", Username: user}, map[string]string{"VAULT_PASSWORD": secret}},
		"one's own": {vault.Login{With: &byPassword{user, secret}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for where, address := range map[string]string{
				"that refuses":   p.Address,
				"that is down":   "http://127.0.0.1:1",
				"that echoes":    echo(t, http.StatusInternalServerError),
				"that is a page": echo(t, http.StatusOK),
			} {
				store := open(t, vault.Config{Address: address, Mount: p.kv.Mount, Login: c.login, Lookup: environ(c.env).lookup})
				err := read(t, store, allowed)
				if err == nil {
					t.Errorf("a server %s: no error", where)
				}
				for ; err != nil; err = errors.Unwrap(err) {
					e := (*core.Error)(nil)
					errors.As(err, &e)
					if strings.Contains(printed(err)+printed(e), secret) {
						t.Errorf("a server %s: the error shows a credential", where)
					}
					if path := reach(reflect.ValueOf(err), secret, "error", map[unsafe.Pointer]bool{}); path != "" {
						t.Errorf("a server %s: the error holds a credential at %s", where, path)
					}
				}
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
