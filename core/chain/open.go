package chain

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Open chains the stores that URLs name, as [core.Open] opens them: the first
// one that has an id answers, and the only one that can be written to is. One
// URL makes a chain of one layer.
//
// Every URL is checked at once for what can be said without opening it, and
// the first store is opened, since every read asks it. The others are opened
// at the first call that needs them, so that a program whose secrets are all
// in the first needs no login to the others.
//
// An id that a store can't hold is not in it, so besides "not found" a read
// passes over core.ErrInvalidID: tls/KEY_FILE is read from an encrypted store
// although the environment in front of it has no variables of such names.
//
// A layer is named by the scheme of its URL, such as "env"; the second one of
// a scheme is "file-2", and so on. No error quotes a URL. ctx bounds the
// opening of the first store only. The caller closes the chain.
func Open(ctx context.Context, urls ...string) (*Chain, error) {
	return openAll(ctx, core.Open, core.CheckURL, urls)
}

// OpenWith is [Open] with the schemes of a program that wants no global.
func OpenWith(ctx context.Context, schemes core.Schemes, urls ...string) (*Chain, error) {
	schemes = maps.Clone(schemes) // as layers are opened later
	return openAll(ctx, schemes.Open, schemes.CheckURL, urls)
}

func openAll(ctx context.Context, open func(context.Context, string) (*core.Store, error),
	check func(string) error, urls []string,
) (*Chain, error) {
	var layers []Layer
	count := map[string]int{}
	for i, url := range urls {
		if err := check(url); err != nil {
			return nil, place(err, i, len(urls))
		}
		scheme, _, _ := strings.Cut(url, ":")
		name := strings.ToLower(scheme)
		count[name]++
		if n := count[name]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		layers = append(layers, Layer{Name: name, Open: func(ctx context.Context) (core.SecretService, error) {
			return open(ctx, url)
		}})
	}
	c, err := New(Config{Layers: layers, FallThrough: []error{core.ErrInvalidID}})
	if err != nil {
		return nil, err
	}
	first := c.backend.layers[0]
	if _, err := first.use(ctx); err != nil {
		_ = c.Close() // which ends the attempt that a context's end has left behind
		return nil, place(first.fault(ctx, err), 0, len(urls))
	}
	return c, nil
}

// place says which URL an error is about.
func place(err error, i, of int) error {
	e, ok := err.(*core.Error) //nolint:errorlint // the front's own
	if !ok || of == 1 {
		return err
	}
	known := *e
	known.Hint = strings.TrimSuffix(fmt.Sprintf("URL %d of %d: %s", i+1, of, e.Hint), ": ")
	return &known
}
