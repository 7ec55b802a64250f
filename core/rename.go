package core

import (
	"context"
	"errors"
	"iter"
	"strings"
)

// renaming is a Backend over a SecretService that knows its secrets by other
// ids. It is the one place where ids are mapped, in results, iterators and
// batch errors, for every decorator that renames.
type renaming struct {
	svc SecretService
	// down maps an id to the one below; its error ends the call.
	down func(id string) (string, error)
	// up maps an id from below; false hides it.
	up func(id string) (string, bool)
	// downPrefix maps a list's prefix.
	downPrefix func(prefix string) (string, error)
	// hides reports whether a hint from below may name an id of there.
	hides func(hint string) bool
	// close closes what the renaming owns; nil where it owns nothing.
	close func() error
}

var (
	_ Backend     = (*renaming)(nil)
	_ BatchGetter = (*renaming)(nil)
	_ Statter     = (*renaming)(nil)
	_ Setter      = (*renaming)(nil)
	_ Deleter     = (*renaming)(nil)
	_ Lister      = (*renaming)(nil)
	_ Versioner   = (*renaming)(nil)
	_ Capable     = (*renaming)(nil)
)

func (r *renaming) Get(ctx context.Context, id string, o GetOptions) (Secret, error) {
	lower, err := r.down(id)
	if err != nil {
		return Secret{}, err
	}
	secret, err := r.svc.Get(ctx, lower, o.Options()...)
	return secret, r.renamed(err)
}

func (r *renaming) GetMany(ctx context.Context, ids []string, o GetOptions) (map[string]Secret, error) {
	lowers := make([]string, 0, len(ids))
	lowerOf := make(map[string]string, len(ids))
	failed := map[string]error{}
	for _, id := range ids {
		lower, err := r.down(id)
		if err != nil {
			failed[id] = err
			continue
		}
		lowerOf[id] = lower
		lowers = append(lowers, lower)
	}
	var got map[string]Secret
	if len(lowers) > 0 {
		var err error
		got, err = r.svc.GetMany(ctx, lowers, o.Options()...)
		below, partly := asBatch(err)
		if err != nil && !partly {
			return nil, r.renamed(err)
		}
		for id, lower := range lowerOf {
			if below != nil && below.ByID[lower] != nil {
				failed[id] = r.renamed(below.ByID[lower])
			}
		}
	}
	secrets := make(map[string]Secret, len(got))
	for id, lower := range lowerOf {
		if secret, ok := got[lower]; ok {
			secrets[id] = secret
		}
	}
	if len(failed) > 0 {
		return secrets, &BatchError{ByID: failed}
	}
	return secrets, nil
}

func (r *renaming) Stat(ctx context.Context, id string, o GetOptions) (Info, error) {
	lower, err := r.down(id)
	if err != nil {
		return Info{}, err
	}
	info, err := r.svc.Stat(ctx, lower, o.Options()...)
	return info, r.renamed(err)
}

func (r *renaming) Set(ctx context.Context, id string, value Value, o SetOptions) (Info, error) {
	lower, err := r.down(id)
	if err != nil {
		return Info{}, err
	}
	info, err := r.svc.Set(ctx, lower, value, o.Options()...)
	return info, r.renamed(err)
}

func (r *renaming) Delete(ctx context.Context, id string, o DeleteOptions) error {
	lower, err := r.down(id)
	if err != nil {
		return err
	}
	return r.renamed(r.svc.Delete(ctx, lower, o.Options()...))
}

func (r *renaming) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		lower, err := r.downPrefix(prefix)
		if err != nil {
			yield(Info{}, err)
			return
		}
		for info, err := range r.svc.List(ctx, lower) {
			if err != nil {
				yield(Info{}, r.renamedBatch(err, r.up))
				return
			}
			id, ok := r.up(info.ID)
			if !ok {
				continue
			}
			info.ID = id
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (r *renaming) Versions(ctx context.Context, id string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		lower, err := r.down(id)
		if err != nil {
			yield(Info{}, err)
			return
		}
		for info, err := range r.svc.Versions(ctx, lower) {
			if err != nil {
				same := func(item string) (string, bool) { return item, true } // all are of id, and the front knows
				yield(Info{}, r.renamedBatch(err, same))
				return
			}
			info.ID = id
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (r *renaming) Capabilities(ctx context.Context) (Capabilities, error) {
	c, err := r.svc.Capabilities(ctx)
	return c, r.renamed(err)
}

func (r *renaming) Close() error {
	if r.close == nil {
		return nil
	}
	return r.close()
}

// renamedBatch maps the ids of what ends an iterator.
func (r *renaming) renamedBatch(err error, up func(string) (string, bool)) error {
	below, ok := asBatch(err)
	if !ok || below == nil {
		return r.renamed(err)
	}
	byID := make(map[string]error, len(below.ByID))
	for lower, err := range below.ByID {
		if id, ok := up(lower); ok {
			byID[id] = r.renamed(err)
		}
	}
	return &BatchError{ByID: byID}
}

// renamed marks an error from below a renaming if its hint may name an id that
// the caller doesn't know by: the front then drops the hint. The caller's id it
// puts in anyway.
func (r *renaming) renamed(err error) error {
	if err == nil {
		return nil
	}
	e := (*Error)(nil)
	errors.As(err, &e)
	clean := e != nil && !r.hides(e.Hint) && KindOf(err) != ErrInvalidID           //nolint:errorlint // a kind is the sentinel itself
	if bare, ok := err.(*Error); clean || ok && (bare == nil || bare.Hint == "") { //nolint:errorlint // only a bare one is all there is
		return err
	}
	return &fromBelow{err}
}

type fromBelow struct{ err error }

func (e *fromBelow) Error() string { return safeText(e.err) }
func (e *fromBelow) Unwrap() error { return e.err }

// Prefix is svc under a prefix: an id is the bytes of prefix followed by the
// id there, and List shows only what is under it. prefix is taken byte for
// byte, so "shop/" and "shop_" are prefixes, and "shop" is one of "shopping".
// A prefix that can't begin an id makes every call ErrInvalidID.
//
// The store does not own svc: closing it leaves svc open.
func Prefix(svc SecretService, prefix string) *Store {
	return New(providerOf(svc, "prefix"), prefixed(svc, prefix))
}

func prefixed(svc SecretService, prefix string) *renaming {
	fault := prefixFault(prefix)
	return &renaming{
		svc: svc,
		down: func(id string) (string, error) {
			lower := prefix + id
			if fault != "" {
				return "", &Error{Kind: ErrInvalidID, Hint: fault}
			}
			if hint := idFault(lower); hint != "" {
				return "", &Error{Kind: ErrInvalidID, Hint: "with the store's prefix before it: " + hint}
			}
			return lower, nil
		},
		up: func(lower string) (string, bool) { return strings.CutPrefix(lower, prefix) },
		downPrefix: func(p string) (string, error) {
			if hint := prefixFault(prefix + p); hint != "" {
				return "", &Error{Kind: ErrInvalidID, Hint: hint}
			}
			return prefix + p, nil
		},
		hides: func(hint string) bool { return strings.Contains(hint, prefix) }, // as every id of there does
	}
}

// providerOf is the provider's name of a service that has one, so that a
// decorator's own errors name it too.
func providerOf(svc SecretService, otherwise string) string {
	if p, ok := svc.(interface{ Provider() string }); ok {
		return p.Provider()
	}
	return otherwise
}
