package credentials

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// Given is a credential of a user that is given for one request: see
// [UserCredential.Given] and [WithUser]. It shows nothing.
type Given struct {
	def    *definition
	stored core.Value // as it would be stored
	err    error      // why the value is none
}

// Given is a value of the credential that [WithUser] puts in the place of the
// stored one, such as a key that came with the request. One that is invalid,
// an empty one too, is an error of each use: the stored one is not used in its
// place.
func (c *UserCredential[T]) Given(value T) Given {
	g := Given{def: c.def}
	g.stored, g.err = c.decl.Encode(value)
	return g
}

// WithUser returns a context for a request of a user. The methods FromContext
// and HTTPFromContext of a [UserCredential] use this user's credentials in the
// store: they are read once, in one batch, when the first is asked for. What is
// given goes before what is stored, for this context alone.
//
// A context has one user: the last WithUser replaces an earlier one and all
// that was given or read with it. An empty user is nobody, whose credentials
// are [ErrNoUser], also those that are given.
func WithUser(ctx context.Context, store *Store, user string, given ...Given) context.Context {
	r := &request{store: store, user: user, turn: make(chan struct{}, 1)}
	for _, g := range given {
		if g.def == nil {
			continue
		}
		if r.given == nil {
			r.given = map[*Set]map[string]Given{}
		}
		if r.given[g.def.set] == nil {
			r.given[g.def.set] = map[string]Given{}
		}
		r.given[g.def.set][g.def.spec.Name] = g
	}
	return context.WithValue(ctx, requestKey{}, r)
}

type requestKey struct{}

// request is what a context of [WithUser] has.
type request struct {
	store *Store
	user  string
	given map[*Set]map[string]Given // by set and name

	turn   chan struct{} // holds one, who reads
	loaded atomic.Pointer[loaded]
}

// loaded is what the one batch has read.
type loaded struct {
	asked   map[string]bool // ids
	secrets map[string]core.Secret
	failed  map[string]error
}

// requestOf returns the request of a context in which d may be used.
func requestOf(ctx context.Context, op string, d *definition) (*request, error) {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		return nil, &noUserError{op: op, name: d.spec.Name, context: true}
	}
	return r, r.store.permitUser(op, d, r.user)
}

// givenOf returns what was given for d.
func (r *request) givenOf(d *definition) (Given, bool) {
	g, ok := r.given[d.set][d.spec.Name]
	return g, ok
}

// FromContext returns the credential of the user of the context, which
// [WithUser] has made, with the errors of Get; without one it is [ErrNoUser].
// A caller whose context ends while it is being read fails alone.
//
// With OAuth2 a stored token that ends within a minute is refreshed, as Get
// does; a given one is returned as it is.
func (c *UserCredential[T]) FromContext(ctx context.Context) (T, error) {
	r, err := requestOf(ctx, "get", c.def)
	if err != nil {
		return *new(T), err
	}
	stored, err := r.value(ctx, c.def)
	if err != nil {
		return *new(T), err
	}
	value, err := c.decl.At(c.def.idOf(r.user)).Decode(stored)
	if err != nil {
		return *new(T), err
	}
	if token, ok := any(value).(oauth2.Token); ok && ends(token, r.store.now()) {
		if _, given := r.givenOf(c.def); !given {
			return get(ctx, r.store, c.def, c.decl, r.user)
		}
	}
	return value, nil
}

// HTTPFromContext returns an HTTP client that sends the credential of the user
// of the context; see [Credential.HTTP]. It sends what is given, if something
// is. The client is good for as long as the request is worked on.
func (c *UserCredential[T]) HTTPFromContext(ctx context.Context) (*http.Client, error) {
	r, err := requestOf(ctx, "http", c.def)
	if err != nil {
		return nil, err
	}
	if c.def.spec.OAuth2 != nil {
		if _, given := r.givenOf(c.def); !given {
			return r.store.http(c.def, r.user, nil)
		}
	}
	return r.store.http(c.def, r.user, func(ctx context.Context) (core.Value, error) { return r.value(ctx, c.def) })
}

// value returns the value of d as it is stored, or as it was given.
func (r *request) value(ctx context.Context, d *definition) (core.Value, error) {
	if g, ok := r.givenOf(d); ok {
		return g.stored, g.err
	}
	l, err := r.load(ctx)
	if err != nil {
		return core.Value{}, err
	}
	id := d.idOf(r.user)
	if err := l.failed[id]; err != nil && !isNotFound(err) {
		return core.Value{}, err
	}
	secret, ok := l.secrets[id]
	if !l.asked[id] { // it was declared since
		secret, err = r.store.values(d).Get(ctx, id)
		if err != nil && !isNotFound(err) {
			return core.Value{}, err
		}
		ok = err == nil
	}
	if !ok || secret.Value.IsZero() {
		return core.Value{}, r.store.missing(d, r.user)
	}
	return secret.Value, nil
}

// load reads all that the user may have, once. Whoever is first reads, with
// its own context; if that ends, the next one does.
func (r *request) load(ctx context.Context) (*loaded, error) {
	if l := r.loaded.Load(); l != nil {
		return l, nil
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, &core.Error{Op: "get many", Provider: provider, Err: ctx.Err()}
	}
	if l := r.loaded.Load(); l != nil {
		return l, nil
	}
	l := &loaded{asked: map[string]bool{}}
	var ids []string
	for _, d := range r.store.perUser() {
		id := d.idOf(r.user)
		if _, given := r.givenOf(d); !given && core.CheckID(id) == nil {
			ids = append(ids, id)
			l.asked[id] = true
		}
	}
	secrets, err := r.store.cfg.Secrets.GetMany(ctx, ids)
	batch := (*core.BatchError)(nil)
	partly := errors.As(err, &batch)
	switch {
	case partly && ctx.Err() != nil: // what is not there may be so for that
		return nil, &core.Error{Op: "get many", Provider: provider, Err: ctx.Err()}
	case partly:
		l.failed = batch.ByID
	case err != nil:
		return nil, err // and whoever comes next tries again
	}
	l.secrets = secrets
	r.loaded.Store(l)
	return l, nil
}

// ends reports whether a token is known to end within a minute.
func ends(token oauth2.Token, now time.Time) bool {
	return !token.ExpiresAt.IsZero() && token.ExpiresAt.Before(now.Add(time.Minute))
}
