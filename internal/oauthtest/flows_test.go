package oauthtest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/oauthtest"
	lukko "github.com/lukko-dev/lukko/oauth2"
)

// keys are those of applications that authenticate by an assertion.
func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal("no key")
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal("no key")
	}
	return map[string]crypto.Signer{"ES256": ec, "RS256": rs}
}

// withKey is an account of an application that has a key.
func withKey(t *testing.T, srv *oauthtest.Server, key crypto.Signer) *account {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal("no key")
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	srv.Watch("private key", strings.Split(text, "\n")[1])
	a := newAccount(t, srv, oauthtest.Client{Auth: oauthtest.PrivateKeyJWT, PublicKey: key.Public(), KeyID: "k1"})
	a.setApp("", text, "k1")
	return a
}

// silent leaves it to the application's secret how to authenticate.
func silent(a *account) *account {
	a.cfg.Settings.ClientAuth = lukko.ClientAuthAuto
	return a
}

// agree begins to connect, has the user agree, and returns what the browser brings back.
func (a *account) agree(c *lukko.Client) (*lukko.Pending, url.Values) {
	a.t.Helper()
	p, err := c.Begin(a.t.Context(), lukko.BeginOptions{RedirectURL: redirect})
	if err != nil {
		a.t.Fatal(a.say(err))
	}
	back, err := oauthtest.Approver{User: a.user}.Approve(a.t.Context(), p.URL.Reveal())
	if err != nil {
		a.t.Fatal(err)
	}
	return p, back.Query()
}

// works checks that the account is connected, and what the server has counted.
func (a *account) works(c *lukko.Client, want oauthtest.Counts) {
	a.t.Helper()
	if status, err := a.api(a.t.Context(), c); status != 200 || err != nil {
		a.t.Errorf("a request: %d, %v", status, err)
	}
	user := a.user.Name
	if want.ClientCredentials > 0 {
		user = a.app.ID
	}
	if got := a.srv.Counts(user); got != want {
		a.t.Errorf("the server counts %+v, want %+v", got, want)
	}
}

