package oauth2_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

func showNothing(oauth2.DeviceCode) error { return nil }

// pollsAfter is when the token endpoint was asked, since the begin.
func (s *flowProvider) pollsAfter(began time.Time) (after []time.Duration) {
	for _, r := range s.asked("/token") {
		after = append(after, r.at.Sub(began))
	}
	return after
}

func seconds(n ...int) (d []time.Duration) {
	for _, n := range n {
		d = append(d, time.Duration(n)*time.Second)
	}
	return d
}

func TestADeviceConnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFlowProvider(t)
		s.poll = func(n int) *flowAnswer {
			if n < 3 {
				return flowRefusal("authorization_pending")
			}
			return nil
		}
		f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Resources = []string{"https://api.example/"} })
		began := time.Now()
		var shown []oauth2.DeviceCode
		err := f.client.ConnectDevice(t.Context(), func(code oauth2.DeviceCode) error {
			shown = append(shown, code)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := oauth2.DeviceCode{
			UserCode: "WDJB-MJHT", URL: s.issuer + "/activate", CompleteURL: s.issuer + "/activate?user_code=WDJB-MJHT",
			ExpiresAt: began.Add(10 * time.Minute),
		}
		if len(shown) != 1 || shown[0] != want {
			t.Errorf("shown: %+v", shown)
		}
		if after := s.pollsAfter(began); !slices.Equal(after, seconds(5, 10, 15)) {
			t.Errorf("asked after %v", after)
		}
		asked := s.asked("/device")
		if len(asked) != 1 || asked[0].form.Get("scope") != "read write" || asked[0].form.Get("resource") != "https://api.example/" {
			t.Error("the device endpoint was not asked once for the scopes and the resource")
		}
		form := s.asked("/token")[0].form
		if got := slices.Sorted(maps.Keys(form)); !slices.Equal(got, []string{"device_code", "grant_type", "resource"}) {
			t.Errorf("the token endpoint got %q", got)
		}
		if token, ok := f.stored(); !ok || token.Scope != "read write" || !token.ConnectedAt.Equal(time.Now()) {
			t.Error("the tokens are not stored, or without scope and time")
		}
	})
}

// TestHowOftenADeviceAsks is RFC 8628 section 3.5.
func TestHowOftenADeviceAsks(t *testing.T) {
	t.Parallel()
	const pending, slower = "authorization_pending", "slow_down"
	for name, test := range map[string]struct {
		interval any
		answers  []*flowAnswer
		after    []time.Duration
	}{
		"every five seconds by default":         {nil, []*flowAnswer{flowRefusal(pending), flowRefusal(pending)}, seconds(5, 10, 15)},
		"as the provider says":                  {7, []*flowAnswer{flowRefusal(pending)}, seconds(7, 14)},
		"as the provider says, in a text":       {"2", []*flowAnswer{flowRefusal(pending)}, seconds(2, 4)},
		"not without a pause":                   {0, []*flowAnswer{flowRefusal(pending)}, seconds(5, 10)},
		"slower by five seconds, for good":      {nil, []*flowAnswer{flowRefusal(slower), flowRefusal(pending), flowRefusal(slower)}, seconds(5, 15, 25, 40)},
		"slower, as GitHub says it with a 200":  {nil, []*flowAnswer{{status: 200, body: `{"error":"slow_down"}`}, {status: 200, body: `{"error":"authorization_pending"}`}}, seconds(5, 15, 25)},
		"twice as rarely while the line breaks": {nil, []*flowAnswer{{err: errors.New("canary")}, {err: errors.New("canary")}, flowRefusal(pending)}, seconds(5, 15, 35, 40)},
		"twice as rarely in an outage":          {nil, []*flowAnswer{{status: 500}, {status: 502}, {status: 503}}, seconds(5, 15, 35, 75)},
		"at most every two minutes":             {nil, slices.Repeat([]*flowAnswer{{status: 500}}, 6), seconds(5, 15, 35, 75, 155, 275, 395)},
		"not before the provider's own time": {nil, []*flowAnswer{{
			status: 429, header: http.Header{"Retry-After": {"30"}},
		}}, seconds(5, 35)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFlowProvider(t)
				s.device = func(answer map[string]any) {
					if test.interval != nil {
						answer["interval"] = test.interval
					}
				}
				s.poll = func(n int) *flowAnswer {
					if n <= len(test.answers) {
						return test.answers[n-1]
					}
					return nil
				}
				f := newFlow(t, s, nil)
				began := time.Now()
				if err := f.client.ConnectDevice(t.Context(), showNothing); err != nil {
					t.Fatal(err)
				}
				if after := s.pollsAfter(began); !slices.Equal(after, test.after) {
					t.Errorf("asked after %v, want %v", after, test.after)
				}
			})
		})
	}
}

func TestADeviceIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer *flowAnswer
		kind   error
		code   string
	}{
		"the user says no":           {flowRefusal("access_denied"), core.ErrPermissionDenied, "access_denied"},
		"the code is over":           {flowRefusal("expired_token"), core.ErrPermissionDenied, "expired_token"},
		"the code is nobody's":       {flowRefusal("invalid_grant"), core.ErrPermissionDenied, "invalid_grant"},
		"the application is wrong":   {&flowAnswer{status: 401, body: `{"error":"invalid_client"}`}, core.ErrUnauthenticated, "invalid_client"},
		"the grant is not allowed":   {flowRefusal("unauthorized_client"), core.ErrUnauthenticated, "unauthorized_client"},
		"GitHub does not allow it":   {&flowAnswer{status: 200, body: `{"error":"device_flow_disabled"}`}, errors.ErrUnsupported, "device_flow_disabled"},
		"an error that nobody knows": {flowRefusal("something_else"), core.ErrPermissionDenied, "something_else"},
		"a page":                     {&flowAnswer{status: 404, body: "<html>canary"}, core.ErrInvalidValue, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFlowProvider(t)
				s.poll = func(int) *flowAnswer { return test.answer }
				f := newFlow(t, s, nil)
				err := f.client.ConnectDevice(t.Context(), showNothing)
				var e *oauth2.Error
				if !errors.Is(err, test.kind) || !errors.As(err, &e) || e.Code != test.code || e.Hint == "" || e.Op != "connect" {
					t.Errorf("the error is %v", err)
				}
				if n := len(s.asked("/token")); n != 1 {
					t.Errorf("asked %d times", n)
				}
				wantSafe(t, err)
				f.wantNothingStored()
			})
		})
	}
}

func TestADeviceStopsWhenItsCodeExpires(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer *flowAnswer
		polls  int
	}{
		"nobody has agreed":    {flowRefusal("authorization_pending"), 11},
		"the provider is down": {&flowAnswer{status: 503}, 3},
		"it may not be asked":  {&flowAnswer{status: 429, header: http.Header{"Retry-After": {"3600"}}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFlowProvider(t)
				s.device = func(answer map[string]any) { answer["expires_in"] = 60 }
				s.poll = func(int) *flowAnswer { return test.answer }
				f := newFlow(t, s, nil)
				began := time.Now()
				err := f.client.ConnectDevice(t.Context(), showNothing)
				var e *oauth2.Error
				if !errors.Is(err, core.ErrPermissionDenied) || !errors.As(err, &e) || e.Code != "expired_token" {
					t.Errorf("the error is %v", err)
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %v", took)
				}
				if n := len(s.asked("/token")); n != test.polls {
					t.Errorf("asked %d times, want %d", n, test.polls)
				}
			})
		})
	}
}

func TestADeviceEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFlowProvider(t)
		s.poll = func(int) *flowAnswer { return flowRefusal("authorization_pending") }
		f := newFlow(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		began := time.Now()
		err := f.client.ConnectDevice(ctx, showNothing)
		if !errors.Is(err, context.DeadlineExceeded) || core.KindOf(err) != nil {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(began); took != 12*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestACodeThatCantBeShownEndsIt(t *testing.T) {
	t.Parallel()
	f := newFlow(t, newFlowProvider(t), nil)
	err := f.client.ConnectDevice(t.Context(), func(code oauth2.DeviceCode) error {
		return &url.Error{Op: "show", URL: code.URL, Err: errors.New("canary " + code.UserCode)}
	})
	if !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "*url.Error") || strings.Contains(err.Error(), "WDJB") {
		t.Errorf("the error is %v", err)
	}
	wantSafe(t, err)
	if err := f.client.ConnectDevice(t.Context(), nil); !errors.Is(err, core.ErrInvalidOption) {
		t.Errorf("nothing to show it: %v", err)
	}
	if n := len(f.provider.asked("/token")); n != 0 {
		t.Errorf("the token endpoint was asked %d times", n)
	}
}

func TestOnlyWhatABrowserAndATerminalCanTakeIsShown(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"a script":              func(a map[string]any) { a["verification_uri"] = "javascript:alert(1)" },
		"a file":                func(a map[string]any) { a["verification_uri"] = "file:///etc/passwd" },
		"a program's":           func(a map[string]any) { a["verification_uri"] = "calc://canary" },
		"a user's name":         func(a map[string]any) { a["verification_uri"] = "https://auth.example@canary.example/" },
		"an escape":             func(a map[string]any) { a["verification_uri"] = "https://auth.example/\x1b[2J" },
		"a space":               func(a map[string]any) { a["verification_uri"] = "https://auth.example/ canary" },
		"no address":            func(a map[string]any) { delete(a, "verification_uri") },
		"no host":               func(a map[string]any) { a["verification_uri"] = "https:///canary" },
		"no user code":          func(a map[string]any) { delete(a, "user_code") },
		"a user code of spaces": func(a map[string]any) { a["user_code"] = "\x1b\n" },
		"a long user code":      func(a map[string]any) { a["user_code"] = strings.Repeat("A", 65) },
		"no device code":        func(a map[string]any) { delete(a, "device_code") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			s.device = change
			f := newFlow(t, s, nil)
			err := f.client.ConnectDevice(t.Context(), func(oauth2.DeviceCode) error {
				t.Error("it is shown")
				return errors.New("canary")
			})
			if !errors.Is(err, core.ErrUnavailable) {
				t.Errorf("the error is %v", err)
			}
			wantSafe(t, err)
		})
	}
	for name, test := range map[string]struct {
		change func(map[string]any)
		want   oauth2.DeviceCode
	}{
		"the complete address is none": {
			func(a map[string]any) { a["verification_uri_complete"] = "javascript:alert(1)" },
			oauth2.DeviceCode{UserCode: "WDJB-MJHT", URL: "https://auth.example/activate"},
		},
		"the code has an escape": {
			func(a map[string]any) { a["user_code"] = "\x1b[2JAB"; delete(a, "verification_uri_complete") },
			oauth2.DeviceCode{UserCode: "[2JAB", URL: "https://auth.example/activate"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			s.device = test.change
			f := newFlow(t, s, nil)
			shown := false
			_ = f.client.ConnectDevice(t.Context(), func(code oauth2.DeviceCode) error {
				code.ExpiresAt = time.Time{}
				if shown = true; code != test.want {
					t.Errorf("shown: %+v", code)
				}
				return errors.New("enough")
			})
			if !shown {
				t.Error("nothing is shown")
			}
		})
	}
}

func TestADeviceSeesARotatedClientSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFlowProvider(t)
		f := newFlow(t, s, nil)
		s.interfere = func(r *http.Request) *flowAnswer {
			_, secret, _ := r.BasicAuth()
			switch {
			case r.URL.Path == "/token" && secret == "old":
				f.store.Seed(flowApp, core.String(`{"clientId":"`+flowClient+`","clientSecret":"`+flowSecret+`"}`))
				return flowRefusal("authorization_pending")
			case r.URL.Path == "/device":
				s.devices["device-code"] = true
				return &flowAnswer{status: 200, body: `{"device_code":"device-code","user_code":"A","verification_uri":"https://auth.example/","expires_in":60}`}
			}
			return nil
		}
		f.store.Seed(flowApp, core.String(`{"clientId":"`+flowClient+`","clientSecret":"old"}`))
		if err := f.client.ConnectDevice(t.Context(), showNothing); err != nil {
			t.Fatal(err)
		}
	})
}

func TestADevicesIDTokenIsChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		claims map[string]any
		ok     bool
	}{
		"right":               {map[string]any{}, true},
		"of another issuer":   {map[string]any{"iss": "https://canary.example"}, false},
		"for another client":  {map[string]any{"aud": "canary"}, false},
		"of another request":  {map[string]any{"nonce": "canary"}, false},
		"where there is none": {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFlowProvider(t)
				s.token = func(answer map[string]any) {
					if test.claims == nil {
						return
					}
					claims := map[string]any{
						"iss": s.issuer, "aud": flowClient, "sub": "user-1",
						"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
					}
					maps.Copy(claims, test.claims)
					answer["id_token"] = flowJWT(claims)
				}
				f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Scopes = []string{"openid"} })
				err := f.client.ConnectDevice(t.Context(), showNothing)
				if (err == nil) != test.ok {
					t.Errorf("the error is %v", err)
				}
				if _, stored := f.stored(); stored != test.ok {
					t.Errorf("stored is %v", stored)
				}
				if err != nil {
					wantSafe(t, err)
				}
			})
		})
	}
}

func TestAWayThatTheProviderDoesNotHave(t *testing.T) {
	t.Parallel()
	browser := func(ctx context.Context, c *oauth2.Client) error {
		_, err := c.Begin(ctx, oauth2.BeginOptions{RedirectURL: flowRedirect})
		return err
	}
	device := func(ctx context.Context, c *oauth2.Client) error { return c.ConnectDevice(ctx, showNothing) }
	own := func(ctx context.Context, c *oauth2.Client) error { return c.ConnectClientCredentials(ctx) }
	for name, test := range map[string]struct {
		provider func(*flowProvider)
		grant    oauth2.Grant
		connect  func(context.Context, *oauth2.Client) error
		other    string // the way that is named in its place
	}{
		"no authorization endpoint":      {func(s *flowProvider) { s.noAuth = true }, "", browser, "device"},
		"no device endpoint":             {func(s *flowProvider) { s.noDevice = true }, "", device, "browser"},
		"a user's account by itself":     {nil, "", own, "browser"},
		"the application's in a browser": {nil, oauth2.GrantClientCredentials, browser, "ConnectClientCredentials"},
		"the application's on a device":  {nil, oauth2.GrantClientCredentials, device, "ConnectClientCredentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			if test.provider != nil {
				test.provider(s)
			}
			f := newFlow(t, s, func(c *oauth2.Config) { c.Settings.Grant = test.grant })
			err := test.connect(t.Context(), f.client)
			if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), test.other) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
