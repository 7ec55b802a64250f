package config

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
)

// Opened is an environment that is open: a SecretService, with what the file
// says of it. Whoever opened it closes it.
type Opened struct {
	*core.Store

	// Chain is the store as a chain, which explains itself; nil where the
	// environment has one store only.
	Chain *chain.Chain

	Environment Environment
	Config      *Config

	first *core.Store // of the chain, which does not close it; nil where there is none
}

// Open finds and loads lukko.yaml and opens one of its environments: the
// named one, or the default if the name is empty. See [Locate], [Load] and
// [Config.Open].
func Open(ctx context.Context, environment string) (*Opened, error) {
	c, err := loadLocated()
	if err != nil {
		return nil, err
	}
	return c.Open(ctx, environment)
}

// loadLocated loads the file that a program finds by itself.
func loadLocated() (*Config, error) {
	path, err := Locate("")
	if err != nil {
		return nil, err
	}
	return Load(path)
}

// Open opens an environment with the schemes of core.Open; see
// [Config.OpenWith].
func (c *Config) Open(ctx context.Context, environment string) (*Opened, error) {
	return c.open(ctx, environment, core.Open, core.CheckURL)
}

// OpenWith opens an environment: a single store as it is, several as a chain.
// Of a chain the first store is opened, since every read asks it; the others
// are opened at the first call that needs them, but their URLs are checked at
// once. ctx bounds the opening only.
//
// Errors of the file are of type [*Error], those of a store of type
// [*core.Error]. The caller closes what is returned.
func (c *Config) OpenWith(ctx context.Context, environment string, schemes core.Schemes) (*Opened, error) {
	return c.open(ctx, environment, schemes.Open, schemes.CheckURL)
}

func (c *Config) open(ctx context.Context, environment string,
	open func(context.Context, string) (*core.Store, error), check func(string) error,
) (*Opened, error) {
	env, err := c.Environment(environment)
	if err != nil {
		return nil, err
	}
	opened := &Opened{Environment: env, Config: c}
	if len(env.Stores) == 1 {
		opened.Store, err = open(ctx, env.Stores[0].URL)
		if err != nil {
			return nil, named(env, env.Stores[0].Name, err)
		}
		return opened, nil
	}
	for _, s := range env.Stores {
		if err := check(s.URL); err != nil {
			return nil, named(env, s.Name, err)
		}
	}
	first, err := open(ctx, env.Stores[0].URL)
	if err != nil {
		return nil, named(env, env.Stores[0].Name, err)
	}
	setup := chain.Config{
		WriteTo: env.WriteTo,
		// An id that a store can't hold is not in it; see chain.Open.
		FallThrough:   append(slices.Clone(env.FallThrough), core.ErrInvalidID),
		OnFallThrough: c.OnFallThrough,
	}
	if setup.OnFallThrough == nil {
		setup.OnFallThrough = warn
	}
	for i, s := range env.Stores {
		layer := chain.Layer{Name: s.Name}
		if i == 0 {
			layer.Service = first
		} else {
			layer.Open = func(ctx context.Context) (core.SecretService, error) { return open(ctx, s.URL) }
		}
		setup.Layers = append(setup.Layers, layer)
	}
	opened.Chain, err = chain.New(setup)
	if err != nil {
		_ = first.Close()
		return nil, err
	}
	opened.Store, opened.first = opened.Chain.Store, first
	return opened, nil
}

// warn is told of what a chain does where the program doesn't want to know. An
// id that a store can't hold is no failure of it.
func warn(e chain.Event) {
	if !errors.Is(e.Err, core.ErrInvalidID) {
		slog.Warn("lukko: " + e.String())
	}
}

// Close closes every store that was opened.
func (o *Opened) Close() error {
	err := o.Store.Close()
	if o.first != nil {
		err = errors.Join(err, o.first.Close())
	}
	return err
}

// named says which store of which environment an error is about.
func named(env Environment, store string, err error) error {
	e, ok := err.(*core.Error) //nolint:errorlint // the front's own
	if !ok {
		return err
	}
	known := *e
	known.Hint = `store "` + store + `" of the environment "` + env.Name + `"`
	if e.Hint != "" {
		known.Hint += ": " + e.Hint
	}
	return &known
}
