package credentials

import (
	"strconv"

	"github.com/lukko-dev/lukko/core"
)

// scope is what a component may use.
type scope struct {
	name   string
	names  map[string]bool // of credentials
	parent *scope          // nil: all of the set
}

// Scope returns the Store as a component gets it: with these credentials and
// no others, which it can read, write and refresh. It can't list users, nor
// delete one. What it may not is an error that matches core.ErrPermissionDenied
// and names the scope and the credential, and nothing is read or written.
//
// A scope of a scope has no more than both name. The name is for errors.
//
// It keeps a component from what it did not ask for, but is no wall against code
// of ill will in the same process, which could declare what contradicts another
// declaration of the set, and so have both refused.
func (s *Store) Scope(name string, decls ...Declared) *Store {
	if s == nil || s.shared == nil {
		return nil // whose every use is an error
	}
	narrow := &scope{name: name, names: map[string]bool{}, parent: s.scope}
	for _, d := range decls {
		if d != nil && d.base().set == s.set {
			narrow.names[d.base().spec.Name] = true
		}
	}
	return &Store{shared: s.shared, scope: narrow}
}

// permit says why d can't be used in the scope; nil is no scope.
func (sc *scope) permit(op string, d *definition) error {
	for ; sc != nil; sc = sc.parent {
		if !sc.names[d.spec.Name] {
			return &core.Error{
				Op: op, Provider: provider, Kind: core.ErrPermissionDenied,
				Hint: "the scope " + strconv.Quote(sc.name) + " has no credential " + strconv.Quote(d.spec.Name) + "; name it where the scope is made",
			}
		}
	}
	return nil
}

// permitAll says why the scope can't do what concerns more than its own
// credentials, or users that it does not know of.
func (sc *scope) permitAll(op, what string) error {
	if sc == nil {
		return nil
	}
	return &core.Error{
		Op: op, Provider: provider, Kind: core.ErrPermissionDenied,
		Hint: "the scope " + strconv.Quote(sc.name) + " can't " + what + "; the store that it is made of can",
	}
}

// inScope reports whether the Store may use d.
func (s *Store) inScope(d *definition) bool { return s.scope.permit("", d) == nil }
