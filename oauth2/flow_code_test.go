package oauth2_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestACodeBecomesStoredTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFlow(t, newFlowProvider(t), nil)
		p := f.begin()
		time.Sleep(9 * time.Minute)
		if err := f.client.Finish(t.Context(), p, f.provider.agree(p.URL.Reveal())); err != nil {
			t.Fatal(err)
		}
		token, ok := f.stored()
		if !ok {
			t.Fatal("nothing is stored")
		}
		if token.AccessToken.Reveal() != "canary-access-1" || token.RefreshToken.Reveal() != "canary-refresh-1" || token.TokenType != "Bearer" {
			t.Error("the stored tokens are not those that the provider gave")
		}
		if token.Scope != "read write" {
			t.Errorf("the scope is %q; an answer that doesn't say grants what was asked for", token.Scope)
		}
		now := time.Now()
		if !token.ExpiresAt.Equal(now.Add(time.Hour)) || !token.ConnectedAt.Equal(now) || !token.RefreshedAt.Equal(now) {
			t.Errorf("expires %v, connected %v, refreshed %v at %v", token.ExpiresAt, token.ConnectedAt, token.RefreshedAt, now)
		}
		status, err := f.client.Status(t.Context())
		if err != nil || !status.Connected || !status.Refreshable {
			t.Errorf("status %+v, %v", status, err)
		}
	})
}

func TestConnectingAgainReplacesTheAccount(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), nil)
	for n := range 2 {
		p := f.begin()
		if err := f.client.Finish(t.Context(), p, f.provider.agree(p.URL.Reveal())); err != nil {
			t.Fatalf("time %d: %v", n+1, err)
		}
	}
	if token, _ := f.stored(); token.AccessToken.Reveal() != "canary-access-2" {
		t.Error("the tokens of the second time are not stored")
	}
}

func TestTheScopeThatWasGrantedIsKept(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	s.token = func(answer map[string]any) { answer["scope"] = "read" }
	f := newFlow(t, s, nil)
	p := f.begin()
	if err := f.client.Finish(t.Context(), p, s.agree(p.URL.Reveal())); err != nil {
		t.Fatal(err)
	}
	if token, _ := f.stored(); token.Scope != "read" {
		t.Errorf("the scope is %q", token.Scope)
	}
	status, err := f.client.Status(t.Context())
	if err != nil || !slices.Equal(status.Missing, []string{"write"}) {
		t.Errorf("missing %q, %v", status.Missing, err)
	}
}

