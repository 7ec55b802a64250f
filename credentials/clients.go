package credentials

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// clients are the OAuth2 clients of a Store.
type clients struct {
	closed atomic.Bool
}

func (c *clients) init(int) {}

func (c *clients) close() error { c.closed.Store(true); return nil }

// open says that the Store was closed.
func (c *clients) open(op string) error {
	if c.closed.Load() {
		return &core.Error{Op: op, Provider: provider, Kind: core.ErrClosed}
	}
	return nil
}

func (c *clients) forget(string) {}

func (s *Store) token(ctx context.Context, d *definition, user string) (oauth2.Token, error) {
	return oauth2.Token{}, nil
}

func (s *Store) http(d *definition, user string, given func(context.Context) (core.Value, error)) (*http.Client, error) {
	return http.DefaultClient, nil
}
