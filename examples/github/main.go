// Command github lists the repositories of a GitHub account, which it connects
// at first use and keeps connected: tokens are stored encrypted, sent to the API
// alone, refreshed once, and revoked at the end.
//
// Without arguments it needs no account: it plays with a hub of its own that
// answers as GitHub does, and shows the whole flow: connecting, an expiry, a
// refresh, a restart and a revocation. It writes to a temporary folder only, and
// exits non-zero if anything it says is untrue.
//
//	go run ./examples/github
//
// With a store it works with GitHub. Register an OAuth app or a GitHub App
// there, with the callback address http://127.0.0.1/callback, store its client
// id and secret as GITHUB_APP, and it stays connected from one run to the next:
//
//	lukko set GITHUB_APP    # {"clientId": "…", "clientSecret": "…"}
//	go run ./examples/github -store file:.lukko
//	go run ./examples/github -store file:.lukko -disconnect
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/examples/internal/hub"
	"github.com/lukko-dev/lukko/oauth2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	url := flag.String("store", "", "the URL of the store with GITHUB_APP; empty plays with a hub of its own")
	disconnect := flag.Bool("disconnect", false, "revoke the tokens of the store's account")
	flag.Parse()
	var err error
	switch {
	case *url != "":
		err = atGitHub(ctx, os.Stdout, *url, *disconnect)
	default:
		err = atHub(ctx, os.Stdout, hub.New)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "github:", err)
		stop()
		os.Exit(1)
	}
}

// declare declares the account that the program works with. A program with one
// provider has this in a package's variable, from which `lukko generate` makes
// methods; here the provider is GitHub or our own hub.
func declare(set *credentials.Set, settings oauth2.Settings) *credentials.Credential[oauth2.Token] {
	return credentials.DeclareIn[oauth2.Token](set, credentials.Spec{
		Name: "github", DisplayName: "GitHub", Description: "Lists your repositories",
		DocsURL:  "https://github.com/settings/developers",
		SecretID: "GITHUB_APP", TokenSecretID: "GITHUB_TOKENS",
		OAuth2: &settings,
	})
}

// atGitHub works with the account that is connected in a store, and connects
// one if there is none.
func atGitHub(ctx context.Context, out io.Writer, url string, disconnect bool) error {
	secrets, err := core.Open(ctx, url)
	if err != nil {
		return err
	}
	defer secrets.Close()
	set := new(credentials.Set)
	account := declare(set, oauth2.GitHub("repo"))
	store, err := credentials.New(credentials.Config{Secrets: secrets, Set: set})
	if err != nil {
		return err
	}
	defer store.Close()
	client, err := account.Client(store)
	if err != nil {
		return err
	}
	if disconnect {
		done, err := client.Revoke(ctx, oauth2.RevokeOptions{})
		if err == nil && done.Why != nil {
			fmt.Fprintln(out, "the tokens are deleted, and:", done.Why)
		}
		return err
	}

	repositories, err := list(ctx, client, "https://api.github.com")
	if errors.Is(err, oauth2.ErrNotConnected) || errors.Is(err, oauth2.ErrReauthorize) {
		fmt.Fprintln(out, err)
		err = client.ConnectBrowser(ctx, oauth2.BrowserOptions{Open: func(address string) error {
			_, err := fmt.Fprintln(out, "open this address in a browser on this machine:", address)
			return err
		}})
		if err != nil {
			return err
		}
		repositories, err = list(ctx, client, "https://api.github.com")
	}
	for _, name := range repositories {
		fmt.Fprintln(out, name)
	}
	return err
}
