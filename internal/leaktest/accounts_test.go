package leaktest

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// provider answers as an OAuth2 server and as an API. All that it gives is the
// canary.
type provider struct{}

func (provider) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	body := `{"access_token":"` + canary + `","refresh_token":"` + canary + `","token_type":"bearer","expires_in":3600}`
	if req.URL.Path == "/broken" {
		body = `{"error":"invalid_client","error_description":"` + canary + `"}`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: req,
	}, nil
}

// accounts makes what programs hold of accounts, each after it has worked with
// secrets.
func accounts(t *testing.T) map[string]any {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	ended := `{"accessToken":"` + canary + `","refreshToken":"` + canary + `","expiresAt":"2020-01-01T00:00:00Z"}`
	store := memory.With(map[string]string{
		"APP": `{"clientId":"id","clientSecret":"` + canary + `"}`, "TOKENS": ended, "GITHUB": ended, "GITHUB__bob": ended, "KEY__bob": canary,
		credentials.DefaultSealKeyID: base64.RawURLEncoding.EncodeToString([]byte(canary)[:32]),
	})
	settings := oauth2.Settings{
		AuthURL: "https://id.test/authorize", TokenURL: "https://id.test/token", RevokeURL: "https://id.test/broken",
		AllowedHosts: []string{"api.test"},
	}
	client, err := oauth2.New(oauth2.Config{
		Name: "github", Settings: settings, SecretID: "APP", TokenSecretID: "TOKENS", Service: store,
		Transport: provider{}, Endpoints: provider{},
	})
	must(err)
	t.Cleanup(func() { _ = client.Close() })
	token, err := client.Token(ctx)
	must(err)
	resp, err := client.Do(httptest.NewRequest(http.MethodGet, "https://api.test/", nil).WithContext(ctx))
	if err == nil { // a request as servers get them is refused by clients
		_ = resp.Body.Close()
	}
	pending, err := client.Begin(ctx, oauth2.BeginOptions{RedirectURL: "https://app.test/callback"})
	must(err)
	status, err := client.Status(ctx)
	must(err)
	_, refused := client.Revoke(ctx, oauth2.RevokeOptions{})
	if refused == nil {
		t.Fatal("the provider revokes")
	}

	set := new(credentials.Set)
	github := credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{
		Name: "github", SecretID: "APP", TokenSecretID: "GITHUB", OAuth2: &settings,
	})
	key := credentials.DeclarePerUserIn[core.Value](set, credentials.Spec{
		Name: "key", SecretID: "KEY", Hosts: []string{"api.test"}, Auth: httpauth.Query("key"),
	})
	kept, err := credentials.New(credentials.Config{Secrets: store, Set: set, Transport: provider{}, Endpoints: provider{}, OneProcess: true})
	must(err)
	t.Cleanup(func() { _ = kept.Close() })
	given := key.Given(core.String(canary))
	request := credentials.WithUser(ctx, kept, "bob", given)
	inContext, err := github.FromContext(request)
	must(err)
	transport, err := key.HTTP(kept, "bob")
	must(err)
	sent, err := transport.Get("https://api.test/")
	must(err)
	_ = sent.Body.Close()

	pages, err := credentials.NewHandler(credentials.HandlerConfig{
		Store: kept, BaseURL: "https://app.test/accounts",
		User: func(*http.Request) (string, error) { return "bob", nil },
	})
	must(err)
	begin := httptest.NewRequest(http.MethodPost, "https://app.test/accounts/github/connect", strings.NewReader(url.Values{"return": {"/"}}.Encode()))
	begin.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	pages.ServeHTTP(answer, begin)
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("connecting answers %d", answer.Code)
	}
	_, missing := github.Get(ctx, kept, "alice")
	return map[string]any{
		"an application":        oauth2.App{ClientID: "id", ClientSecret: core.String(canary), PrivateKey: core.String(canary)},
		"tokens":                token,
		"a pointer to tokens":   &token,
		"a client":              client,
		"a client by value":     struct{ c *oauth2.Client }{client},
		"its transport":         client.RoundTripper(),
		"its HTTP client":       client.HTTP(),
		"a pending connection":  pending,
		"a status":              status,
		"a refusal":             refused,
		"a store":               kept,
		"what is given":         given,
		"tokens of a request":   inContext,
		"an HTTP client's key":  transport.Transport,
		"a handler":             pages,
		"a missing credential":  missing,
		"a declared credential": github,
		"a context":             onlyValue{request},
	}
}

// onlyValue is a context that shows as one in a field does.
type onlyValue struct{ ctx context.Context }

// deep are those that hold a whole client, with compiled schemas. Some paths take
// long over them, and the one that walks by reflection sees all that these see.
var (
	deep = []string{
		"a client by value", "its transport", "its HTTP client", "a client", "a store", "what is given", "an HTTP client's key", "a handler",
		"a declared credential", "a context",
	}
	slow = []string{"go-cmp with an exporter", "spew without methods", "kr/pretty", "testify's Equal", "testify's NotEqual, Contains, Empty, Nil, Error"}
)

func TestNothingThatPrintsFollowsAnAccount(t *testing.T) {
	t.Parallel()
	as, bs := accounts(t), accounts(t)
	for _, path := range paths() {
		if strings.HasPrefix(path.name, "%") && !slices.Contains([]string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"}, path.name) {
			continue
		}
		t.Run(path.name, func(t *testing.T) {
			for name, a := range as {
				if slices.Contains(slow, path.name) && slices.Contains(deep, name) {
					continue
				}
				var out bytes.Buffer
				path.print(&out, a, bs[name])
				if leaks(out.String()) {
					t.Errorf("%s shows a secret of %s, in %d bytes of output", path.name, name, out.Len())
				}
			}
		})
	}
}
