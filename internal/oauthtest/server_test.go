package oauthtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/lukko-dev/lukko/internal/oauthtest"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const redirect = "http://127.0.0.1:9/callback"

// settings are those of a client that is not ours, either.
func settings(srv *oauthtest.Server, c oauthtest.Client) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if c.Auth != oauthtest.SecretBasic {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: redirect, Scopes: []string{"openid", "offline_access", "repo", "other"},
		Endpoint: oauth2.Endpoint{
			AuthURL: srv.URL(oauthtest.AuthorizePath), TokenURL: srv.URL(oauthtest.TokenPath),
			DeviceAuthURL: srv.URL(oauthtest.DevicePath), AuthStyle: style,
		},
	}
}

// code has a user agree, and returns the code and its verifier.
func code(t *testing.T, srv *oauthtest.Server, cfg *oauth2.Config, user oauthtest.User) (code, verifier string) {
	t.Helper()
	verifier = oauth2.GenerateVerifier()
	back, err := oauthtest.Approver{User: user}.Approve(t.Context(),
		cfg.AuthCodeURL("the-state", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "the-nonce")))
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	if q.Get("state") != "the-state" || q.Get("iss") != srv.Issuer || q.Get("error") != "" || q.Get("code") == "" {
		t.Fatalf("the answer has a code: %t, the state: %t, the issuer: %t, error %q",
			q.Has("code"), q.Get("state") == "the-state", q.Get("iss") == srv.Issuer, q.Get("error"))
	}
	if back.Host+back.Path != "127.0.0.1:9/callback" {
		t.Fatal("the answer goes elsewhere")
	}
	return q.Get("code"), verifier
}

// connect is the whole flow.
func connect(t *testing.T, srv *oauthtest.Server, cfg *oauth2.Config, user oauthtest.User) *oauth2.Token {
	t.Helper()
	code, verifier := code(t, srv, cfg, user)
	token, err := cfg.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal("the exchange fails: ", refusal(err))
	}
	return token
}

// refresh uses a refresh token, and returns the code of the refusal.
func refresh(ctx context.Context, cfg *oauth2.Config, token string) (*oauth2.Token, string) {
	got, err := cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: token}).Token()
	return got, refusal(err)
}

// refusal is the code of an error of x/oauth2, whose own text has bodies in it.
func refusal(err error) string {
	var r *oauth2.RetrieveError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &r):
		return r.ErrorCode
	}
	return "no answer"
}

// use asks the resource server.
func use(t *testing.T, srv *oauthtest.Server, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.API+"/api/things", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal("the resource server does not answer")
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusUnauthorized && string(body) != oauthtest.RefusedBody {
		t.Error("the body of a 401 is another")
	}
	return resp.StatusCode
}

// post is a request by hand.
func post(t *testing.T, at string, form url.Values, basic ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", at, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(basic) == 2 {
		req.SetBasicAuth(url.QueryEscape(basic[0]), url.QueryEscape(basic[1]))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal("the server does not answer")
	}
	defer resp.Body.Close()
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&answer)
	return resp.StatusCode, answer.Error
}

func TestAnUnmodifiedClientConnectsUsesAndRefreshes(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{oauthtest.SecretBasic, oauthtest.SecretPost, oauthtest.None} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			app := srv.Register(oauthtest.Client{Auth: auth, Redirects: []string{redirect}})
			cfg := settings(srv, app)
			alice := srv.AddUser("alice")
			token := connect(t, srv, cfg, alice)
			if scope, _ := token.Extra("scope").(string); scope != "openid offline_access repo" {
				t.Errorf("granted: %q", scope)
			}
			idToken(t, srv, app, token)
			if left := time.Until(token.Expiry); left < 59*time.Minute || left > time.Hour {
				t.Errorf("the access token lives %v", left)
			}
			if got := use(t, srv, token.AccessToken); got != 200 {
				t.Errorf("a new token: %d", got)
			}
			srv.ExpireAccessTokens()
			if got := use(t, srv, token.AccessToken); got != 401 {
				t.Errorf("an expired token: %d", got)
			}
			next, refused := refresh(t.Context(), cfg, token.RefreshToken)
			if refused != "" {
				t.Fatalf("a refresh is refused: %s", refused)
			}
			if next.RefreshToken == token.RefreshToken || next.AccessToken == token.AccessToken {
				t.Error("a refresh changes nothing")
			}
			if got := use(t, srv, next.AccessToken); got != 200 {
				t.Errorf("a refreshed token: %d", got)
			}
			if got, want := srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1}); got != want {
				t.Errorf("counted %+v, want %+v", got, want)
			}
			if srv.Served("alice") != 2 || srv.Refused("alice") != 1 {
				t.Errorf("the resource server counts %d and %d", srv.Served("alice"), srv.Refused("alice"))
			}
		})
	}
}

