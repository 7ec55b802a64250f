package oauth2_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// connect connects the account of a flow.
func (f *flow) connect() {
	f.t.Helper()
	p := f.begin()
	if err := f.client.Finish(context.Background(), p, f.provider.agree(p.URL.Reveal())); err != nil {
		f.t.Fatal(err)
	}
}

// atRevocation answers the requests to the revocation endpoint.
func atRevocation(answer func(r *http.Request) *flowAnswer) func(*http.Request) *flowAnswer {
	return func(r *http.Request) *flowAnswer {
		if r.URL.Path != "/revoke" {
			return nil
		}
		return answer(r)
	}
}

func TestRevokeEndsBothTokensAndDeletesThem(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
	if err != nil || !done.AtProvider || done.Why != nil || !done.AccessUntil.IsZero() {
		t.Fatalf("%+v, %v", done, err)
	}
	asked := s.asked("/revoke")
	if len(asked) != 2 || asked[0].form.Get("token_type_hint") != "refresh_token" || asked[1].form.Get("token_type_hint") != "access_token" {
		t.Error("the provider was not asked for the refresh token and then for the access token")
	}
	if s.isLive("canary-refresh-1") || s.isLive("canary-access-1") {
		t.Error("a token is still good")
	}
	for info, err := range f.store.List(t.Context(), flowTokens) {
		t.Errorf("%q is still stored, %v", info.ID, err)
	}
	if _, err := f.client.Token(t.Context()); !errors.Is(err, oauth2.ErrNotConnected) {
		t.Errorf("the client still has a token: %v", err)
	}
	if status, err := f.client.Status(t.Context()); err != nil || status.Connected {
		t.Errorf("connected is %v, %v", status.Connected, err)
	}
	if _, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); !errors.Is(err, oauth2.ErrNotConnected) {
		t.Errorf("once more: %v", err)
	}
	if f.connect(); len(s.asked("/token")) != 2 {
		t.Error("it does not connect again")
	}
}

func TestRevokeWithoutARefreshToken(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Grant = oauth2.GrantClientCredentials })
	if err := f.client.ConnectClientCredentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
	if err != nil || !done.AtProvider || len(s.asked("/revoke")) != 1 || s.isLive("canary-access-1") {
		t.Errorf("%+v, %v", done, err)
	}
	f.wantNothingStored()
}

func TestAProviderThatCantRevoke(t *testing.T) {
	t.Parallel()
	unsupported := func(hints ...string) func(*http.Request) *flowAnswer {
		return atRevocation(func(r *http.Request) *flowAnswer {
			for _, hint := range hints {
				if r.PostForm.Get("token_type_hint") == hint {
					return flowRefusal("unsupported_token_type")
				}
			}
			return nil
		})
	}
	for name, test := range map[string]struct {
		change     func(*flowProvider)
		atProvider bool
	}{
		"has no endpoint":         {func(s *flowProvider) { s.noRevoke = true }, false},
		"knows neither token":     {func(s *flowProvider) { s.interfere = unsupported("access_token", "refresh_token") }, false},
		"knows no refresh tokens": {func(s *flowProvider) { s.interfere = unsupported("refresh_token") }, false},
		"lets access tokens end":  {func(s *flowProvider) { s.interfere = unsupported("access_token") }, true},
		"says that they have ended": {func(s *flowProvider) {
			s.interfere = atRevocation(func(*http.Request) *flowAnswer { return flowRefusal("invalid_token") })
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			test.change(s)
			f := newFlow(t, s, nil)
			f.connect()
			token, _ := f.stored()
			done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if done.AtProvider != test.atProvider {
				t.Errorf("AtProvider is %v", done.AtProvider)
			}
			if name == "lets access tokens end" && !done.AccessUntil.Equal(token.ExpiresAt.Time) {
				t.Errorf("until %v", done.AccessUntil)
			}
			if !test.atProvider {
				var e *oauth2.Error
				if !errors.Is(done.Why, errors.ErrUnsupported) || !errors.As(done.Why, &e) || e.Hint == "" || !done.AccessUntil.Equal(token.ExpiresAt.Time) {
					t.Errorf("why: %v, until %v", done.Why, done.AccessUntil)
				}
			}
			f.wantNothingStored()
		})
	}
}

