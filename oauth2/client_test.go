package oauth2_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

func TestAnErrorOfAStoredFormIsOneClearSentence(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		app, tokens string
		do          func(c *oauth2.Client) error
		text        string
		kind        error
	}{
		"no application": {
			"", "", begin,
			`oauth2 read the application "github": not found: the application is not configured: store its client id and secret at GITHUB_APP`, core.ErrNotFound,
		},
		"an application without a client id": {
			`{"clientSecret":"canary"}`, "", begin,
			`oauth2 read the application "github": invalid value: the application's secret at GITHUB_APP is malformed: /clientId: it is missing`, core.ErrInvalidValue,
		},
		"an application that is no JSON": {
			`canary`, "", begin,
			`oauth2 read the application "github": invalid value: the application's secret at GITHUB_APP is malformed: it is no JSON document: it breaks off or goes wrong at byte 1`, core.ErrInvalidValue,
		},
		"tokens that are no JSON": {
			"", `canary`, func(c *oauth2.Client) error { _, err := c.Token(context.Background()); return err },
			`oauth2 read the tokens "github": invalid value: what is stored at GITHUB_TOKENS is malformed; connect again, or mend it: it is no JSON document: it breaks off or goes wrong at byte 1`, core.ErrInvalidValue,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRig(t, time.Hour)
			f.store = memory.With(map[string]string{})
			for id, text := range map[string]string{appID: test.app, tokensID: test.tokens} {
				if text != "" {
					f.store.Seed(id, core.String(text))
				}
			}
			err := test.do(f.client())
			if err == nil || err.Error() != test.text {
				t.Errorf("it says\n%v, want\n%s", err, test.text)
			}
			var told *schema.Error
			if !errors.Is(err, test.kind) || !errors.As(err, &told) {
				t.Error("it does not match its kind, or has not what the declaration says")
			}
		})
	}
	f := newRig(t, time.Hour)
	f.store.Inject(memory.Fault{ID: appID, Err: core.ErrPermissionDenied})
	err := begin(f.client())
	if want := `oauth2 read the application "github": memory get "GITHUB_APP": permission denied`; err == nil || err.Error() != want || !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("it says\n%v, want\n%s", err, want)
	}
}

func begin(c *oauth2.Client) error {
	_, err := c.Begin(context.Background(), oauth2.BeginOptions{RedirectURL: "http://127.0.0.1:1/callback"})
	return err
}

func TestATokenIsRenewedSixtySecondsBeforeItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.client()
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-1")
		time.Sleep(time.Hour - 61*time.Second)
		got, err = c.Token(t.Context())
		isAccess(t, got, err, "access-1")
		f.want(0, 0, 0)
		time.Sleep(time.Second)
		got, err = c.Token(t.Context())
		isAccess(t, got, err, "access-2")
		f.want(1, 1, 0)

		stored := f.stored(tokensID)
		if stored["accessToken"] != "access-2" || stored["refreshToken"] != "refresh-2" {
			t.Error("the new tokens are not stored")
		}
		if extra, _ := stored["extra"].(map[string]any); extra["team"] != "t1" {
			t.Error("a field that a Token doesn't have was lost by the refresh")
		}
		if stored["scope"] != "repo" || stored["connectedAt"] == nil {
			t.Error("the scope or the time of connecting was lost by the refresh")
		}
		if kinds := f.kinds(); !slices.Equal(kinds, []oauth2.EventKind{oauth2.EventRefreshed}) {
			t.Errorf("events are %v", kinds)
		}
	})
}

func TestAShortLifeIsHalved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 40*time.Second)
		c := f.client()
		for range 10 {
			if _, err := c.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(19 * time.Second)
			if _, err := c.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		f.want(9, 9, 0) // not one for each call, though each token has less than 60 s
	})
}

func TestAnUnknownExpiryIsNone(t *testing.T) {
	for name, expiry := range map[string]any{"absent": nil, "no time": "soon", "an object": map[string]any{"a": 1}, "false": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, 0)
				stored := f.stored(tokensID)
				stored["expiresAt"] = expiry
				f.put(stored)
				c := f.client()
				time.Sleep(10000 * time.Hour)
				got, err := c.Token(t.Context())
				isAccess(t, got, err, "access-1")
				f.want(0, 0, 0)
				f.provider.end()
				if resp := getURL(t, c, "https://api.test/"); resp.StatusCode != 200 {
					t.Errorf("status %d after the access token ended", resp.StatusCode)
				}
				f.want(1, 1, 0)
			})
		})
	}
}