func TestTheCodeFlowConnectsHoweverTheApplicationAuthenticates(t *testing.T) {
	t.Parallel()
	keys := keys(t)
	for name, open := range map[string]func(t *testing.T, srv *oauthtest.Server) *account{
		"client_secret_basic": func(t *testing.T, srv *oauthtest.Server) *account { return newAccount(t, srv, oauthtest.Client{}) },
		"client_secret_post": func(t *testing.T, srv *oauthtest.Server) *account {
			return newAccount(t, srv, oauthtest.Client{Auth: oauthtest.SecretPost})
		},
		"none": func(t *testing.T, srv *oauthtest.Server) *account {
			return newAccount(t, srv, oauthtest.Client{Auth: oauthtest.None})
		},
		"private_key_jwt, ES256": func(t *testing.T, srv *oauthtest.Server) *account { return withKey(t, srv, keys["ES256"]) },
		"private_key_jwt, RS256": func(t *testing.T, srv *oauthtest.Server) *account { return withKey(t, srv, keys["RS256"]) },
		"a secret, and no word on it": func(t *testing.T, srv *oauthtest.Server) *account {
			return silent(newAccount(t, srv, oauthtest.Client{}))
		},
		"a key, and no word on it": func(t *testing.T, srv *oauthtest.Server) *account { return silent(withKey(t, srv, keys["ES256"])) },
		"nothing, and no word on it": func(t *testing.T, srv *oauthtest.Server) *account {
			return silent(newAccount(t, srv, oauthtest.Client{Auth: oauthtest.None}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, start(t))
			c := a.client()
			_, err := c.Token(t.Context())
			a.is(err, lukko.ErrNotConnected, core.ErrNotFound)
			if s, err := c.Status(t.Context()); err != nil || s.Connected {
				t.Errorf("before: %+v, %v", s, a.say(err))
			}

			p, answer := a.agree(c)
			at, _ := url.Parse(p.URL.Reveal())
			if q := at.Query(); q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("nonce")) < 22 || len(q.Get("state")) < 22 {
				t.Error("the authorization address lacks PKCE, the nonce or the state")
			}
			if err := c.Finish(t.Context(), p, answer); err != nil {
				t.Fatal(a.say(err))
			}
			a.works(c, oauthtest.Counts{Codes: 1})
			s, err := c.Status(t.Context())
			if err != nil {
				t.Fatal(a.say(err))
			}
			if left := time.Until(s.ExpiresAt.Time); !s.Connected || !s.Refreshable || s.Reauthorize || s.LastFailure != nil || left < 59*time.Minute || left > time.Hour ||
				!slices.Equal(s.Granted, []string{"openid", "offline_access", "repo"}) || !slices.Equal(s.Missing, []string{"other"}) {
				t.Errorf("the status: %+v", s)
			}
			// Before the end, as somebody asks for it.
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(a.say(err))
			}
			a.works(c, oauthtest.Counts{Codes: 1, Refreshes: 1})
			// At an end that only the resource server knows of.
			a.srv.ExpireAccessTokens()
			a.works(c, oauthtest.Counts{Codes: 1, Refreshes: 2})
			if a.srv.Refused("alice") != 1 {
				t.Errorf("%d requests were refused, want 1", a.srv.Refused("alice"))
			}
			for _, r := range a.srv.Requests() {
				if r.Auth != a.app.Auth || r.Status != 200 {
					t.Errorf("a request of %q authenticates by %q: %d", r.Grant, r.Auth, r.Status)
				}
			}

			done, err := c.Revoke(t.Context(), lukko.RevokeOptions{})
			if err != nil || !done.AtProvider {
				t.Errorf("revoked: %t, %v", done.AtProvider, a.say(err))
			}
			if got := a.srv.Counts("alice"); got.Disconnects != 1 || got.Reuses != 0 {
				t.Errorf("the server counts %+v", got)
			}
			for _, id := range []string{tokensID, tokensID + lukko.ClaimSuffix} {
				if _, err := a.service.Get(t.Context(), id); !errors.Is(err, core.ErrNotFound) {
					t.Errorf("%s is still there: %v", id, err)
				}
			}
			_, err = c.Token(t.Context())
			a.is(err, lukko.ErrNotConnected)
		})
	}
}

func TestEndpointsAreDiscoveredInBothWays(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*oauthtest.Config){
		"RFC 8414":                func(*oauthtest.Config) {},
		"OpenID discovery":        func(c *oauthtest.Config) { c.NoMetadata = true },
		"no issuer in the answer": func(c *oauthtest.Config) { c.NoIssuerAnswer = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, start(t, change), oauthtest.Client{})
			a.cfg.Settings = lukko.OpenID(a.srv.Issuer, "openid", "offline_access", "repo")
			a.cfg.Settings.AllowedHosts = []string{strings.TrimPrefix(a.srv.API, "http://")}
			c := a.client()
			p, answer := a.agree(c)
			if err := c.Finish(t.Context(), p, answer); err != nil {
				t.Fatal(a.say(err))
			}
			a.works(c, oauthtest.Counts{Codes: 1})
		})
	}
}

func TestEndpointsMayBeGivenWithoutAnIssuer(t *testing.T) {
	t.Parallel()
	a := newAccount(t, start(t), oauthtest.Client{})
	s := &a.cfg.Settings
	s.Issuer, s.Scopes, s.Resources = "", []string{"offline_access", "repo"}, []string{"https://api.example.com/", "https://files.example.com/"}
	s.AuthURL, s.TokenURL, s.RevokeURL = a.srv.URL(oauthtest.AuthorizePath), a.srv.URL(oauthtest.TokenPath), a.srv.URL(oauthtest.RevokePath)
	c := a.client()
	p, answer := a.agree(c)
	at, _ := url.Parse(p.URL.Reveal())
	if got := at.Query()["resource"]; !slices.Equal(got, s.Resources) {
		t.Errorf("the authorization is for %q", got)
	}
	if err := c.Finish(t.Context(), p, answer); err != nil {
		t.Fatal(a.say(err))
	}
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(a.say(err))
	}
	a.works(c, oauthtest.Counts{Codes: 1, Refreshes: 1})
	for _, r := range a.srv.Requests() {
		if !slices.Equal(r.Resources, s.Resources) {
			t.Errorf("%s is for %q", r.Grant, r.Resources)
		}
	}
}

