package vault_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// double answers as the API's documentation says, with one secret that
// everybody may read who meets its condition.
type double struct {
	meets func(*http.Request) bool
	token string         // the one that is good; empty: any
	login map[string]any // the credentials that get it
	path  string         // where they do
	lease int            // of that, in seconds; 0: it does not end
}

func (d double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	answer := func(status int, text string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
	if d.meets != nil && !d.meets(r) {
		answer(http.StatusServiceUnavailable, `{"errors":["Vault is sealed"]}`)
		return
	}
	switch {
	case strings.Contains(path, "/login"):
		var sent map[string]any
		_ = json.NewDecoder(r.Body).Decode(&sent)
		if path == d.path && maps.Equal(sent, d.login) {
			answer(http.StatusOK, fmt.Sprintf(`{"auth":{"client_token":%q,"lease_duration":%d}}`, d.token, d.lease))
			return
		}
		answer(http.StatusBadRequest, `{"errors":["invalid credentials"]}`)
	case d.token != "" && r.Header.Get("X-Vault-Token") != d.token:
		answer(http.StatusForbidden, `{"errors":["permission denied"]}`)
	case path == "secret/app/a":
		answer(http.StatusOK, `{"data":{"k":"v"}}`)
	default:
		answer(http.StatusNotFound, `{"errors":[]}`)
	}
}

func (d double) serve(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	return s.URL
}

// keyPair writes a certificate of its own authority and its key, for clients.
func keyPair(t testing.TB) (cert, key string, parsed *x509.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = fileOf(t, encodePEM("CERTIFICATE", der))
	key = fileOf(t, encodePEM("PRIVATE KEY", keyDER))
	return cert, key, parsed
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// secured serves TLS with httptest's certificate, for 127.0.0.1 and
// example.com, and returns that too.
func secured(t testing.TB, clients *x509.Certificate) (address, certificate string) {
	t.Helper()
	s := httptest.NewUnstartedServer(double{})
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	if clients != nil {
		s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		s.TLS.ClientCAs.AddCert(clients)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, encodePEM("CERTIFICATE", s.Certificate().Raw)
}

// A knob is a variable with a value that works, and one that doesn't.
type knob struct {
	good, bad string
	with      map[string]string // the rest of the environment
	login     vault.Login
}

func header(name, value string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get(name) == value }
}

// knobs are all variables. None needs another than the ones beside it.
var knobs = map[string]func(t *testing.T) knob{
	"ADDR": func(t *testing.T) knob { return knob{good: double{}.serve(t), bad: "http://127.0.0.1:1"} },
	"AGENT_ADDR": func(t *testing.T) knob {
		return knob{good: double{}.serve(t), bad: "http://127.0.0.1:1", with: map[string]string{"BAO_TOKEN": "t", "VAULT_ADDR": "http://127.0.0.1:2"}}
	},
	"NAMESPACE": func(t *testing.T) knob {
		return knob{good: "team", bad: "other", with: map[string]string{"VAULT_ADDR": double{meets: header("X-Vault-Namespace", "team")}.serve(t)}}
	},
	"HEADERS": func(t *testing.T) knob {
		return knob{good: `{"X-Team":"us"}`, bad: `{"X-Team":"them"}`, with: map[string]string{"VAULT_ADDR": double{meets: header("X-Team", "us")}.serve(t)}}
	},
	"CACERT": func(t *testing.T) knob {
		address, ca := secured(t, nil)
		other, _, _ := keyPair(t)
		return knob{good: fileOf(t, ca), bad: other, with: map[string]string{"VAULT_ADDR": address}}
	},
	"CACERT_BYTES": func(t *testing.T) knob {
		address, ca := secured(t, nil)
		return knob{good: ca, bad: "no certificate", with: map[string]string{"VAULT_ADDR": address}}
	},
	"CAPATH": func(t *testing.T) knob {
		address, ca := secured(t, nil)
		other, _, _ := keyPair(t)
		return knob{good: filepath.Dir(fileOf(t, ca)), bad: filepath.Dir(other), with: map[string]string{"VAULT_ADDR": address}}
	},
	"CLIENT_CERT": func(t *testing.T) knob {
		cert, key, parsed := keyPair(t)
		other, _, _ := keyPair(t)
		address, ca := secured(t, parsed)
		return knob{good: cert, bad: other, with: map[string]string{"VAULT_ADDR": address, "VAULT_CACERT_BYTES": ca, "VAULT_CLIENT_KEY": key}}
	},
	"CLIENT_KEY": func(t *testing.T) knob {
		cert, key, parsed := keyPair(t)
		_, other, _ := keyPair(t)
		address, ca := secured(t, parsed)
		return knob{good: key, bad: other, with: map[string]string{"VAULT_ADDR": address, "VAULT_CACERT_BYTES": ca, "VAULT_CLIENT_CERT": cert}}
	},
	"TLS_SERVER_NAME": func(t *testing.T) knob {
		address, ca := secured(t, nil)
		return knob{good: "example.com", bad: "example.org", with: map[string]string{"VAULT_ADDR": address, "VAULT_CACERT_BYTES": ca}}
	},
	"SKIP_VERIFY": func(t *testing.T) knob {
		address, _ := secured(t, nil)
		return knob{good: "true", bad: "false", with: map[string]string{"VAULT_ADDR": address}}
	},
	"PROXY_ADDR": func(t *testing.T) knob {
		return knob{good: double{meets: named("vault.invalid:8200")}.serve(t), bad: "http://127.0.0.1:1", with: map[string]string{
			"VAULT_ADDR": "http://vault.invalid:8200", "VAULT_HTTP_PROXY": "http://127.0.0.1:2",
		}}
	},
	"HTTP_PROXY": func(t *testing.T) knob {
		return knob{good: double{meets: named("vault.invalid:8200")}.serve(t), bad: "http://127.0.0.1:1", with: map[string]string{"VAULT_ADDR": "http://vault.invalid:8200"}}
	},
	"CLIENT_TIMEOUT": func(t *testing.T) knob {
		slow := func(r *http.Request) bool {
			select {
			case <-r.Context().Done():
			case <-time.After(500 * time.Millisecond):
			}
			return true
		}
		return knob{good: "60", bad: "100ms", with: map[string]string{"VAULT_ADDR": double{meets: slow}.serve(t)}}
	},
	"MAX_RETRIES": func(t *testing.T) knob {
		var n atomic.Int64
		third := func(*http.Request) bool { return n.Add(1)%3 == 0 }
		return knob{good: "2", bad: "0", with: map[string]string{"VAULT_ADDR": double{meets: third}.serve(t)}}
	},
	"RATE_LIMIT": func(t *testing.T) knob {
		return knob{good: "1000:10", bad: "fast", with: map[string]string{"VAULT_ADDR": double{}.serve(t)}}
	},
	"SRV_LOOKUP": func(t *testing.T) knob {
		return knob{good: "false", bad: "perhaps", with: map[string]string{"VAULT_ADDR": double{}.serve(t)}}
	},
	"TOKEN": func(t *testing.T) knob {
		token := providertest.Canary()
		return knob{good: token, bad: providertest.Canary(), with: map[string]string{"VAULT_ADDR": double{token: token}.serve(t)}}
	},
	"TOKEN_FILE": func(t *testing.T) knob {
		token := providertest.Canary()
		return knob{good: fileOf(t, token), bad: fileOf(t, providertest.Canary()), with: map[string]string{"VAULT_ADDR": double{token: token}.serve(t)}}
	},
	"ROLE_ID": func(t *testing.T) knob {
		role := providertest.Canary()
		d := double{token: providertest.Canary(), path: "auth/approle/login", login: map[string]any{"role_id": role}}
		return knob{good: role, bad: providertest.Canary(), with: map[string]string{"VAULT_ADDR": d.serve(t)}}
	},
	"SECRET_ID": func(t *testing.T) knob {
		role, secret := providertest.Canary(), providertest.Canary()
		d := double{token: providertest.Canary(), path: "auth/approle/login", login: map[string]any{"role_id": role, "secret_id": secret}}
		return knob{good: secret, bad: providertest.Canary(), with: map[string]string{"VAULT_ADDR": d.serve(t), "VAULT_ROLE_ID": role}}
	},
	"USERNAME": func(t *testing.T) knob {
		password := providertest.Canary()
		d := double{token: providertest.Canary(), path: "auth/userpass/login/me", login: map[string]any{"password": password}}
		return knob{good: "me", bad: "you", login: vault.Login{Method: "userpass"}, with: map[string]string{"VAULT_ADDR": d.serve(t), "VAULT_PASSWORD": password}}
	},
	"PASSWORD": func(t *testing.T) knob {
		password := providertest.Canary()
		d := double{token: providertest.Canary(), path: "auth/userpass/login/me", login: map[string]any{"password": password}}
		return knob{good: password, bad: providertest.Canary(), login: vault.Login{Method: "userpass", Username: "me"}, with: map[string]string{"VAULT_ADDR": d.serve(t)}}
	},
	"JWT": func(t *testing.T) knob {
		jwt := providertest.Canary()
		d := double{token: providertest.Canary(), path: "auth/jwt/login", login: map[string]any{"jwt": jwt}}
		return knob{good: jwt, bad: providertest.Canary(), login: vault.Login{Method: "jwt"}, with: map[string]string{"VAULT_ADDR": d.serve(t)}}
	},
}

// named meets requests to a host, as a proxy gets them.
func named(host string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Host == host }
}

// reads returns the error of a store that is opened and read in an environment.
func (k knob) reads(t *testing.T, set map[string]string) error {
	t.Helper()
	env := map[string]string{"VAULT_TOKEN": "t", "VAULT_MAX_RETRIES": "0"}
	for _, given := range []map[string]string{k.with, set} {
		for name := range given {
			if strings.Contains(name, "ROLE_ID") || strings.Contains(name, "TOKEN") {
				delete(env, "VAULT_TOKEN")
			}
		}
	}
	maps.Copy(env, k.with)
	maps.Copy(env, set)
	store, err := vault.New(vault.Config{KV: 1, Login: k.login, Lookup: environ(env).lookup})
	if err != nil {
		return err
	}
	defer store.Close()
	return read(t, store, allowed)
}

func TestEachVariableCountsAndItsTwinOfOpenBaoFirst(t *testing.T) {
	t.Parallel()
	for name, make := range knobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := make(t)
			for _, c := range []struct {
				what string
				set  map[string]string
				good bool
			}{
				{"VAULT_ alone", map[string]string{"VAULT_" + name: k.good}, true},
				{"BAO_ alone", map[string]string{"BAO_" + name: k.good}, true},
				{"VAULT_ with a bad value", map[string]string{"VAULT_" + name: k.bad}, false},
				{"BAO_ before a bad VAULT_", map[string]string{"BAO_" + name: k.good, "VAULT_" + name: k.bad}, true},
				{"a bad BAO_ before VAULT_", map[string]string{"BAO_" + name: k.bad, "VAULT_" + name: k.good}, false},
				{"VAULT_ behind an empty BAO_", map[string]string{"BAO_" + name: "", "VAULT_" + name: k.good}, true},
			} {
				err := k.reads(t, c.set)
				if (err == nil) != c.good {
					t.Errorf("%s: a read ends in %v", c.what, err)
				}
				if err != nil && strings.Contains(err.Error(), "CANARY") {
					t.Errorf("%s: the error shows the variable", c.what)
				}
			}
		})
	}
}

