// Package env reads secrets from the process environment: the id
// STRIPE_API_KEY is the variable STRIPE_API_KEY, or the content of the file
// that STRIPE_API_KEY_FILE names, as container platforms mount them.
//
// It only reads, and it does not list, since an environment is full of what is
// no secret. Importing the package makes core.Open understand "env:".
//
// Other programs on a machine can often see a process's environment, and its
// children inherit it. Where there is a choice, prefer files or a store.
package env

import (
	"cmp"
	"context"
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

func init() { core.Register("env", open) }

const (
	provider   = "env"
	fileSuffix = "_FILE"
	ownPrefix  = "LUKKO_"
)

// Config says what the secrets are read from. The zero value is the process's
// own environment.
type Config struct {
	// Lookup returns a variable and whether it is set, as os.LookupEnv does,
	// which is the default. It is called from many goroutines at once.
	Lookup func(name string) (string, bool)
}

// New returns a service over the environment. Ids are the names of variables,
// and any id will do but
//
//   - one that ends in _FILE, since FOO_FILE would be the id FOO_FILE and the
//     file of FOO at once;
//   - one that begins with LUKKO_, which is Lukko's own configuration;
//   - one with an equals sign, which no name of a variable can hold;
//   - on Windows, where the names of variables fold case, one with small
//     letters.
//
// Those are core.ErrInvalidID. If the variable and its file are both set, a
// read is core.ErrConflict. A variable that is set and empty counts as one
// that is not set, and the hint of core.ErrNotFound says so.
//
// A value is the variable as it is. Of a file that is one line of text the
// final newline is left out (see core.TrimLine). Files are read anew each
// time, so a file that is replaced is a rotation.
func New(cfg Config) *core.Store {
	b := &backend{lookup: cfg.Lookup, foldsCase: runtime.GOOS == "windows"}
	if b.lookup == nil {
		b.lookup = os.LookupEnv
	}
	return core.New(provider, b)
}

func open(_ context.Context, u *url.URL) (*core.Store, error) {
	if _, err := core.Query(u); err != nil {
		return nil, err
	}
	if cmp.Or(u.Opaque, u.Host, u.Path) != "" {
		return nil, &core.Error{
			Op: "open", Provider: provider, Kind: core.ErrInvalidOption,
			Hint: "the environment is just env: with nothing behind it, or env:?prefix=SHOP_",
		}
	}
	return New(Config{}), nil
}

type backend struct {
	lookup    func(string) (string, bool)
	foldsCase bool
}

func (b *backend) Get(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	if hint := b.nameFault(id); hint != "" {
		return core.Secret{}, &core.Error{Kind: core.ErrInvalidID, Hint: hint}
	}
	value, isSet := b.lookup(id)
	path, fileIsSet := b.lookup(id + fileSuffix)
	switch {
	case value != "" && path != "":
		return core.Secret{}, &core.Error{
			Kind: core.ErrConflict,
			Hint: "both " + id + " and " + id + fileSuffix + " are set; unset one of them",
		}
	case value != "":
		return core.Secret{Info: core.Info{Source: "env:" + id}, Value: core.String(value)}, nil
	case path != "":
		content, err := readFile(path, id+fileSuffix)
		if err != nil {
			return core.Secret{}, err
		}
		return core.Secret{Info: core.Info{Source: "env:" + id + fileSuffix}, Value: content}, nil
	case isSet:
		return core.Secret{}, &core.Error{Kind: core.ErrNotFound, Hint: id + " is set, but empty"}
	case fileIsSet:
		return core.Secret{}, &core.Error{Kind: core.ErrNotFound, Hint: id + fileSuffix + " is set, but empty"}
	default:
		return core.Secret{}, &core.Error{Kind: core.ErrNotFound, Hint: "set " + id + ", or " + id + fileSuffix + " to the path of a file"}
	}
}

// nameFault says why id can't be the name of a variable; empty if it can.
func (b *backend) nameFault(id string) string {
	switch {
	case strings.HasSuffix(id, fileSuffix):
		return "an id that ends in _FILE would be the file of another"
	case strings.HasPrefix(id, ownPrefix):
		return "variables that begin with LUKKO_ configure Lukko itself"
	case strings.Contains(id, "="):
		return "no variable's name holds an equals sign"
	case b.foldsCase && id != strings.ToUpper(id):
		return "names of variables fold case on this platform, so an id here has no small letters"
	default:
		return ""
	}
}
