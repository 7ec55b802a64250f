package vault

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// v1 is KV version 1, which keeps one value a secret and nothing about it.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1
type v1 struct {
	conn   *conn
	engine *detector
}

func (e v1) get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	if o.Version != "" {
		return core.Secret{}, noVersions()
	}
	if strings.Contains(id, "..") {
		return core.Secret{}, parents()
	}
	a, err := e.engine.do(ctx, request{method: http.MethodGet, path: e.engine.path("", id), fresh: o.Fresh, value: true})
	if err != nil {
		return core.Secret{}, err
	}
	if a.status == http.StatusNotFound {
		return core.Secret{}, e.engine.missing(ctx, a, noSecret)
	}
	var body struct {
		Data json.RawMessage `json:"data"`
	}
	if err := a.decode(&body); err != nil {
		return core.Secret{}, err
	}
	if len(body.Data) == 0 || string(body.Data) == "null" {
		return core.Secret{}, a.foreign()
	}
	value, err := decode(body.Data)
	if err != nil {
		return core.Secret{}, err
	}
	return core.Secret{Value: value}, nil
}

func noVersions() error {
	return &core.Error{Kind: errors.ErrUnsupported, Hint: "KV version 1 keeps no versions and checks no conditions; version 2 does"}
}

// parents is the error of an id that the server takes for a way out of the
// engine, wherever the two dots stand.
func parents() error {
	return &core.Error{Kind: core.ErrInvalidID, Hint: "KV version 1 holds no id with two dots in a row"}
}

func (e v1) stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	secret, err := e.get(ctx, id, o)
	if err == nil && secret.Value.IsZero() {
		err = &core.Error{Kind: core.ErrNotFound, Hint: "the value is empty"}
	}
	return secret.Info, err
}

func (e v1) versions(context.Context, string) ([]core.Info, error) { return nil, noVersions() }

func (e v1) folder(dir string) string { return e.engine.path("", dir) }

// found is a key of a listing: version 1 names none that is not there.
func (e v1) found(context.Context, string) (core.Info, error) { return core.Info{}, nil }

func (e v1) set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	if o.IfAbsent || o.IfVersion != "" {
		return core.Info{}, noVersions()
	}
	if strings.Contains(id, "..") {
		return core.Info{}, parents()
	}
	a, err := e.engine.do(ctx, request{method: http.MethodPut, path: e.engine.path("", id), body: encode(value), write: true})
	if err == nil {
		err = a.done()
	}
	return core.Info{}, err
}

func (e v1) delete(ctx context.Context, id string, purge bool) error {
	if purge {
		return &core.Error{Kind: errors.ErrUnsupported, Hint: "KV version 1 keeps nothing of what it deletes, so that there is nothing to purge"}
	}
	if _, err := e.get(ctx, id, core.GetOptions{Fresh: true}); err != nil && !errors.Is(err, core.ErrCorrupt) && !errors.Is(err, core.ErrInvalidValue) {
		return core.NotWritten(err)
	}
	a, err := e.engine.do(ctx, request{method: http.MethodDelete, path: e.engine.path("", id), write: true})
	if err == nil {
		err = a.done()
	}
	if !errors.Is(err, core.ErrIndeterminate) {
		return err
	}
	if _, getErr := e.get(ctx, id, core.GetOptions{Fresh: true}); errors.Is(getErr, core.ErrNotFound) {
		return nil
	}
	return err
}