// idToken checks an id token by another library than the server's, down to its signature.
func idToken(t *testing.T, srv *oauthtest.Server, app oauthtest.Client, token *oauth2.Token) {
	t.Helper()
	resp, err := http.Get(srv.URL("/keys"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Fatal("the keys can't be read")
	}
	text, _ := token.Extra("id_token").(string)
	signed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal("there is no id token")
	}
	var claims struct {
		jwt.Claims
		Nonce string `json:"nonce"`
	}
	if err := signed.Claims(set, &claims); err != nil {
		t.Fatal("the id token is not signed by the server")
	}
	if claims.Issuer != srv.Issuer || claims.Subject != "alice" || !slices.Equal(claims.Audience, jwt.Audience{app.ID}) || claims.Nonce != "the-nonce" {
		t.Errorf("the id token is of %q for %q at %q, its nonce is ours: %t", claims.Subject, claims.Audience, claims.Issuer, claims.Nonce == "the-nonce")
	}
}

func TestTheResourceServerRefusesWhatIsNobodys(t *testing.T) {
	t.Parallel()
	srv := start(t)
	for name, token := range map[string]string{"no token": "", "an unknown token": "abc"} {
		if got := use(t, srv, token); got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
	other := start(t)
	app := other.Register(oauthtest.Client{Redirects: []string{redirect}})
	token := connect(t, other, settings(other, app), other.AddUser("alice"))
	if got := use(t, srv, token.AccessToken); got != 401 {
		t.Errorf("another server's token: %d", got)
	}
	if srv.Refused("") != 3 {
		t.Errorf("counted %d", srv.Refused(""))
	}
}

func TestAccessTokensEndByThemselves(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.SetAccessTTL(-time.Second)
	app := srv.Register(oauthtest.Client{Redirects: []string{redirect}})
	cfg := settings(srv, app)
	user := srv.AddUser("alice")
	code, verifier := code(t, srv, cfg, user)
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {redirect},
	}
	if status, _ := post(t, srv.URL(oauthtest.TokenPath), form, app.ID, app.Secret); status != 200 {
		t.Fatalf("the exchange: %d", status)
	}
	srv.SetAccessTTL(time.Hour)
	token := connect(t, srv, cfg, user)
	if got := use(t, srv, token.AccessToken); got != 200 {
		t.Errorf("a token of an hour: %d", got)
	}
}

func TestCodesAreGoodForOneUseAndOneVerifier(t *testing.T) {
	t.Parallel()
	srv := start(t)
	app := srv.Register(oauthtest.Client{Redirects: []string{redirect}})
	public := srv.Register(oauthtest.Client{Auth: oauthtest.None, Redirects: []string{redirect}})
	alice := srv.AddUser("alice")
	cfg := settings(srv, app)

	wrong, _ := code(t, srv, cfg, alice)
	if _, err := cfg.Exchange(t.Context(), wrong, oauth2.VerifierOption(oauth2.GenerateVerifier())); refusal(err) != "invalid_grant" {
		t.Errorf("another verifier: %q", refusal(err))
	}
	if _, err := cfg.Exchange(t.Context(), wrong); refusal(err) != "invalid_request" {
		t.Errorf("no verifier: %q", refusal(err))
	}
	theirs, verifier := code(t, srv, cfg, alice)
	if _, err := settings(srv, public).Exchange(t.Context(), theirs, oauth2.VerifierOption(verifier)); refusal(err) != "invalid_grant" {
		t.Errorf("another client: %q", refusal(err))
	}
	once, verifier := code(t, srv, cfg, alice)
	token, err := cfg.Exchange(t.Context(), once, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(refusal(err))
	}
	if _, err := cfg.Exchange(t.Context(), once, oauth2.VerifierOption(verifier)); refusal(err) != "invalid_grant" {
		t.Errorf("a second time: %q", refusal(err))
	}
	if got := use(t, srv, token.AccessToken); got != 401 {
		t.Errorf("the token of a code that came again: %d", got)
	}
	if got, want := srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Reuses: 1, Revocations: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	late := start(t, func(c *oauthtest.Config) { c.CodeTTL = -time.Second })
	app = late.Register(app)
	late.AddUser("alice")
	code, verifier := code(t, late, settings(late, app), late.AddUser("bob"))
	if _, err := settings(late, app).Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); refusal(err) != "invalid_grant" {
		t.Errorf("an old code: %q", refusal(err))
	}
}