// What an answer must not be: forged, another's, replayed, or one for another request. The
// server exchanges no code of it, and what is stored stays.
func TestAnswersThatAreNotToThisRequestAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(answer, other url.Values) // answer is the user's, other another request's
		kind   error
		counts oauthtest.Counts
	}{
		"a forged state":                {func(a, _ url.Values) { a.Set("state", "forged") }, core.ErrInvalidValue, oauthtest.Counts{}},
		"no state":                      {func(a, _ url.Values) { a.Del("state") }, core.ErrInvalidValue, oauthtest.Counts{}},
		"another request's answer":      {func(a, o url.Values) { a.Set("code", o.Get("code")); a.Set("state", o.Get("state")) }, core.ErrInvalidValue, oauthtest.Counts{}},
		"another provider's":            {func(a, _ url.Values) { a.Set("iss", "https://attacker.example") }, core.ErrInvalidValue, oauthtest.Counts{}},
		"no issuer, which was promised": {func(a, _ url.Values) { a.Del("iss") }, core.ErrInvalidValue, oauthtest.Counts{}},
		"two codes":                     {func(a, o url.Values) { a.Add("code", o.Get("code")) }, core.ErrInvalidValue, oauthtest.Counts{}},
		"neither code nor error":        {func(a, _ url.Values) { a.Del("code") }, core.ErrInvalidValue, oauthtest.Counts{}},
		// The code is good, and the verifier is not its own: PKCE, at the server.
		"another request's code": {func(a, o url.Values) { a.Set("code", o.Get("code")) }, core.ErrPermissionDenied, oauthtest.Counts{}},
		"a code that is none":    {func(a, _ url.Values) { a.Set("code", "none") }, core.ErrPermissionDenied, oauthtest.Counts{}},
		"a denial": {func(a, _ url.Values) {
			a.Del("code")
			a.Set("error", "access_denied")
			a.Set("error_description", oauthtest.Canary)
		}, core.ErrPermissionDenied, oauthtest.Counts{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, start(t), oauthtest.Client{})
			client := a.client()
			p, answer := a.agree(client)
			_, other := a.agree(client)
			c.change(answer, other)
			a.is(client.Finish(t.Context(), p, answer), c.kind)
			if got := a.srv.Counts("alice"); got != c.counts {
				t.Errorf("the server counts %+v", got)
			}
			if _, err := a.service.Get(t.Context(), tokensID); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("something is stored: %v", err)
			}
		})
	}
	t.Run("an answer that was used", func(t *testing.T) {
		t.Parallel()
		a := newAccount(t, start(t), oauthtest.Client{})
		client := a.client()
		p, answer := a.agree(client)
		if err := client.Finish(t.Context(), p, answer); err != nil {
			t.Fatal(a.say(err))
		}
		a.is(client.Finish(t.Context(), p, answer), core.ErrInvalidValue)
		a.works(client, oauthtest.Counts{Codes: 1})
	})
	t.Run("a user who says no", func(t *testing.T) {
		t.Parallel()
		a := newAccount(t, start(t), oauthtest.Client{})
		client := a.client()
		p, err := client.Begin(t.Context(), lukko.BeginOptions{RedirectURL: redirect})
		if err != nil {
			t.Fatal(a.say(err))
		}
		back, err := oauthtest.Approver{User: a.user, Deny: true}.Approve(t.Context(), p.URL.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		a.is(client.Finish(t.Context(), p, back.Query()), core.ErrPermissionDenied)
	})
}

