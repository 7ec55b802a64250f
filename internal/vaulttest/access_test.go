package vaulttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// reader is a role that reads one place of a fresh mount, and what it is to find.
func reader(t *testing.T, srv *vaulttest.Server) (vaulttest.Role, vaulttest.KV) {
	t.Helper()
	kv := srv.MountKV(t, 2)
	kv.Put(t, "app/a", map[string]any{"k": "v"})
	kv.Put(t, "other/b", map[string]any{"k": "v"})
	policy := srv.Policy(t, `path "`+kv.Mount+`/data/app/*" { capabilities = ["read"] }`)
	return vaulttest.Role{Policies: []string{policy}, TTL: time.Minute}, kv
}

func TestEachLoginGivesATokenThatReadsWhatItsPolicyAllows(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	login := func(t *testing.T, mount string, body map[string]any) string {
		t.Helper()
		return srv.DoAs(t, "", "POST", "auth/"+mount, body).Text("auth", "client_token")
	}
	for name, token := range map[string]func(t *testing.T, r vaulttest.Role) string{
		"token": func(t *testing.T, r vaulttest.Role) string { return srv.Token(t, r) },
		"batch token": func(t *testing.T, r vaulttest.Role) string {
			r.Batch = true
			return srv.Token(t, r)
		},
		"approle": func(t *testing.T, r vaulttest.Role) string {
			a := srv.AppRole(t, r)
			return login(t, a.Mount+"/login", map[string]any{"role_id": a.RoleID, "secret_id": a.SecretID})
		},
		"approle at a mount of its own": func(t *testing.T, r vaulttest.Role) string {
			r.Mount = "team/approle"
			a := srv.AppRole(t, r)
			return login(t, "team/approle/login", map[string]any{"role_id": a.RoleID, "secret_id": a.SecretID})
		},
		"userpass": func(t *testing.T, r vaulttest.Role) string {
			user, password := srv.Userpass(t, r)
			return login(t, "userpass/login/"+user, map[string]any{"password": password})
		},
		"jwt": func(t *testing.T, r vaulttest.Role) string {
			j := srv.JWT(t, r)
			if login(t, j.Mount+"/login", map[string]any{"role": j.Role, "jwt": j.Token(t, -time.Hour)}) != "" {
				t.Error("an expired JWT logs in")
			}
			return login(t, j.Mount+"/login", map[string]any{"role": j.Role, "jwt": j.Token(t, time.Minute)})
		},
		"kubernetes": func(t *testing.T, r vaulttest.Role) string {
			k := srv.Kubernetes(t, r)
			gone := k.Token(t)
			k.Forget(gone)
			if login(t, k.Mount+"/login", map[string]any{"role": k.Role, "jwt": gone}) != "" {
				t.Error("a token that the cluster does not know logs in")
			}
			return login(t, k.Mount+"/login", map[string]any{"role": k.Role, "jwt": k.Token(t)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role, kv := reader(t, srv)
			token := token(t, role)
			if token == "" {
				t.Fatal("the login gives no token")
			}
			if got := srv.DoAs(t, token, "GET", kv.Mount+"/data/app/a", nil); got.Text("data", "data", "k") != "v" {
				t.Errorf("what is allowed: %d", got.Status)
			}
			if got := srv.DoAs(t, token, "GET", kv.Mount+"/data/other/b", nil).Status; got != http.StatusForbidden {
				t.Errorf("what is not allowed: %d", got)
			}
			self := srv.DoAs(t, token, "GET", "auth/token/lookup-self", nil)
			if ttl := self.Int("data", "ttl"); ttl < 1 || ttl > 60 {
				t.Errorf("its time to live is %d s, want a minute", ttl)
			}
		})
	}
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	role, kv := reader(t, srv)
	role.TTL = 2 * time.Second
	token := srv.Token(t, role)
	read := func() int { return srv.DoAs(t, token, "GET", kv.Mount+"/data/app/a", nil).Status }
	if got := read(); got != http.StatusOK {
		t.Fatalf("a new token reads with status %d", got)
	}
	providertest.Until(t, "the token has expired", func() bool { return read() == http.StatusForbidden })
	providertest.Until(t, "the token is unknown", func() bool { return !srv.TokenIsKnown(t, token) })
}

func TestRevokedTokenIsUnknown(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	token := srv.Token(t, vaulttest.Role{})
	if !srv.TokenIsKnown(t, token) {
		t.Error("a new token is unknown")
	}
	srv.RevokeToken(t, token)
	if srv.TokenIsKnown(t, token) {
		t.Error("a revoked token is known")
	}
}

func TestTokenWithoutTheDefaultPolicyCannotLookItselfUp(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for without, want := range map[bool]int{false: http.StatusOK, true: http.StatusForbidden} {
		role, _ := reader(t, srv)
		role.NoDefaultPolicy = without
		if got := srv.DoAs(t, srv.Token(t, role), "GET", "auth/token/lookup-self", nil).Status; got != want {
			t.Errorf("NoDefaultPolicy %v: %d", without, got)
		}
	}
}
