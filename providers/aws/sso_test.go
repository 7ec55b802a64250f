package aws_test

import (
	"crypto/sha1" //nolint:gosec // the AWS CLI names its files so
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// A portal stands for IAM Identity Center: it gives the keys of a role for a token,
// and a new token for a refresh token.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
type portal struct {
	key            awstest.Key
	token, refresh string
	refreshed      int
}

func (p *portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/token":
		var in struct{ ClientID, ClientSecret, GrantType, RefreshToken string }
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.ClientID != "client" || in.GrantType != "refresh_token" || in.RefreshToken != p.refresh {
			w.Header().Set("X-Amzn-Errortype", "InvalidGrantException")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
			return
		}
		p.refreshed++
		fmt.Fprintf(w, `{"accessToken":%q,"expiresIn":3600,"refreshToken":%q,"tokenType":"Bearer"}`, p.token, p.refresh)
	case r.Method == http.MethodGet && r.URL.Path == "/federation/credentials":
		query := r.URL.Query()
		if r.Header.Get("X-Amz-Sso_bearer_token") != p.token || query.Get("account_id") != "111122223333" || query.Get("role_name") != "reader" {
			w.Header().Set("X-Amzn-Errortype", "UnauthorizedException")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"message":"not this one: %s"}`, r.Header.Get("X-Amz-Sso_bearer_token"))
			return
		}
		fmt.Fprintf(w, `{"roleCredentials":{"accessKeyId":%q,"secretAccessKey":%q,"sessionToken":%q,"expiration":%d}}`,
			p.key.ID, p.key.Secret, p.key.SessionToken, time.Now().Add(time.Hour).UnixMilli())
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// login writes what `aws sso login` leaves in the home directory. name is that of the
// session, or the start URL of a profile without one.
func login(t *testing.T, name, token, refresh string, until time.Time) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	sum := sha1.Sum([]byte(name)) //nolint:gosec // as above
	path := filepath.Join(home, ".aws", "sso", "cache", hex.EncodeToString(sum[:])+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]string{
		"accessToken": token, "expiresAt": until.UTC().Format(time.RFC3339), "refreshToken": refresh,
		"clientId": "client", "clientSecret": "secret", "startUrl": "https://shop.awsapps.com/start", "region": "us-east-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnSSOSessionGivesCredentials(t *testing.T) {
	const (
		start   = "https://shop.awsapps.com/start"
		session = "[profile shop]\nregion = us-east-1\nsso_session = work\nsso_account_id = 111122223333\nsso_role_name = reader\n%s\n" +
			"[sso-session work]\nsso_region = us-east-1\nsso_start_url = " + start + "\nsso_registration_scopes = sso:account:access\n"
		legacy = "[profile shop]\nregion = us-east-1\nsso_start_url = " + start + "\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = reader\n%s\n"
	)
	good, refresh, bad := providertest.Canary()+"good", providertest.Canary()+"refresh", providertest.Canary()+"bad"
	for _, c := range []struct {
		name    string
		profile string
		login   string // the file of the token; empty: nobody has logged in
		token   string
		refresh string
		until   time.Duration
		section bool // the portal's address is in the shared file, else in the environment
		gone    bool // nobody listens there
		want    error
	}{
		{name: "a session", profile: session, login: "work", token: good, until: time.Hour},
		{name: "a session whose portal is named in a services section", profile: session, login: "work", token: good, until: time.Hour, section: true},
		{name: "a profile without a session", profile: legacy, login: start, token: good, until: time.Hour},
		{name: "a session that is refreshed", profile: session, login: "work", token: bad, refresh: refresh, until: -time.Hour},
		{name: "a session that has ended", profile: session, login: "work", token: good, until: -time.Hour, want: core.ErrUnauthenticated},
		{name: "a session that the portal has ended", profile: session, login: "work", token: bad, until: time.Hour, want: core.ErrUnauthenticated},
		{name: "nobody has logged in", profile: session, want: core.ErrUnauthenticated},
		{name: "no portal", profile: session, login: "work", token: good, until: time.Hour, gone: true, want: core.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &portal{key: awstest.Key{ID: "ASIASSO0000000000000", Secret: "sso", SessionToken: "session"}, token: good, refresh: refresh}
			srv := httptest.NewServer(p)
			defer srv.Close()
			if c.gone {
				srv.Close()
			}
			fake := awstest.New(t, func(cfg *awstest.Config) { cfg.Keys = []awstest.Key{p.key} })
			login(t, c.login, c.token, c.refresh, time.Now().Add(c.until))
			services := ""
			env := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_REGION": ""}
			if c.section {
				services = fmt.Sprintf("services = here\n[services here]\nsso =\n  endpoint_url = %s\nsso_oidc =\n  endpoint_url = %s\n", srv.URL, srv.URL)
			} else {
				env["AWS_ENDPOINT_URL_SSO"], env["AWS_ENDPOINT_URL_SSO_OIDC"] = srv.URL, srv.URL
			}
			env["AWS_CONFIG_FILE"] = file(t, fmt.Sprintf(c.profile, services))
			environment(t, fake, env)
			store, err := core.Open(t.Context(), "aws:?profile=shop&retries=0")
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			_, err = store.Set(t.Context(), "key", core.String("value"))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if text := fmt.Sprintf("%+v", err); strings.Contains(text, "CANARY") {
				t.Error("the error holds a token")
			} else if err != nil && !strings.Contains(text, "aws sso login") {
				t.Errorf("%v does not say what to do", err)
			}
			if refreshed := p.refreshed > 0; refreshed != (c.refresh != "") {
				t.Errorf("the token was refreshed %d times", p.refreshed)
			}
			if c.want == nil {
				want(t, store, "key", "value")
			}
		})
	}
}
