package credentials

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// source gives a value as it is stored.
type source func(ctx context.Context) (core.Value, error)

// http returns a client that sends what is stored for a user, or what from
// gives in its place; nil is what is stored.
func (s *Store) http(d *definition, user string, from source) (*http.Client, error) {
	if d.spec.OAuth2 != nil && from == nil {
		client, err := s.client(d, user)
		if err != nil {
			return nil, err
		}
		c := *client.HTTP()
		c.Transport = &teller{base: c.Transport, store: s, def: d, user: user}
		return &c, nil
	}
	if from == nil {
		from = func(ctx context.Context) (core.Value, error) {
			secret, err := s.values(d).Get(ctx, d.idOf(user))
			return secret.Value, s.told(d, user, err)
		}
	}
	cfg := httpauth.Config{
		Name: d.spec.Name, Strict: s.cfg.Strict, Base: s.cfg.Transport,
		Hosts: d.spec.Hosts, Scheme: d.spec.Auth,
		Get: func(ctx context.Context) (core.Value, error) { return d.keyOf(ctx, user, from, d.spec.KeyAt) },
	}
	if d.spec.OAuth2 != nil {
		cfg.Hosts, cfg.Scheme = d.spec.OAuth2.AllowedHosts, httpauth.Bearer()
		cfg.Get = func(ctx context.Context) (core.Value, error) { return d.keyOf(ctx, user, from, "/accessToken") }
	}
	t, err := httpauth.New(cfg)
	if err != nil {
		return nil, err
	}
	return t.HTTP(), nil
}

// keyOf returns the part of a value that is sent, after the value was
// validated.
func (d *definition) keyOf(ctx context.Context, user string, from source, pointer string) (core.Value, error) {
	value, err := from(ctx)
	if err != nil {
		return core.Value{}, err
	}
	if err := d.valueAt(d.idOf(user)).Validate(value); err != nil {
		return core.Value{}, err
	}
	if pointer == "" {
		return value, nil
	}
	key, ok := textAt(value.Reveal(), pointer)
	if !ok {
		return core.Value{}, &core.Error{
			Op: "http", Provider: provider, Kind: core.ErrInvalidValue,
			Hint: "the credential " + strconv.Quote(d.spec.Name) + " has no text at " + pointer + ", which is to be sent",
		}
	}
	return core.String(key), nil
}

// textAt returns the string at a JSON pointer (RFC 6901) in a document.
func textAt(document, pointer string) (string, bool) {
	current := json.RawMessage(document)
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		var object map[string]json.RawMessage
		var list []json.RawMessage
		switch {
		case json.Unmarshal(current, &object) == nil && object != nil:
			child, ok := object[token]
			if !ok {
				return "", false
			}
			current = child
		case json.Unmarshal(current, &list) == nil && list != nil:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(list) || strconv.Itoa(i) != token {
				return "", false
			}
			current = list[i]
		default:
			return "", false
		}
	}
	var text *string
	if json.Unmarshal(current, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// teller says of an account that isn't connected what a web application needs
// to send its user to the connect page.
type teller struct {
	base  http.RoundTripper
	store *Store
	def   *definition
	user  string
}

func (t *teller) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil && errors.Is(err, oauth2.ErrNotConnected) {
		return nil, t.store.missing(t.def, t.user)
	}
	return resp, err
}

// CloseIdleConnections does so below, if that can; an http.Client asks for it.
func (t *teller) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}
