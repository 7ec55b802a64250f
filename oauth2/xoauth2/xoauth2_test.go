package xoauth2_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	xoauth2 "golang.org/x/oauth2"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
	lukko "github.com/lukko-dev/lukko/oauth2/xoauth2"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func newClient(t *testing.T, stored map[string]string) *oauth2.Client {
	t.Helper()
	c, err := oauth2.New(oauth2.Config{
		Name: "github", SecretID: "APP", TokenSecretID: "TOKENS", Service: memory.With(stored),
		Settings: oauth2.Settings{AuthURL: "https://auth.test/authorize", TokenURL: "https://auth.test/token"},
		Endpoints: roundTrip(func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(`{"access_token":"second","expires_in":3600}`)),
			}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestASourceGivesTheCurrentTokenWithoutTheRefreshToken(t *testing.T) {
	t.Parallel()
	c := newClient(t, map[string]string{
		"APP":    `{"clientId":"client"}`,
		"TOKENS": `{"accessToken":"first","refreshToken":"refresh","tokenType":"Bearer","expiresAt":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`,
	})
	source := lukko.TokenSource(t.Context(), c)
	for _, want := range []string{"first", "second"} {
		got, err := source.Token()
		if err != nil {
			t.Fatal(err)
		}
		if got.AccessToken != want || got.RefreshToken != "" || got.Type() != "Bearer" || !got.Valid() || time.Until(got.Expiry) > time.Hour {
			t.Errorf("the token is not the %s one", want)
		}
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASourcePassesTheClientsErrorsOn(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	if _, err := lukko.TokenSource(t.Context(), c).Token(); !errors.Is(err, oauth2.ErrNotConnected) {
		t.Errorf("error is %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lukko.TokenSource(ended, c).Token(); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	var _ xoauth2.TokenSource = lukko.TokenSource(ended, c)
}
