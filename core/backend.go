package core

import (
	"context"
	"iter"
)

// Backend is what the author of a backend writes: one method. [New] makes a
// [SecretService] of it. A backend implements as many of the optional
// interfaces beside this one as it can keep the promises of; the comment of
// each says what New does without it.
//
// Methods are called from many goroutines at once. Ids are valid and values
// have a legal size when they arrive here. A backend returns:
//
//   - a sentinel such as [ErrNotFound] or [errors.ErrUnsupported], bare or wrapped, where it knows the
//     kind. The text around it is dropped, so it can't leak.
//   - an [*Error], where there is a Code, a RequestID or a Hint to keep: its
//     Kind is believed, New fills in Op and Provider where they are empty, and
//     always the ID. None of its texts may hold a value or what a vendor's
//     message quotes.
//   - any other error, where it knows nothing: on a read that is
//     ErrUnavailable, on a write ErrIndeterminate (see [NotWritten]); if the
//     caller's context has ended it matches the context's error. Only the Go
//     type of the error is shown. An Error without a Kind is such a one, and
//     so is a context's error: it is passed on only if it is the caller's
//     context that has ended.
//
// A backend ends a call soon after ctx has ended, and must not keep ctx. If it
// is an [io.Closer], Close is called once, when the store is closed and no call
// is in flight.
type Backend interface {
	// Get reads one secret: the current version, or o.Version where that is
	// not empty (only if the backend claims AtVersion). The value is at most
	// MaxValueLen bytes, so no more than one above need be read of a longer one;
	// New makes ErrNotFound of an empty one, ErrInvalidValue of one over the
	// limit. Of the Info, New fills in an empty Source with the
	// provider's name; it always sets the ID.
	Get(ctx context.Context, id string, o GetOptions) (Secret, error)
}

// BatchGetter is a Backend that reads many secrets in fewer calls than one
// each. ids are distinct and valid, and there is at least one.
//
// It returns what it could read; an id that was not found is absent. Ids
// that failed by themselves go into a [*BatchError] beside the map, bare or
// wrapped; any other error, also one joined with a BatchError, means that the
// whole call failed. The slice of ids is the backend's own.
//
// Without it New reads one by one, at most [BatchConcurrency] at a time.
type BatchGetter interface {
	GetMany(ctx context.Context, ids []string, o GetOptions) (map[string]Secret, error)
}

// Statter is a Backend that knows about a secret without reading its value. An
// id is there for it if and only if it is there for Get.
//
// Without it New calls Get and drops the value.
type Statter interface {
	Stat(ctx context.Context, id string, o GetOptions) (Info, error)
}

// Setter is a Backend that writes, and returns the Info of the version it
// made. o carries a condition only if the backend
// claims it (IfAbsent, IfVersion); a condition that does not hold is
// [ErrConflict]. o.IfChanged is always false here: New reads, compares, and
// calls Set only for another value.
//
// An error whose kind is given says that nothing was written, unless the
// kind is [ErrIndeterminate]. An error of no kind, a context's among them, is
// taken to be indeterminate; a backend that knows better says so with
// [NotWritten]. What can fail after a request was sent, such as a lost
// connection, is therefore returned as it is, and never as [ErrUnavailable].
//
// Without it Set is [errors.ErrUnsupported].
type Setter interface {
	Set(ctx context.Context, id string, value Value, o SetOptions) (Info, error)
}

// Deleter is a Backend that deletes. What isn't there is [ErrNotFound].
// o.Purge, where claimed, works on deleted ids too. The rule for errors is
// that of [Setter].
//
// Without it Delete is [errors.ErrUnsupported].
type Deleter interface {
	Delete(ctx context.Context, id string, o DeleteOptions) error
}

// Lister is a Backend that lists: it yields the Info of each secret whose id
// begins with the bytes of prefix, once each. An error ends the listing, so
// items that could not be read are collected into one [*BatchError] by id,
// yielded last. Ids that are not valid or that lack the prefix are dropped by
// New.
//
// Each range over what it returns starts anew. The body of the caller's loop
// runs inside yield: it may take long, call the store again or close it, so no
// lock is held there. After yield has returned false it must not be called
// again, which Go answers with a panic.
//
// Without it List yields one [errors.ErrUnsupported].
type Lister interface {
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Versioner is a Backend that yields the readable versions of one secret,
// newest first, under the rules of [Lister]. An id that has none is
// [ErrNotFound], which New also makes of an iterator that yields nothing.
//
// Without it Versions yields one [errors.ErrUnsupported].
type Versioner interface {
	Versions(ctx context.Context, id string) iter.Seq2[Info, error]
}

// Capable is a Backend that says itself what it can do. It may do I/O once
// and must remember the answer. What its interfaces can't do is never
// claimed, whatever it says. New asks it where an option needs a capability
// (AtVersion, IfAbsent, IfVersion, Purge), and not before a plain call: a method
// that is there and not claimed refuses by itself with
// [errors.ErrUnsupported].
//
// Without it a backend claims Set, Delete, List and Versions where it has
// the interface, and nothing else: no Purge, no AtVersion, no conditions.
type Capable interface {
	Capabilities(ctx context.Context) (Capabilities, error)
}
