package oauthtest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/oauthtest"
	"github.com/lukko-dev/lukko/internal/providertest"
	lukko "github.com/lukko-dev/lukko/oauth2"
)

// waiting is how many goroutines wait for one refresh in the tests of faults.
const waiting = 50

func proxied(c *oauthtest.Config) { c.Proxied = true }

// expired is an account behind a proxy whose access token has ended, with its client's
// clock.
func expired(t *testing.T) (*account, *lukko.Client, *clock) {
	t.Helper()
	a := newAccount(t, start(t, proxied), oauthtest.Client{})
	a.seed()
	at := &clock{}
	a.cfg.Clock = at
	a.srv.ExpireAccessTokens()
	at.advance(2 * time.Hour)
	return a, a.client(), at
}

// burst has many goroutines ask for a token at one moment, and returns the one error that
// all of them get.
func (a *account) burst(c *lukko.Client) error {
	a.t.Helper()
	errs := together(waiting, func(int) error {
		_, err := c.Token(a.t.Context())
		return err
	})
	for _, err := range errs {
		a.say(err)
		if (err == nil) != (errs[0] == nil) || err != nil && err.Error() != errs[0].Error() {
			a.t.Errorf("two goroutines get two outcomes: %v, and %v", errs[0], err)
			break
		}
	}
	return errs[0]
}

// asked checks how many token requests came to the proxy since the account was connected.
func (a *account) asked(want int) {
	a.t.Helper()
	if came, _ := a.srv.Proxy.Delivered(); came-1 != want { // the first was the code's
		a.t.Errorf("%d requests came to the token endpoint, want %d", came-1, want)
	}
}

// What may pass leaves the token as it is, is told to all waiters alike, is not asked again
// at once, and is over when it is over.
func TestAFaultThatMayPassIsOneOutcomeAndLeavesTheToken(t *testing.T) {
	t.Parallel()
	var strayed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for name, c := range map[string]struct {
		fault  faultproxy.Fault
		status int
		after  time.Duration // when it may be asked again at the earliest
	}{
		"a page":                       {oauthtest.HTML(200), 200, 0},
		"a gateway's page":             {oauthtest.HTML(502), 502, 0},
		"an error that passes, in 200": {oauthtest.ErrorInOK("temporarily_unavailable"), 200, 0},
		"a redirect":                   {oauthtest.Redirect(elsewhere.URL), 307, 0},
		"ten megabytes":                {oauthtest.Large(10 << 20), 200, 0},
		"too many requests":            {oauthtest.Busy(429, 10*time.Minute), 429, 10 * time.Minute},
		"a server that is down":        {oauthtest.Busy(503, 10*time.Minute), 503, 10 * time.Minute},
		"a connection that breaks":     {oauthtest.LoseRequest, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, client, at := expired(t)
			version, refreshToken := a.stored()
			a.srv.Proxy.Token(1, c.fault)

			err := a.burst(client)
			a.is(err, core.ErrUnavailable)
			var about *lukko.Error
			if !errors.As(err, &about) {
				t.Fatalf("the error is a %T", err)
			}
			if about.Status != c.status || about.Name != "github" || about.Hint == "" || errors.Is(err, lukko.ErrReauthorize) {
				t.Errorf("the error has status %d, name %q, hint %q", about.Status, about.Name, about.Hint)
			}
			a.is(a.burst(client), core.ErrUnavailable)
			a.asked(1)
			if v, r := a.stored(); v != version || r != refreshToken {
				t.Error("the stored token has changed")
			}
			if c.after > 0 {
				at.advance(c.after - time.Minute)
				a.is(a.burst(client), core.ErrUnavailable)
				a.asked(1)
			}
			at.advance(15 * time.Minute)
			if err := a.burst(client); err != nil {
				t.Errorf("when it is over: %v", err)
			}
			a.asked(2)
			if got, want := a.srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1}); got != want {
				t.Errorf("counted %+v, want %+v", got, want)
			}
			if status, err := a.api(t.Context(), client); status != 200 || err != nil {
				t.Errorf("the refreshed token: %d, %v", status, err)
			}
		})
	}
	if strayed.Load() != 0 {
		t.Error("a redirect of the token endpoint was followed")
	}
}

// What says that the refresh token is no good ends the connection for all processes, until
// somebody connects again.
func TestARefusalIsRememberedUntilTheAccountIsConnectedAgain(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(a *account){
		"an error in a 200": func(a *account) { a.srv.Proxy.Token(1, oauthtest.ErrorInOK("invalid_grant")) },
		"GitHub's":          func(a *account) { a.srv.Proxy.Token(1, oauthtest.ErrorInOK("bad_refresh_token")) },
		"the server's own":  func(a *account) { a.srv.Disconnect("alice") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, client, at := expired(t)
			version, refreshToken := a.stored()
			refuse(a)
			err := a.burst(client)
			a.is(err, lukko.ErrReauthorize)
			var about *lukko.ReauthorizeError
			if !errors.As(err, &about) || about.Name != "github" || about.ID != tokensID || about.Connect != "lukko oauth connect github" || about.Code == "" {
				t.Errorf("the error is %#v", about)
			}
			other := a.client() // as another process
			for range 3 {
				a.is(a.burst(client), lukko.ErrReauthorize)
				a.is(a.burst(other), lukko.ErrReauthorize)
				at.advance(time.Hour)
			}
			a.asked(1)
			if v, r := a.stored(); v != version || r != refreshToken {
				t.Error("the stored token has changed")
			}
			a.seed() // somebody connects, elsewhere
			for _, c := range []*lukko.Client{client, other} {
				if err := a.burst(c); err != nil {
					t.Errorf("after the account was connected again: %v", err)
				}
			}
			if got := a.srv.Counts("alice").Revocations; got != 0 {
				t.Errorf("%d revocations", got)
			}
		})
	}
}

