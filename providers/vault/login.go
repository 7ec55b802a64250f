package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
)

// Login says how to log in. No field holds a credential: those come from the
// environment or from files, OpenBao's variable (BAO_) before Vault's (VAULT_),
// each also as the name of a file (VAULT_TOKEN_FILE), which is read anew at each
// login.
type Login struct {
	// Method is one of
	//
	//   - "token": VAULT_TOKEN, else ~/.vault-token. It is used as it is, and
	//     who gave it keeps it alive.
	//   - "approle": VAULT_ROLE_ID, and VAULT_SECRET_ID where the role asks for
	//     one.
	//   - "kubernetes": the service account's token, with Role.
	//   - "jwt": VAULT_JWT, with Role where the server has no default one.
	//   - "userpass": Username or VAULT_USERNAME, and VAULT_PASSWORD.
	//   - "none": no token at all, as behind an agent that adds its own.
	//
	// Empty: the first that there is of VAULT_TOKEN, VAULT_ROLE_ID, ~/.vault-token,
	// and none behind an agent.
	Method string

	// Mount is where the method is mounted. Empty: under its own name.
	Mount string

	Role     string // of kubernetes and jwt
	Username string // of userpass

	// JWTFile is the file of the token for kubernetes (empty: VAULT_JWT_FILE,
	// then where Kubernetes puts it) and jwt (empty: VAULT_JWT, VAULT_JWT_FILE).
	JWTFile string

	// With is a login of the caller's, such as those of
	// github.com/hashicorp/vault/api/auth/aws: in place of all the above. It is
	// called with a client of this store's server, once a login.
	With api.AuthMethod
}

// method is a way to get a token.
type method interface {
	logIn(ctx context.Context, c *conn) (*token, error)
	// refusable reports whether the server counts refused attempts.
	refusable() bool
}

const kubernetesToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// takes says which settings each method takes; without a method there are
// none to take.
var takes = map[string][]string{
	"": nil, "token": nil, "none": nil,
	"approle":    {"a mount"},
	"kubernetes": {"a mount", "a role", "a file of a token"},
	"jwt":        {"a mount", "a role", "a file of a token"},
	"userpass":   {"a mount", "a username"},
}

// settings are those that are set, as takes names them.
func (l Login) settings() (set []string) {
	for name, value := range map[string]string{
		"a mount": l.Mount, "a role": l.Role, "a username": l.Username, "a file of a token": l.JWTFile,
	} {
		if value != "" {
			set = append(set, name)
		}
	}
	return set
}

func (l Login) isZero() bool { return l.With == nil && l.Method == "" && len(l.settings()) == 0 }

func (l Login) method(env environment, viaAgent bool) (method, error) {
	taken, known := takes[l.Method]
	switch {
	case l.With != nil && (l.Method != "" || len(l.settings()) > 0):
		return nil, invalid("a login of the caller's own (With) takes no other setting of Login")
	case l.With != nil:
		return foreign{l.With}, nil
	case !known:
		return nil, invalid("there is no such login method; there are token, approle, kubernetes, jwt, userpass and none")
	}
	for _, name := range l.settings() {
		switch {
		case l.Method == "":
			return nil, invalid("the login has " + name + " and no method; name approle, kubernetes, jwt or userpass")
		case !slices.Contains(taken, name):
			return nil, invalid("the login method " + l.Method + " takes no such setting: " + name)
		}
	}
	mount, err := cleanMount(cmp.Or(l.Mount, l.Method, "none"))
	if err != nil {
		return nil, invalid("the mount of the login method is no path")
	}
	at := "auth/" + mount + "/login"
	switch l.Method {
	case "token":
		return static{env: env}, nil
	case "none":
		return anonymous{}, nil
	case "approle":
		return remote{path: at, body: func() (map[string]string, error) { return appRole(env) }}, nil
	case "kubernetes":
		if l.Role == "" {
			return nil, invalid("a login by kubernetes needs a role")
		}
		return remote{path: at, body: func() (map[string]string, error) { return l.byJWT(env, kubernetesToken) }}, nil
	case "jwt":
		return remote{path: at, body: func() (map[string]string, error) { return l.byJWT(env, "") }}, nil
	case "userpass":
		name := cmp.Or(l.Username, env.get("USERNAME"))
		if name == "" || strings.ContainsAny(name, "/?#%") || core.Printable(name) != name {
			return nil, invalid("a login by userpass needs the name of a user, from the setting or from VAULT_USERNAME")
		}
		return remote{path: at + "/" + name, body: func() (map[string]string, error) { return byPassword(env) }}, nil
	}
	return automatic{env: env, viaAgent: viaAgent}, nil
}

