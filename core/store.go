package core

import (
	"context"
	"errors"
	"io"
	"strconv"
)

// Store is the front of a [Backend]: a [SecretService] and an [io.Closer].
// It is safe for concurrent use, keeps no context, and holds no lock while it
// calls the backend. It is made by [New] or [Open]; the zero Store is of no use.
type Store struct {
	provider string
	backend  Backend

	// What backend can do beside Get; nil where it can't.
	batch    BatchGetter
	statter  Statter
	setter   Setter
	deleter  Deleter
	lister   Lister
	versions Versioner
	capable  Capable

	gate gate
}

var (
	_ SecretService = (*Store)(nil)
	_ io.Closer     = (*Store)(nil)
)

// New puts the front on a backend. provider is its name in errors and in an
// empty Source: a word such as "vault", the same for all stores of its kind.
// New panics if b is nil.
//
// Closing the store closes b, if b is an [io.Closer]. What b itself was made
// of, such as the SecretService below a decorator, stays the caller's.
func New(provider string, b Backend) *Store {
	if b == nil {
		panic("core: New needs a Backend, and got nil")
	}
	s := &Store{provider: provider, backend: b}
	s.batch, _ = b.(BatchGetter)
	s.statter, _ = b.(Statter)
	s.setter, _ = b.(Setter)
	s.deleter, _ = b.(Deleter)
	s.lister, _ = b.(Lister)
	s.versions, _ = b.(Versioner)
	s.capable, _ = b.(Capable)
	s.gate.init()
	return s
}

// Provider returns the provider's name, as New got it.
func (s *Store) Provider() string { return s.provider }

// Get implements [SecretService].
func (s *Store) Get(ctx context.Context, id string, opts ...GetOption) (secret Secret, err error) {
	const op = "get"
	if err := s.enter(ctx, op, id); err != nil {
		return Secret{}, err
	}
	defer s.gate.leave()
	var o GetOptions
	if len(opts) > 0 {
		if o, err = s.readOptions(ctx, op, id, opts); err != nil {
			return Secret{}, err
		}
	}
	secret, err = s.backend.Get(ctx, id, o)
	if err == nil {
		err = readFault(secret.Value)
	}
	if err != nil {
		return Secret{}, s.wrap(ctx, op, id, read, err)
	}
	s.complete(&secret.Info, id)
	return secret, nil
}

// Stat implements [SecretService].
func (s *Store) Stat(ctx context.Context, id string, opts ...GetOption) (info Info, err error) {
	const op = "stat"
	if err := s.enter(ctx, op, id); err != nil {
		return Info{}, err
	}
	defer s.gate.leave()
	o, err := s.readOptions(ctx, op, id, opts)
	if err != nil {
		return Info{}, err
	}
	if s.statter != nil {
		info, err = s.statter.Stat(ctx, id, o)
	} else {
		var secret Secret
		if secret, err = s.backend.Get(ctx, id, o); err == nil {
			err = readFault(secret.Value)
		}
		info = secret.Info
	}
	if err != nil {
		return Info{}, s.wrap(ctx, op, id, read, err)
	}
	s.complete(&info, id)
	return info, nil
}

// Set implements [SecretService].
func (s *Store) Set(ctx context.Context, id string, value Value, opts ...SetOption) (Info, error) {
	const op = "set"
	if err := s.enter(ctx, op, id); err != nil {
		return Info{}, err
	}
	defer s.gate.leave()
	o, hint := collectSet(opts)
	if hint != "" {
		return Info{}, &Error{Op: op, Provider: s.provider, ID: id, Kind: ErrInvalidOption, Hint: hint}
	}
	if n := value.Len(); n == 0 || n > MaxValueLen {
		return Info{}, &Error{Op: op, Provider: s.provider, ID: id, Kind: ErrInvalidValue, Hint: sizeHint(n)}
	}
	if s.setter == nil {
		return Info{}, s.unsupported(op, id, "this provider only reads")
	}
	if o.IfAbsent {
		if err := s.claims(ctx, op, id, claimIfAbsent); err != nil {
			return Info{}, err
		}
	}
	if o.IfVersion != "" {
		if err := s.claims(ctx, op, id, claimIfVersion); err != nil {
			return Info{}, err
		}
	}
	if o.IfChanged {
		info, done, err := s.setUnlessEqual(ctx, id, value, o)
		if done || err != nil {
			return info, err
		}
		o.IfChanged = false
	}
	if err := s.ended(ctx, op, id); err != nil { // while that was looked at
		return Info{}, err
	}
	info, err := s.setter.Set(ctx, id, value, o)
	if err != nil {
		return Info{}, s.wrap(ctx, op, id, write, err)
	}
	s.complete(&info, id)
	return info, nil
}

// setUnlessEqual is the first half of a Set with IfChanged: done if the
// current value is equivalent, or if a condition is seen not to hold. The write
// that may follow carries its condition, so nothing depends on what is read
// here still being true then.
func (s *Store) setUnlessEqual(ctx context.Context, id string, value Value, o SetOptions) (info Info, done bool, err error) {
	current, err := s.backend.Get(ctx, id, GetOptions{Fresh: true})
	if err == nil {
		err = readFault(current.Value)
	}
	switch kind := KindOf(err); {
	case err == nil:
	case kind == ErrNotFound, kind == ErrCorrupt, kind == ErrInvalidValue:
		return Info{}, false, nil // whatever is there, it is not this value
	default:
		return Info{}, false, s.wrap(ctx, "set", id, read, err)
	}
	switch {
	case o.IfAbsent:
		err = &Error{Kind: ErrConflict, Hint: "the id has a value already"}
	case o.IfVersion != "" && o.IfVersion != current.Version:
		err = &Error{Kind: ErrConflict, Hint: "another version is current; read it and decide again"}
	case !Equivalent(current.Value, value):
		return Info{}, false, nil
	}
	if err != nil {
		return Info{}, false, s.wrap(ctx, "set", id, write, err)
	}
	s.complete(&current.Info, id)
	return current.Info, true, nil
}

