package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// A cell is one way to use the provider that the whole suite runs in.
type cell struct {
	version int
	root    bool
	prefix  string // empty: directly
	byHand  bool   // the prefix by core.Prefix, in place of the URL
	bao     bool   // an environment of OpenBao
}

func (c cell) String() string {
	name := fmt.Sprintf("KV version %d", c.version)
	if c.root {
		name += " as root"
	} else {
		name += " as the writer of the README"
	}
	if c.prefix != "" {
		name += " under a prefix"
	}
	if c.bao {
		name += " in an environment of OpenBao"
	}
	return name
}

// cells are such that each two of engine, token and place meet in one of them.
// A trial runs all.
func cells() []cell {
	if os.Getenv("LUKKO_TRIAL") != "1" {
		return []cell{
			{version: 2},
			{version: 1, prefix: "shop/", byHand: true},
			{version: 1, root: true},
			{version: 2, root: true, prefix: "shop_", bao: true},
		}
	}
	var all []cell
	for _, version := range []int{2, 1} {
		for _, root := range []bool{false, true} {
			for _, prefix := range []string{"", "shop/"} {
				for _, bao := range []bool{false, true} {
					all = append(all, cell{version: version, root: root, prefix: prefix, byHand: version == 1, bao: bao})
				}
			}
		}
	}
	return all
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, c := range cells() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, conformance.Harness{
				Open: func(t testing.TB) conformance.Subject { return c.subject(t, vaulttest.Shared(t)) },
				Refuses: func(id string) bool {
					return c.version == 1 && strings.Contains(id, "..") || len(c.prefix+id) > core.MaxIDLen
				},
			})
		})
	}
}

// subject is a store over a mount of its own. Under a prefix the mount has a slash
// in it.
func (c cell) subject(t testing.TB, srv *vaulttest.Server) conformance.Subject {
	t.Helper()
	var kv vaulttest.KV
	if c.prefix == "" {
		kv = srv.MountKV(t, c.version)
	} else {
		kv = srv.MountKVAt(t, "team/"+strings.ToLower(providertest.Canary()), c.version)
	}
	h := &hooks{t: t, cell: c, kv: kv, proxy: faultproxy.NewHTTP(t, srv.Address)}
	h.login()
	h.cfg = vault.Config{Mount: kv.Mount, Lookup: h.env.lookup}
	s := conformance.Subject{
		Second:  h.open,
		Reopen:  h.open,
		Seed:    h.seed,
		Corrupt: h.corrupt,
		Fail:    h.fail,
		Hold:    h.hold,
	}
	if !c.root { // whom nothing is denied
		s.Deny = h.deny
	}
	var err error
	if s.Service, err = h.open(); err != nil {
		t.Fatal(err)
	}
	return s
}

// hooks are what the suite may do behind the back of a store.
type hooks struct {
	t     testing.TB
	cell  cell
	kv    vaulttest.KV
	proxy *faultproxy.HTTP
	env   *vars
	cfg   vault.Config

	policy string // the name of the writer's; a root has none
}

func (h *hooks) open() (core.SecretService, error) {
	if h.cell.prefix != "" && !h.cell.byHand {
		schemes := core.Schemes{"vault": vault.Opener(vault.Config{Lookup: h.env.lookup})}
		return schemes.Open(h.t.Context(), "vault:///"+h.kv.Mount+"?prefix="+h.cell.prefix)
	}
	store, err := vault.New(h.cfg)
	if err != nil {
		return nil, err
	}
	if h.cell.prefix != "" {
		providertest.Closed(h.t, store)
		return core.Prefix(store, h.cell.prefix), nil
	}
	return store, nil
}

