package core

import (
	"context"
	"iter"
)

// SecretService reads and writes secrets by id. It is what programs and
// decorators take, and it never grows: what backends learn to do later
// becomes an option or a package function.
//
// All methods are safe for concurrent use. They obey ctx: one that has ended
// before the call does nothing, and one that ends during the call ends the
// call. Errors are of type [*Error]; where some of many failed, and others did
// not, of type [*BatchError]. An id that is none (see [CheckID]) is
// ErrInvalidID.
//
// A method whose capability the service does not claim (see [Capabilities])
// returns an error that matches [errors.ErrUnsupported] and changes nothing.
// So does an option: it is honoured or refused, never ignored.
type SecretService interface {
	// Get returns the current value of a secret, or the one that AtVersion
	// names. An id that has no value is ErrNotFound.
	Get(ctx context.Context, id string, opts ...GetOption) (Secret, error)

	// GetMany returns the secrets of many ids. Each id asked for is in exactly
	// one place: in the map, in the ByID of a [*BatchError], or in neither,
	// which means that it was not found. Repeated ids are read once. If the
	// call failed as a whole the map is nil and the error an [*Error].
	GetMany(ctx context.Context, ids []string, opts ...GetOption) (map[string]Secret, error)

	// Stat returns all but the value. Some services do it without the right
	// to read the value. An id that has no value is ErrNotFound.
	Stat(ctx context.Context, id string, opts ...GetOption) (Info, error)

	// Set stores a value of 1 to MaxValueLen bytes, else it is
	// ErrInvalidValue, and returns the Info of the version it made. Without a
	// condition the last writer wins. An error that matches
	// ErrIndeterminate means that the value may have been stored; any other
	// error means that it was not.
	Set(ctx context.Context, id string, value Value, opts ...SetOption) (Info, error)

	// Delete removes a secret: afterwards Get, Stat and Versions are
	// ErrNotFound, List omits it, and Set makes a new version. Deleting what
	// isn't there is ErrNotFound. It is recoverable where the service can;
	// with Purge it is not.
	Delete(ctx context.Context, id string, opts ...DeleteOption) error

	// List yields every secret whose id begins with the bytes of prefix, in
	// no particular order. It promises the ID; the other fields are there
	// where the listing carries them, and Stat has the rest.
	//
	// An error is always the last pair. Items that could not be read come at
	// the end as one [*BatchError] and hide no others. Each range starts anew
	// and may be left at any time.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Versions yields the versions of a secret that can still be read, newest
	// first, under the rules of List's iterator. An id that has none is
	// ErrNotFound.
	Versions(ctx context.Context, id string) iter.Seq2[Info, error]

	// Capabilities tells what the service can do. It may do I/O once.
	Capabilities(ctx context.Context) (Capabilities, error)
}

// Has reports whether svc has a secret of that id, without reading its value
// where the service can. Only ErrNotFound is false without an error: denied
// or unreachable is not "absent".
func Has(ctx context.Context, svc SecretService, id string, opts ...GetOption) (bool, error) {
	_, err := svc.Stat(ctx, id, opts...)
	switch {
	case err == nil:
		return true, nil
	case isNotFound(err):
		return false, nil
	default:
		return false, err
	}
}

// Discard deletes what only programs have a use for, such as a lock, and leaves
// nothing to recover where svc claims Purge and lets its caller: what can be
// recovered bars its id on some stores, so that IfAbsent is refused there for
// days. Who may delete and not purge deletes, with these options. The errors are
// those of Delete.
func Discard(ctx context.Context, svc SecretService, id string, opts ...DeleteOption) error {
	if can, err := svc.Capabilities(ctx); err == nil && can.Purge {
		if err := svc.Delete(ctx, id, Purge()); KindOf(err) != ErrPermissionDenied {
			return err
		}
	}
	return svc.Delete(ctx, id, opts...)
}
