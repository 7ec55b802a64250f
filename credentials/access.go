package credentials

import (
	"context"
	"errors"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// idOf is the id of the value of a user, or of the application. Of a user's
// credential there is none without a user, and none with one of the
// application's: the empty id is refused by every store.
func (d *definition) idOf(user string) string {
	switch {
	case d.perUser && user != "":
		return userID(d.spec.valueID(), user)
	case !d.perUser && user == "":
		return d.spec.valueID()
	}
	return ""
}

// idsOf are all ids that are kept for a user, or for the application: the
// value first, and last what says which attempts to connect were finished.
func (d *definition) idsOf(user string) []string {
	id := d.idOf(user)
	if d.spec.OAuth2 == nil || id == "" {
		return []string{id}
	}
	return accountIDs(id)
}

// missing is the error of a credential that is not there.
func (s *Store) missing(d *definition, user string) *MissingError {
	return &MissingError{
		Name: d.spec.Name, DisplayName: d.spec.DisplayName, DocsURL: d.spec.DocsURL,
		User: user, ID: d.idOf(user), OAuth2: d.spec.OAuth2 != nil,
		ConnectURL: s.connectURL(d, user),
	}
}

// told makes a [*MissingError] of an error that says that the value of d is
// not there, and leaves every other as it is.
func (s *Store) told(d *definition, user string, err error) error {
	switch {
	case err == nil:
		return nil
	case d.spec.OAuth2 != nil && errors.Is(err, oauth2.ErrNotConnected):
		// An application's secret that is not there is none of this.
		return s.missing(d, user)
	case d.spec.OAuth2 == nil && isNotFound(err):
		return s.missing(d, user)
	}
	return err
}

func isNotFound(err error) bool { return core.KindOf(err) == core.ErrNotFound } //nolint:errorlint // a kind is the sentinel itself

func get[T any](ctx context.Context, s *Store, d *definition, decl *schema.Declaration[T], user string) (T, error) {
	if d.spec.OAuth2 != nil {
		token, err := s.token(ctx, d, user)
		if err != nil {
			return *new(T), err
		}
		return any(token).(T), nil // T is oauth2.Token, which the declaration's check has seen
	}
	value, err := decl.At(d.idOf(user)).Get(ctx, s.values(d))
	return value, s.told(d, user, err)
}

func set[T any](ctx context.Context, s *Store, d *definition, decl *schema.Declaration[T], user string, value T, opts []core.SetOption) error {
	svc, id := s.values(d), d.idOf(user)
	decl = decl.At(id)
	stored, err := decl.Encode(value)
	if err != nil {
		return err
	}
	defer s.changed(ctx, d, user)
	write := func(opts []core.SetOption) error {
		if d.spec.OAuth2 == nil {
			return decl.Set(ctx, svc, value, opts...)
		}
		_, err := svc.Set(ctx, id, stored, opts...)
		return err
	}
	if len(opts) > 0 {
		return write(opts)
	}
	for try := 1; ; try++ {
		opts, absent, err := guard(ctx, svc, id)
		if err != nil {
			return err
		}
		if absent && try > sealTries {
			// There is nothing, and yet it is not absent: a secret that was deleted and
			// can be recovered bars its id on some stores, until a write without a
			// condition.
			opts = nil
		}
		err = write(opts)
		conflict := (*core.Error)(nil)
		if !errors.As(err, &conflict) || conflict.Kind != core.ErrConflict { //nolint:errorlint // a Kind is a sentinel itself
			return err
		}
		// Who finds nothing now was not overtaken.
		if absent {
			if _, err := svc.Stat(ctx, id, core.Fresh()); isNotFound(err) && try <= sealTries {
				if err := pause(ctx, try); err != nil {
					return err
				}
				continue
			}
		}
		return &core.Error{
			Op: "set", Provider: conflict.Provider, ID: id, Kind: core.ErrConflict,
			Hint: "another writer came first; look at what is there now, and set again to replace it",
		}
	}
}

// guard is the option by which a write succeeds only over what is there now,
// where the service claims one, and whether that is nothing.
func guard(ctx context.Context, svc core.SecretService, id string) (opts []core.SetOption, absent bool, err error) {
	info, err := svc.Stat(ctx, id, core.Fresh())
	switch {
	case err == nil, isNotFound(err):
	case errors.Is(err, core.ErrCorrupt), errors.Is(err, core.ErrInvalidValue):
		return nil, false, nil // there is something, and it can't be read
	default:
		return nil, false, err
	}
	can, capErr := svc.Capabilities(ctx)
	switch {
	case capErr != nil:
		return nil, false, capErr
	case err != nil && can.IfAbsent:
		return []core.SetOption{core.IfAbsent()}, true, nil
	case err == nil && can.IfVersion && info.Version != "":
		return []core.SetOption{core.IfVersion(info.Version)}, false, nil
	}
	return nil, err != nil, nil
}

func update[T any](ctx context.Context, s *Store, d *definition, decl *schema.Declaration[T], user string, change func(*T) error) error {
	var refused error
	err := decl.At(d.idOf(user)).Update(ctx, s.values(d), func(value *T) error {
		refused = change(value)
		return refused
	})
	switch {
	case refused != nil:
	case isNotFound(err):
		err = s.missing(d, user)
	default:
		s.changed(ctx, d, user)
	}
	return err
}

// remove deletes the value of a user, or of the application, and its claim. What
// says which attempts to connect were finished stays: none of them may be
// finished again.
func (s *Store) remove(ctx context.Context, d *definition, user string, opts []core.DeleteOption) error {
	ids := d.idsOf(user)
	ids = ids[:min(len(ids), 2)]
	var failed []error
	found := false
	for i, id := range ids {
		var err error
		if i == 0 {
			err = s.values(d).Delete(ctx, id, opts...)
		} else {
			err = core.Discard(ctx, s.values(d), id, opts...)
		}
		switch {
		case err == nil:
			found = found || i == 0
		case !isNotFound(err):
			failed = append(failed, err)
		}
	}
	s.changed(ctx, d, user)
	switch {
	case len(failed) == 1:
		return failed[0]
	case len(failed) > 1:
		return errors.Join(failed...)
	case !found:
		return s.missing(d, user)
	}
	return nil
}

func (s *Store) has(ctx context.Context, d *definition, user string) (bool, error) {
	return core.Has(ctx, s.values(d), d.idOf(user))
}
