package vaulttest

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A Role is what a token may do and how long it lives. Zero is Vault's default
// in each field.
type Role struct {
	Policies        []string
	TTL             time.Duration // whole seconds
	MaxTTL          time.Duration // renewal ends here
	Period          time.Duration // renewable for ever, by so much each time
	NumUses         int
	NoDefaultPolicy bool // then a token may not even look itself up or renew itself
	Batch           bool // not renewable, not revocable by itself
	NotRenewable    bool // tokens of Token only

	// Mount is the auth method's, without slashes around it. Empty is the usual
	// one of AppRole and Userpass, and for JWT and Kubernetes, which have one
	// configuration for a mount, a mount of this role's own.
	Mount string
}

// settings are those of auth methods whose fields begin with token_.
func (r Role) settings() map[string]any {
	m := map[string]any{
		"token_policies":          r.Policies,
		"token_ttl":               seconds(r.TTL),
		"token_max_ttl":           seconds(r.MaxTTL),
		"token_period":            seconds(r.Period),
		"token_num_uses":          r.NumUses,
		"token_no_default_policy": r.NoDefaultPolicy,
	}
	if r.Batch {
		m["token_type"] = "batch"
	}
	return m
}

// Policy makes a policy of the rules until t ends, and gives its name.
func (s *Server) Policy(t testing.TB, rules string) string {
	t.Helper()
	name := unique("policy")
	s.must(t, "PUT", "sys/policies/acl/"+name, map[string]any{"policy": rules}, http.StatusNoContent)
	s.atEnd(t, "sys/policies/acl/"+name)
	return name
}

// Token makes a token.
func (s *Server) Token(t testing.TB, r Role) string {
	t.Helper()
	body := map[string]any{
		"policies":          r.Policies,
		"ttl":               seconds(r.TTL),
		"explicit_max_ttl":  seconds(r.MaxTTL),
		"num_uses":          r.NumUses,
		"no_default_policy": r.NoDefaultPolicy,
		"renewable":         !r.NotRenewable,
	}
	if r.Period != 0 {
		body["period"] = seconds(r.Period)
	}
	if r.Batch {
		body["type"] = "batch"
		body["renewable"] = false
	}
	return s.must(t, "POST", "auth/token/create", body, http.StatusOK).Text("auth", "client_token")
}

// RevokeToken revokes a token at once.
func (s *Server) RevokeToken(t testing.TB, token string) {
	t.Helper()
	s.must(t, "POST", "auth/token/revoke", map[string]any{"token": token}, http.StatusNoContent)
}

// TokenIsKnown says whether the server knows the token. One that has expired is
// refused at once, and known for a moment still.
func (s *Server) TokenIsKnown(t testing.TB, token string) bool {
	t.Helper()
	r := s.must(t, "POST", "auth/token/lookup", map[string]any{"token": token}, http.StatusOK, http.StatusForbidden)
	return r.Status == http.StatusOK
}

// An AppRole is a role with its two credentials.
type AppRole struct{ Mount, Name, RoleID, SecretID string }

// AppRole makes a role whose logins get tokens as r says.
func (s *Server) AppRole(t testing.TB, r Role) AppRole {
	t.Helper()
	a := AppRole{Mount: s.method(t, "approle", r.Mount), Name: unique("role")}
	path := "auth/" + a.Mount + "/role/" + a.Name
	s.must(t, "POST", path, r.settings(), http.StatusNoContent)
	s.atEnd(t, path)
	a.RoleID = s.must(t, "GET", path+"/role-id", nil, http.StatusOK).Text("data", "role_id")
	a.SecretID = s.must(t, "POST", path+"/secret-id", nil, http.StatusOK).Text("data", "secret_id")
	return a
}

// Userpass makes a user whose logins get tokens as r says.
func (s *Server) Userpass(t testing.TB, r Role) (user, password string) {
	t.Helper()
	user, password = unique("user"), rand.Text()
	path := "auth/" + s.method(t, "userpass", r.Mount) + "/users/" + user
	body := r.settings()
	body["password"] = password
	s.must(t, "POST", path, body, http.StatusNoContent)
	s.atEnd(t, path)
	return user, password
}

// method enables an auth method at mount, where it is not there yet, and gives
// the mount. Empty is the usual one.
func (s *Server) method(t testing.TB, name, mount string) string {
	t.Helper()
	if mount == "" || mount == name { // the server starts with it
		return name
	}
	s.must(t, "POST", "sys/auth/"+mount, map[string]any{"type": name}, http.StatusNoContent)
	s.atEnd(t, "sys/auth/"+mount)
	return mount
}

// atEnd deletes what a test made on a server that outlives the test.
func (s *Server) atEnd(t testing.TB, path string) {
	t.Cleanup(func() {
		if s.shared {
			s.must(t, "DELETE", path, nil, http.StatusNoContent)
		}
	})
}

func unique(kind string) string { return kind + "-" + strings.ToLower(rand.Text()[:12]) }

func seconds(d time.Duration) int { return int(d / time.Second) }