func TestARefreshTokenThatIsNotRotatedIsKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.keeps = true
		c := f.client()
		for range 3 {
			time.Sleep(time.Hour)
			if _, err := c.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if f.stored(tokensID)["refreshToken"] != "refresh-1" {
				t.Fatal("the refresh token was lost")
			}
		}
		f.want(3, 3, 0)
	})
}

func TestRefreshAsksBeforeTheEndToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.client()
		for want := 1; want <= 3; want++ {
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.want(want, want, 0)
		}
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-4")

		// At once they are one.
		f.provider.before = func(int, *http.Request) (*http.Response, error) { time.Sleep(time.Second); return nil, nil }
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := c.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		f.want(4, 4, 0)
	})
}

func TestAnAccountThatIsNotThereSaysHowToConnectIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		if err := f.store.Delete(t.Context(), tokensID); err != nil {
			t.Fatal(err)
		}
		c := f.client(func(cfg *oauth2.Config) { cfg.User = "bob" })
		_, err := c.Token(t.Context())
		var missing *oauth2.NotConnectedError
		if !errors.As(err, &missing) || !errors.Is(err, oauth2.ErrNotConnected) || !errors.Is(err, core.ErrNotFound) {
			t.Fatalf("error is %v", err)
		}
		if missing.Name != "github" || missing.User != "bob" || missing.ID != tokensID || missing.Connect != `lukko oauth connect github --user USER` {
			t.Errorf("error is %+v", *missing)
		}
		f.connect()
		if _, err := c.Token(t.Context()); err != nil {
			t.Errorf("the connection is not seen: %v", err)
		}
	})
}

func TestAStoreThatCannotBeReadIsNotAnAccountThatIsNotThere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		defer f.store.Inject(memory.Fault{Op: "get", Err: core.ErrPermissionDenied})()
		c := f.client()
		for what, do := range map[string]func() error{
			"Token":   func() error { _, err := c.Token(t.Context()); return err },
			"Status":  func() error { _, err := c.Status(t.Context()); return err },
			"Refresh": func() error { return c.Refresh(t.Context()) },
		} {
			if err := do(); !errors.Is(err, core.ErrPermissionDenied) || errors.Is(err, oauth2.ErrNotConnected) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestTokensThatAreNoneAreAnError(t *testing.T) {
	for name, doc := range map[string]string{
		"no JSON": "secret-canary", "no access token": `{"refreshToken":"secret-canary"}`, "another case": `{"ACCESSTOKEN":"secret-canary"}`,
		"a number": `{"accessToken":7}`, "a line break": `{"accessToken":"secret-canary\n"}`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				f.store.Seed(tokensID, core.String(doc))
				_, err := f.client().Token(t.Context())
				if !errors.Is(err, core.ErrInvalidValue) {
					t.Errorf("error is %v", err)
				}
				noSecrets(t, err)
			})
		})
	}
}

