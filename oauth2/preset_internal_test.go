package oauth2

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// The answers here are as the vendors document them, with other values.

func TestReadyMadeSettingsAreRight(t *testing.T) {
	t.Parallel()
	all := map[string]Settings{
		"openid":           OpenID("https://id.example.com", "email"),
		"microsoft tenant": Microsoft("9188040d-6c67-4c5b-b112-36a304b66dad", "openid", "User.Read"),
		"microsoft domain": Microsoft("contoso.onmicrosoft.com", "openid"),
		"google openid":    Google("openid", "email"),
	}
	for name, preset := range Presets() {
		all[name] = preset()
		if fmt.Sprint(preset("b", "a").Scopes[:2]) != "[b a]" {
			t.Errorf("%s: the scopes are others", name)
		}
	}
	if len(all) != 10 {
		t.Errorf("%d presets", len(all))
	}
	for name, s := range all {
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Microsoft("a/../b?c#d").Check(); err != nil || strings.Contains(Microsoft("a/b").TokenURL, "a/b") {
		t.Errorf("a tenant leads elsewhere: %v", err)
	}
	if err := Slack("openid").Check(); !errors.Is(err, core.ErrInvalidValue) {
		t.Error("Slack has no id token here")
	}
}

func TestAPresetIsItsCallersOwn(t *testing.T) {
	t.Parallel()
	scopes := []string{"a", "b"}
	for name, preset := range Presets() {
		one := preset(scopes...)
		one.Scopes[0] = "changed"
		one.AllowedHosts[0] = "changed"
		for param := range one.AuthParams {
			one.AuthParams[param] = "changed"
		}
		if text := fmt.Sprint(preset(scopes...)); strings.Contains(text, "changed") || scopes[0] != "a" {
			t.Errorf("%s shares what it holds", name)
		}
	}
}

// exchange posts a grant to a preset whose endpoint answers as said.
func exchange(t *testing.T, s Settings, grant string, answer endpointFunc) (Token, *failure, request) {
	t.Helper()
	var got []request
	heard := listen(&got)
	p := testProvider(s, endpointFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != s.TokenURL {
			t.Errorf("a request to %s", r.URL.Path)
		}
		if _, err := heard(r); err != nil {
			return nil, err
		}
		return answer(r)
	}))
	form := url.Values{"grant_type": {grant}, "code": {"the-code"}}
	if grant == "refresh_token" {
		form = url.Values{"grant_type": {grant}, "refresh_token": {canaryRefresh}}
	}
	token, _, f := p.tokens(t.Context(), theApp, form)
	noLeak(t, p, f)
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	return token, f, got[0]
}

func gives(status int, body string) endpointFunc { return says(status, "application/json", body) }

func TestGitHub(t *testing.T) {
	t.Parallel()
	s := GitHub("repo", "gist")
	// An OAuth app: no expiry, no refresh token, commas between the scopes.
	token, f, r := exchange(t, s, "authorization_code", gives(200, `{"access_token":"gho_16C7e42F292c6912E7710c838347Ae178B4a","scope":"repo,gist","token_type":"bearer"}`))
	if f != nil || token.Scope != "repo gist" || token.TokenType != "Bearer" || !token.ExpiresAt.IsZero() || !token.RefreshToken.IsZero() {
		t.Errorf("scope %q, type %q, expires %v", token.Scope, token.TokenType, token.ExpiresAt)
	}
	if r.form.Get("client_secret") != canarySecret || r.basic || r.accept != "application/json" {
		t.Error("the client is not in the body, or JSON is not asked for")
	}
	// What it answers to those that don't ask for JSON.
	token, f, _ = exchange(t, s, "authorization_code", says(200, "application/x-www-form-urlencoded; charset=utf-8", "access_token=gho_x&scope=repo%2Cgist&token_type=bearer"))
	if f != nil || token.AccessToken.Reveal() != "gho_x" || token.Scope != "repo gist" {
		t.Error("a form is not read")
	}
	// A GitHub App with tokens that expire.
	token, f, _ = exchange(t, s, "refresh_token", gives(200, `{"access_token":"ghu_x","expires_in":28800,"refresh_token":"ghr_x","refresh_token_expires_in":15811200,"scope":"","token_type":"bearer"}`))
	if f != nil || !token.ExpiresAt.Equal(noon.Add(8*time.Hour)) || token.RefreshToken.Reveal() != "ghr_x" || token.Scope != "" {
		t.Error("a GitHub App's tokens are others")
	}
	// 200 with an error.
	for code, test := range map[string]struct {
		kind    error
		refused bool
	}{
		"bad_refresh_token":            {core.ErrPermissionDenied, true},
		"bad_verification_code":        {core.ErrPermissionDenied, false},
		"incorrect_client_credentials": {core.ErrUnauthenticated, false},
		"redirect_uri_mismatch":        {core.ErrInvalidValue, false},
		"authorization_pending":        {core.ErrPermissionDenied, false},
	} {
		_, f, _ := exchange(t, s, "refresh_token", gives(200, `{"error":"`+code+`","error_description":"The refresh token passed is incorrect or expired. canary","error_uri":"https://docs.github.com"}`))
		if f == nil || !f.Final || f.Code != code || f.refused() != test.refused || f.implied() != test.kind { //nolint:errorlint // a kind is the sentinel itself
			t.Errorf("%s is another failure", code)
		}
	}
}

