package vault_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// agent is what a Vault agent with auto-auth is to a client: it adds its token
// where there is none.
func agent(t testing.TB, address, token string) *tap {
	t.Helper()
	return newTap(t, address, func(r *http.Request) {
		if r.Header.Get("X-Vault-Token") == "" {
			r.Header.Set("X-Vault-Token", token)
		}
	})
}

// byPassword is a login of a caller's own.
type byPassword struct{ user, password string }

func (m byPassword) Login(ctx context.Context, c *api.Client) (*api.Secret, error) {
	return c.Logical().WriteWithContext(ctx, "auth/userpass/login/"+m.user, map[string]any{"password": m.password})
}

func clientOf(t testing.TB, address, token string) *api.Client {
	t.Helper()
	settings := api.DefaultConfig()
	settings.Address = address
	client, err := api.NewClient(settings)
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken(token)
	return client
}

// home is a folder with a token as "vault login" leaves it.
func home(t testing.TB, token string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".vault-token"), token)
	return dir
}

func TestEachLoginReadsWhatItsPolicyAllowsAndNoMore(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	for name, login := range map[string]func(t *testing.T, p place) (vault.Config, env){
		"VAULT_TOKEN": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{}, env{"VAULT_TOKEN": p.Token(t, p.role)}
		},
		"VAULT_TOKEN, by name": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{Login: vault.Login{Method: "token"}}, env{"VAULT_TOKEN": p.Token(t, p.role)}
		},
		"VAULT_TOKEN_FILE": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{}, env{"VAULT_TOKEN_FILE": fileOf(t, p.Token(t, p.role))}
		},
		"the last login's file": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{}, env{"HOME": home(t, p.Token(t, p.role))}
		},
		"the last login's file, by name": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{Login: vault.Login{Method: "token"}}, env{"USERPROFILE": home(t, p.Token(t, p.role)), "VAULT_ROLE_ID": providertest.Canary()}
		},
		"a batch token": func(t *testing.T, p place) (vault.Config, env) {
			p.role.Batch = true
			return vault.Config{}, env{"VAULT_TOKEN": p.Token(t, p.role)}
		},
		"approle, found in the environment": func(t *testing.T, p place) (vault.Config, env) {
			a := p.AppRole(t, p.role)
			return vault.Config{}, env{"VAULT_ROLE_ID": a.RoleID, "VAULT_SECRET_ID": a.SecretID, "HOME": home(t, providertest.Canary())}
		},
		"approle at a mount with slashes, from files": func(t *testing.T, p place) (vault.Config, env) {
			p.role.Mount = "team/" + strings.ToLower(p.kv.Mount)
			a := p.AppRole(t, p.role)
			return vault.Config{Login: vault.Login{Method: "approle", Mount: a.Mount}},
				env{"VAULT_ROLE_ID_FILE": fileOf(t, a.RoleID), "VAULT_SECRET_ID_FILE": fileOf(t, a.SecretID), "VAULT_TOKEN": providertest.Canary()}
		},
		"approle without a secret id": func(t *testing.T, p place) (vault.Config, env) {
			a := p.AppRole(t, p.role)
			path := "auth/" + a.Mount + "/role/" + a.Name
			p.Do(t, "POST", path, map[string]any{"secret_id_bound_cidrs": "", "token_bound_cidrs": "127.0.0.0/8", "bind_secret_id": false})
			return vault.Config{}, env{"VAULT_ROLE_ID": a.RoleID}
		},
		"approle with batch tokens": func(t *testing.T, p place) (vault.Config, env) {
			p.role.Batch = true
			a := p.AppRole(t, p.role)
			return vault.Config{}, env{"VAULT_ROLE_ID": a.RoleID, "VAULT_SECRET_ID": a.SecretID}
		},
		"kubernetes": func(t *testing.T, p place) (vault.Config, env) {
			k := p.Kubernetes(t, p.role)
			return vault.Config{Login: vault.Login{Method: "kubernetes", Mount: k.Mount, Role: k.Role, JWTFile: fileOf(t, k.Token(t))}},
				env{"VAULT_JWT": providertest.Canary()}
		},
		"kubernetes by VAULT_JWT_FILE": func(t *testing.T, p place) (vault.Config, env) {
			k := p.Kubernetes(t, p.role)
			return vault.Config{Login: vault.Login{Method: "kubernetes", Mount: k.Mount, Role: k.Role}},
				env{"VAULT_JWT_FILE": fileOf(t, k.Token(t))}
		},
		"jwt": func(t *testing.T, p place) (vault.Config, env) {
			j := p.JWT(t, p.role)
			return vault.Config{Login: vault.Login{Method: "jwt", Mount: j.Mount, Role: j.Role}},
				env{"VAULT_JWT": j.Token(t, time.Minute), "VAULT_TOKEN": providertest.Canary()}
		},
		"jwt from a file, by the default role": func(t *testing.T, p place) (vault.Config, env) {
			j := p.JWT(t, p.role)
			settings := p.Do(t, "GET", "auth/"+j.Mount+"/config", nil)
			keys := settings.Field("data", "jwt_validation_pubkeys")
			p.Do(t, "POST", "auth/"+j.Mount+"/config", map[string]any{"jwt_validation_pubkeys": keys, "default_role": j.Role})
			return vault.Config{Login: vault.Login{Method: "jwt", Mount: j.Mount, JWTFile: fileOf(t, j.Token(t, time.Minute))}}, nil
		},
		"userpass": func(t *testing.T, p place) (vault.Config, env) {
			user, password := p.Userpass(t, p.role)
			return vault.Config{Login: vault.Login{Method: "userpass", Username: user}}, env{"VAULT_PASSWORD": password}
		},
		"userpass with all from the environment": func(t *testing.T, p place) (vault.Config, env) {
			user, password := p.Userpass(t, p.role)
			return vault.Config{Login: vault.Login{Method: "userpass"}}, env{"VAULT_USERNAME": user, "VAULT_PASSWORD_FILE": fileOf(t, password)}
		},
		"an agent": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{}, env{"VAULT_AGENT_ADDR": agent(t, p.Address, p.Token(t, p.role)).URL + "/", "HOME": t.TempDir()}
		},
		"an agent that the address names": func(t *testing.T, p place) (vault.Config, env) {
			url := agent(t, p.Address, p.Token(t, p.role)).URL
			return vault.Config{Address: url}, env{"VAULT_AGENT_ADDR": url + "/"}
		},
		"an agent at a unix socket": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{}, env{"VAULT_AGENT_ADDR": "unix://" + socket(t, agent(t, p.Address, p.Token(t, p.role)).Config.Handler)}
		},
		"none": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{Address: agent(t, p.Address, p.Token(t, p.role)).URL, Login: vault.Login{Method: "none"}}, env{"VAULT_TOKEN": providertest.Canary()}
		},
		"a login of the caller's own": func(t *testing.T, p place) (vault.Config, env) {
			user, password := p.Userpass(t, p.role)
			return vault.Config{Login: vault.Login{With: byPassword{user, password}}}, env{"VAULT_TOKEN": providertest.Canary()}
		},
		"a client of the caller's own": func(t *testing.T, p place) (vault.Config, env) {
			return vault.Config{Client: clientOf(t, p.Address, p.Token(t, p.role))}, env{"VAULT_TOKEN": providertest.Canary(), "VAULT_ADDR": ""}
		},
		"a client of the caller's own at a unix socket": func(t *testing.T, p place) (vault.Config, env) {
			path := socket(t, newTap(t, p.Address, nil).Config.Handler)
			return vault.Config{Client: clientOf(t, "unix://"+path, p.Token(t, p.role))}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			cfg, set := login(t, p)
			all := env{"VAULT_ADDR": p.Address}
			maps.Copy(all, set)
			cfg.Mount, cfg.Lookup = p.kv.Mount, environ(all).lookup
			store := providertest.Closed(t, open(t, cfg))
			secret, err := store.Get(t.Context(), allowed)
			if err != nil {
				t.Fatal("what the policy allows: ", err)
			}
			if !secret.Value.Equal(core.String(`{"k":"v"}`)) {
				t.Error("what the policy allows reads as something else")
			}
			if err := read(t, store, forbidden); !errors.Is(err, core.ErrPermissionDenied) {
				t.Error("what the policy does not allow: ", err)
			}
		})
	}
}

