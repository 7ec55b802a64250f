package oauth2_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestTheApplicationConnectsByItself(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, func(c *oauth2.Config) {
		c.Settings.Grant = oauth2.GrantClientCredentials
		c.Settings.Resources = []string{"https://api.example/"}
	})
	if err := f.client.ConnectClientCredentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	form := s.asked("/token")[0].form
	if form.Get("grant_type") != "client_credentials" || form.Get("scope") != "read write" || form.Get("resource") != "https://api.example/" || len(form) != 3 {
		t.Error("the request is not one for client credentials with scopes and resource")
	}
	token, ok := f.stored()
	if !ok || token.AccessToken.Reveal() != "canary-access-1" || !token.RefreshToken.IsZero() || token.ConnectedAt.IsZero() {
		t.Error("what is stored is not what the provider gave")
	}
}

func TestTheApplicationIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer *flowAnswer
		kind   error
	}{
		"a wrong secret":   {&flowAnswer{status: 401, body: `{"error":"invalid_client"}`}, core.ErrUnauthenticated},
		"a grant":          {flowRefusal("unauthorized_client"), core.ErrUnauthenticated},
		"a scope":          {flowRefusal("invalid_scope"), core.ErrInvalidValue},
		"by an outage":     {&flowAnswer{status: 500, body: "canary"}, core.ErrUnavailable},
		"by a broken line": {&flowAnswer{err: errors.New("canary")}, core.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			s.interfere = func(r *http.Request) *flowAnswer {
				if r.URL.Path == "/token" {
					return test.answer
				}
				return nil
			}
			f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Grant = oauth2.GrantClientCredentials })
			err := f.client.ConnectClientCredentials(t.Context())
			if !errors.Is(err, test.kind) {
				t.Errorf("the error is %v", err)
			}
			wantSafe(t, err)
			f.wantNothingStored()
		})
	}
}

// TestConnectTakesTheWayThatThereIs prefers the application's own, then a
// browser, then a device.
func TestConnectTakesTheWayThatThereIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		grant           oauth2.Grant
		browser, device bool
		way             string
	}{
		"client credentials": {oauth2.GrantClientCredentials, true, true, ""},
		"a browser":          {"", true, true, "browser"},
		"a device":           {"", false, true, "device"},
		"nothing":            {"", false, false, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Grant = test.grant })
			way := ""
			enough := errors.New("enough")
			var o oauth2.ConnectOptions
			if test.browser {
				o.Browser.Open = func(string) error {
					way = "browser"
					return enough
				}
			}
			if test.device {
				o.Device = func(oauth2.DeviceCode) error {
					way = "device"
					return enough
				}
			}
			err := f.client.Connect(t.Context(), o)
			switch test.way {
			case "":
				if err != nil {
					t.Error(err)
				}
			case "none":
				if !errors.Is(err, core.ErrInvalidOption) {
					t.Errorf("the error is %v", err)
				}
			default:
				if way != test.way || !errors.Is(err, core.ErrUnavailable) {
					t.Errorf("the way is %q, %v", way, err)
				}
			}
		})
	}
}

func TestConnectGoesToTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFlow(t, newFlowProvider(t), nil)
		if err := f.client.Connect(t.Context(), oauth2.ConnectOptions{Device: showNothing}); err != nil {
			t.Fatal(err)
		}
		if _, ok := f.stored(); !ok {
			t.Error("nothing is stored")
		}
	})
}