func TestTheAuthorizationRequest(t *testing.T) {
	t.Parallel()
	const base = "client_id redirect_uri response_type scope state tenant"
	for _, test := range []struct {
		name   string
		change func(*oauth2.Settings)
		params map[string]string
		names  string
		want   url.Values
	}{
		{
			"has a proof key and keeps the endpoint's own query", nil, nil,
			base + " code_challenge code_challenge_method",
			url.Values{"code_challenge_method": {"S256"}, "scope": {"read write"}, "redirect_uri": {flowRedirect}, "tenant": {"a"}},
		},
		{
			"has a nonce where openid is asked for", func(s *oauth2.Settings) { s.Scopes = []string{"openid"} }, nil,
			base + " code_challenge code_challenge_method nonce",
			url.Values{"scope": {"openid"}},
		},
		{
			"has no proof key where the settings say so", func(s *oauth2.Settings) { s.PKCE = oauth2.PKCENone }, nil,
			base, nil,
		},
		{
			"names the resources", func(s *oauth2.Settings) { s.Resources = []string{"https://a.example/", "https://b.example/"} }, nil,
			base + " code_challenge code_challenge_method resource",
			url.Values{"resource": {"https://a.example/", "https://b.example/"}},
		},
		{
			"has more parameters, those of the call first", func(s *oauth2.Settings) {
				s.AuthParams = map[string]string{"prompt": "consent", "access_type": "offline"}
			},
			map[string]string{"prompt": "none", "login_hint": "a@b.example"},
			base + " code_challenge code_challenge_method access_type login_hint prompt",
			url.Values{"prompt": {"none"}, "access_type": {"offline"}, "login_hint": {"a@b.example"}},
		},
		{
			"has scopes as the provider wants them", func(s *oauth2.Settings) {
				s.ScopeSeparator, s.ScopeParam = ",", "user_scope"
			}, nil,
			"client_id redirect_uri response_type user_scope state tenant code_challenge code_challenge_method",
			url.Values{"user_scope": {"read,write"}},
		},
		{
			"has no scope where none is asked for", func(s *oauth2.Settings) { s.Scopes = nil }, nil,
			"client_id redirect_uri response_type state tenant code_challenge code_challenge_method", nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, newFlowProvider(t), func(c *oauth2.Config) {
				if test.change != nil {
					test.change(&c.Settings)
				}
			})
			p, err := f.client.Begin(t.Context(), oauth2.BeginOptions{RedirectURL: flowRedirect, Params: test.params})
			if err != nil {
				t.Fatal(err)
			}
			query := f.provider.authorization(p.URL.Reveal())
			want := slices.Sorted(slices.Values(strings.Fields(test.names)))
			if got := slices.Sorted(maps.Keys(query)); !slices.Equal(got, want) {
				t.Errorf("parameters %q, want %q", got, want)
			}
			for name, values := range test.want {
				if !slices.Equal(query[name], values) {
					t.Errorf("%s is %q, want %q", name, query[name], values)
				}
			}
			for _, name := range []string{"state", "nonce", "code_challenge"} {
				if b, err := base64.RawURLEncoding.DecodeString(query.Get(name)); query.Has(name) && (err != nil || len(b) != 32) {
					t.Errorf("%s is not 32 bytes in base64url", name)
				}
			}
			if query.Get("state") != p.State.Reveal() {
				t.Error("the state is not that of the pending connection")
			}
			if err := f.client.Finish(t.Context(), p, f.provider.agree(p.URL.Reveal())); err != nil {
				t.Errorf("the answer to it: %v", err)
			}
		})
	}
}

func TestEachAuthorizationRequestIsUnlikeTheOthers(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), func(c *oauth2.Config) { c.Settings.Scopes = []string{"openid"} })
	seen := map[string]bool{}
	for range 100 {
		query := f.provider.authorization(f.begin().URL.Reveal())
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if seen[query.Get(name)] {
				t.Fatalf("%s repeats", name)
			}
			seen[query.Get(name)] = true
		}
	}
}