func TestABrowserConnectsByALoopbackAddress(t *testing.T) {
	t.Parallel()
	for _, deny := range []bool{false, true} {
		a := newAccount(t, start(t), oauthtest.Client{Auth: oauthtest.None, Redirects: []string{"http://127.0.0.1/callback"}})
		c := a.client()
		page := make(chan string, 1)
		err := c.ConnectBrowser(t.Context(), lukko.BrowserOptions{Open: func(address string) error {
			resp, err := oauthtest.Approver{User: a.user, Deny: deny}.Visit(t.Context(), address)
			if err != nil {
				page <- ""
				return err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			page <- string(body)
			return err
		}})
		text := <-page
		a.said.Write([]byte(text)) // nothing of the request may be in it
		if text == "" {
			t.Error("the browser is shown nothing")
		}
		if deny {
			a.is(err, core.ErrPermissionDenied)
			continue
		}
		if err != nil {
			t.Fatal(a.say(err))
		}
		a.works(c, oauthtest.Counts{Codes: 1})
	}
}

// The server holds the device to its interval by the device's own clock, so that a
// client that is too quick is told to slow down once more than the test says.
func TestADeviceIsConnectedAndSlowsDown(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{oauthtest.None, oauthtest.SecretBasic, oauthtest.SecretPost} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			at := &clock{skip: func(d time.Duration) bool { return d%(10*time.Second) != 0 }} // the limits of calls are 10 and 30 s
			srv := start(t, func(c *oauthtest.Config) { c.Now, c.DeviceInterval = at.Now, 7*time.Second })
			a := newAccount(t, srv, oauthtest.Client{Auth: auth})
			a.cfg.Clock = at
			c := a.client()
			polls := func() int { return srv.TokenRequests("urn:ietf:params:oauth:grant-type:device_code") }
			var shown lukko.DeviceCode
			err := c.ConnectDevice(t.Context(), func(code lukko.DeviceCode) error {
				shown = code
				srv.SlowDown(2)
				at.mu.Lock()
				defer at.mu.Unlock()
				within := at.skip
				at.skip = func(d time.Duration) bool {
					if within(d) && polls() == 4 { // after two slow_down and two authorization_pending
						if err := (oauthtest.Approver{User: a.user}).ApproveDevice(context.WithoutCancel(t.Context()), code.CompleteURL); err != nil {
							t.Error(err)
						}
					}
					return within(d)
				}
				return nil
			})
			if err != nil {
				t.Fatal(a.say(err))
			}
			if shown.UserCode == "" || shown.URL != srv.Issuer+"/device" {
				t.Errorf("shown: %+v", shown)
			}
			a.works(c, oauthtest.Counts{Devices: 1})
			var said []string
			for _, r := range srv.Requests() {
				if r.Path == oauthtest.TokenPath {
					said = append(said, r.Error)
				}
			}
			if want := []string{"slow_down", "slow_down", "authorization_pending", "authorization_pending", ""}; !slices.Equal(said, want) {
				t.Errorf("the polls are answered %q, want %q", said, want)
			}
			s := time.Second
			if want := []time.Duration{7 * s, 12 * s, 17 * s, 17 * s, 17 * s}; !slices.Equal(at.waits, want) {
				t.Errorf("the device waits %v, want %v", at.waits, want)
			}
		})
	}
}

func TestADeviceThatIsRefusedEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(a *account, code lukko.DeviceCode)
		code string
	}{
		"by the user": {func(a *account, code lukko.DeviceCode) {
			if err := (oauthtest.Approver{User: a.user, Deny: true}).ApproveDevice(a.t.Context(), code.CompleteURL); err != nil {
				a.t.Error(err)
			}
		}, "access_denied"},
		"by the time": {func(a *account, _ lukko.DeviceCode) { a.srv.ExpireDevices() }, "expired_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := &clock{skip: func(d time.Duration) bool { return d%(10*time.Second) != 0 }}
			a := newAccount(t, start(t), oauthtest.Client{Auth: oauthtest.None})
			a.cfg.Clock = at
			client := a.client()
			err := client.ConnectDevice(t.Context(), func(code lukko.DeviceCode) error { c.end(a, code); return nil })
			a.is(err, core.ErrPermissionDenied)
			var about *lukko.Error
			if !errors.As(err, &about) || about.Code != c.code {
				t.Errorf("the error is %v", err)
			}
			if s, err := client.Status(t.Context()); err != nil || s.Connected {
				t.Errorf("the status: %+v, %v", s, a.say(err))
			}
		})
	}
}

