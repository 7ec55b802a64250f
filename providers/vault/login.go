package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
)

// Login says how to log in. No field holds a credential: those come from the
// environment or from files, all of OpenBao's variables (BAO_) before Vault's
// (VAULT_), each also as the name of a file (VAULT_TOKEN_FILE), which is read anew
// at each login.
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

	// JWTFile is the file of the token for kubernetes and jwt. Empty: VAULT_JWT,
	// VAULT_JWT_FILE, and for kubernetes then where Kubernetes puts it.
	JWTFile string

	// With is a login of the caller's, such as those of
	// github.com/hashicorp/vault/api/auth/aws: in place of all the above. It is
	// called with a client of this store's server, once a login, and must return
	// when its context ends. Its token is revoked when the store is closed.
	With api.AuthMethod
}

// Format prints the settings for every verb, and of With the type alone, as some
// verbs would show the credential that it holds.
func (l Login) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "{Method:%q Mount:%q Role:%q Username:%q JWTFile:%q With:%T}",
		l.Method, l.Mount, l.Role, l.Username, l.JWTFile, l.With)
}

const kubernetesToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// method gets a token. An error with a code is the server's own refusal, which
// it may count.
//
// Credentials are kept in what a func closes over, here and in the session,
// as no printer that works by reflection sees that.
type method func(ctx context.Context, c *conn) (*token, error)

func (l Login) method(env environment, viaAgent bool) (method, error) {
	if with := l.With; with != nil {
		if l.With = nil; l != (Login{}) {
			return nil, invalid("a login of the caller's own (With) takes no other setting of Login")
		}
		return foreign(with.Login), nil
	}
	var m method
	mount, err := cleanMount(cmp.Or(l.Mount, l.Method, "approle"))
	at := "auth/" + mount + "/login"
	switch l.Method {
	case "":
		m = automatic(env, viaAgent, remote(at, env.appRole))
	case "token":
		m = env.given
	case "none":
		m = anonymous
	case "approle":
		m = remote(at, env.appRole)
	case "kubernetes":
		m = remote(at, func() (map[string]string, error) { return l.byJWT(env, kubernetesToken) })
	case "jwt":
		m = remote(at, func() (map[string]string, error) { return l.byJWT(env, "") })
	case "userpass":
		m = remote(at+"/"+cmp.Or(l.Username, env.get("USERNAME")), env.password)
	default:
		return nil, invalid("there is no such login method; there are token, approle, kubernetes, jwt, userpass and none")
	}
	for _, setting := range []struct{ name, value, methods string }{
		{"a mount", l.Mount, "approle kubernetes jwt userpass"},
		{"a role", l.Role, "kubernetes jwt"},
		{"a username", l.Username, "userpass"},
		{"a file of a token", l.JWTFile, "kubernetes jwt"},
	} {
		switch {
		case setting.value == "":
		case l.Method == "":
			return nil, invalid("the login has " + setting.name + " and no method; name approle, kubernetes, jwt or userpass")
		case !strings.Contains(setting.methods, l.Method):
			return nil, invalid("the login method " + l.Method + " takes no such setting: " + setting.name)
		}
	}
	switch {
	case err != nil:
		return nil, invalid("the mount of the login method is no path")
	case l.Method == "kubernetes" && l.Role == "":
		return nil, invalid("a login by kubernetes needs a role")
	case l.Method == "userpass" && !isUsername(cmp.Or(l.Username, env.get("USERNAME"))):
		return nil, invalid("a login by userpass needs the name of a user, from the setting or from VAULT_USERNAME")
	}
	return m, nil
}

// isUsername reports whether a name is one segment of a path.
func isUsername(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/?#%") && core.Printable(name) == name
}

// automatic is the first login that the environment has something for.
func automatic(env environment, viaAgent bool, appRole method) method {
	return func(ctx context.Context, c *conn) (*token, error) {
		if _, variable := env.named("TOKEN", "TOKEN_FILE", "ROLE_ID", "ROLE_ID_FILE"); strings.Contains(variable, "ROLE_ID") {
			return appRole(ctx, c)
		}
		t, err := env.given(ctx, c)
		switch {
		case !errors.Is(err, errNoToken):
			return t, err
		case viaAgent:
			return anonymous(ctx, c)
		}
		return nil, unauthenticated("no credential is found: neither BAO_TOKEN, VAULT_TOKEN, BAO_ROLE_ID, VAULT_ROLE_ID (or a file of one of them), nor ~/.vault-token; log in with vault login, or name another method by auth in the URL")
	}
}

// errNoToken: there is none where a token is looked for.
var errNoToken = unauthenticated("no token is found: neither BAO_TOKEN nor VAULT_TOKEN (or a file of one of them), nor ~/.vault-token; log in with vault login")