func TestGitHubsGrantIsDeleted(t *testing.T) {
	t.Parallel()
	for status, ok := range map[int]bool{204: true, 404: true, 401: false, 422: false, 503: false} {
		p := testProvider(GitHub(), endpointFunc(func(r *http.Request) (*http.Response, error) {
			user, password, _ := r.BasicAuth()
			body, _ := io.ReadAll(r.Body)
			if r.Method != "DELETE" || r.URL.String() != "https://api.github.com/applications/client-1/grant" || user != "client-1" || password != canarySecret ||
				string(body) != `{"access_token":"`+canaryAccess+`"}` {
				t.Errorf("another request: %s %s", r.Method, r.URL.Path)
			}
			return gives(status, `{"message":"canary"}`)(r)
		}))
		f := p.revoke(t.Context(), theApp, core.String(canaryAccess), "access_token")
		if (f == nil) != ok {
			t.Errorf("%d is taken for revoked: %v", status, f == nil)
		}
		noLeak(t, p, f)
	}
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	s := Google("https://www.googleapis.com/auth/drive.metadata.readonly")
	// The refresh token is given once, and only if it is asked for.
	if s.AuthParams["access_type"] != "offline" || s.AuthParams["prompt"] != "consent" {
		t.Error("no refresh token is asked for")
	}
	for name, preset := range Presets() {
		if name != "google" && len(preset().AuthParams) != 0 {
			t.Errorf("%s has Google's parameters", name)
		}
	}
	token, f, _ := exchange(t, s, "refresh_token", gives(200, `{"access_token":"1/fFAGRNJru1FTz70BzhT3Zg","expires_in":3920,"scope":"https://www.googleapis.com/auth/drive.metadata.readonly","token_type":"Bearer"}`))
	if f != nil || !token.RefreshToken.IsZero() || !token.ExpiresAt.Equal(noon.Add(3920*time.Second)) || token.Scope != s.Scopes[0] {
		t.Error("a refresh is another one")
	}
	_, f, _ = exchange(t, s, "refresh_token", gives(400, `{"error":"invalid_grant","error_description":"Token has been expired or revoked. canary"}`))
	if !f.refused() {
		t.Error("invalid_grant is not a refusal")
	}
	// A device is sent to "verification_url".
	p := testProvider(s, gives(200, `{"device_code":"4/4-GMMhmHCXhWEzkobqIHGG_EnNYYsAkukHspeYUk9E8","user_code":"GQVQ-JKEC","verification_url":"https://www.google.com/device","expires_in":1800,"interval":5}`))
	if a, f := p.device(t.Context(), theApp, url.Values{}); f != nil || a.VerificationURI != "https://www.google.com/device" || a.ExpiresIn != 30*time.Minute {
		t.Error("another device code")
	}
	// What has ended already can't be revoked, and need not be.
	p = testProvider(s, gives(400, `{"error":"invalid_token","error_description":"Token expired or revoked"}`))
	if f := p.revoke(t.Context(), theApp, core.String(canaryAccess), "access_token"); f != nil {
		t.Error("a token that has ended is not taken for revoked")
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	const installed = `{"ok":true,"access_token":"xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy","token_type":"bot","scope":"commands,incoming-webhook",` +
		`"bot_user_id":"U0KRQLJ9H","app_id":"A0KRD7HC3","team":{"name":"Team","id":"T9TK3CUKW"},"enterprise":null,` +
		`"authed_user":{"id":"U1234","scope":"chat:write","access_token":"xoxp-1234","token_type":"user"}}`
	s := Slack("commands", "incoming-webhook")
	if s.joinScopes() != "commands,incoming-webhook" || s.ScopeParam != "" {
		t.Errorf("scopes are %q", s.joinScopes())
	}
	token, f, r := exchange(t, s, "authorization_code", gives(200, installed))
	if f != nil || !strings.HasPrefix(token.AccessToken.Reveal(), "xoxb-") || token.TokenType != "Bearer" || token.Scope != "commands incoming-webhook" || !token.ExpiresAt.IsZero() {
		t.Errorf("the bot's: type %q, scope %q", token.TokenType, token.Scope)
	}
	if !r.basic || r.form.Has("client_secret") {
		t.Error("the client is not in the header")
	}

	user := SlackUser("chat:write")
	if user.ScopeParam != "user_scope" {
		t.Error("the user's scopes are asked for as the bot's")
	}
	token, f, _ = exchange(t, user, "authorization_code", gives(200, installed))
	if f != nil || token.AccessToken.Reveal() != "xoxp-1234" || token.TokenType != "Bearer" || token.Scope != "chat:write" {
		t.Errorf("the user's: type %q, scope %q", token.TokenType, token.Scope)
	}
	// Token rotation; the answer to a refresh has a user's tokens at its root.
	token, f, _ = exchange(t, user, "refresh_token", gives(200, `{"ok":true,"access_token":"xoxe.xoxp-1-new","expires_in":43200,"refresh_token":"xoxe-1-new","token_type":"user","scope":"chat:write","team":{"id":"T1"},"authed_user":{"id":"U1"}}`))
	if f != nil || token.AccessToken.Reveal() != "xoxe.xoxp-1-new" || token.RefreshToken.Reveal() != "xoxe-1-new" || !token.ExpiresAt.Equal(noon.Add(12*time.Hour)) {
		t.Error("a user's refresh is another one")
	}

	for code, test := range map[string]struct{ final, refused bool }{
		"invalid_refresh_token": {true, true},
		"token_revoked":         {true, true},
		"invalid_code":          {true, true},
		"bad_client_secret":     {true, false},
		"internal_error":        {false, false},
		"ratelimited":           {false, false},
		"fatal_error":           {false, false},
	} {
		_, f, _ := exchange(t, s, "refresh_token", gives(200, `{"ok":false,"error":"`+code+`"}`))
		if f == nil || f.Final != test.final || f.refused() != test.refused || f.Code != code {
			t.Errorf("%s is another failure", code)
		}
	}

	p := testProvider(s, endpointFunc(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.String() != "https://slack.com/api/auth.revoke" || r.Header.Get("Authorization") != "Bearer "+canaryAccess || len(body) != 0 {
			t.Error("another request")
		}
		return gives(200, `{"ok":true,"revoked":true}`)(r)
	}))
	if f := p.revoke(t.Context(), theApp, core.String(canaryAccess), "access_token"); f != nil {
		t.Error("it is not revoked")
	}
}