func TestAllOfOpenBaoGoesBeforeAllOfVault(t *testing.T) {
	t.Parallel()
	token := providertest.Canary()
	role := providertest.Canary()
	byToken := double{token: token}.serve(t)
	byRole := double{token: token, path: "auth/approle/login", login: map[string]any{"role_id": role}}.serve(t)
	for name, env := range map[string]map[string]string{
		"BAO_TOKEN_FILE before VAULT_TOKEN": {"BAO_ADDR": byToken, "BAO_TOKEN_FILE": fileOf(t, token), "VAULT_TOKEN": providertest.Canary()},
		"BAO_ROLE_ID before VAULT_TOKEN":    {"BAO_ADDR": byRole, "BAO_ROLE_ID": role, "VAULT_TOKEN": providertest.Canary()},
		"BAO_ROLE_ID_FILE before both":      {"BAO_ADDR": byRole, "BAO_ROLE_ID_FILE": fileOf(t, role), "VAULT_TOKEN": providertest.Canary(), "VAULT_ROLE_ID": providertest.Canary()},
		"BAO_TOKEN before BAO_ROLE_ID":      {"BAO_ADDR": byToken, "BAO_TOKEN": token, "BAO_ROLE_ID": providertest.Canary()},
		"BAO_ADDR before VAULT_AGENT_ADDR":  {"BAO_ADDR": byToken, "BAO_TOKEN": token, "VAULT_AGENT_ADDR": "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := providertest.Closed(t, open(t, vault.Config{KV: 1, Lookup: environ(env).lookup}))
			if err := read(t, store, allowed); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVariablesThatMakeNoSenseAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	secret := providertest.Canary()
	for name, value := range map[string]string{
		"VAULT_ADDR":           "ftp://" + secret,
		"BAO_AGENT_ADDR":       "http://u:" + secret + "@h:1",
		"VAULT_CACERT":         filepath.Join(t.TempDir(), secret),
		"VAULT_CACERT_BYTES":   secret,
		"VAULT_CAPATH":         filepath.Join(t.TempDir(), secret),
		"VAULT_CLIENT_CERT":    secret,
		"VAULT_CLIENT_KEY":     secret,
		"VAULT_SKIP_VERIFY":    secret,
		"VAULT_SRV_LOOKUP":     secret,
		"VAULT_PROXY_ADDR":     secret,
		"BAO_HTTP_PROXY":       "http://[" + secret,
		"VAULT_HEADERS":        `{"X-A":` + secret,
		"BAO_HEADERS":          `{"x-vault-token":"` + secret + `"}`,
		"VAULT_CLIENT_TIMEOUT": secret,
		"BAO_CLIENT_TIMEOUT":   "-1",
		"VAULT_MAX_RETRIES":    secret,
		"BAO_MAX_RETRIES":      "-1",
		"VAULT_RATE_LIMIT":     secret,
		"BAO_RATE_LIMIT":       "1:" + secret,
		"BAO_RATE_LIMIT ":      "0.5",
	} {
		name = strings.TrimSpace(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := vault.New(vault.Config{Lookup: environ(map[string]string{name: value}).lookup})
			if err == nil {
				t.Fatal("it is taken: ", store.Close())
			}
			if !errors.Is(err, core.ErrInvalidOption) {
				t.Error(err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error shows it")
			}
			_, short, _ := strings.Cut(name, "_")
			if !strings.Contains(err.Error(), short) && !strings.HasSuffix(name, "ADDR") {
				t.Error("the error does not name it: ", err)
			}
		})
	}
}

func TestRateIsKept(t *testing.T) {
	t.Parallel()
	store := providertest.Closed(t, open(t, vault.Config{KV: 1, Lookup: environ(map[string]string{
		"VAULT_ADDR": double{}.serve(t), "VAULT_TOKEN": "t", "VAULT_RATE_LIMIT": "50:1",
	}).lookup}))
	begun := time.Now()
	for range 11 {
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took < 190*time.Millisecond {
		t.Errorf("11 reads at 50 a second took %v", took)
	}
}

// Not parallel: they change the process.

// process sets each variable that the API client reads in the process's own
// environment to something that breaks it.
func process(t *testing.T) {
	for name, value := range map[string]string{
		"ADDR": "http://127.0.0.1:1", "AGENT_ADDR": "http://127.0.0.1:1", "TOKEN": "CANARY-process", "NAMESPACE": "CANARY-process",
		"HEADERS": `{"X-Canary":"CANARY-process"}`, "SKIP_VERIFY": "true", "PROXY_ADDR": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1",
		"TLS_SERVER_NAME": "example.org", "CLIENT_TIMEOUT": "1ns", "MAX_RETRIES": "9", "RATE_LIMIT": "0.001:1", "SRV_LOOKUP": "true",
		"ROLE_ID": "CANARY-process", "USERNAME": "CANARY-process",
	} {
		t.Setenv("VAULT_"+name, value)
		t.Setenv("BAO_"+name, value)
	}
	t.Setenv("HOME", home(t, "CANARY-process"))
}

// wantNoToken is a login that fails the test if the client has a token.
type wantNoToken struct{ t *testing.T }

func (w wantNoToken) Login(_ context.Context, c *api.Client) (*api.Secret, error) {
	if c.Token() != "" || c.Namespace() != "" {
		w.t.Error("the client of a login has a token or a namespace of the process's environment")
	}
	return &api.Secret{Auth: &api.SecretAuth{ClientToken: "good"}}, nil
}

func TestEnvironmentOfTheProcessIsNotReadBesideAnother(t *testing.T) {
	process(t)
	var seen atomic.Pointer[http.Header]
	address := double{token: "good", meets: func(r *http.Request) bool {
		seen.Store(&r.Header)
		return true
	}}.serve(t)
	for name, env := range map[string]map[string]string{
		"with a token": {"VAULT_ADDR": address, "VAULT_TOKEN": "good"},
		"without":      {"VAULT_ADDR": address},
	} {
		store := open(t, vault.Config{KV: 1, Lookup: environ(env).lookup})
		err := read(t, store, allowed)
		if (name == "with a token") != (err == nil) || err != nil && !errors.Is(err, core.ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		_ = store.Close()
	}
	for field, values := range *seen.Load() {
		if strings.Contains(strings.Join(values, " "), "CANARY") {
			t.Errorf("the header %s comes from the process's environment", field)
		}
	}
	store := open(t, vault.Config{KV: 1, Login: vault.Login{With: wantNoToken{t}}, Lookup: environ(map[string]string{"VAULT_ADDR": address}).lookup})
	if err := read(t, store, allowed); err != nil {
		t.Error("a login of the caller's own: ", err)
	}
	_ = store.Close()
	untrusted, _ := secured(t, nil)
	store = open(t, vault.Config{KV: 1, Lookup: environ(map[string]string{"VAULT_ADDR": untrusted, "VAULT_TOKEN": "t"}).lookup})
	defer store.Close()
	if err := read(t, store, allowed); !errors.Is(err, core.ErrUnavailable) {
		t.Error("SKIP_VERIFY of the process's environment counts: ", err)
	}
}

func TestEnvironmentOfTheProcessIsTheDefault(t *testing.T) {
	t.Setenv("VAULT_ADDR", double{token: "good", meets: header("X-Vault-Namespace", "team")}.serve(t))
	t.Setenv("VAULT_NAMESPACE", "team")
	t.Setenv("HOME", home(t, "good"))
	store := providertest.Closed(t, open(t, vault.Config{KV: 1}))
	if err := read(t, store, allowed); err != nil {
		t.Error(err)
	}
}

type replaced struct{ http.RoundTripper }

func TestProgramMayReplaceTheDefaultTransport(t *testing.T) {
	before := http.DefaultTransport
	http.DefaultTransport = replaced{before}
	defer func() { http.DefaultTransport = before }()
	store := providertest.Closed(t, open(t, vault.Config{KV: 1, Lookup: environ(map[string]string{"VAULT_ADDR": double{}.serve(t), "VAULT_TOKEN": "t"}).lookup}))
	if err := read(t, store, allowed); err != nil {
		t.Error(err)
	}
}

func TestTLSOfTheRealServer(t *testing.T) {
	t.Parallel()
	srv := vaulttest.StartTLS(t)
	plain := vaulttest.Shared(t)
	srv.KV(vaulttest.MountV2, 2).Put(t, allowed, map[string]any{"k": "v"})
	plain.KV(vaulttest.MountV2, 2).Put(t, allowed, map[string]any{"k": "v"})
	host := strings.TrimPrefix(srv.Address, "https://")
	other, _, _ := keyPair(t)
	for name, c := range map[string]struct {
		address string
		env     map[string]string
		hint    string // empty: it works
	}{
		"the right authority":      {srv.Address, map[string]string{"VAULT_CACERT": srv.CAFile}, ""},
		"the right one's bytes":    {srv.Address, map[string]string{"BAO_CACERT_BYTES": srv.CA}, ""},
		"no authority":             {srv.Address, nil, "VAULT_CACERT"},
		"another authority":        {srv.Address, map[string]string{"VAULT_CACERT": other}, "VAULT_CACERT"},
		"another name":             {srv.Address, map[string]string{"VAULT_CACERT": srv.CAFile, "VAULT_TLS_SERVER_NAME": "example.org"}, "VAULT_TLS_SERVER_NAME"},
		"another name, not looked": {srv.Address, map[string]string{"VAULT_SKIP_VERIFY": "1", "VAULT_TLS_SERVER_NAME": "example.org"}, ""},
		"clear text to TLS":        {"http://" + host, nil, "https://"},
		"TLS to clear text":        {strings.Replace(plain.Address, "http://", "https://", 1), nil, "http://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := srv.RootToken
			if strings.Contains(c.address, strings.TrimPrefix(plain.Address, "http://")) {
				token = plain.RootToken
			}
			env := map[string]string{"VAULT_ADDR": c.address, "VAULT_TOKEN": token}
			maps.Copy(env, c.env)
			store := providertest.Closed(t, open(t, vault.Config{Lookup: environ(env).lookup}))
			err := read(t, store, allowed)
			if c.hint == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e := (*core.Error)(nil)
			if !errors.Is(err, core.ErrUnavailable) || !errors.As(err, &e) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("want ErrUnavailable and a hint of %s: %v", c.hint, err)
			}
			_, err = store.Set(t.Context(), allowed, core.String("x"))
			if !errors.Is(err, core.ErrUnavailable) || errors.Is(err, core.ErrIndeterminate) {
				t.Error("a write that never began: ", err)
			}
		})
	}
}

func TestFilesOfCredentialsMayHaveTheLineEndOfAnySystem(t *testing.T) {
	t.Parallel()
	address := double{token: "good"}.serve(t)
	for name, content := range map[string]string{"none": "good", "Unix": "good\n", "Windows": "good\r\n"} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		store := providertest.Closed(t, open(t, vault.Config{KV: 1, Lookup: environ(map[string]string{"VAULT_ADDR": address, "VAULT_TOKEN_FILE": file}).lookup}))
		if err := read(t, store, allowed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
