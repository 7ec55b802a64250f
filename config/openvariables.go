package config

import (
	"context"
	"errors"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
)

// OpenVariables finds and loads lukko.yaml and opens the variables of one of
// its environments: the named one, or the default if the name is empty. See
// [Locate], [Load] and [Config.OpenVariables].
func OpenVariables(ctx context.Context, environment string) (*core.Store, error) {
	c, err := loadLocated()
	if err != nil {
		return nil, err
	}
	return c.OpenVariables(ctx, environment)
}

// OpenVariables opens the variables of an environment with the schemes of
// core.Open, of which it needs env: (import
// github.com/lukko-dev/lukko/providers/env). See [Config.OpenVariablesWith].
func (c *Config) OpenVariables(ctx context.Context, environment string) (*core.Store, error) {
	return c.openVariables(ctx, environment, core.Open)
}

// OpenVariablesWith opens the variables of an environment: the process
// environment, by the scheme env of schemes, in front of the values that the
// file has for it. An environment variable that is set and empty counts as one
// that is not set. A declaration's default is not here: package schema knows
// it.
//
// It is a store that only reads: a Set or Delete is errors.ErrUnsupported. A
// program that runs has no business in a file that is in git; who edits it is
// a person, with lukko var set, or a tool, with [SetVariable]. Nor does it
// list, since a process environment is full of what is none of the program's.
//
// An id that env: can't hold, such as one that ends in _FILE or begins with
// LUKKO_, is read from the file alone. The store does not see what is written
// to the file later. Errors of the file are of type [*Error], all others of
// type [*core.Error]. The caller closes what is returned.
func (c *Config) OpenVariablesWith(ctx context.Context, environment string, schemes core.Schemes) (*core.Store, error) {
	return c.openVariables(ctx, environment, schemes.Open)
}

func (c *Config) openVariables(ctx context.Context, environment string, open func(context.Context, string) (*core.Store, error)) (*core.Store, error) {
	env, err := c.Environment(environment)
	if err != nil {
		return nil, err
	}
	process, err := open(ctx, "env:")
	if err != nil {
		return nil, err
	}
	file := values{environment: env}
	layers, err := chain.New(chain.Config{
		Layers: []chain.Layer{
			{Name: "env", Service: process},
			{Name: FileName, Service: core.New(FileName, file)},
		},
		FallThrough: []error{core.ErrInvalidID},
	})
	if err != nil {
		return nil, errors.Join(err, process.Close())
	}
	return core.New("variables", &variables{chain: layers, process: process, file: file}), nil
}

// values are those of an environment in the file.
type values struct{ environment Environment }

func (v values) Get(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	found, ok := v.environment.Variable(id)
	if !ok {
		return core.Secret{}, &core.Error{Kind: core.ErrNotFound, Hint: "lukko var set " + id + " VALUE --env " + v.environment.Name}
	}
	return core.Secret{Info: core.Info{Source: found.Place}, Value: core.String(found.Value)}, nil
}

// variables is a chain that is only read. The chain by itself would say of a
// Set that no layer can be written to, and not what to do.
type variables struct {
	chain   *chain.Chain
	process *core.Store // which the chain does not close
	file    values
}

var (
	_ core.BatchGetter = (*variables)(nil)
	_ core.Statter     = (*variables)(nil)
	_ core.Setter      = (*variables)(nil)
	_ core.Deleter     = (*variables)(nil)
	_ core.Capable     = (*variables)(nil)
)

func (v *variables) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return v.chain.Get(ctx, id, o.Options()...)
}

func (v *variables) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	return v.chain.GetMany(ctx, ids, o.Options()...)
}

func (v *variables) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	return v.chain.Stat(ctx, id, o.Options()...)
}

func (v *variables) Set(_ context.Context, id string, _ core.Value, _ core.SetOptions) (core.Info, error) {
	return core.Info{}, v.readOnly("lukko var set " + id + " VALUE")
}

func (v *variables) Delete(_ context.Context, id string, _ core.DeleteOptions) error {
	return v.readOnly("lukko var rm " + id)
}

func (v *variables) readOnly(command string) error {
	return &core.Error{
		Kind: errors.ErrUnsupported,
		Hint: "a program only reads its variables; who deploys it changes them in " + FileName + ": " + command + " --env " + v.file.environment.Name,
	}
}

func (v *variables) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{}, nil
}

func (v *variables) Close() error { return errors.Join(v.chain.Close(), v.process.Close()) }