func byPassword(env environment) (map[string]string, error) {
	password, err := env.credential("PASSWORD")
	if err == nil && password == "" {
		err = unauthenticated("no password is set; a login by userpass takes it from VAULT_PASSWORD or from the file of VAULT_PASSWORD_FILE")
	}
	return map[string]string{"password": password}, err
}

// byJWT is the login with a token of somebody else's.
func (l Login) byJWT(env environment, usual string) (map[string]string, error) {
	jwt, err := l.jwt(env, usual)
	body := map[string]string{"jwt": jwt}
	if l.Role != "" {
		body["role"] = l.Role
	}
	return body, err
}

func appRole(env environment) (map[string]string, error) {
	role, err := env.credential("ROLE_ID")
	if err != nil {
		return nil, err
	}
	if role == "" {
		return nil, unauthenticated("no role id is set; a login by approle takes it from VAULT_ROLE_ID or from the file of VAULT_ROLE_ID_FILE")
	}
	body := map[string]string{"role_id": role}
	secret, err := env.credential("SECRET_ID")
	if secret != "" {
		body["secret_id"] = secret
	}
	return body, err
}

// jwt returns the token that proves who we are to the login method.
func (l Login) jwt(env environment, usual string) (string, error) {
	if l.JWTFile != "" {
		return readCredential(l.JWTFile, "the login's token")
	}
	jwt, err := env.credential("JWT")
	switch {
	case err != nil || jwt != "":
		return jwt, err
	case usual != "":
		return readCredential(usual, "the service account's token")
	}
	return "", unauthenticated("no token to log in with; a login by jwt takes it from VAULT_JWT or from the file of VAULT_JWT_FILE")
}

// automatic is the first login that the environment has something for.
type automatic struct {
	env      environment
	viaAgent bool
}

func (m automatic) logIn(ctx context.Context, c *conn) (*token, error) {
	t, err := static{env: m.env, onlyVariables: true}.logIn(ctx, c)
	if err == nil || !errors.Is(err, errNoToken) {
		return t, err
	}
	if m.byRole() {
		return remote{path: "auth/approle/login", body: func() (map[string]string, error) { return appRole(m.env) }}.logIn(ctx, c)
	}
	if t, err = (static{env: m.env}).logIn(ctx, c); !errors.Is(err, errNoToken) {
		return t, err
	}
	if m.viaAgent {
		return anonymous{}.logIn(ctx, c)
	}
	return nil, unauthenticated("no credential is found: neither BAO_TOKEN, VAULT_TOKEN, BAO_ROLE_ID, VAULT_ROLE_ID (or a file of one of them), nor ~/.vault-token; log in with vault login, or name another method by auth in the URL")
}

func (m automatic) byRole() bool {
	return m.env.get("ROLE_ID") != "" || m.env.get("ROLE_ID_FILE") != ""
}

func (m automatic) refusable() bool { return m.byRole() }

// errNoToken: there is none where a token is looked for.
var errNoToken = unauthenticated("no token is found: neither BAO_TOKEN nor VAULT_TOKEN (or a file of one of them), nor ~/.vault-token; log in with vault login")

// static is a token that somebody else keeps.
type static struct {
	env           environment
	onlyVariables bool
}