func TestAProviderThatFailsKeepsTheTokensStored(t *testing.T) {
	t.Parallel()
	always := func(answer *flowAnswer) func(*http.Request) *flowAnswer {
		return atRevocation(func(*http.Request) *flowAnswer { return answer })
	}
	for name, test := range map[string]struct {
		interfere func(*http.Request) *flowAnswer
		kind      error
	}{
		"an outage":             {always(&flowAnswer{status: 503, body: "canary"}), core.ErrUnavailable},
		"a broken line":         {always(&flowAnswer{err: errors.New("canary")}), core.ErrUnavailable},
		"too many requests":     {always(&flowAnswer{status: 429}), core.ErrUnavailable},
		"a client it refuses":   {always(&flowAnswer{status: 401, body: `{"error":"invalid_client"}`}), core.ErrUnauthenticated},
		"an error that it made": {always(flowRefusal("invalid_request")), core.ErrInvalidValue},
		"an error in a 200":     {always(&flowAnswer{status: 200, body: `{"ok":false,"error":"ratelimited"}`}), core.ErrUnavailable},
		"a redirect":            {always(&flowAnswer{status: 302, header: http.Header{"Location": {"https://canary.example"}}}), core.ErrUnavailable},
		"half of it": {atRevocation(func(r *http.Request) *flowAnswer {
			if r.PostForm.Get("token_type_hint") == "access_token" {
				return &flowAnswer{status: 500}
			}
			return nil
		}), core.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			f := newFlow(t, s, nil)
			f.connect()
			s.interfere = test.interfere
			done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
			var e *oauth2.Error
			if !errors.Is(err, test.kind) || !errors.As(err, &e) || e.Op != "revoke" || !strings.Contains(e.Hint, "still stored") {
				t.Errorf("the error is %v", err)
			}
			if done.AtProvider {
				t.Error("AtProvider")
			}
			wantSafe(t, err)
			before, ok := f.stored()
			if !ok {
				t.Fatal("the tokens are gone")
			}

			done, err = f.client.Revoke(t.Context(), oauth2.RevokeOptions{Force: true})
			if err != nil || done.AtProvider || !errors.Is(done.Why, test.kind) || !done.AccessUntil.Equal(before.ExpiresAt.Time) {
				t.Errorf("with Force: %+v, %v", done, err)
			}
			wantSafe(t, done.Why)
			f.wantNothingStored()
		})
	}
}

func TestRevokeIsCompletedByAnotherTry(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	s.interfere = atRevocation(func(r *http.Request) *flowAnswer {
		if r.PostForm.Get("token_type_hint") == "access_token" {
			return &flowAnswer{status: 500}
		}
		return nil
	})
	if _, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); err == nil {
		t.Fatal("the first try has not failed")
	}
	s.interfere = nil
	if done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); err != nil || !done.AtProvider {
		t.Errorf("%+v, %v", done, err)
	}
	f.wantNothingStored()
}

// TestRevokeEndsWhatAnotherProcessHasStored meanwhile: else a refresh that came
// between would leave tokens that nobody has and that open the account.
func TestRevokeEndsWhatAnotherProcessHasStored(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	s.interfere = atRevocation(func(r *http.Request) *flowAnswer {
		if r.PostForm.Get("token") == "canary-access-1" {
			s.live["canary-access-2"], s.live["canary-refresh-2"] = true, true
			f.store.Seed(flowTokens, core.String(`{"accessToken":"canary-access-2","refreshToken":"canary-refresh-2"}`))
		}
		return nil
	})
	if done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); err != nil || !done.AtProvider {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, token := range []string{"canary-access-1", "canary-refresh-1", "canary-access-2", "canary-refresh-2"} {
		if s.isLive(token) {
			t.Error("a token is still good")
		}
	}
	f.wantNothingStored()
}

func TestRevokeGivesUpOnTokensThatNeverStay(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	n := 0
	s.interfere = atRevocation(func(*http.Request) *flowAnswer {
		n++
		f.store.Seed(flowTokens, core.String(`{"accessToken":"`+strings.Repeat("a", n)+`"}`))
		return nil
	})
	if _, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); !errors.Is(err, core.ErrConflict) {
		t.Errorf("the error is %v", err)
	}
	if n > 6 {
		t.Errorf("the provider was asked %d times", n)
	}
	if _, ok := f.stored(); !ok {
		t.Error("tokens that are good were deleted")
	}
}

func TestRevokeWhereAnotherProcessWasFirst(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	s.interfere = atRevocation(func(*http.Request) *flowAnswer {
		_ = f.store.Delete(context.Background(), flowTokens)
		return nil
	})
	if done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); err != nil || !done.AtProvider {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := f.client.Token(t.Context()); !errors.Is(err, oauth2.ErrNotConnected) {
		t.Errorf("the client still has a token: %v", err)
	}
}

func TestRevokeOfWhatCantBeRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil  func(*flow)
		kind   error
		forced bool // Force deletes
	}{
		"malformed tokens": {func(f *flow) { f.store.Seed(flowTokens, core.String("canary")) }, core.ErrInvalidValue, true},
		"corrupt tokens":   {func(f *flow) { f.store.Corrupt(flowTokens) }, core.ErrCorrupt, true},
		"a store that is down": {func(f *flow) {
			f.store.Inject(memory.Fault{ID: flowTokens, Err: core.ErrUnavailable})
		}, core.ErrUnavailable, false},
		"no application secret": {func(f *flow) {
			if err := f.store.Delete(context.Background(), flowApp); err != nil {
				f.t.Fatal(err)
			}
		}, core.ErrNotFound, true},
		"a malformed application secret": {func(f *flow) { f.store.Seed(flowApp, core.String(`{"clientId":7}`)) }, core.ErrInvalidValue, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, newFlowProvider(t), nil)
			f.connect()
			test.spoil(f)
			_, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
			if !errors.Is(err, test.kind) || errors.Is(err, oauth2.ErrNotConnected) {
				t.Errorf("the error is %v", err)
			}
			wantSafe(t, err)
			if ok, err := core.Has(t.Context(), f.store, flowTokens); err == nil && !ok {
				t.Error("the tokens are gone")
			}
			done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{Force: true})
			if !test.forced {
				if !errors.Is(err, test.kind) {
					t.Errorf("with Force: %v", err)
				}
				return
			}
			if err != nil || done.AtProvider || !errors.Is(done.Why, test.kind) {
				t.Errorf("with Force: %+v, %v", done, err)
			}
			if ok, err := core.Has(t.Context(), f.store, flowTokens); err != nil || ok {
				t.Errorf("with Force the tokens are there: %v, %v", ok, err)
			}
		})
	}
}

func TestRevokeWhereTheStoreCantDelete(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	remove := f.store.Inject(memory.Fault{Op: "delete", Err: core.ErrPermissionDenied})
	done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
	if !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), "has ended the tokens") || !done.AtProvider {
		t.Errorf("%+v, %v", done, err)
	}
	remove()
	if done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); err != nil || !done.AtProvider {
		t.Errorf("once more: %+v, %v", done, err)
	}
	f.wantNothingStored()
}

func TestRevokeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	ctx, cancel := context.WithCancel(t.Context())
	s.interfere = atRevocation(func(*http.Request) *flowAnswer {
		cancel()
		return &flowAnswer{err: context.Canceled}
	})
	_, err := f.client.Revoke(ctx, oauth2.RevokeOptions{Force: true})
	if !errors.Is(err, context.Canceled) || core.KindOf(err) != nil || !strings.Contains(err.Error(), "still stored") {
		t.Errorf("the error is %v", err)
	}
	if _, ok := f.stored(); !ok {
		t.Error("the tokens are gone")
	}
}

// TestRevokeByTheAccessToken is for providers that have no RFC 7009: what they
// want must be a token that still works.
func TestRevokeByTheAccessToken(t *testing.T) {
	t.Parallel()
	bearer := func(c *oauth2.Config) {
		c.Settings.Revocation, c.Settings.RevokeURL = oauth2.RevokeBearer, "https://auth.example/revoke"
	}
	for name, test := range map[string]struct {
		age     time.Duration
		refresh *flowAnswer // of the token endpoint, once connected
		ended   string      // the access token that the provider is asked to end
		ok      bool
	}{
		"that is good":                   {0, nil, "canary-access-1", true},
		"that is over":                   {2 * time.Hour, nil, "canary-access-2", true},
		"that is over, and refused anew": {2 * time.Hour, flowRefusal("invalid_grant"), "", true},
		"that is over, in an outage":     {2 * time.Hour, &flowAnswer{status: 503}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFlowProvider(t)
				f := newFlow(t, s, bearer)
				f.connect()
				time.Sleep(test.age)
				ended := ""
				s.interfere = func(r *http.Request) *flowAnswer {
					switch r.URL.Path {
					case "/revoke":
						ended = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
						return &flowAnswer{status: 200, body: `{"ok":true,"revoked":true}`}
					case "/token":
						return test.refresh
					}
					return nil
				}
				done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
				if (err == nil) != test.ok || done.AtProvider != test.ok {
					t.Errorf("%+v, %v", done, err)
				}
				if ended != test.ended {
					t.Error("another token was ended")
				}
				if _, stored := f.stored(); stored == test.ok {
					t.Errorf("stored is %v", stored)
				}
				if err != nil && !strings.Contains(err.Error(), "still stored") {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}