// socket serves a handler at a unix socket.
func socket(t testing.TB, h http.Handler) string {
	t.Helper()
	// The path of a test's own folder may be longer than a socket's may be.
	dir, err := os.MkdirTemp("", "lukko")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "vault.sock"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return listener.Addr().String()
}

func TestFailedLoginSaysWhy(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	noSuch := filepath.Join(t.TempDir(), "none")
	secrets := []string{providertest.Canary(), providertest.Canary(), providertest.Canary(), noSuch}
	user, _ := p.Userpass(t, p.role)
	a := p.AppRole(t, p.role)
	j, k := p.JWT(t, p.role), p.Kubernetes(t, p.role)
	expired, gone := j.Token(t, -time.Hour), k.Token(t)
	k.Forget(gone)
	secrets = append(secrets, a.RoleID, a.SecretID, expired, gone)
	refused := "the server refuses the login"
	for name, c := range map[string]struct {
		login vault.Login
		env   map[string]string
		hint  string
	}{
		"nothing at all":                {vault.Login{}, nil, "no credential is found"},
		"no token":                      {vault.Login{Method: "token"}, nil, "no token is found"},
		"a home without a token":        {vault.Login{}, map[string]string{"HOME": t.TempDir()}, "log in with vault login"},
		"an empty file of a last login": {vault.Login{}, map[string]string{"HOME": home(t, "")}, "the file of the last login"},
		"a token that is none":          {vault.Login{}, map[string]string{"VAULT_TOKEN": secrets[0]}, "the server does not know the token, which has expired, was revoked, or is not of this server"},
		"a token of two lines":          {vault.Login{}, map[string]string{"VAULT_TOKEN": secrets[0] + "\n" + secrets[1]}, "characters that no token has"},
		"a file that is not there":      {vault.Login{}, map[string]string{"VAULT_TOKEN_FILE": noSuch}, "VAULT_TOKEN_FILE is not there"},
		"a file that is a folder":       {vault.Login{}, map[string]string{"BAO_TOKEN_FILE": t.TempDir()}, "BAO_TOKEN_FILE can't be read"},
		"a file that does not end":      {vault.Login{}, map[string]string{"VAULT_TOKEN_FILE": "/dev/zero"}, "too large"},
		"a wrong password": {
			vault.Login{Method: "userpass", Username: user}, map[string]string{"VAULT_PASSWORD": secrets[1]}, refused,
		},
		"an unknown user": {
			vault.Login{Method: "userpass", Username: "nobody"}, map[string]string{"VAULT_PASSWORD": secrets[1]}, refused,
		},
		"no password":       {vault.Login{Method: "userpass", Username: user}, nil, "no password is set"},
		"no role id":        {vault.Login{Method: "approle"}, nil, "no role id is set"},
		"an unknown role":   {vault.Login{Method: "approle"}, map[string]string{"VAULT_ROLE_ID": secrets[2], "VAULT_SECRET_ID": a.SecretID}, refused},
		"a wrong secret id": {vault.Login{}, map[string]string{"VAULT_ROLE_ID": a.RoleID, "VAULT_SECRET_ID": secrets[0]}, refused},
		"no secret id":      {vault.Login{}, map[string]string{"VAULT_ROLE_ID": a.RoleID}, refused},
		"no jwt":            {vault.Login{Method: "jwt", Mount: j.Mount, Role: j.Role}, nil, "no token to log in with"},
		"an expired jwt":    {vault.Login{Method: "jwt", Mount: j.Mount, Role: j.Role}, map[string]string{"VAULT_JWT": expired}, refused},
		"a role that is not there": {
			vault.Login{Method: "jwt", Mount: j.Mount, Role: "nobody"}, map[string]string{"VAULT_JWT": j.Token(t, time.Minute)}, refused,
		},
		"a pod that is gone": {
			vault.Login{Method: "kubernetes", Mount: k.Mount, Role: k.Role, JWTFile: fileOf(t, gone)}, nil, refused,
		},
		"no file of a pod": {
			vault.Login{Method: "kubernetes", Mount: k.Mount, Role: k.Role, JWTFile: noSuch}, nil, "the token to log in with is not there",
		},
		"a mount that is not there": {
			vault.Login{Method: "approle", Mount: "nowhere"}, map[string]string{"VAULT_ROLE_ID": a.RoleID}, "",
		},
		"no token where the server asks for one": {vault.Login{Method: "none"}, nil, "no token is sent"},
		"a wrong password, of the caller's own":  {vault.Login{With: byPassword{user, secrets[1]}}, nil, refused},
		"a login that gives nothing":             {vault.Login{With: giveNothing{}}, nil, "the login gave no token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := map[string]string{"VAULT_ADDR": p.Address}
			maps.Copy(all, c.env)
			store := providertest.Closed(t, open(t, vault.Config{Mount: p.kv.Mount, Login: c.login, Lookup: environ(all).lookup}))
			err := read(t, store, allowed)
			if !errors.Is(err, core.ErrUnauthenticated) {
				t.Error("a read: ", err)
			}
			e := (*core.Error)(nil)
			if errors.As(err, &e); e == nil || e.Hint == "" || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("the hint does not say %q: %v", c.hint, err)
			}
			_, setErr := store.Set(t.Context(), allowed, core.String("x"))
			if !errors.Is(setErr, core.ErrUnauthenticated) {
				t.Error("a write: ", setErr)
			}
			for _, secret := range secrets {
				if strings.Contains(err.Error()+setErr.Error(), secret) {
					t.Error("an error shows a credential or a path")
				}
			}
		})
	}
}