func TestWhatAUserRefusesIsToldAtTheRedirect(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		srv := start(t, func(c *oauthtest.Config) { c.NoIssuerAnswer = silent })
		app := srv.Register(oauthtest.Client{Redirects: []string{redirect}})
		back, err := oauthtest.Approver{User: srv.AddUser("alice"), Deny: true}.Approve(t.Context(), settings(srv, app).AuthCodeURL("s"))
		if err != nil {
			t.Fatal(err)
		}
		if q := back.Query(); q.Get("error") != "access_denied" || q.Get("state") != "s" || q.Has("iss") == silent {
			t.Errorf("the answer: %q, the state: %t, an issuer: %t", q.Get("error"), q.Get("state") == "s", q.Has("iss"))
		}
	}
}

func TestRequestsThatAreNotForAUserEndAtTheServer(t *testing.T) {
	t.Parallel()
	srv := start(t)
	app := srv.Register(oauthtest.Client{Redirects: []string{redirect}})
	alice := srv.AddUser("alice")
	elsewhere := settings(srv, app)
	elsewhere.RedirectURL = "https://attacker.example/callback"
	stranger := settings(srv, app)
	stranger.ClientID = "nobody"
	for name, at := range map[string]string{
		"another redirect": elsewhere.AuthCodeURL("s"), "an unknown client": stranger.AuthCodeURL("s"),
	} {
		if _, err := (oauthtest.Approver{User: alice}).Approve(t.Context(), at); err == nil {
			t.Errorf("%s: the browser is sent on", name)
		}
	}
	if _, err := (oauthtest.Approver{User: oauthtest.User{Name: "alice", Password: "wrong"}}).Approve(t.Context(), settings(srv, app).AuthCodeURL("s")); err == nil {
		t.Error("another password logs in")
	}
}

func TestALoopbackAddressStandsForAllItsPorts(t *testing.T) {
	t.Parallel()
	srv := start(t)
	alice := srv.AddUser("alice")
	for _, auth := range []string{oauthtest.SecretBasic, oauthtest.None} {
		app := srv.Register(oauthtest.Client{Auth: auth, Redirects: []string{"http://127.0.0.1/callback"}})
		for at, want := range map[string]bool{
			"http://127.0.0.1:1234/callback": true,
			"http://127.0.0.1:1234/other":    false,
			"http://192.0.2.1:1234/callback": false,
		} {
			cfg := settings(srv, app)
			cfg.RedirectURL = at
			if _, err := (oauthtest.Approver{User: alice}).Approve(t.Context(), cfg.AuthCodeURL("s")); (err == nil) != want {
				t.Errorf("%s, %s: %v", auth, at, err)
			}
		}
	}
}

