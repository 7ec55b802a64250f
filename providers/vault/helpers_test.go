package vault_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// vars is an environment that can change while a store is open.
type vars struct {
	mu  sync.Mutex
	set map[string]string
}

func environ(set map[string]string) *vars { return &vars{set: maps.Clone(set)} }

func (v *vars) lookup(name string) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.set[name]
	return value, ok
}

func (v *vars) put(name, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set[name] = value
}

// fileOf is a file with one line.
func fileOf(t testing.TB, line string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, line)
	return name
}

func write(t testing.TB, name, line string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tap stands before a server, and knows which requests and tokens it has seen.
type tap struct {
	*httptest.Server
	before func(*http.Request) // nil, or called with each request
	after  atomic.Value        // empty, or a func(*http.Response) called with each answer

	mu     sync.Mutex
	seen   []string // methods and paths
	tokens []string
}

func newTap(t testing.TB, address string, before func(*http.Request)) *tap {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	x := &tap{before: before}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if after, ok := x.after.Load().(func(*http.Response)); ok {
				after(r)
			}
			return nil
		},
		Transport:    &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		x.seen = append(x.seen, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/v1/"))
		x.tokens = append(x.tokens, r.Header.Get("X-Vault-Token"))
		x.mu.Unlock()
		if x.before != nil {
			x.before(r)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(x.Close)
	return x
}

// count returns how many requests had a text in their method and path.
func (x *tap) count(text string) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, request := range x.seen {
		if strings.Contains(request, text) {
			n++
		}
	}
	return n
}

func (x *tap) logins() int { return x.count("/login") }

func (x *tap) lookups() int { return x.count("auth/token/lookup-self") }

// token returns the last token that was sent; empty if none ever was.
func (x *tap) token() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := len(x.tokens) - 1; i >= 0; i-- {
		if x.tokens[i] != "" {
			return x.tokens[i]
		}
	}
	return ""
}

// A place has a secret that its role may read, and one that it may not.
type place struct {
	*vaulttest.Server
	kv   vaulttest.KV
	role vaulttest.Role
}

const (
	allowed   = "app/a"
	forbidden = "other/b"
)

func newPlace(t testing.TB) place {
	t.Helper()
	srv := vaulttest.Shared(t)
	kv := srv.MountKV(t, 2)
	kv.Put(t, allowed, map[string]any{"k": "v"})
	kv.Put(t, forbidden, map[string]any{"k": "v"})
	policy := srv.Policy(t, `path "`+kv.Mount+`/data/app/*" { capabilities = ["read", "create", "update"] }`)
	return place{srv, kv, vaulttest.Role{Policies: []string{policy}}}
}

// read returns the error of a read of an id that is there.
func read(t testing.TB, store *core.Store, id string) error {
	t.Helper()
	_, err := store.Get(t.Context(), id)
	return err
}