func TestBeginRefusesOptionsThatCantBe(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), func(c *oauth2.Config) { c.Settings.ScopeParam = "user_scope" })
	options := map[string]oauth2.BeginOptions{}
	for _, name := range []string{
		"", "a b", "response_type", "client_id", "redirect_uri", "scope", "user_scope", "state", "nonce", "code_challenge",
		"code_challenge_method", "resource", "request", "request_uri",
	} {
		options["parameter "+name] = oauth2.BeginOptions{RedirectURL: flowRedirect, Params: map[string]string{name: "canary"}}
	}
	for _, address := range []string{
		"", "/callback", "app.example/callback", "http://app.example/", "ftp://app.example/", "https://canary@app.example/", "https:///x",
		"https://app.example/#canary", "https://app.example/#", "https://app.example/a b", "https://app.example/\n", "javascript:canary",
		"https://app.example/" + strings.Repeat("x", 512), "https:app.example", "http://127.0.0.1.example/", "https://bücher.example/",
	} {
		options["address "+address] = oauth2.BeginOptions{RedirectURL: address}
	}
	for name, o := range options {
		if _, err := f.client.Begin(t.Context(), o); !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		} else {
			wantSafe(t, err)
		}
	}
	if n := len(f.provider.asked("/token")); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	for _, address := range []string{"http://127.0.0.1:8080/x", "http://localhost/", "http://[::1]:1/a", "https://app.example"} {
		if _, err := f.client.Begin(t.Context(), oauth2.BeginOptions{RedirectURL: address}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestNoFlowBeginsWithoutTheApplicationsSecret(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, stored string
		kind         error
	}{
		{"missing", "", core.ErrNotFound},
		{"no JSON", "canary", core.ErrInvalidValue},
		{"without a client id", `{"clientSecret":"canary"}`, core.ErrInvalidValue},
		{"of another type", `{"clientId":["canary"]}`, core.ErrInvalidValue},
	} {
		for way, connect := range map[string]func(context.Context, *oauth2.Client) error{
			"Begin": func(ctx context.Context, c *oauth2.Client) error {
				_, err := c.Begin(ctx, oauth2.BeginOptions{RedirectURL: flowRedirect})
				return err
			},
			"ConnectBrowser": func(ctx context.Context, c *oauth2.Client) error {
				return c.ConnectBrowser(ctx, oauth2.BrowserOptions{Open: func(string) error {
					t.Error("a browser was opened")
					return nil
				}})
			},
			"ConnectDevice": func(ctx context.Context, c *oauth2.Client) error {
				return c.ConnectDevice(ctx, func(oauth2.DeviceCode) error {
					t.Error("a code was shown")
					return nil
				})
			},
			"ConnectClientCredentials": func(ctx context.Context, c *oauth2.Client) error {
				return c.ConnectClientCredentials(ctx)
			},
		} {
			t.Run(test.name+", "+way, func(t *testing.T) {
				t.Parallel()
				f := newFlow(t, newFlowProvider(t), func(c *oauth2.Config) {
					if way == "ConnectClientCredentials" {
						c.Settings.Grant = oauth2.GrantClientCredentials
					}
				})
				var err error
				if test.stored == "" {
					err = f.store.Delete(t.Context(), flowApp)
				} else {
					_, err = f.store.Set(t.Context(), flowApp, core.String(test.stored))
				}
				if err != nil {
					t.Fatal(err)
				}
				err = connect(t.Context(), f.client)
				var e *oauth2.Error
				if !errors.Is(err, test.kind) || !errors.As(err, &e) || e.Hint == "" && e.Err == nil {
					t.Fatalf("%v is not of the kind %v, or says nothing to do", err, test.kind)
				}
				if !strings.Contains(err.Error(), flowApp) {
					t.Errorf("%v doesn't name the secret", err)
				}
				if errors.Is(err, oauth2.ErrNotConnected) {
					t.Error("an application that isn't configured is no account that isn't connected")
				}
				wantSafe(t, err)
				f.wantNothingStored()
			})
		}
	}
}

// TestAnswersThatAreRefused has each answer that is not the one to what was
// begun. None reaches the token endpoint.
func TestAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	set := func(answer url.Values, name string, values ...string) url.Values {
		answer[name] = values
		return answer
	}
	type begun struct {
		f      *flow
		p      *oauth2.Pending
		answer url.Values
	}
	for _, test := range []struct {
		name     string
		promises bool
		finish   func(t *testing.T, b begun) error
	}{
		{"forged: another state", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "state", base64.RawURLEncoding.EncodeToString(make([]byte, 32))))
		}},
		{"forged: the state but its last character", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "state", b.p.State.Reveal()[:42]))
		}},
		{"forged: no state", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, url.Values{"code": b.answer["code"]})
		}},
		{"forged: an empty state", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "state", ""))
		}},
		{"forged: the state twice", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "state", b.p.State.Reveal(), "x"))
		}},
		{"forged: two codes", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "code", b.answer.Get("code"), "canary-other"))
		}},
		{"forged: no code", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, url.Values{"state": b.answer["state"]})
		}},
		{"forged: nothing at all", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, nil)
		}},
		{"mixed up: another issuer", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "iss", "https://canary.example"))
		}},
		{"mixed up: another issuer where it is promised", true, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "iss", "https://auth.example/"))
		}},
		{"mixed up: no issuer where it is promised", true, func(t *testing.T, b begun) error {
			b.answer.Del("iss")
			return b.f.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"mixed up: an error of no issuer where it is promised", true, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, url.Values{"state": b.answer["state"], "error": {"access_denied"}})
		}},
		{"mixed up: the issuer twice", true, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), b.p, set(b.answer, "iss", "https://auth.example", "https://canary.example"))
		}},
		{"mixed up: the answer to another pending connection", false, func(t *testing.T, b begun) error {
			other := b.f.begin()
			return b.f.client.Finish(t.Context(), b.p, b.f.provider.agree(other.URL.Reveal()))
		}},
		{"mixed up: another credential", false, func(t *testing.T, b begun) error {
			other := newFlow(t, b.f.provider, func(c *oauth2.Config) { c.Name, c.Service, c.TokenSecretID = "other", b.f.store, "OTHER" })
			return other.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"mixed up: another user", false, func(t *testing.T, b begun) error {
			other := newFlow(t, b.f.provider, func(c *oauth2.Config) { c.User, c.Service, c.TokenSecretID = "eve", b.f.store, "OTHER" })
			return other.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"mixed up: another provider", false, func(t *testing.T, b begun) error {
			s := newFlowProvider(t)
			s.issuer = "https://other.example"
			other := newFlow(t, s, func(c *oauth2.Config) { c.Service = b.f.store })
			err := other.client.Finish(t.Context(), b.p, b.answer)
			if n := len(s.asked("/token")); n != 0 {
				t.Error("the other provider got the code")
			}
			return err
		}},
		{"mixed up: another token endpoint", false, func(t *testing.T, b begun) error {
			other := newFlow(t, b.f.provider, func(c *oauth2.Config) {
				c.Service = b.f.store
				c.Settings.TokenURL = b.f.provider.issuer + "/other"
			})
			return other.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"mixed up: another authorization endpoint", false, func(t *testing.T, b begun) error {
			other := newFlow(t, b.f.provider, func(c *oauth2.Config) {
				c.Service = b.f.store
				c.Settings.AuthURL = b.f.provider.issuer + "/other"
			})
			return other.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"mixed up: another client id", false, func(t *testing.T, b begun) error {
			if _, err := b.f.store.Set(t.Context(), flowApp, core.String(`{"clientId":"client-2","clientSecret":"canary"}`)); err != nil {
				t.Fatal(err)
			}
			return b.f.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"expired", false, func(t *testing.T, b begun) error {
			time.Sleep(10 * time.Minute)
			return b.f.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"expired, after it was stored", false, func(t *testing.T, b begun) error {
			p, err := oauth2.ParsePending(b.p.Stored())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			return b.f.client.Finish(t.Context(), p, b.answer)
		}},
		{"replayed after an error", false, func(t *testing.T, b begun) error {
			_ = b.f.client.Finish(t.Context(), b.p, url.Values{"state": b.answer["state"], "error": {"access_denied"}})
			return b.f.client.Finish(t.Context(), b.p, b.answer)
		}},
		{"nothing pending", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), nil, b.answer)
		}},
		{"a pending connection that nobody began", false, func(t *testing.T, b begun) error {
			return b.f.client.Finish(t.Context(), &oauth2.Pending{}, url.Values{"state": {""}, "code": {"canary"}})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFlowProvider(t)
				s.promisesIss = test.promises
				f := newFlow(t, s, nil)
				p := f.begin()
				answer := s.agree(p.URL.Reveal())
				err := test.finish(t, begun{f, p, answer})
				var e *oauth2.Error
				if !errors.Is(err, core.ErrInvalidValue) || !errors.As(err, &e) || e.Hint == "" {
					t.Fatalf("the error is %v", err)
				}
				wantSafe(t, err, p.State, core.String(answer.Get("code")))
				if n := len(s.asked("/token")) + len(s.asked("/other")); n != 0 {
					t.Errorf("the provider was asked %d times", n)
				}
				f.wantNothingStored()
			})
		})
	}
}

