package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age/plugin"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/providers/aws"
	_ "github.com/lukko-dev/lukko/providers/env" // the scheme env
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/vault"
	"github.com/lukko-dev/lukko/schema"
)

// target is the store that a command works on, with what lukko.yaml declares.
type target struct {
	*core.Store // nil until it is open
	close       func() error

	name   string         // of the environment; empty for a URL
	stores []config.Store // its layers
	config *config.Config // nil where there is no lukko.yaml
}

// loadConfig reads lukko.yaml. Where there is none, and no flag or variable
// names one, the result is nil.
func (a *app) loadConfig() (*config.Config, error) {
	path, err := config.Locate(a.config)
	if errors.Is(err, config.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	c.OnFallThrough = a.tell
	return c, nil
}

// tell passes on what a chain reports.
func (a *app) tell(e chain.Event) {
	if e.Reason == chain.NotListed {
		a.say("lukko: layer %q can't be listed, so only what is declared is shown of it", core.Printable(e.Layer))
		return
	}
	a.say("lukko: %s", core.Printable(e.String()))
}

// choose finds the store that the flags, the environment or lukko.yaml name,
// and opens nothing.
func (a *app) choose() (*target, error) {
	c, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	switch {
	case len(a.urls) > 0 && a.env != "":
		return nil, usage("--env and --url both name a store", "leave one of them out")
	case len(a.urls) > 0:
		return &target{stores: layers(a.urls), config: c}, nil
	case c == nil:
		return nil, usage("there is no lukko.yaml here or in a folder above, and no --url", "run lukko init, or name a store: lukko list --url file:secrets")
	}
	return environment(c, a.env)
}

// layers names the stores of URLs by their schemes, as a chain does.
func layers(urls []string) []config.Store {
	var stores []config.Store
	seen := map[string]int{}
	for _, u := range urls {
		name, _, _ := strings.Cut(u, ":")
		if core.CheckID(name) != nil {
			name = "store"
		}
		seen[name]++
		if n := seen[name]; n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		stores = append(stores, config.Store{Name: name, URL: u})
	}
	return stores
}

func environment(c *config.Config, name string) (*target, error) {
	env, err := c.Environment(name)
	if err != nil {
		return nil, err
	}
	return &target{name: env.Name, stores: env.Stores, config: c}, nil
}

// open opens the stores of t. The caller closes it.
func (t *target) open(ctx context.Context, a *app) error {
	schemes := a.schemes()
	if err := t.known(schemes); err != nil {
		return err
	}
	if t.name == "" && len(t.stores) == 1 {
		store, err := schemes.Open(ctx, t.stores[0].URL)
		if err != nil {
			return err
		}
		t.Store, t.close = store, store.Close
		return nil
	}
	c, name := t.config, t.name
	if name == "" {
		// Several URLs are an environment without a file.
		name = "--url"
		c = &config.Config{Environments: []config.Environment{{Name: name, Stores: t.stores}}, OnFallThrough: a.tell}
	}
	opened, err := c.OpenWith(ctx, name, schemes)
	if err != nil {
		return err
	}
	t.Store, t.close = opened.Store, opened.Close
	return nil
}

// with opens the store that the flags, the environment or lukko.yaml name,
// runs f on it, and closes it.
func (a *app) with(ctx context.Context, f func(*target) error) (err error) {
	t, err := a.choose()
	if err != nil {
		return err
	}
	if err := t.open(ctx, a); err != nil {
		return err
	}
	defer func() {
		if failed := t.close(); failed != nil && err == nil {
			err = failed
		}
	}()
	return f(t)
}

// schemes are the stores that this command can open. An encrypted store may
// ask here for a passphrase, which it can't do in other programs.
func (a *app) schemes() core.Schemes {
	google := gcp.Config{Lookup: a.lookup}
	if a.patient {
		google.Retries = 8
	}
	schemes := core.Schemes{
		"aws":   aws.Opener(aws.Config{}), // the SDK itself reads the process's environment
		"file":  file.Opener(a.fileConfig("")),
		"gcp":   gcp.Opener(google),
		"vault": vault.Opener(vault.Config{Lookup: a.lookup}),
		"env":   func(ctx context.Context, u *url.URL) (*core.Store, error) { return core.Open(ctx, u.String()) },
	}
	maps.Copy(schemes, a.more)
	return schemes
}

// schemes are those of the stores, each once.
func (t *target) schemes() []string {
	var all []string
	for _, s := range t.stores {
		scheme, _, ok := strings.Cut(s.URL, ":")
		if !ok {
			continue // opening it says what is wrong
		}
		if scheme = strings.ToLower(scheme); !slices.Contains(all, scheme) {
			all = append(all, scheme)
		}
	}
	return all
}

// known refuses the schemes that this command does not know. Core would name
// the import that is missing, which is no use to who has a command.
func (t *target) known(schemes core.Schemes) error {
	for _, scheme := range t.schemes() {
		if _, have := schemes[scheme]; !have {
			return usage("this command does not know the scheme of the URL", "it has "+
				strings.Join(slices.Sorted(maps.Keys(schemes)), ", ")+"; a store is named like env:, file:secrets, vault:///secret, aws://eu-west-1 or gcp://my-project")
		}
	}
	return nil
}

// fileConfig is how encrypted stores are opened here.
func (a *app) fileConfig(dir string) file.Config {
	return file.Config{
		Dir:           dir,
		LookupEnv:     a.lookup,
		AskPassphrase: a.askPassphrase,
		PluginUI: plugin.NewTerminalUI(
			func(format string, v ...any) { a.say("%s", core.Printable(fmt.Sprintf(format, v...))) },
			func(format string, v ...any) { a.say("warning: %s", core.Printable(fmt.Sprintf(format, v...))) },
		),
		Notice: func(message string) { a.say("lukko: %s", core.Printable(message)) },
	}
}

// what names the target for people.
func (t *target) what() string {
	if t.name == "" {
		return "the store"
	}
	return `the environment "` + core.Printable(t.name) + `"`
}

// declared returns the declarations of lukko.yaml; none where there is no
// file.
func (t *target) declared() []schema.Declared {
	if t.config == nil {
		return nil
	}
	return slices.Collect(t.config.Declarations.All())
}

// secrets are the declared ones that are in the store: all but variables.
func (t *target) secrets() []schema.Declared { return declaredOf(t.config, false) }

// declaration returns the declaration of an id. If there are declarations and
// none is of this id it says so, with the one that was probably meant.
func (t *target) declaration(a *app, id string) (schema.Declared, bool) {
	if t.config == nil {
		return nil, false
	}
	if d, ok := t.config.Declarations.ByID(id); ok {
		return d, true
	}
	var ids []string
	for d := range t.config.Declarations.All() {
		ids = append(ids, d.Meta().ID)
	}
	switch near := closest(id, ids); {
	case near != "":
		a.say("lukko: %s is not declared in lukko.yaml; did you mean %s?", core.Printable(id), core.Printable(near))
	case len(ids) > 0:
		a.say("lukko: %s is not declared in lukko.yaml", core.Printable(id))
	}
	return nil, false
}
