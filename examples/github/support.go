package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/examples/internal/hub"
	"github.com/lukko-dev/lukko/examples/internal/tell"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// What is here plays the part of people and checks that the tour is true.

// storeApp stores what the provider gave when the application was registered,
// as `lukko set GITHUB_APP` does.
func storeApp(ctx context.Context, secrets core.SecretService, app oauth2.App) error {
	return schema.DeclareIn[oauth2.App](new(schema.Set), oauth2.AppSpec("GITHUB_APP")).Set(ctx, secrets, app)
}

// browser is one in which somebody is logged in at the hub and agrees.
func browser(account string) func(address string) error {
	return func(address string) error {
		resp, err := http.PostForm(address, url.Values{"account": {account}})
		if err != nil {
			return errors.New("the page can't be opened")
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the page answers %s", resp.Status)
		}
		return nil
	}
}

// lists lists the account's repositories, and says so.
func lists(ctx context.Context, say tell.Teller, account *oauth2.Client, site *hub.Hub) error {
	names, err := list(ctx, account, site.URL)
	if err != nil {
		return err
	}
	var want []string
	for _, name := range owned[octocat] {
		want = append(want, octocat+"/"+name)
	}
	if !slices.Equal(names, want) {
		return fmt.Errorf("the repositories are %q, want %q", names, want)
	}
	say.Line("repositories: %s", strings.Join(names, ", "))
	return nil
}

func expect(err, kind error) error {
	if !errors.Is(err, kind) {
		return fmt.Errorf("error is %w, want one of kind: %w", err, kind)
	}
	return nil
}

// hidden looks for secrets in every file below a folder, and in a text. The
// error names none.
func hidden(dir, text string, secrets []string) error {
	if len(secrets) == 0 {
		return errors.New("there is nothing to look for")
	}
	shows := func(data []byte) bool {
		return slices.ContainsFunc(secrets, func(s string) bool { return bytes.Contains(data, []byte(s)) })
	}
	if shows([]byte(text)) {
		return errors.New("a secret was printed")
	}
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && shows(data) {
			err = fmt.Errorf("%s holds a secret in clear text", filepath.Base(path))
		}
		return err
	})
}

// recorder keeps what was printed.
type recorder struct {
	out io.Writer

	mu  sync.Mutex
	all strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Write(p)
	return r.out.Write(p)
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}
