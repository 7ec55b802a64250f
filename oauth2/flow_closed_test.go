package oauth2_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// everyFlow is each way to connect, and to disconnect, of a client that has
// something pending.
var everyFlow = map[string]func(context.Context, *flow, *oauth2.Pending, url.Values) error{
	"Begin": func(ctx context.Context, f *flow, _ *oauth2.Pending, _ url.Values) error {
		_, err := f.client.Begin(ctx, oauth2.BeginOptions{RedirectURL: flowRedirect})
		return err
	},
	"Finish": func(ctx context.Context, f *flow, p *oauth2.Pending, answer url.Values) error {
		return f.client.Finish(ctx, p, answer)
	},
	"ConnectBrowser": func(ctx context.Context, f *flow, _ *oauth2.Pending, _ url.Values) error {
		return f.client.ConnectBrowser(ctx, oauth2.BrowserOptions{Open: func(string) error {
			f.t.Error("a browser was opened")
			return errors.New("enough")
		}})
	},
	"ConnectDevice": func(ctx context.Context, f *flow, _ *oauth2.Pending, _ url.Values) error {
		return f.client.ConnectDevice(ctx, func(oauth2.DeviceCode) error {
			f.t.Error("a code was shown")
			return errors.New("enough")
		})
	},
	"Revoke": func(ctx context.Context, f *flow, _ *oauth2.Pending, _ url.Values) error {
		_, err := f.client.Revoke(ctx, oauth2.RevokeOptions{Force: true})
		return err
	},
}

func TestNothingIsAskedOfTheProviderWhere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(f *flow, cancel func())
		want  error
	}{
		"the client is closed":   {func(f *flow, _ func()) { _ = f.client.Close() }, core.ErrClosed},
		"the context has ended":  {func(_ *flow, cancel func()) { cancel() }, context.Canceled},
		"the store can't be had": {func(f *flow, _ func()) { f.store.Inject(memory.Fault{Err: core.ErrUnavailable}) }, core.ErrUnavailable},
	} {
		for way, do := range everyFlow {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				s := newFlowProvider(t)
				f := newFlow(t, s, nil)
				f.store.Seed(flowTokens, core.String(`{"accessToken":"old","refreshToken":"old"}`))
				p := f.begin()
				answer := s.agree(p.URL.Reveal())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				test.spoil(f, cancel)
				err := do(ctx, f, p, answer)
				if !errors.Is(err, test.want) {
					t.Errorf("the error is %v", err)
				}
				wantSafe(t, err, p.State, core.String(answer.Get("code")))
				for _, path := range []string{"/token", "/device", "/revoke"} {
					if n := len(s.asked(path)); n != 0 {
						t.Errorf("%s was asked %d times", path, n)
					}
				}
			})
		}
	}
}

func TestAnIssuerThatCantBeReachedIsNamed(t *testing.T) {
	t.Parallel()
	for way, do := range everyFlow {
		if way == "Finish" || way == "Revoke" { // they are told apart elsewhere
			continue
		}
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			s.interfere = func(*http.Request) *flowAnswer { return &flowAnswer{status: 503, body: "canary"} }
			f := newFlow(t, s, nil)
			err := do(t.Context(), f, nil, nil)
			var e *oauth2.Error
			if !errors.Is(err, core.ErrUnavailable) || !errors.As(err, &e) || e.Op != "connect" || !strings.Contains(e.Hint, "metadata") {
				t.Errorf("the error is %v", err)
			}
			wantSafe(t, err)
		})
	}
}

func TestRevokeWhereTheIssuerCantBeReached(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	s.interfere = func(*http.Request) *flowAnswer { return &flowAnswer{err: errors.New("canary")} }
	f := newFlow(t, s, nil)
	f.store.Seed(flowTokens, core.String(`{"accessToken":"old","refreshToken":"old"}`))
	_, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
	if !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "still stored") {
		t.Errorf("the error is %v", err)
	}
	if done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{Force: true}); err != nil || !errors.Is(done.Why, core.ErrUnavailable) {
		t.Errorf("with Force: %+v, %v", done, err)
	}
	f.wantNothingStored()
}

// TestATenantsIssuer is for providers whose issuer names the user's tenant, which
// is not known before they answer.
func TestATenantsIssuer(t *testing.T) {
	t.Parallel()
	for iss, ok := range map[string]bool{
		"https://auth.example/3e0c1b9a-4d7e-4f6a-9b1f-0a2b3c4d5e6f/v2.0":   true,
		"https://auth.example/3e0c1b9a-4d7e-4f6a-9b1f-0a2b3c4d5e6f/v2.0/":  false,
		"https://auth.example/canary/v2.0":                                 false,
		"https://auth.example//v2.0":                                       false,
		"https://canary.example/3e0c1b9a-4d7e-4f6a-9b1f-0a2b3c4d5e6f/v2.0": false,
	} {
		t.Run(iss, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			f := newFlow(t, s, func(c *oauth2.Config) {
				c.Settings.Issuer = "https://auth.example/{tenantid}/v2.0"
				c.Settings.AuthURL, c.Settings.TokenURL = "https://auth.example/authorize", "https://auth.example/token"
			})
			p := f.begin()
			answer := s.agree(p.URL.Reveal())
			answer.Set("iss", iss)
			err := f.client.Finish(t.Context(), p, answer)
			if ok && err != nil || !ok && !errors.Is(err, core.ErrInvalidValue) {
				t.Errorf("the error is %v", err)
			}
			if n := len(s.asked("/token")); (n == 1) != ok {
				t.Errorf("the code was sent %d times", n)
			}
		})
	}
}

func TestWhoWaitsForAUserEndsWithTheClient(t *testing.T) {
	t.Parallel()
	t.Run("browser", func(t *testing.T) {
		t.Parallel()
		s := newFlowProvider(t)
		f := newFlow(t, s, nil)
		hosts := make(chan string, 1)
		err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Open: func(address string) error {
			hosts <- flowBrowser{t, s}.redirect(address).Host
			return f.client.Close()
		}})
		if !errors.Is(err, core.ErrClosed) {
			t.Errorf("the error is %v", err)
		}
		wantFree(t, <-hosts)
	})
	t.Run("device", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newFlowProvider(t)
			s.poll = func(int) *flowAnswer { return flowRefusal("authorization_pending") }
			f := newFlow(t, s, nil)
			time.AfterFunc(12*time.Second, func() { _ = f.client.Close() })
			began := time.Now()
			if err := f.client.ConnectDevice(t.Context(), showNothing); !errors.Is(err, core.ErrClosed) {
				t.Errorf("the error is %v", err)
			}
			if took := time.Since(began); took != 12*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	})
}

// TestTokensThatWereGivenAreStored though nobody waits any more: the code is
// spent, and a user who closes a page too soon would have agreed in vain.
func TestTokensThatWereGivenAreStored(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	p := f.begin()
	ctx, cancel := context.WithCancel(t.Context())
	s.token = func(map[string]any) { cancel() }
	if err := f.client.Finish(ctx, p, s.agree(p.URL.Reveal())); err != nil {
		t.Error(err)
	}
	if _, ok := f.stored(); !ok {
		t.Error("nothing is stored")
	}
}