// Delete implements [SecretService].
func (s *Store) Delete(ctx context.Context, id string, opts ...DeleteOption) error {
	const op = "delete"
	if err := s.enter(ctx, op, id); err != nil {
		return err
	}
	defer s.gate.leave()
	o, hint := collectDelete(opts)
	if hint != "" {
		return &Error{Op: op, Provider: s.provider, ID: id, Kind: ErrInvalidOption, Hint: hint}
	}
	if s.deleter == nil {
		return s.unsupported(op, id, "this provider does not delete")
	}
	if o.Purge {
		if err := s.claims(ctx, op, id, claimPurge); err != nil {
			return err
		}
		if err := s.ended(ctx, op, id); err != nil { // while that was looked at
			return err
		}
	}
	if err := s.deleter.Delete(ctx, id, o); err != nil {
		return s.wrap(ctx, op, id, write, err)
	}
	return nil
}

// Capabilities implements [SecretService].
func (s *Store) Capabilities(ctx context.Context) (Capabilities, error) {
	const op = "capabilities"
	if err := s.admit(ctx, op, ""); err != nil {
		return Capabilities{}, err
	}
	defer s.gate.leave()
	c, err := s.capabilities(ctx)
	if err != nil {
		return Capabilities{}, s.wrap(ctx, op, "", read, err)
	}
	return c, nil
}

// Close waits for the calls in flight, then closes the backend if it is an
// [io.Closer]. Every call after it is ErrClosed, and so is what a range that
// was suspended in its loop's body yields next. A further Close waits for the
// first and returns what it returned.
//
// The body of a loop over List or Versions is no call, and may Close. A
// backend's method is one, and must not: Close would wait for it for ever.
func (s *Store) Close() error {
	return s.gate.close(func() error {
		closer, ok := s.backend.(io.Closer)
		if !ok {
			return nil
		}
		if err := closer.Close(); err != nil {
			return s.wrap(context.Background(), "close", "", read, err)
		}
		return nil
	})
}

// enter lets in a call on one id, unless the id is none; see admit.
func (s *Store) enter(ctx context.Context, op, id string) error {
	if hint := idFault(id); hint != "" {
		return s.invalidID(op, hint)
	}
	return s.admit(ctx, op, id)
}

// admit lets a call in, unless its context has ended or the store is closed;
// the caller leaves the gate if it returns no error.
func (s *Store) admit(ctx context.Context, op, id string) error {
	if err := s.ended(ctx, op, id); err != nil {
		return err
	}
	if !s.gate.enter() {
		return s.closed(op, id)
	}
	return nil
}

// ended returns an error if the context has: no call of the backend begins
// after that.
func (s *Store) ended(ctx context.Context, op, id string) error {
	if err := ctx.Err(); err != nil {
		return &Error{Op: op, Provider: s.provider, ID: id, Err: err, unwritten: isWrite(op)}
	}
	return nil
}

func isWrite(op string) bool { return op == "set" || op == "delete" }

// readOptions merges the options of a read, and refuses what the backend
// doesn't claim.
func (s *Store) readOptions(ctx context.Context, op, id string, opts []GetOption) (GetOptions, error) {
	o, hint := collectGet(opts)
	if hint != "" {
		return o, &Error{Op: op, Provider: s.provider, ID: id, Kind: ErrInvalidOption, Hint: hint}
	}
	if o.Version == "" {
		return o, nil
	}
	return o, s.claims(ctx, op, id, claimAtVersion)
}

func (s *Store) closed(op, id string) error {
	return &Error{Op: op, Provider: s.provider, ID: id, Kind: ErrClosed, Hint: "the store was closed before this call"}
}

func (s *Store) invalidID(op, hint string) error {
	return &Error{Op: op, Provider: s.provider, Kind: ErrInvalidID, Hint: hint}
}

func (s *Store) unsupported(op, id, hint string) error {
	return &Error{Op: op, Provider: s.provider, ID: id, Kind: errors.ErrUnsupported, Hint: hint}
}

// complete fills in what the front knows of an Info.
func (s *Store) complete(info *Info, id string) {
	info.ID = id
	if info.Source == "" {
		info.Source = s.provider
	}
}

// readFault says why what a backend returned is no value.
func readFault(v Value) error {
	if n := v.Len(); n == 0 || n > MaxValueLen {
		kind := ErrInvalidValue
		if n == 0 {
			kind = ErrNotFound
		}
		return &Error{Kind: kind, Hint: sizeHint(n)}
	}
	return nil
}

func sizeHint(n int) string {
	if n == 0 {
		return "the value is empty; a secret has at least 1 byte"
	}
	return "the value has " + strconv.Itoa(n) + " bytes; at most " + strconv.Itoa(MaxValueLen) + " (64 KiB) are allowed"
}