func TestAnApplicationThatIsRefusedLosesNoToken(t *testing.T) {
	t.Parallel()
	a, client, at := expired(t)
	version, refreshToken := a.stored()
	a.setApp("another secret", "", "")
	err := a.burst(client)
	a.is(err, core.ErrUnauthenticated)
	var about *lukko.Error
	if !errors.As(err, &about) || about.Status != 401 || about.Code != "invalid_client" || errors.Is(err, lukko.ErrReauthorize) {
		t.Errorf("the error is %v", err)
	}
	a.burst(client)
	if v, r := a.stored(); v != version || r != refreshToken {
		t.Error("the stored token has changed")
	}
	a.setApp(a.app.Secret, "", "")
	at.advance(15 * time.Minute)
	if err := a.burst(client); err != nil {
		t.Errorf("with the right secret: %v", err)
	}
	if got, want := a.srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// The named limit: the server has rotated the token, and its answer is lost. The next
// attempt is a reuse, which ends the connection: once, and without a storm.
func TestALostAnswerIsOneReauthorization(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(a *account, c *lukko.Client) error{
		"reset": func(a *account, c *lukko.Client) error {
			a.srv.Proxy.Token(1, oauthtest.LoseAnswer)
			return a.burst(c)
		},
		"held, and then reset": func(a *account, c *lukko.Client) error {
			a.srv.Proxy.Token(1, oauthtest.KeepAnswer)
			said := make(chan error)
			go func() { said <- a.burst(c) }()
			providertest.Until(a.t, "the server has rotated the token", func() bool { return a.srv.Counts("alice").Refreshes == 1 })
			a.srv.Proxy.Disconnect(faultproxy.Reset)
			return <-said
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, client, at := expired(t)
			version, refreshToken := a.stored()
			a.is(lose(a, client), core.ErrUnavailable)
			if got, want := a.srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1}); got != want {
				t.Errorf("counted %+v, want %+v", got, want)
			}
			if v, r := a.stored(); v != version || r != refreshToken {
				t.Error("the stored token has changed")
			}
			at.advance(15 * time.Minute)
			other := a.client()
			for range 3 {
				a.is(a.burst(client), lukko.ErrReauthorize)
				a.is(a.burst(other), lukko.ErrReauthorize)
				at.advance(time.Hour)
			}
			if got, want := a.srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1, Reuses: 1, Revocations: 1}); got != want {
				t.Errorf("counted %+v, want %+v", got, want)
			}
			a.asked(2)
			if got := a.count(lukko.EventReauthorize); got != 1 {
				t.Errorf("%d events of a refusal", got)
			}
		})
	}
}

// A token endpoint that hangs: each caller is back when its own context ends, the others
// get what comes of the one request, which no caller's end cuts.
func TestAHangHoldsNobodyPastTheirOwnDeadline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault func(release <-chan struct{}) faultproxy.Fault
		want  error
	}{
		"that ends in an answer":           {func(release <-chan struct{}) faultproxy.Fault { return faultproxy.Hold(release) }, nil},
		"that ends in a broken connection": {oauthtest.Hang, core.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, client, _ := expired(t)
			release := make(chan struct{})
			a.srv.Proxy.Token(1, c.fault(release))
			patient := make(chan error, waiting)
			for range waiting {
				go func() {
					_, err := client.Token(a.t.Context())
					patient <- err
				}()
			}
			for _, err := range together(waiting, func(int) error {
				ctx, cancel := context.WithTimeout(a.t.Context(), 20*time.Millisecond)
				defer cancel()
				_, err := client.Token(ctx)
				return err
			}) {
				a.is(err, context.DeadlineExceeded)
			}
			close(release)
			for range waiting {
				if err := <-patient; c.want == nil && err != nil || !errors.Is(err, c.want) {
					t.Fatalf("one that waited gets %v", a.say(err))
				}
			}
			a.asked(1)
			if got := a.srv.Counts("alice"); got.Reuses != 0 || got.Refreshes != map[bool]int{true: 1, false: 0}[c.want == nil] {
				t.Errorf("counted %+v", got)
			}
		})
	}
}

func TestAHangIsGivenUpAfterThirtySeconds(t *testing.T) {
	t.Parallel()
	a, client, at := expired(t)
	version, refreshToken := a.stored()
	at.limit = make(chan time.Time)
	a.srv.Proxy.Token(1, oauthtest.Hang(nil))
	said := make(chan error)
	go func() { said <- a.burst(client) }()
	providertest.Until(t, "the endpoint hangs", func() bool { came, _ := a.srv.Proxy.Delivered(); return came == 2 })
	at.limit <- time.Now() // the thirty seconds are over
	a.is(<-said, core.ErrUnavailable)
	a.asked(1)
	if v, r := a.stored(); v != version || r != refreshToken {
		t.Error("the stored token has changed")
	}
	at.advance(15 * time.Minute)
	if err := a.burst(client); err != nil {
		t.Errorf("when it is over: %v", err)
	}
	a.asked(2)
	if got, want := a.srv.Counts("alice"), (oauthtest.Counts{Codes: 1, Refreshes: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}