func TestClientCredentialsAreHadAgainWhenTheyEnd(t *testing.T) {
	t.Parallel()
	keys := keys(t)
	for name, open := range map[string]func(srv *oauthtest.Server) *account{
		"a secret": func(srv *oauthtest.Server) *account { return newAccount(t, srv, oauthtest.Client{}) },
		"in the body": func(srv *oauthtest.Server) *account {
			return newAccount(t, srv, oauthtest.Client{Auth: oauthtest.SecretPost})
		},
		"a key": func(srv *oauthtest.Server) *account { return withKey(t, srv, keys["ES256"]) },
	} {
		a := open(start(t))
		a.cfg.Settings.Grant, a.cfg.Settings.Scopes = lukko.GrantClientCredentials, []string{"repo"}
		at := &clock{}
		a.cfg.Clock = at
		c := a.client()
		if err := c.ConnectClientCredentials(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, a.say(err))
		}
		a.works(c, oauthtest.Counts{ClientCredentials: 1})
		if err := c.Refresh(t.Context()); err != nil {
			t.Errorf("%s: %v", name, a.say(err))
		}
		a.works(c, oauthtest.Counts{ClientCredentials: 2})
		if a.app.Auth == oauthtest.PrivateKeyJWT {
			a.srv.ExpireAccessTokens() // an assertion of a clock that is hours ahead is no good
		} else {
			at.advance(2 * time.Hour)
		}
		a.works(c, oauthtest.Counts{ClientCredentials: 3})
		a.srv.ExpireAccessTokens()
		a.works(c, oauthtest.Counts{ClientCredentials: 4})
		for range 2 {
			if err := a.burst(c); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		a.works(c, oauthtest.Counts{ClientCredentials: 4})
		if s, err := c.Status(t.Context()); err != nil || !s.Connected || !s.Refreshable || !slices.Equal(s.Granted, []string{"repo"}) {
			t.Errorf("%s: %+v, %v", name, s, a.say(err))
		}
	}
}

// A 401 of the resource server: one refresh and one retry where the body can be sent
// again, and else the 401 itself, whole.
func TestARefusedRequestIsSentAgainOrReturnedWhole(t *testing.T) {
	t.Parallel()
	const size = 20 << 20 // more than is buffered
	for name, c := range map[string]struct {
		body   func() io.Reader
		status int
		bytes  int64
	}{
		"a body that can be had again": {func() io.Reader { return strings.NewReader(strings.Repeat("x", size)) }, 200, size},
		"a short body":                 {func() io.Reader { return io.MultiReader(strings.NewReader("short")) }, 200, 5},
		"no body":                      {func() io.Reader { return nil }, 200, 0},
		"a stream": {func() io.Reader {
			return io.LimitReader(endless{}, size)
		}, 401, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, start(t), oauthtest.Client{})
			a.seed()
			client := a.client()
			a.works(client, oauthtest.Counts{Codes: 1})
			a.srv.ExpireAccessTokens()
			req, err := http.NewRequestWithContext(t.Context(), "POST", a.srv.API+"/api/upload", c.body())
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.HTTP().Do(req)
			if err != nil {
				t.Fatal(a.say(err))
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			var answer oauthtest.Answer
			if c.status == 401 && string(text) != oauthtest.RefusedBody {
				t.Errorf("the 401 has %d bytes", len(text))
			} else if c.status == 200 && (json.Unmarshal(text, &answer) != nil || answer.Bytes != c.bytes || answer.User != "alice") {
				t.Errorf("the server got %d bytes, want %d", answer.Bytes, c.bytes)
			}
			a.works(client, oauthtest.Counts{Codes: 1, Refreshes: 1})
		})
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