func TestStripe(t *testing.T) {
	t.Parallel()
	s := Stripe("read_write")
	token, f, r := exchange(t, s, "authorization_code", gives(200, `{"token_type":"bearer","stripe_publishable_key":"pk_live_x","scope":"read_write","livemode":true,"stripe_user_id":"acct_1","refresh_token":"rt_x","access_token":"sk_live_x"}`))
	if f != nil || !token.ExpiresAt.IsZero() || token.Scope != "read_write" || token.RefreshToken.Reveal() != "rt_x" {
		t.Error("other tokens")
	}
	if r.form.Get("client_secret") != canarySecret || r.basic {
		t.Error("the secret key is not in the body")
	}
	_, f, _ = exchange(t, s, "authorization_code", gives(400, `{"error":"invalid_grant","error_description":"Authorization code does not exist: ac_canary"}`))
	if !f.refused() {
		t.Error("invalid_grant is not a refusal")
	}
}

func TestStripesAccountIsDisconnected(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		account, deauthorize endpointFunc
		requests             int
		ok, final            bool
	}{
		"connected":            {gives(200, `{"id":"acct_1","object":"account"}`), gives(200, `{"stripe_user_id":"acct_1"}`), 2, true, false},
		"disconnected already": {gives(401, `{"error":{"message":"Expired API Key provided: canary","type":"invalid_request_error"}}`), nil, 1, true, false},
		"Stripe is down":       {gives(500, `{"error":{"message":"canary","type":"api_error"}}`), nil, 1, false, false},
		"an error in a 200":    {gives(200, `{"error":{"message":"canary","type":"api_error"}}`), nil, 1, false, true},
		"refused":              {gives(200, `{"id":"acct_1"}`), gives(401, `{"error":"invalid_client","error_description":"This application is not connected to canary"}`), 2, false, true},
		"deauthorize is down":  {gives(200, `{"id":"acct_1"}`), gives(503, "canary"), 2, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			p := testProvider(Stripe(), endpointFunc(func(r *http.Request) (*http.Response, error) {
				n++
				if r.Method == "GET" {
					if r.URL.String() != "https://api.stripe.com/v1/account" || r.Header.Get("Authorization") != "Bearer "+canaryAccess {
						t.Error("another request for the account")
					}
					return test.account(r)
				}
				user, password, _ := r.BasicAuth()
				body, _ := io.ReadAll(r.Body)
				if r.URL.String() != "https://connect.stripe.com/oauth/deauthorize" || user != canarySecret || password != "" || string(body) != "client_id=client-1&stripe_user_id=acct_1" {
					t.Error("another request to disconnect")
				}
				return test.deauthorize(r)
			}))
			f := p.revoke(t.Context(), theApp, core.String(canaryAccess), "access_token")
			if (f == nil) != test.ok || n != test.requests || f != nil && f.Final != test.final {
				t.Errorf("revoked %v after %d requests", f == nil, n)
			}
			noLeak(t, p, f)
		})
	}
}

