package credentials_test

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

func ExampleNewHandler() {
	const base = "https://app.example.com/accounts"
	set := new(credentials.Set)
	github := oauth2.GitHub("repo")
	credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{
		Name: "github", DisplayName: "GitHub",
		SecretID: "GITHUB_APP", TokenSecretID: "GITHUB_TOKENS", OAuth2: &github,
	})
	store, err := credentials.New(credentials.Config{
		Secrets: memory.New(memory.Config{}), Set: set,
		ConnectURL: credentials.ConnectURLs(base),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	accounts, err := credentials.NewHandler(credentials.HandlerConfig{
		Store: store, BaseURL: base, Home: "/settings",
		// Who is logged in, by the application's own session.
		User: func(r *http.Request) (string, error) {
			c, err := r.Cookie("session")
			if err != nil {
				return "", err // 401
			}
			return userOfSession(c.Value)
		},
		OnEvent: func(e credentials.HandlerEvent) {
			slog.Info("accounts", "event", e.Kind, "credential", e.Name, "code", e.Code, "error", e.Err)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/accounts/", accounts)

	fmt.Println("register at the provider:", accounts.CallbackURL("github"))
	// Output: register at the provider: https://app.example.com/accounts/github/callback
}

// userOfSession stands for the application's own sessions.
func userOfSession(string) (string, error) { return "alice", nil }