// login makes a token, and the environment that it is found in.
func (h *hooks) login() {
	role := vaulttest.Role{Policies: []string{"root"}}
	srv := h.kv.Server()
	if !h.cell.root {
		h.policy = srv.Policy(h.t, h.rules())
		role.Policies = []string{h.policy}
	}
	set := map[string]string{"VAULT_ADDR": h.proxy.URL(), "VAULT_TOKEN": srv.Token(h.t, role), "VAULT_MAX_RETRIES": "1"}
	if h.cell.bao {
		set = map[string]string{
			"BAO_ADDR": set["VAULT_ADDR"], "BAO_TOKEN": set["VAULT_TOKEN"],
			"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": providertest.Canary(), "VAULT_ROLE_ID": providertest.Canary(), "VAULT_SECRET_ID": providertest.Canary(), "VAULT_MAX_RETRIES": "1",
		}
	}
	if h.env == nil {
		h.env = environ(set)
		return
	}
	for name, value := range set {
		h.env.put(name, value)
	}
}

func (h *hooks) rules() string { return readmePolicy("writer", h.kv, h.cell.prefix) }

// seed stores what somebody would by hand, as docs/vault-stored-form.md has it.
func (h *hooks) seed(id string, value core.Value) error {
	var data map[string]any
	dec := json.NewDecoder(bytes.NewReader(value.RevealBytes()))
	dec.UseNumber()
	switch {
	case dec.Decode(&data) == nil && len(data) > 0 && !dec.More():
	case utf8.ValidString(value.Reveal()):
		data = map[string]any{"lukko_text": value.Reveal()}
	default:
		data = map[string]any{"lukko_base64": value.RevealBytes()}
	}
	h.kv.Put(h.t, h.cell.prefix+id, data)
	return nil
}

func (h *hooks) corrupt(id string) error {
	h.kv.Put(h.t, h.cell.prefix+id, map[string]any{"lukko_base64": "no base64"})
	return nil
}

// deny takes away every right to a secret.
func (h *hooks) deny(id string) error {
	rules := h.rules()
	for _, path := range h.paths(id) {
		rules += fmt.Sprintf("\npath %q { capabilities = [\"deny\"] }", path)
	}
	r := h.kv.Server().Do(h.t, http.MethodPut, "sys/policies/acl/"+h.policy, map[string]any{"policy": rules})
	if r.Status != http.StatusNoContent {
		return fmt.Errorf("the policy is refused with %d", r.Status)
	}
	return nil
}

func (h *hooks) paths(id string) []string {
	id = h.cell.prefix + id
	if h.cell.version == 1 {
		return []string{h.kv.Mount + "/" + id}
	}
	return []string{h.kv.Mount + "/data/" + id, h.kv.Mount + "/metadata/" + id}
}

func (h *hooks) fail(kind error) (restore func()) {
	switch {
	case errors.Is(kind, core.ErrUnavailable):
		return h.proxy.Do(faultproxy.Rule{Fault: faultproxy.LoseRequest})
	case errors.Is(kind, core.ErrUnauthenticated):
		name := "VAULT_TOKEN"
		if h.cell.bao {
			name = "BAO_TOKEN"
		}
		token, _ := h.env.lookup(name)
		h.kv.Server().RevokeToken(h.t, token)
		return h.login
	case errors.Is(kind, core.ErrExhausted):
		// What Vault answers where the quota of leases is used up, which is a quota
		// of the Enterprise edition.
		return h.proxy.Do(faultproxy.Rule{
			Match: func(r *http.Request) bool { return r.Method == http.MethodPut },
			Fault: faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = w.Write([]byte(`{"errors":["request path: lease count quota exceeded"]}`))
			})),
		})
	}
	return nil
}

// hold keeps the next request that has to do with a secret at the server's door.
func (h *hooks) hold(id string) (reached <-chan struct{}, release func()) {
	there, until := make(chan struct{}), make(chan struct{})
	var once, free sync.Once
	stop := h.proxy.Do(faultproxy.Rule{
		Times: 1,
		Fault: faultproxy.Hold(until),
		Match: func(r *http.Request) bool {
			for _, path := range h.paths(id) {
				if r.URL.Path == "/v1/"+path {
					once.Do(func() { close(there) })
					return true
				}
			}
			return false
		},
	})
	return there, func() { free.Do(func() { stop(); close(until) }) }
}