func TestASpentRefreshTokenRevokesItsFamily(t *testing.T) {
	t.Parallel()
	srv := start(t)
	app := srv.Register(oauthtest.Client{Redirects: []string{redirect}})
	cfg := settings(srv, app)
	alice := srv.AddUser("alice")
	first, other := connect(t, srv, cfg, alice), connect(t, srv, cfg, alice)
	second, _ := refresh(t.Context(), cfg, first.RefreshToken)
	for range 3 {
		if _, refused := refresh(t.Context(), cfg, first.RefreshToken); refused != "invalid_grant" {
			t.Fatalf("a spent token: %q", refused)
		}
	}
	if _, refused := refresh(t.Context(), cfg, second.RefreshToken); refused != "invalid_grant" {
		t.Errorf("the one after it: %q", refused)
	}
	if got := use(t, srv, second.AccessToken); got != 401 {
		t.Errorf("the access token after it: %d", got)
	}
	if _, refused := refresh(t.Context(), cfg, other.RefreshToken); refused != "" {
		t.Errorf("another connection: %q", refused)
	}
	if got, want := srv.Counts("alice"), (oauthtest.Counts{Codes: 2, Refreshes: 2, Reuses: 3, Revocations: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if f := srv.Families("alice"); len(f) != 2 || !f[0].Revoked || f[0].Reuses != 3 || f[1].Revoked || f[1].Refreshes != 1 {
		t.Errorf("the connections: %+v", f)
	}
}

func TestOfManyRefreshesAtOnceOneSucceeds(t *testing.T) {
	t.Parallel()
	srv := start(t)
	app := srv.Register(oauthtest.Client{Redirects: []string{redirect}})
	cfg := settings(srv, app)
	token := connect(t, srv, cfg, srv.AddUser("alice"))
	const n = 16
	var all sync.WaitGroup
	for range n {
		all.Go(func() { refresh(t.Context(), cfg, token.RefreshToken) })
	}
	all.Wait()
	if got, want := srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1, Reuses: n - 1, Revocations: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if got := srv.TokenRequests("refresh_token"); got != n {
		t.Errorf("%d requests", got)
	}
}

func TestAnUnmodifiedClientConnectsADevice(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{oauthtest.SecretBasic, oauthtest.SecretPost, oauthtest.None} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			srv := start(t, func(c *oauthtest.Config) { c.DeviceInterval = time.Second })
			app := srv.Register(oauthtest.Client{Auth: auth})
			cfg := settings(srv, app)
			if auth != oauthtest.None { // which x/oauth2 doesn't show at the device endpoint
				for secret, want := range map[string]int{app.Secret: 200, "wrong": 401} {
					form, basic := url.Values{"scope": {"repo"}}, []string{app.ID, secret}
					if auth == oauthtest.SecretPost {
						form.Set("client_id", app.ID)
						form.Set("client_secret", secret)
						basic = nil
					}
					if status, _ := post(t, srv.URL(oauthtest.DevicePath), form, basic...); status != want {
						t.Errorf("a good secret: %t: %d", want == 200, status)
					}
				}
				return
			}
			device, err := cfg.DeviceAuth(t.Context())
			if err != nil {
				t.Fatal(refusal(err))
			}
			if err := (oauthtest.Approver{User: srv.AddUser("alice")}).ApproveDevice(t.Context(), device.VerificationURIComplete); err != nil {
				t.Fatal(err)
			}
			token, err := cfg.DeviceAccessToken(t.Context(), device)
			if err != nil {
				t.Fatal(refusal(err))
			}
			if use(t, srv, token.AccessToken) != 200 || token.RefreshToken == "" {
				t.Error("the token is no good")
			}
			if got, want := srv.Counts("alice"), (oauthtest.Counts{Devices: 1}); got != want {
				t.Errorf("counted %+v, want %+v", got, want)
			}
		})
	}
}