func TestAStrangersAnswerDoesNotUseUpWhatWasBegun(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), nil)
	p := f.begin()
	if err := f.client.Finish(t.Context(), p, url.Values{"state": {"x"}, "code": {"x"}}); !errors.Is(err, core.ErrInvalidValue) {
		t.Fatal(err)
	}
	if err := f.client.Finish(t.Context(), p, f.provider.agree(p.URL.Reveal())); err != nil {
		t.Fatal(err)
	}
}

// TestAReplayedAnswerIsRefused also where both come at once: a provider that
// sees a code twice may end the tokens that the first one got (RFC 6749 section
// 4.1.2).
func TestAReplayedAnswerIsRefused(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), nil)
	p := f.begin()
	answer := f.provider.agree(p.URL.Reveal())
	errs := make([]error, 16)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = f.client.Finish(t.Context(), p, answer) })
	}
	wait.Wait()
	connected := 0
	for _, err := range errs {
		if err == nil {
			connected++
		} else if !errors.Is(err, core.ErrInvalidValue) {
			t.Error(err)
		}
	}
	if n := len(f.provider.asked("/token")); connected != 1 || n != 1 {
		t.Errorf("connected %d times with %d exchanges", connected, n)
	}
	if err := f.client.Finish(t.Context(), p, answer); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("later: %v", err)
	}
}

