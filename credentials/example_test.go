package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

var github = oauth2.GitHub("repo")

// Each user connects their own GitHub account.
var GitHub = credentials.DeclarePerUser[oauth2.Token](credentials.Spec{
	Name: "example-github", DisplayName: "GitHub", Description: "Reads your repositories",
	SecretID: "EXAMPLE_GITHUB_APP", TokenSecretID: "EXAMPLE_GITHUB_TOKENS",
	OAuth2: &github,
})

// The application has one key for the weather.
var Weather = credentials.Declare[core.Value](credentials.Spec{
	Name: "example-weather", DisplayName: "Weather", SecretID: "EXAMPLE_WEATHER_KEY",
	Hosts: []string{"api.weather.example"}, Auth: httpauth.Header("X-Api-Key"),
})

func Example() {
	ctx := context.Background()
	secrets := memory.New(memory.Config{}) // or core.Open, and any provider
	store, err := credentials.New(credentials.Config{
		Secrets: secrets,
		ConnectURL: func(name, user string) string {
			return "https://app.example.com/credentials/" + name + "/connect"
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	// A key is stored by people. HTTP sends it to api.weather.example only.
	if err := Weather.Set(ctx, store, core.String("a key")); err != nil {
		log.Fatal(err)
	}
	key, err := Weather.Get(ctx, store)
	fmt.Println("weather:", key, err)

	// Alice has not connected GitHub: the error says where she does.
	_, err = GitHub.Get(ctx, store, "alice")
	var missing *credentials.MissingError
	if errors.As(err, &missing) {
		fmt.Println("alice goes to", missing.ConnectURL)
	}

	// Once she has, her requests are sent with her token, and nobody else's are.
	connected := oauth2.Token{AccessToken: core.String("gho_alice")}
	if err := GitHub.Set(ctx, store, "alice", connected); err != nil {
		log.Fatal(err)
	}
	request := credentials.WithUser(ctx, store, "alice")
	token, err := GitHub.FromContext(request)
	fmt.Println("alice has", token.AccessToken, err)
	_, err = GitHub.FromContext(ctx)
	fmt.Println("without a user:", errors.Is(err, credentials.ErrNoUser))

	for user, err := range GitHub.Users(ctx, store) {
		fmt.Println("connected:", user.ID, err)
	}
	if err := store.DeleteUser(ctx, "alice"); err != nil {
		log.Fatal(err)
	}
	has, err := GitHub.Has(ctx, store, "alice")
	fmt.Println("after she has left:", has, err)

	// Output:
	// weather: [REDACTED] <nil>
	// alice goes to https://app.example.com/credentials/example-github/connect
	// alice has [REDACTED] <nil>
	// without a user: true
	// connected: alice <nil>
	// after she has left: false <nil>
}

// A component gets the credentials that it declares, and no others.
func ExampleStore_Scope() {
	ctx := context.Background()
	store, err := credentials.New(credentials.Config{Secrets: memory.With(map[string]string{"EXAMPLE_WEATHER_KEY": "a key"})})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	mailer := store.Scope("mailer", GitHub)
	_, err = Weather.Get(ctx, mailer)
	fmt.Println(errors.Is(err, core.ErrPermissionDenied))
	fmt.Println(err)

	// Output:
	// true
	// credentials get: permission denied: the scope "mailer" has no credential "example-weather"; name it where the scope is made
}

// At its start a program says what it goes without.
func ExampleStore_Configured() {
	ctx := context.Background()
	store, err := credentials.New(credentials.Config{Secrets: memory.With(map[string]string{"EXAMPLE_WEATHER_KEY": "a key"})})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	all, err := store.Configured(ctx)
	if err != nil {
		log.Fatal(err) // something is malformed, or can't be read
	}
	var without []string
	for _, c := range all {
		if !c.Configured {
			without = append(without, c.Declared.Meta().Name)
		}
	}
	fmt.Println("without GitHub:", slices.Contains(without, "example-github"))

	// Output:
	// without GitHub: true
}