func TestADeviceIsToldHowItStands(t *testing.T) {
	t.Parallel()
	srv := start(t)
	app := srv.Register(oauthtest.Client{Auth: oauthtest.None})
	cfg := settings(srv, app)
	alice := srv.AddUser("alice")
	poll := func(device *oauth2.DeviceAuthResponse) string {
		_, code := post(t, srv.URL(oauthtest.TokenPath), url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {app.ID}, "device_code": {device.DeviceCode},
		})
		return code
	}
	ask := func() *oauth2.DeviceAuthResponse {
		d, err := cfg.DeviceAuth(t.Context())
		if err != nil {
			t.Fatal(refusal(err))
		}
		return d
	}
	first := ask()
	srv.SlowDown(2)
	got := []string{poll(first), poll(first), poll(first)}
	if want := []string{"slow_down", "slow_down", "authorization_pending"}; !slices.Equal(got, want) {
		t.Errorf("polls: %q, want %q", got, want)
	}
	if err := (oauthtest.Approver{User: alice, Deny: true}).ApproveDevice(t.Context(), first.VerificationURIComplete); err != nil {
		t.Fatal(err)
	}
	second, third := ask(), ask()
	if err := (oauthtest.Approver{User: alice}).ApproveDevice(t.Context(), third.VerificationURIComplete); err != nil {
		t.Fatal(err)
	}
	got = []string{poll(first), poll(third), poll(third)}
	srv.ExpireDevices()
	got = append(got, poll(second))
	if want := []string{"access_denied", "", "access_denied", "expired_token"}; !slices.Equal(got, want) {
		t.Errorf("denied, agreed, again, expired: %q, want %q", got, want)
	}
	hasty := start(t, func(c *oauthtest.Config) { c.DeviceInterval = time.Hour })
	srv, app = hasty, hasty.Register(app)
	cfg = settings(hasty, app)
	fourth := ask()
	if got, want := []string{poll(fourth), poll(fourth)}, []string{"authorization_pending", "slow_down"}; !slices.Equal(got, want) {
		t.Errorf("polls without a wait: %q, want %q", got, want)
	}
}