func TestAnIssuerIsAccepted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		promises bool
		change   func(*oauth2.Config)
		iss      string
	}{
		"that is promised":     {true, nil, "https://auth.example"},
		"that is not promised": {false, nil, "https://auth.example"},
		"where nobody knows the right one": {false, func(c *oauth2.Config) {
			c.Settings.Issuer = ""
			c.Settings.AuthURL, c.Settings.TokenURL = "https://auth.example/authorize", "https://auth.example/token"
		}, "https://elsewhere.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			s.promisesIss = test.promises
			f := newFlow(t, s, test.change)
			p := f.begin()
			answer := s.agree(p.URL.Reveal())
			answer.Set("iss", test.iss)
			if err := f.client.Finish(t.Context(), p, answer); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestWhatTheProviderSaysInPlaceOfACode(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]error{
		"access_denied":              core.ErrPermissionDenied,
		"login_required":             core.ErrPermissionDenied,
		"consent_required":           core.ErrPermissionDenied,
		"interaction_required":       core.ErrPermissionDenied,
		"account_selection_required": core.ErrPermissionDenied,
		"unauthorized_client":        core.ErrUnauthenticated,
		"invalid_request":            core.ErrInvalidValue,
		"invalid_scope":              core.ErrInvalidValue,
		"invalid_target":             core.ErrInvalidValue,
		"unsupported_response_type":  errors.ErrUnsupported,
		"server_error":               core.ErrUnavailable,
		"temporarily_unavailable":    core.ErrUnavailable,
		"something_else":             core.ErrPermissionDenied,
		"canary <script>":            core.ErrPermissionDenied, // not shown
		"":                           core.ErrPermissionDenied,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, newFlowProvider(t), nil)
			p := f.begin()
			err := f.client.Finish(t.Context(), p, url.Values{
				"state": {p.State.Reveal()}, "error": {code}, "code": {"canary"},
				"error_description": {"canary-description"}, "error_uri": {"https://canary.example"},
			})
			var e *oauth2.Error
			if !errors.Is(err, kind) || !errors.As(err, &e) || e.Hint == "" {
				t.Fatalf("the error is %v", err)
			}
			if want := strings.TrimSuffix(code, "canary <script>"); e.Code != want {
				t.Errorf("the code is %q", e.Code)
			}
			wantSafe(t, err, p.State)
			if n := len(f.provider.asked("/token")); n != 0 {
				t.Errorf("the provider was asked %d times", n)
			}
		})
	}
}

func TestAnExchangeThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer flowAnswer
		kind   error
	}{
		"a code that was used":  {*flowRefusal("invalid_grant"), core.ErrPermissionDenied},
		"a wrong client secret": {flowAnswer{status: 401, body: `{"error":"invalid_client"}`}, core.ErrUnauthenticated},
		"an outage":             {flowAnswer{status: 503, body: "canary"}, core.ErrUnavailable},
		"a page":                {flowAnswer{status: 200, body: "<html>canary</html>", header: http.Header{"Content-Type": {"text/html"}}}, core.ErrUnavailable},
		"an error in a 200":     {flowAnswer{status: 200, body: `{"error":"bad_verification_code","error_description":"canary"}`}, core.ErrPermissionDenied},
		"a broken connection":   {flowAnswer{err: errors.New("canary")}, core.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			f := newFlow(t, s, nil)
			f.store.Seed(flowTokens, core.String(`{"accessToken":"old","refreshToken":"old"}`))
			p := f.begin()
			answer := s.agree(p.URL.Reveal())
			s.interfere = func(r *http.Request) *flowAnswer { return &test.answer }
			err := f.client.Finish(t.Context(), p, answer)
			var e *oauth2.Error
			if !errors.Is(err, test.kind) || !errors.As(err, &e) || e.Hint == "" || e.Op != "connect" {
				t.Fatalf("the error is %v", err)
			}
			wantSafe(t, err, core.String(answer.Get("code")))
			if token, _ := f.stored(); token.AccessToken.Reveal() != "old" {
				t.Error("what was stored before is gone")
			}
			if n := len(s.asked("/token")); n != 1 {
				t.Errorf("the code was sent %d times", n)
			}
		})
	}
}

func TestTheExchangeSendsWhatItMust(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), func(c *oauth2.Config) {
		c.Settings.Resources = []string{"https://api.example/"}
		c.Settings.TokenParams = map[string]string{"audience": "api"}
	})
	p := f.begin()
	if err := f.client.Finish(t.Context(), p, f.provider.agree(p.URL.Reveal())); err != nil {
		t.Fatal(err)
	}
	form := f.provider.asked("/token")[0].form
	want := []string{"audience", "code", "code_verifier", "grant_type", "redirect_uri", "resource"}
	if got := slices.Sorted(maps.Keys(form)); !slices.Equal(got, want) {
		t.Errorf("parameters %q, want %q", got, want)
	}
	if n := len(form.Get("code_verifier")); n != 43 {
		t.Errorf("the verifier has %d characters", n)
	}
	if form.Get("redirect_uri") != flowRedirect || form.Get("audience") != "api" || form.Get("resource") != "https://api.example/" {
		t.Error("the redirect address, the resource or the parameter of the settings is another")
	}
}

func TestAnIDTokenIsChecked(t *testing.T) {
	t.Parallel()
	claims := func(change map[string]any) func(string) string {
		return func(nonce string) string {
			all := map[string]any{
				"iss": "https://auth.example", "aud": flowClient, "sub": "user-1", "nonce": nonce,
				"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
			}
			maps.Copy(all, change)
			return flowJWT(all)
		}
	}
	for name, test := range map[string]struct {
		idToken func(string) string
		ok      bool
	}{
		"that is right":      {claims(nil), true},
		"with another nonce": {claims(map[string]any{"nonce": "canary"}), false},
		"without nonce":      {claims(map[string]any{"nonce": nil}), false},
		"of another issuer":  {claims(map[string]any{"iss": "https://canary.example"}), false},
		"for another client": {claims(map[string]any{"aud": "canary"}), false},
		"that is over":       {claims(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), false},
		"that is none":       {func(string) string { return "canary" }, false},
		"that is not there":  {func(string) string { return "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			s.idToken = test.idToken
			f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Scopes = []string{"openid"} })
			p := f.begin()
			err := f.client.Finish(t.Context(), p, s.agree(p.URL.Reveal()))
			if test.ok {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *oauth2.Error
			kind := core.ErrPermissionDenied
			if name == "that is not there" {
				kind = core.ErrUnavailable // it is the provider that is wrong
			}
			if !errors.Is(err, kind) || !errors.As(err, &e) || e.Hint == "" {
				t.Fatalf("the error is %v", err)
			}
			wantSafe(t, err, p.State)
			f.wantNothingStored()
		})
	}
}

