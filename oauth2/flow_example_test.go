package oauth2_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// exampleClient is a client of a provider that agrees to all.
func exampleClient() *oauth2.Client {
	client, err := oauth2.New(oauth2.Config{
		Name: "shop", SecretID: "SHOP_APP", TokenSecretID: "SHOP_TOKENS",
		Service: memory.With(map[string]string{"SHOP_APP": `{"clientId":"client-1"}`}),
		Settings: oauth2.Settings{
			AuthURL: "https://auth.example/authorize", TokenURL: "https://auth.example/token", DeviceURL: "https://auth.example/device",
			Scopes: []string{"read"},
		},
		Endpoints: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/device" {
				return answerOf(req, 200, `{"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"https://auth.example/activate","interval":1}`), nil
			}
			return answerOf(req, 200, `{"access_token":"a","refresh_token":"r","expires_in":3600}`), nil
		}),
	})
	if err != nil {
		panic(err)
	}
	return client
}

// A program on a machine without a browser shows an address, and takes the one
// that the user's browser ended at.
func ExampleParseAnswer() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()

	pending, err := client.Begin(ctx, oauth2.BeginOptions{RedirectURL: "http://127.0.0.1/callback"})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Show pending.URL.Reveal() to the user, who agrees there and pastes:
	pasted := "http://127.0.0.1/callback?code=c&state=" + pending.State.Reveal()

	answer, err := oauth2.ParseAnswer(pasted)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Finish(ctx, pending, answer))
	status, err := client.Status(ctx)
	fmt.Println(status.Connected, status.Granted, err)

	// An answer counts once.
	fmt.Println(client.Finish(ctx, pending, answer))
	// Output:
	// <nil>
	// true [read] <nil>
	// oauth2 connect "shop": invalid value: the answer was used before; begin to connect anew
}

// A web application keeps what is pending with its user, sealed, until the
// provider sends the user back.
func ExamplePending_Stored() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()

	pending, err := client.Begin(ctx, oauth2.BeginOptions{RedirectURL: "https://app.example/callback"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed := pending.Stored() // encrypt it: it has the state and the verifier
	fmt.Println(sealed, pending.URL)

	again, err := oauth2.ParsePending(sealed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.RedirectURL, time.Until(again.ExpiresAt) <= 10*time.Minute)
	// Output:
	// [REDACTED] [REDACTED]
	// https://app.example/callback true
}

func ExampleClient_ConnectDevice() {
	client := exampleClient()
	defer client.Close()

	err := client.ConnectDevice(context.Background(), func(code oauth2.DeviceCode) error {
		fmt.Printf("Go to %s and type in %s\n", code.URL, code.UserCode)
		return nil
	})
	fmt.Println(err)
	// Output:
	// Go to https://auth.example/activate and type in WDJB-MJHT
	// <nil>
}
