package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/examples/internal/hub"
	"github.com/lukko-dev/lukko/examples/internal/tell"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/providers/file"
)

// octocat is who owns the repositories at the hub.
const octocat = "octocat"

var owned = map[string][]string{octocat: {"hello-world", "spoon-knife"}, "hubot": {"brain"}}

// atHub shows the whole flow at a hub of its own.
func atHub(ctx context.Context, out io.Writer, open func(map[string][]string) *hub.Hub) (err error) {
	site := open(owned)
	defer site.Close()
	seen := &recorder{out: out}
	say := tell.Teller{Out: seen}
	dir, err := os.MkdirTemp("", "lukko-github-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	secrets, err := openFiles(ctx, dir)
	if err != nil {
		return err
	}
	defer secrets.Close()

	say.Title("An account is declared, and the application is registered at the provider")
	set := new(credentials.Set)
	account := declare(set, site.Settings("repo"))
	program, err := start(secrets, set, account)
	if err != nil {
		return err
	}
	defer func() { program.Close() }()
	visit := browser(octocat)
	err = program.client.ConnectBrowser(ctx, oauth2.BrowserOptions{Open: visit})
	if err := expect(err, core.ErrNotFound); err != nil {
		return err
	}
	say.Line("before its client id and secret are stored: %v", err)
	app := site.Register("http://127.0.0.1/callback")
	if err := storeApp(ctx, secrets, app); err != nil {
		return err
	}

	say.Title("Nobody has connected an account yet")
	_, err = list(ctx, program.client, site.URL)
	if err := expect(err, oauth2.ErrNotConnected); err != nil {
		return err
	}
	say.Line("%v", err)

	say.Title("Connected, in a browser, as people do: with PKCE, a state, and a free port")
	if err := program.client.ConnectBrowser(ctx, oauth2.BrowserOptions{Open: visit}); err != nil {
		return err
	}
	status, err := program.client.Status(ctx)
	switch {
	case err != nil:
		return err
	case !status.Connected || !status.Refreshable || !slices.Equal(status.Granted, []string{"repo"}):
		return errors.New("the account is not connected as it should be")
	}
	say.Line("granted: %s; the access token ends at %s", strings.Join(status.Granted, ", "), status.ExpiresAt.Format("15:04"))
	if err := lists(ctx, say, program.client, site); err != nil {
		return err
	}

	say.Title("The access token ends, and ten requests at once find out: one refresh, and each is sent again")
	site.Expire()
	var all sync.WaitGroup
	failed := make([]error, 10)
	for i := range failed {
		all.Go(func() { failed[i] = lists(ctx, tell.Teller{Out: io.Discard}, program.client, site) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	if n := site.Refreshes(); n != 1 {
		return fmt.Errorf("%d refreshes, want 1", n)
	}
	say.Line("the hub has seen %d refresh", site.Refreshes())

	say.Title("A refresh before anything ends, and a restart: nobody has to agree again")
	if err := program.client.Refresh(ctx); err != nil {
		return err
	}
	program.Close()
	if program, err = start(secrets, set, account); err != nil {
		return err
	}
	if err := lists(ctx, say, program.client, site); err != nil {
		return err
	}
	if site.Refreshes() != 2 || site.Revoked() != 0 {
		return errors.New("the restart cost something at the provider")
	}

	say.Title("On disk, and in all that was printed, there is no byte of it in clear text")
	if err := hidden(dir, seen.text(), site.Issued()); err != nil {
		return err
	}
	say.Line("%d codes, tokens and secrets were looked for", len(site.Issued()))

	say.Title("Revoked: at the provider, and then here")
	done, err := program.client.Revoke(ctx, oauth2.RevokeOptions{})
	if err != nil {
		return err
	}
	if n := site.Live(octocat); !done.AtProvider || n != 0 {
		return fmt.Errorf("%d tokens still open the account", n)
	}
	_, err = list(ctx, program.client, site.URL)
	if err := expect(err, oauth2.ErrNotConnected); err != nil {
		return err
	}
	say.Line("%v", err)
	say.Title("All of this was true: checked, not only said")
	return nil
}

// program is what a run of the application holds.
type program struct {
	store  *credentials.Store
	client *oauth2.Client
}

func start(secrets core.SecretService, set *credentials.Set, account *credentials.Credential[oauth2.Token]) (*program, error) {
	store, err := credentials.New(credentials.Config{Secrets: secrets, Set: set})
	if err != nil {
		return nil, err
	}
	client, err := account.Client(store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &program{store, client}, nil
}

func (p *program) Close() { _ = p.store.Close() }

// openFiles makes an encrypted store in a folder.
func openFiles(ctx context.Context, dir string) (*file.Store, error) {
	you, err := file.CreateIdentity(filepath.Join(dir, "identity.txt"), file.IdentityOptions{})
	if err != nil {
		return nil, err
	}
	settings := file.Config{
		Dir: filepath.Join(dir, "store"), UserDir: dir,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	if err := file.Init(ctx, settings, you); err != nil {
		return nil, err
	}
	return file.New(settings)
}