func TestPrivateKeyJWTIsForAllFlows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFlowProvider(t)
		key, app := flowKey(t)
		s.key = key
		polls := 0
		s.poll = func(int) *flowAnswer {
			if polls++; polls == 1 {
				return flowRefusal("authorization_pending")
			}
			return nil
		}
		f := newFlow(t, s, nil)
		f.store.Seed(flowApp, core.String(app))
		p := f.begin()
		if err := f.client.Finish(t.Context(), p, s.agree(p.URL.Reveal())); err != nil {
			t.Errorf("code: %v", err)
		}
		if err := f.client.ConnectDevice(t.Context(), func(oauth2.DeviceCode) error { return nil }); err != nil {
			t.Errorf("device: %v", err)
		}
		if revoked, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); err != nil || !revoked.AtProvider {
			t.Errorf("revoke: %v", err)
		}
		own := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Grant = oauth2.GrantClientCredentials })
		own.store.Seed(flowApp, core.String(app))
		if err := own.client.ConnectClientCredentials(t.Context()); err != nil {
			t.Errorf("client credentials: %v", err)
		}
	})
}

func TestConnectingIsRefusedWhereTheStoreCantKeepOneRefresh(t *testing.T) {
	t.Parallel()
	for _, one := range []bool{false, true} {
		s := newFlowProvider(t)
		f := newFlow(t, s, nil)
		plain := core.New("plain", &flowPlainStore{inner: f.store})
		t.Cleanup(func() { _ = plain.Close() })
		g := newFlow(t, s, func(c *oauth2.Config) { c.Service, c.Apps, c.OneProcess = plain, f.store, one })
		p, err := g.client.Begin(t.Context(), oauth2.BeginOptions{RedirectURL: flowRedirect})
		if err == nil {
			err = g.client.Finish(t.Context(), p, s.agree(p.URL.Reveal()))
		}
		if one {
			if err != nil {
				t.Errorf("with OneProcess: %v", err)
			}
			if _, ok := f.stored(); !ok {
				t.Error("with OneProcess nothing is stored")
			}
			continue
		}
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "OneProcess") {
			t.Errorf("without OneProcess: %v", err)
		}
		if n := len(s.asked("/token")); n != 0 {
			t.Error("the code was spent, though nothing can be stored")
		}
		f.wantNothingStored()
	}
}

// flowPlainStore has no conditional writes.
type flowPlainStore struct{ inner core.SecretService }

func (s *flowPlainStore) Get(ctx context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	secret, err := s.inner.Get(ctx, id)
	secret.Version = "" // names no version
	return secret, err
}

func (s *flowPlainStore) Set(ctx context.Context, id string, v core.Value, _ core.SetOptions) (core.Info, error) {
	info, err := s.inner.Set(ctx, id, v)
	info.Version = ""
	return info, err
}

func (s *flowPlainStore) Delete(ctx context.Context, id string, _ core.DeleteOptions) error {
	return s.inner.Delete(ctx, id)
}

func (s *flowPlainStore) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{Set: true, Delete: true}, nil
}

func TestAStoreThatFailsIsNamedAndKeepsWhatItHad(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), nil)
	f.store.Seed(flowTokens, core.String(`{"accessToken":"old","refreshToken":"old"}`))
	p := f.begin()
	f.store.Inject(memoryFault())
	err := f.client.Finish(t.Context(), p, f.provider.agree(p.URL.Reveal()))
	if err == nil || core.KindOf(err) == nil || !strings.Contains(err.Error(), flowTokens) {
		t.Fatalf("the error is %v", err)
	}
	wantSafe(t, err)
	if token, _ := f.stored(); token.AccessToken.Reveal() != "old" {
		t.Error("what was stored before is gone")
	}
}

func memoryFault() memory.Fault { return memory.Fault{Op: "set", Err: core.ErrPermissionDenied} }