func TestMicrosoft(t *testing.T) {
	t.Parallel()
	s := Microsoft("", "openid", "User.Read")
	if s.joinScopes() != "openid User.Read offline_access" || s.TokenURL != "https://login.microsoftonline.com/common/oauth2/v2.0/token" {
		t.Errorf("scopes %q at %s", s.joinScopes(), s.TokenURL)
	}
	if got := Microsoft("", "offline_access").Scopes; len(got) != 1 {
		t.Errorf("scopes %v", got)
	}
	token, f, r := exchange(t, s, "authorization_code", gives(200, `{"token_type":"Bearer","scope":"https://graph.microsoft.com/User.Read","expires_in":3736,"ext_expires_in":3736,"access_token":"eyJ0","refresh_token":"AwAB","id_token":"eyJ0"}`))
	if f != nil || !token.ExpiresAt.Equal(noon.Add(3736*time.Second)) || token.RefreshToken.Reveal() != "AwAB" || !r.form.Has("client_secret") {
		t.Error("other tokens")
	}
	_, f, _ = exchange(t, s, "refresh_token", gives(400, `{"error":"invalid_grant","error_description":"AADSTS70008: canary\r\nTrace ID: 0","error_codes":[70008],"timestamp":"2016-01-09 02:02:12Z","trace_id":"0","correlation_id":"0","suberror":"bad_token"}`))
	if !f.refused() {
		t.Error("invalid_grant is not a refusal")
	}
	// The tenant of a user is not known before: it is that of the token.
	const tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
	claims := map[string]any{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0", "tid": tenant, "aud": "client-1", "sub": "u", "nonce": "n", "iat": noon.Unix(), "exp": noon.Unix() + 60}
	for _, tenants := range []string{"", "common", "consumers", "contoso.com", tenant} {
		if err := testProvider(Microsoft(tenants, "openid"), nil).checkIDToken(t.Context(), theApp, idToken(t, claims), "n"); err != nil {
			t.Errorf("%q: %v", tenants, err)
		}
	}
	if err := testProvider(Microsoft("72f988bf-86f1-41af-91ab-2d7cd011db47", "openid"), nil).checkIDToken(t.Context(), theApp, idToken(t, claims), "n"); err == nil {
		t.Error("another tenant's user is accepted")
	}
	// There is no way to revoke.
	p := testProvider(s, gives(500, ""))
	if f := p.revoke(t.Context(), theApp, core.String("t"), ""); f == nil || !errors.Is(p.error("revoke", f), errors.ErrUnsupported) {
		t.Error("it is revoked")
	}
}

func TestOpenID(t *testing.T) {
	t.Parallel()
	s := OpenID("https://id.test", "email")
	if s.joinScopes() != "email openid" || len(s.AllowedHosts) != 0 {
		t.Errorf("scopes %q, hosts %v", s.joinScopes(), s.AllowedHosts)
	}
	// "Settings from lukko.yaml" have the same form.
	text, err := json.Marshal(s)
	if err != nil || string(text) != `{"issuer":"https://id.test","scopes":["email","openid"]}` {
		t.Errorf("%s, %v", text, err)
	}
}
