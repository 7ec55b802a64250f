package credentials

import (
	"context"
	"net/http"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// Get returns the credential. One that is not there is a [*MissingError],
// also of an optional one; an invalid one matches core.ErrInvalidValue; what
// the store could not tell stays what it is.
//
// With OAuth2 it is a token that is good for a minute at least where its
// expiry is known: one that ends before is refreshed first, with the errors of
// oauth2.Client.Token. HTTP and Client are better still, as they do this for
// each request.
func (c *Credential[T]) Get(ctx context.Context, store *Store) (T, error) {
	if err := store.permit("get", c.def); err != nil {
		return *new(T), err
	}
	return get(ctx, store, c.def, c.decl, "")
}

// Set stores the credential. It is validated first.
//
// Without an option it replaces the one that it finds, and where it finds none
// it writes only if there is still none; a writer that came between is never
// overwritten, where the service claims IfAbsent and IfVersion: then Set is
// core.ErrConflict. So of two first writers that both found none the second is
// told. With core.IfAbsent, core.IfVersion or core.IfChanged the write is as
// these say.
//
// A key that is a JSON document with fields that T does not declare is not
// replaced, as [schema.Declaration.Set] says; Update keeps them. A token of
// OAuth2 that is set by hand replaces all of the one before.
func (c *Credential[T]) Set(ctx context.Context, store *Store, value T, opts ...core.SetOption) error {
	if err := store.permit("set", c.def); err != nil {
		return err
	}
	return set(ctx, store, c.def, c.decl, "", value, opts)
}

// Update reads the stored credential, lets change change it, and stores it
// with everything else that was there; see [schema.Declaration.Update].
func (c *Credential[T]) Update(ctx context.Context, store *Store, change func(*T) error) error {
	if err := store.permit("update", c.def); err != nil {
		return err
	}
	return update(ctx, store, c.def, c.decl, "", change)
}

// Delete deletes the credential from the store; one that is not there is a
// [*MissingError]. It does not revoke what a provider has given: Client's
// Revoke does, and deletes as well.
func (c *Credential[T]) Delete(ctx context.Context, store *Store, opts ...core.DeleteOption) error {
	if err := store.permit("delete", c.def); err != nil {
		return err
	}
	return store.remove(ctx, c.def, "", opts)
}

// Has reports whether the credential is there, without reading it where the
// service can. Denied or unreachable is an error, and not "absent".
func (c *Credential[T]) Has(ctx context.Context, store *Store) (bool, error) {
	if err := store.permit("has", c.def); err != nil {
		return false, err
	}
	return store.has(ctx, c.def, "")
}

// Status tells of the credential without showing it.
func (c *Credential[T]) Status(ctx context.Context, store *Store) (Status, error) {
	if err := store.permit("status", c.def); err != nil {
		return Status{}, err
	}
	return store.status(ctx, c.def, "")
}

// HTTP returns an HTTP client that sends the credential to the hosts that are
// declared, and nowhere else. It follows what is stored, and is safe for
// concurrent use. A credential that is not there is an error of the request,
// which matches as the errors of Get do. See oauth2.Client.HTTP, and package
// oauth2/httpauth for keys.
func (c *Credential[T]) HTTP(store *Store) (*http.Client, error) {
	if err := store.permit("http", c.def); err != nil {
		return nil, err
	}
	return store.http(c.def, "", nil)
}

// Client returns the client of the account, with which it is connected,
// refreshed and revoked: one for all who ask, as long as it is held. It is
// closed with the store, and not by who holds it. Of a key it is
// errors.ErrUnsupported. Its errors are those of package oauth2: that no
// account is connected is an oauth2.NotConnectedError there.
func (c *Credential[T]) Client(store *Store) (*oauth2.Client, error) {
	if err := store.permit("client", c.def); err != nil {
		return nil, err
	}
	return store.client(c.def, "")
}

// Get returns the user's credential, and never the application's. One that is
// not there is a [*MissingError], also of an optional one; see
// [Credential.Get].
func (c *UserCredential[T]) Get(ctx context.Context, store *Store, user string) (T, error) {
	if err := store.permitUser("get", c.def, user); err != nil {
		return *new(T), err
	}
	return get(ctx, store, c.def, c.decl, user)
}

// Set stores the user's credential; see [Credential.Set].
func (c *UserCredential[T]) Set(ctx context.Context, store *Store, user string, value T, opts ...core.SetOption) error {
	if err := store.permitUser("set", c.def, user); err != nil {
		return err
	}
	return set(ctx, store, c.def, c.decl, user, value, opts)
}

// Update changes the user's credential; see [Credential.Update].
func (c *UserCredential[T]) Update(ctx context.Context, store *Store, user string, change func(*T) error) error {
	if err := store.permitUser("update", c.def, user); err != nil {
		return err
	}
	return update(ctx, store, c.def, c.decl, user, change)
}

// Delete deletes the user's credential; see [Credential.Delete].
func (c *UserCredential[T]) Delete(ctx context.Context, store *Store, user string, opts ...core.DeleteOption) error {
	if err := store.permitUser("delete", c.def, user); err != nil {
		return err
	}
	return store.remove(ctx, c.def, user, opts)
}

// Has reports whether the user has the credential; see [Credential.Has].
func (c *UserCredential[T]) Has(ctx context.Context, store *Store, user string) (bool, error) {
	if err := store.permitUser("has", c.def, user); err != nil {
		return false, err
	}
	return store.has(ctx, c.def, user)
}

// Status tells of the user's credential without showing it.
func (c *UserCredential[T]) Status(ctx context.Context, store *Store, user string) (Status, error) {
	if err := store.permitUser("status", c.def, user); err != nil {
		return Status{}, err
	}
	return store.status(ctx, c.def, user)
}

// HTTP returns an HTTP client that sends the user's credential; see
// [Credential.HTTP].
func (c *UserCredential[T]) HTTP(store *Store, user string) (*http.Client, error) {
	if err := store.permitUser("http", c.def, user); err != nil {
		return nil, err
	}
	return store.http(c.def, user, nil)
}

// Client returns the client of the user's account; see [Credential.Client].
func (c *UserCredential[T]) Client(store *Store, user string) (*oauth2.Client, error) {
	if err := store.permitUser("client", c.def, user); err != nil {
		return nil, err
	}
	return store.client(c.def, user)
}