func TestAReconnectElsewhereIsSeen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 0)
		var reads atomic.Int64
		f.store = memory.New(memory.Config{OnCall: func(memory.Call) { reads.Add(1) }})
		f.store.Seed(appID, core.String(`{"clientId":"client"}`))
		f.connect()
		c := f.client()
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-2")
		f.connect()
		for range 29 { // in use, but not yet looked at again
			time.Sleep(time.Second)
			synctest.Wait()
			got, err = c.Token(t.Context())
			isAccess(t, got, err, "access-2")
		}
		if reads.Load() != 1 {
			t.Errorf("%d reads of the store in 29 s, want 1", reads.Load())
		}
		time.Sleep(time.Second)
		_, err = c.Token(t.Context()) // what is known, while the store is read
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got, err = c.Token(t.Context())
		isAccess(t, got, err, "access-3")
		time.Sleep(time.Hour)
		synctest.Wait()
		if reads.Load() != 2 {
			t.Errorf("%d reads of the store, want 2: one that is not in use reads nothing", reads.Load())
		}

		// And at once where the old one is refused.
		f.provider.end()
		f.connect()
		if resp := getURL(t, c, "https://api.test/"); resp.StatusCode != 200 {
			t.Errorf("status %d", resp.StatusCode)
		}
		f.want(0, 0, 0)

		// A disconnect too.
		if err := f.store.Delete(t.Context(), tokensID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		_, _ = c.Token(t.Context())
		synctest.Wait()
		if _, err := c.Token(t.Context()); !errors.Is(err, oauth2.ErrNotConnected) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestACallWaitsNoLongerThanItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		asked := make(chan struct{})
		f.provider.before = func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				close(asked)
				time.Sleep(20 * time.Second)
			}
			return nil, nil
		}
		c := f.client()
		time.Sleep(time.Hour)
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := c.Token(short)
		if took := time.Since(began); took != 20*time.Millisecond {
			t.Errorf("a call with 20 ms took %v", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		<-asked
		// One that gives up ends nothing for the others.
		var others sync.WaitGroup
		for range 20 {
			others.Go(func() {
				got, err := c.Token(t.Context())
				isAccess(t, got, err, "access-2")
			})
		}
		others.Wait()
		f.want(1, 1, 0)
		if _, err := tryURL(c, short, "https://api.test/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a context that has ended: %v", err)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Token(canceled); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended: %v", err)
		}
	})
}

func TestNobodyWaitsForARefreshWithATokenThatStillHolds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.before = func(int, *http.Request) (*http.Response, error) {
			time.Sleep(25 * time.Second)
			return nil, nil
		}
		c := f.client()
		time.Sleep(time.Hour - 50*time.Second)
		began := time.Now()
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-1")
		if took := time.Since(began); took != time.Second {
			t.Errorf("the first waited for %v, want 1 s", took)
		}
		for range 10 {
			got, err = c.Token(t.Context())
			isAccess(t, got, err, "access-1")
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("the others waited for %v too", took-time.Second)
		}
		time.Sleep(25 * time.Second)
		got, err = c.Token(t.Context())
		isAccess(t, got, err, "access-2")
		f.want(1, 1, 0)
	})
}

func TestCloseEndsWaitsAndCutsNoRefresh(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.after = func(_ int, req *http.Request) (*http.Response, error) {
			select {
			case <-time.After(10 * time.Second):
				return nil, nil
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		}
		c := f.client()
		time.Sleep(time.Hour)
		waits := make(chan error)
		go func() { _, err := c.Token(t.Context()); waits <- err }()
		time.Sleep(time.Second)
		began := time.Now()
		go func() { waits <- c.Close() }()
		if err := <-waits; !errors.Is(err, core.ErrClosed) || time.Since(began) != 0 {
			t.Errorf("the one that waits: %v after %v", err, time.Since(began))
		}
		if err := <-waits; err != nil || time.Since(began) != 9*time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(began))
		}
		if f.stored(tokensID)["accessToken"] != "access-2" {
			t.Error("the answer that was on its way is lost")
		}
		if _, err := c.Token(t.Context()); !errors.Is(err, core.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if _, err := tryURL(c, t.Context(), "https://api.test/"); !errors.Is(err, core.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*oauth2.Config){
		"no service":         func(c *oauth2.Config) { c.Service = nil },
		"no secret":          func(c *oauth2.Config) { c.SecretID = "" },
		"no id":              func(c *oauth2.Config) { c.TokenSecretID = "a//b" },
		"one secret":         func(c *oauth2.Config) { c.SecretID = c.TokenSecretID },
		"settings":           func(c *oauth2.Config) { c.Settings.TokenURL = "ftp://secret-canary@auth.test" },
		"hosts":              func(c *oauth2.Config) { c.Settings.AllowedHosts = []string{"https://secret-canary/"} },
		"too long an id":     func(c *oauth2.Config) { c.TokenSecretID = string(slices.Repeat([]byte("a"), 250)) },
		"the claim's own id": func(c *oauth2.Config) { c.SecretID = c.TokenSecretID + oauth2.ClaimSuffix },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newRig(t, 0).config()
			change(&cfg)
			_, err := oauth2.New(cfg)
			var is *oauth2.Error
			if !errors.As(err, &is) || !errors.Is(err, core.ErrInvalidValue) || is.Hint == "" || is.Name != "github" {
				t.Errorf("error is %v", err)
			}
			noSecrets(t, err)
		})
	}
}