// given is a token that somebody else keeps.
func (e environment) given(context.Context, *conn) (*token, error) {
	value, err := e.credential("TOKEN")
	if file := e.tokenFile(); err == nil && value == "" && file != "" {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, errNoToken
		}
		value, err = readCredential(file, "the last login, ~/.vault-token,")
	}
	switch {
	case err != nil:
		return nil, err
	case value == "":
		return nil, errNoToken
	case core.Printable(value) != value:
		return nil, unauthenticated("the token has characters that no token has; was a line cut out of something?")
	}
	return &token{value: core.String(value)}, nil
}

// anonymous sends no token.
func anonymous(context.Context, *conn) (*token, error) { return &token{}, nil }

func (e environment) appRole() (map[string]string, error) {
	role, err := e.credential("ROLE_ID")
	if err != nil {
		return nil, err
	}
	if role == "" {
		return nil, unauthenticated("no role id is set; a login by approle takes it from VAULT_ROLE_ID or from the file of VAULT_ROLE_ID_FILE")
	}
	body := map[string]string{"role_id": role}
	secret, err := e.credential("SECRET_ID")
	if secret != "" {
		body["secret_id"] = secret
	}
	return body, err
}

func (e environment) password() (map[string]string, error) {
	password, err := e.credential("PASSWORD")
	if err == nil && password == "" {
		err = unauthenticated("no password is set; a login by userpass takes it from VAULT_PASSWORD or from the file of VAULT_PASSWORD_FILE")
	}
	return map[string]string{"password": password}, err
}

// byJWT is the login with a token of somebody else's, which proves who we are.
// usual is the file that it is in where nobody says another.
func (l Login) byJWT(env environment, usual string) (map[string]string, error) {
	var (
		jwt string
		err error
	)
	if l.JWTFile == "" {
		jwt, err = env.credential("JWT")
	}
	if file := cmp.Or(l.JWTFile, usual); err == nil && jwt == "" && file != "" {
		jwt, err = readCredential(file, "the token to log in with")
	}
	if err == nil && jwt == "" {
		err = unauthenticated("no token to log in with; a login by jwt takes it from VAULT_JWT or from the file of VAULT_JWT_FILE")
	}
	body := map[string]string{"jwt": jwt}
	if l.Role != "" {
		body["role"] = l.Role
	}
	return body, err
}

// remote is a login that the server answers with a token.
func remote(path string, credentials func() (map[string]string, error)) method {
	return func(ctx context.Context, c *conn) (*token, error) {
		fields, err := credentials()
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		a, err := c.attempts(ctx, request{method: http.MethodPut, path: path, body: body}, "")
		switch {
		case errors.As(err, new(*denied)):
			return nil, refusedLogin(http.StatusForbidden)
		case errors.Is(err, core.ErrInvalidOption):
			return nil, refusedLogin(http.StatusBadRequest)
		case err != nil:
			return nil, err
		case a.status == http.StatusNotFound:
			return nil, a.err(core.ErrUnauthenticated, "the login method is not mounted there; look at the mount of the login")
		}
		return a.auth()
	}
}

func refusedLogin(status int) error {
	return &core.Error{
		Kind: core.ErrUnauthenticated, Code: strconv.Itoa(status),
		Hint: "the server refuses the login; look at the credential, the role, and the mount of the login method",
	}
}

// auth returns the token of an answer to a login or a renewal.
func (a answer) auth() (*token, error) {
	var body struct {
		Auth *struct {
			ClientToken   string `json:"client_token"`
			LeaseDuration int    `json:"lease_duration"`
			Renewable     bool   `json:"renewable"`
		} `json:"auth"`
	}
	if err := a.decode(&body); err != nil {
		return nil, err
	}
	if body.Auth == nil || body.Auth.ClientToken == "" {
		return nil, a.err(core.ErrUnauthenticated, "the server answers the login without a token; does it ask for a second factor?")
	}
	return newToken(body.Auth.ClientToken, body.Auth.LeaseDuration, body.Auth.Renewable), nil
}

// longestLease is ten years, in seconds: a longer one need not be told from it.
const longestLease = 10 * 365 * 24 * 3600

func newToken(value string, seconds int, renewable bool) *token {
	seconds = min(seconds, longestLease) // or its arithmetic would overflow
	t := &token{value: core.String(value), ours: true, renewable: renewable, ttl: time.Duration(seconds) * time.Second}
	if t.ttl > 0 {
		t.until = time.Now().Add(t.ttl)
	}
	return t
}

// foreign is a login that somebody else wrote.
func foreign(login func(context.Context, *api.Client) (*api.Secret, error)) method {
	return func(ctx context.Context, c *conn) (*token, error) {
		secret, err := login(ctx, c.client)
		failed := (*api.ResponseError)(nil)
		switch {
		case errors.As(err, &failed) && failed.StatusCode < 500 && failed.StatusCode != http.StatusTooManyRequests:
			return nil, refusedLogin(failed.StatusCode)
		case err != nil:
			return nil, &core.Error{Kind: core.ErrUnavailable, Hint: "the login failed"}
		case secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "":
			return nil, unauthenticated("the login gave no token")
		}
		return newToken(secret.Auth.ClientToken, secret.Auth.LeaseDuration, secret.Auth.Renewable), nil
	}
}