func (m static) logIn(context.Context, *conn) (*token, error) {
	value, err := m.env.credential("TOKEN")
	if err != nil {
		return nil, err
	}
	if file := m.env.tokenFile(); value == "" && file != "" && !m.onlyVariables {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, errNoToken
		}
		if value, err = readCredential(file, "the last login, ~/.vault-token"); err != nil {
			return nil, err
		}
	}
	if value == "" {
		return nil, errNoToken
	}
	if core.Printable(value) != value {
		return nil, unauthenticated("the token has characters that no token has; was a line cut out of something?")
	}
	return &token{value: value}, nil
}

func (static) refusable() bool { return false }

// anonymous sends no token.
type anonymous struct{}

func (anonymous) logIn(context.Context, *conn) (*token, error) { return &token{}, nil }
func (anonymous) refusable() bool                              { return false }

// borrowed is the token that a client of the caller's has at the time.
type borrowed struct{ client *api.Client }

func (b borrowed) logIn(context.Context, *conn) (*token, error) {
	return &token{value: b.client.Token()}, nil
}
func (borrowed) refusable() bool { return false }

// remote is a login that the server answers with a token.
type remote struct {
	path string
	body func() (map[string]string, error)
}

func (remote) refusable() bool { return true }

func (m remote) logIn(ctx context.Context, c *conn) (*token, error) {
	fields, err := m.body()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	a, err := c.attempts(ctx, request{method: http.MethodPut, path: m.path, body: body}, "")
	denial := (*denied)(nil)
	switch {
	case errors.As(err, &denial), errors.Is(err, core.ErrInvalidOption):
		return nil, refusedLogin()
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound:
		return nil, unauthenticated("the login method is not mounted there; look at the mount of the login")
	}
	return a.auth()
}

func refusedLogin() error {
	return unauthenticated("the server refuses the login; look at the credential, the role, and the mount of the login method")
}

// auth returns the token of an answer to a login or a renewal.
func (a answer) auth() (*token, error) {
	var body struct {
		Auth *struct {
			ClientToken   string `json:"client_token"`
			LeaseDuration int64  `json:"lease_duration"`
			Renewable     bool   `json:"renewable"`
			TokenType     string `json:"token_type"`
		} `json:"auth"`
	}
	if err := a.decode(&body); err != nil {
		return nil, err
	}
	if body.Auth == nil || body.Auth.ClientToken == "" {
		return nil, unauthenticated("the server answers the login without a token; does it ask for a second factor?")
	}
	return newToken(body.Auth.ClientToken, body.Auth.LeaseDuration, body.Auth.Renewable, body.Auth.TokenType), nil
}

func newToken(value string, seconds int64, renewable bool, kind string) *token {
	batch := kind == "batch" // which is stored nowhere, so that nothing is left of it
	t := &token{
		value: value, ours: true, renews: renewable && !batch, revokes: !batch,
		ttl: time.Duration(seconds) * time.Second,
	}
	if t.ttl > 0 {
		t.until = time.Now().Add(t.ttl)
	}
	return t
}

// foreign is a login that somebody else wrote.
type foreign struct{ method api.AuthMethod }

func (foreign) refusable() bool { return true }

func (m foreign) logIn(ctx context.Context, c *conn) (*token, error) {
	secret, err := m.method.Login(ctx, c.client)
	failed := (*api.ResponseError)(nil)
	switch {
	case errors.As(err, &failed) && failed.StatusCode < 500 && failed.StatusCode != http.StatusTooManyRequests:
		return nil, refusedLogin()
	case err != nil:
		return nil, &core.Error{Kind: core.ErrUnavailable, Hint: "the login failed"}
	case secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "":
		return nil, unauthenticated("the login gave no token")
	}
	return newToken(secret.Auth.ClientToken, int64(secret.Auth.LeaseDuration), secret.Auth.Renewable, ""), nil
}