type giveNothing struct{}

func (giveNothing) Login(context.Context, *api.Client) (*api.Secret, error) { return nil, nil }

func TestKubernetesReadsTheFileOfThePod(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	k := p.Kubernetes(t, p.role)
	store := providertest.Closed(t, open(t, vault.Config{
		Mount: p.kv.Mount, Address: p.Address, Lookup: environ(nil).lookup,
		Login: vault.Login{Method: "kubernetes", Mount: k.Mount, Role: k.Role},
	}))
	// In a pod there is such a file, but this server does not trust it.
	err := read(t, store, allowed)
	e := (*core.Error)(nil)
	if !errors.As(err, &e) || !errors.Is(err, core.ErrUnauthenticated) {
		t.Fatal(err)
	}
	want := "the token to log in with is not there"
	if _, err := os.Stat("/var/run/secrets/kubernetes.io/serviceaccount/token"); err == nil {
		want = "the server refuses the login"
	}
	if !strings.Contains(e.Hint, want) {
		t.Errorf("the hint does not say %q: %v", want, err)
	}
}

func TestLoginSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	secret := providertest.Canary()
	for name, c := range map[string]struct {
		cfg  vault.Config
		hint string
	}{
		"an unknown method":           {vault.Config{Login: vault.Login{Method: secret}}, "no such login method"},
		"a part of a method":          {vault.Config{Login: vault.Login{Method: "role", Mount: "x"}}, "no such login method"},
		"a mount and no method":       {vault.Config{Login: vault.Login{Mount: secret}}, "a mount and no method"},
		"a role and no method":        {vault.Config{Login: vault.Login{Role: secret}}, "a role and no method"},
		"a username and no method":    {vault.Config{Login: vault.Login{Username: secret}}, "a username and no method"},
		"a file and no method":        {vault.Config{Login: vault.Login{JWTFile: secret}}, "a file of a token and no method"},
		"a role of approle":           {vault.Config{Login: vault.Login{Method: "approle", Role: secret}}, "takes no such setting: a role"},
		"a mount of token":            {vault.Config{Login: vault.Login{Method: "token", Mount: secret}}, "takes no such setting: a mount"},
		"a username of jwt":           {vault.Config{Login: vault.Login{Method: "jwt", Username: secret}}, "takes no such setting: a username"},
		"a file of userpass":          {vault.Config{Login: vault.Login{Method: "userpass", Username: "u", JWTFile: secret}}, "takes no such setting: a file"},
		"kubernetes without a role":   {vault.Config{Login: vault.Login{Method: "kubernetes"}}, "needs a role"},
		"userpass without a name":     {vault.Config{Login: vault.Login{Method: "userpass"}}, "needs the name of a user"},
		"a username that is a path":   {vault.Config{Login: vault.Login{Method: "userpass", Username: secret + "/../x"}}, "needs the name of a user"},
		"a username that is dots":     {vault.Config{Login: vault.Login{Method: "userpass", Username: ".."}}, "needs the name of a user"},
		"a mount that leads out":      {vault.Config{Login: vault.Login{Method: "jwt", Mount: "../" + secret}}, "is no path"},
		"the caller's own and a role": {vault.Config{Login: vault.Login{With: giveNothing{}, Role: secret}}, "takes no other setting"},
		"the caller's own and method": {vault.Config{Login: vault.Login{With: giveNothing{}, Method: "token"}}, "takes no other setting"},
		"a client and an address":     {vault.Config{Client: clientOf(t, "http://127.0.0.1:1", secret), Address: "http://" + secret}, "must be empty beside it"},
		"a client and a namespace":    {vault.Config{Client: clientOf(t, "http://127.0.0.1:1", secret), Namespace: secret}, "must be empty beside it"},
		"a client and a login":        {vault.Config{Client: clientOf(t, "http://127.0.0.1:1", secret), Login: vault.Login{With: giveNothing{}}}, "must be empty beside it"},
		"a mount that is none":        {vault.Config{Mount: "a//" + secret}, "the mount is no path"},
		"a version that is none":      {vault.Config{KV: 3}, "1 or 2"},
		"a negative concurrency":      {vault.Config{Concurrency: -1}, "negative"},
		"an address with a password":  {vault.Config{Address: "http://u:" + secret + "@h:1"}, "holds a user or password"},
		"an address that is none":     {vault.Config{Address: "h:1/" + secret}, "does not parse"},
		"an address that breaks":      {vault.Config{Address: "http://h:" + secret}, "does not parse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.cfg.Lookup = environ(nil).lookup
			store, err := vault.New(c.cfg)
			if err == nil {
				t.Fatal("it is taken: ", store.Close())
			}
			if !errors.Is(err, core.ErrInvalidOption) || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("want ErrInvalidOption and %q: %v", c.hint, err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error shows a setting")
			}
		})
	}
}

func TestLoginIsReadFromItsFileAnew(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	k := p.Kubernetes(t, p.role)
	file := filepath.Join(t.TempDir(), "token")
	x := newTap(t, p.Address, nil)
	store := providertest.Closed(t, open(t, vault.Config{
		Address: x.URL, Mount: p.kv.Mount, Lookup: environ(nil).lookup,
		Login: vault.Login{Method: "kubernetes", Mount: k.Mount, Role: k.Role, JWTFile: file},
	}))
	if err := read(t, store, allowed); !errors.Is(err, core.ErrUnauthenticated) {
		t.Fatal("before the file is there: ", err)
	}
	if n := x.logins(); n != 0 {
		t.Errorf("without a credential the server is asked %d times", n)
	}
	write(t, file, k.Token(t))
	if err := read(t, store, allowed); err != nil {
		t.Error("the very next call, with a file: ", err)
	}
}