func TestAnApplicationGetsTokensOfItsOwn(t *testing.T) {
	t.Parallel()
	srv := start(t)
	app := srv.Register(oauthtest.Client{})
	cfg := clientcredentials.Config{
		ClientID: app.ID, ClientSecret: app.Secret, TokenURL: srv.URL(oauthtest.TokenPath), Scopes: []string{"repo", "other"}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	token, err := cfg.Token(t.Context())
	if err != nil {
		t.Fatal(refusal(err))
	}
	if scope, _ := token.Extra("scope").(string); scope != "repo" || token.RefreshToken != "" || use(t, srv, token.AccessToken) != 200 {
		t.Errorf("granted %q, a refresh token: %t", scope, token.RefreshToken != "")
	}
	if got, want := srv.Counts(app.ID), (oauthtest.Counts{ClientCredentials: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	cfg.ClientSecret = "wrong"
	if _, err := cfg.Token(t.Context()); refusal(err) != "invalid_client" {
		t.Errorf("another secret: %q", refusal(err))
	}
	public := srv.Register(oauthtest.Client{Auth: oauthtest.None})
	if status, code := post(t, cfg.TokenURL, url.Values{"grant_type": {"client_credentials"}, "client_id": {public.ID}}); status == 200 {
		t.Errorf("a public client: %q", code)
	}
}

func TestAClientAuthenticatesInItsWayOnly(t *testing.T) {
	t.Parallel()
	srv := start(t)
	basic, inBody := srv.Register(oauthtest.Client{}), srv.Register(oauthtest.Client{Auth: oauthtest.SecretPost})
	at := srv.URL(oauthtest.TokenPath)
	grant := func(more ...string) url.Values {
		form := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	for name, c := range map[string]struct {
		form  url.Values
		basic []string
		want  int
	}{
		"header":                      {grant(), []string{basic.ID, basic.Secret}, 200},
		"header, registered for body": {grant(), []string{inBody.ID, inBody.Secret}, 401},
		"body":                        {grant("client_id", inBody.ID, "client_secret", inBody.Secret), nil, 200},
		"body, registered for header": {grant("client_id", basic.ID, "client_secret", basic.Secret), nil, 401},
		"both":                        {grant("client_id", basic.ID, "client_secret", basic.Secret), []string{basic.ID, basic.Secret}, 401},
		"neither":                     {grant("client_id", basic.ID), nil, 401},
		"another's id in the body":    {grant("client_id", inBody.ID), []string{basic.ID, basic.Secret}, 401},
		"nobody":                      {grant(), nil, 401},
		"another secret":              {grant(), []string{basic.ID, "wrong"}, 401},
	} {
		if got, _ := post(t, at, c.form, c.basic...); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got, _ := post(t, at+"?client_id="+basic.ID, grant(), basic.ID, basic.Secret); got != 400 {
		t.Errorf("parameters in the address: %d", got)
	}
}

func TestRevocationEndsWhatItNames(t *testing.T) {
	t.Parallel()
	srv := start(t)
	app, other := srv.Register(oauthtest.Client{Redirects: []string{redirect}}), srv.Register(oauthtest.Client{})
	cfg := settings(srv, app)
	token := connect(t, srv, cfg, srv.AddUser("alice"))
	at := srv.URL(oauthtest.RevokePath)
	revoke := func(token, hint string, as oauthtest.Client) int {
		status, _ := post(t, at, url.Values{"token": {token}, "token_type_hint": {hint}}, as.ID, as.Secret)
		return status
	}
	if revoke("no-token", "", app) != 200 || revoke(token.RefreshToken, "refresh_token", other) != 200 {
		t.Error("RFC 7009 section 2.2: what is unknown is no error")
	}
	if got := use(t, srv, token.AccessToken); got != 200 {
		t.Errorf("another client has revoked it: %d", got)
	}
	revoke(token.AccessToken, "access_token", app)
	next, refused := refresh(t.Context(), cfg, token.RefreshToken)
	if got := use(t, srv, token.AccessToken); got != 401 || refused != "" {
		t.Errorf("an access token revoked: %d, and then refreshed: %q", got, refused)
	}
	revoke(next.RefreshToken, "refresh_token", app)
	if _, refused := refresh(t.Context(), cfg, next.RefreshToken); refused != "invalid_grant" || use(t, srv, next.AccessToken) != 401 {
		t.Errorf("a refresh token revoked: %q", refused)
	}
	if got, want := srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1, Disconnects: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if status, _ := post(t, at, url.Values{"token": {next.RefreshToken}}, app.ID, "wrong"); status != 401 {
		t.Errorf("another secret: %d", status)
	}
}

func TestAUserDisconnectsAtTheProvider(t *testing.T) {
	t.Parallel()
	srv := start(t)
	cfg := settings(srv, srv.Register(oauthtest.Client{Redirects: []string{redirect}}))
	token, other := connect(t, srv, cfg, srv.AddUser("alice")), connect(t, srv, cfg, srv.AddUser("bob"))
	srv.Disconnect("alice")
	if _, refused := refresh(t.Context(), cfg, token.RefreshToken); refused != "invalid_grant" || use(t, srv, token.AccessToken) != 401 {
		t.Errorf("refreshed: %q", refused)
	}
	if use(t, srv, other.AccessToken) != 200 {
		t.Error("another user is disconnected, too")
	}
}

func TestTheServerDescribesItself(t *testing.T) {
	t.Parallel()
	for _, less := range []bool{false, true} {
		srv := start(t, func(c *oauthtest.Config) { c.NoMetadata, c.NoIssuerAnswer = less, less })
		for path, there := range map[string]bool{"/.well-known/openid-configuration": true, "/.well-known/oauth-authorization-server": !less} {
			resp, err := http.Get(srv.URL(path))
			if err != nil {
				t.Fatal(err)
			}
			var doc struct {
				Issuer        string `json:"issuer"`
				Authorization string `json:"authorization_endpoint"`
				Token         string `json:"token_endpoint"`
				Revocation    string `json:"revocation_endpoint"`
				Device        string `json:"device_authorization_endpoint"`
				Iss           bool   `json:"authorization_response_iss_parameter_supported"`
			}
			_ = json.NewDecoder(resp.Body).Decode(&doc)
			_ = resp.Body.Close()
			if got := resp.StatusCode == 200; got != there {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
			if there && (doc.Issuer != srv.Issuer || doc.Authorization != srv.URL(oauthtest.AuthorizePath) || doc.Token != srv.URL(oauthtest.TokenPath) ||
				doc.Revocation != srv.URL(oauthtest.RevokePath) || doc.Device != srv.URL(oauthtest.DevicePath) || doc.Iss == less) {
				t.Errorf("%s: %+v", path, doc)
			}
		}
	}
}

func TestSlogsDefaultIsLeftAlone(t *testing.T) {
	t.Parallel()
	before := logged.bytes()
	srv := start(t)
	app := srv.Register(oauthtest.Client{})
	post(t, srv.URL(oauthtest.TokenPath), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, app.ID, app.Secret)
	if after := logged.bytes(); len(after) <= len(before) {
		t.Error("a refused request is not in the log of slog's default, which the test has set")
	}
}
