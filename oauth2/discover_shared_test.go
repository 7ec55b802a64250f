package oauth2_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestClientsOfManyAccountsDiscoverAnIssuerOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/.well-known/oauth-authorization-server":
			asked.Add(1)
			_, _ = w.Write([]byte(`{"issuer":"` + srv.URL + `","token_endpoint":"` + srv.URL + `/token"}`))
		case "/token":
			_, _ = w.Write([]byte(`{"access_token":"a","token_type":"bearer","expires_in":3600}`))
		}
	}))
	defer srv.Close()
	store := memory.With(map[string]string{"APP": `{"clientId":"id"}`})
	shared := new(oauth2.Discovery)
	var all sync.WaitGroup
	for _, user := range []string{"alice", "bob", "carol", "dave"} {
		for _, with := range []*oauth2.Discovery{shared, shared} {
			all.Go(func() {
				c, err := oauth2.New(oauth2.Config{
					Name: "crm", User: user, SecretID: "APP", TokenSecretID: "TOKENS_" + user, Service: store, Discovery: with,
					Settings: oauth2.Settings{Issuer: srv.URL, Grant: oauth2.GrantClientCredentials},
				})
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if got, err := c.Token(t.Context()); err != nil || !got.AccessToken.Equal(core.String("a")) {
					t.Errorf("%s: %v", user, err)
				}
			})
		}
	}
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the issuer was asked %d times, want 1", n)
	}
}
