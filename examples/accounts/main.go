// Command accounts is a web application with two users, who each connect their
// own account at another site: a hub that comes with the examples and answers as
// GitHub does. Neither ever sees the other's, and the application has none
// that anybody could get in its place.
//
// By itself it plays both users, in two browsers, and exits non-zero if
// anything it says is untrue. With -serve it stays, to be looked at in a
// browser.
//
//	go run ./examples/accounts
//	go run ./examples/accounts -serve
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/examples/internal/hub"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	stay := flag.Bool("serve", false, "stay, to be looked at in a browser")
	flag.Parse()
	play := tour
	if *stay {
		play = look
	}
	if err := run(ctx, os.Stdout, play, guard); err != nil {
		fmt.Fprintln(os.Stderr, "accounts:", err)
		stop()
		os.Exit(1)
	}
}

// world is the application, the site where its users have accounts, and where
// it keeps what it has of them.
type world struct {
	url     string
	site    *hub.Hub
	secrets *memory.Store
	store   *credentials.Store
}

// owned are the accounts at the hub, and their repositories.
var owned = map[string][]string{"alice-dev": {"compiler", "parser"}, "bob-42": {"garden"}}

// run sets all up, has it played, and ends it. wrap stands around the
// application, for tests.
func run(ctx context.Context, out io.Writer, play func(context.Context, io.Writer, *world) error, wrap func(*app) http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w := &world{
		url:     "http://" + listener.Addr().String(),
		site:    hub.New(owned),
		secrets: memory.New(memory.Config{}), // or core.Open, and any provider
	}
	defer w.site.Close()

	// One declaration: each user has their own. A program with one provider has
	// it in a package's variable, from which `lukko generate` makes methods.
	set := new(credentials.Set)
	settings := w.site.Settings("repo")
	github := credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{
		Name: "github", DisplayName: "the hub", Description: "Lists your repositories",
		SecretID: "GITHUB_APP", TokenSecretID: "GITHUB_TOKENS",
		OAuth2: &settings,
	})
	w.store, err = credentials.New(credentials.Config{
		Secrets: w.secrets, Set: set,
		ConnectURL: credentials.ConnectURLs(w.url + "/accounts"),
	})
	if err != nil {
		return err
	}
	defer w.store.Close()
	a, err := newApp(w.url, w.store, github)
	if err != nil {
		return err
	}
	if err := storeApp(ctx, w.secrets, w.site.Register(a.accounts.CallbackURL("github"))); err != nil {
		return err
	}

	server := &http.Server{Handler: wrap(a), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	err = play(ctx, out, w)
	_ = server.Close()
	<-ended
	return err
}

// storeApp stores what the provider gave when the application was registered,
// as `lukko set GITHUB_APP` does.
func storeApp(ctx context.Context, secrets core.SecretService, registered oauth2.App) error {
	return schema.DeclareIn[oauth2.App](new(schema.Set), oauth2.AppSpec("GITHUB_APP")).Set(ctx, secrets, registered)
}

// look waits while somebody looks at it.
func look(ctx context.Context, out io.Writer, w *world) error {
	fmt.Fprintln(out, "open", w.url, "in a browser, or in two, and end with ctrl-C")
	<-ctx.Done()
	return nil
}
