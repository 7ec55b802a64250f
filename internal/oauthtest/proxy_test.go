package oauthtest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/internal/oauthtest"
)

func TestTheProxyAnswersInTheServersPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  faultproxy.Fault
		status int
		header string
		length int
	}{
		"a page":                {oauthtest.HTML(200), 200, "text/html; charset=utf-8", 0},
		"a gateway's page":      {oauthtest.HTML(502), 502, "text/html; charset=utf-8", 0},
		"an error in a 200":     {oauthtest.ErrorInOK("invalid_grant"), 200, "application/json", 0},
		"a redirect":            {oauthtest.Redirect("/elsewhere"), 307, "", 0},
		"ten megabytes":         {oauthtest.Large(10 << 20), 200, "application/json", 10 << 20},
		"too many requests":     {oauthtest.Busy(429, time.Minute), 429, "", 0},
		"a server that is down": {oauthtest.Busy(503, time.Minute), 503, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, func(c *oauthtest.Config) { c.Proxied = true })
			srv.Proxy.Token(1, c.fault)
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			ask := func() (*http.Response, string) {
				resp, err := client.Post(srv.URL(oauthtest.TokenPath), "application/x-www-form-urlencoded", strings.NewReader("grant_type=none"))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				return resp, string(body)
			}
			resp, body := ask()
			if resp.StatusCode != c.status || !strings.Contains(body, oauthtest.Canary) || len(body) < c.length {
				t.Errorf("%d, the canary in it: %t, %d bytes", resp.StatusCode, strings.Contains(body, oauthtest.Canary), len(body))
			}
			if got := resp.Header.Get("Content-Type"); c.header != "" && got != c.header {
				t.Errorf("its type is %s", got)
			}
			if after := resp.Header.Get("Retry-After"); (after == "60") != (c.status == 429 || c.status == 503) {
				t.Errorf("Retry-After: %q", after)
			}
			if _, body := ask(); strings.Contains(body, oauthtest.Canary) {
				t.Error("a second request meets it, too")
			}
			if came, delivered := srv.Proxy.Delivered(); came != 2 || delivered != 1 {
				t.Errorf("%d came, %d were delivered", came, delivered)
			}
		})
	}
}

func TestTheProxyLosesRequestsAndAnswers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	for name, c := range map[string]struct {
		fault     faultproxy.Fault
		refreshes int
	}{
		"before the server":  {oauthtest.LoseRequest, 0},
		"after the rotation": {oauthtest.LoseAnswer, 1},
		"held, and rotated":  {oauthtest.KeepAnswer, 1},
		"hung":               {oauthtest.Hang(release), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, func(c *oauthtest.Config) { c.Proxied = true })
			cfg := settings(srv, srv.Register(oauthtest.Client{Redirects: []string{redirect}}))
			token := connect(t, srv, cfg, srv.AddUser("alice"))
			restore := srv.Proxy.Token(1, c.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if _, refused := refresh(ctx, cfg, token.RefreshToken); refused != "no answer" {
				t.Errorf("it is answered: %q", refused)
			}
			restore()
			if got := srv.Counts("alice").Refreshes; got != c.refreshes {
				t.Errorf("the server has rotated %d times, want %d", got, c.refreshes)
			}
			_, refused := refresh(t.Context(), cfg, token.RefreshToken)
			if want := map[int]string{0: "", 1: "invalid_grant"}[c.refreshes]; refused != want {
				t.Errorf("the next refresh: %q, want %q", refused, want)
			}
			if got := srv.Counts("alice").Revocations; got != c.refreshes {
				t.Errorf("%d revocations, want %d", got, c.refreshes)
			}
		})
	}
}

func TestAHangEndsWhenItIsReleased(t *testing.T) {
	t.Parallel()
	srv := start(t, func(c *oauthtest.Config) { c.Proxied = true })
	release, done := make(chan struct{}), make(chan error, 1)
	srv.Proxy.Token(1, oauthtest.Hang(release))
	go func() {
		resp, err := http.Post(srv.URL(oauthtest.TokenPath), "application/x-www-form-urlencoded", strings.NewReader("grant_type=none"))
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	close(release)
	if <-done == nil {
		t.Error("a hung request is answered")
	}
}
