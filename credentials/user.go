package credentials

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// Users yields who has the credential, in no particular order. It lists ids
// and reads no value, so it needs the right to list only. An error is the last
// pair. To ask of one user use Has: no method lists users to find one.
//
// A scope can't list users: that is core.ErrPermissionDenied.
func (c *UserCredential[T]) Users(ctx context.Context, store *Store) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		err := store.permit("users", c.def)
		if err == nil {
			err = store.scope.permitAll("users", "list users")
		}
		if err != nil {
			yield(User{}, err)
			return
		}
		prefix := userPrefix(c.def.spec.valueID())
		for info, err := range store.values(c.def).List(ctx, prefix) {
			if err != nil {
				yield(User{}, err)
				return
			}
			encoded, ok := strings.CutPrefix(info.ID, prefix)
			if !ok {
				continue
			}
			if user, ok := decodeUser(encoded); ok && !yield(user, nil) {
				return
			}
		}
	}
}

// DeleteUser deletes all that is kept for a user: what they have of each
// declared credential, and what is kept beside it. It asks for the ids that
// there may be and lists nothing. What is not there is no error, so that it can
// be done again; what can't be deleted is told at the end, all of it, and the rest
// is deleted. With core.Purge nothing is left to recover, where the store can.
//
// It does not revoke what providers have given. A scope can't do it: that is
// core.ErrPermissionDenied. An empty user is [ErrNoUser].
func (s *Store) DeleteUser(ctx context.Context, user string, opts ...core.DeleteOption) error {
	const op = "delete user"
	if user == "" {
		return &noUserError{op: op, name: "all"}
	}
	if err := s.ready(op); err != nil {
		return err
	}
	if err := s.scope.permitAll(op, "delete a user"); err != nil {
		return err
	}
	// Of each declaration, also where two contradict one another: what has been
	// stored by either is the user's.
	var ids []string
	var defs []*definition
	for _, d := range s.set.list() {
		def := d.base()
		if !def.perUser || core.CheckID(def.idOf(user)) != nil {
			continue // without an id nothing is kept
		}
		defs = append(defs, def)
		for _, id := range def.idsOf(user) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	var failed []error
	const atATime = 8
	// Each is told of the end of ctx by the service, with its id.
	for _, err := range core.Each(context.WithoutCancel(ctx), len(ids), atATime, func(i int) error {
		if strings.HasSuffix(ids[i], oauth2.ClaimSuffix) || strings.HasSuffix(ids[i], pendingSuffix) {
			return core.Discard(ctx, s.cfg.Secrets, ids[i], opts...)
		}
		return s.cfg.Secrets.Delete(ctx, ids[i], opts...)
	}) {
		if err != nil && !isNotFound(err) {
			failed = append(failed, err)
		}
	}
	for _, d := range defs {
		s.changed(ctx, d, user)
	}
	return errors.Join(failed...)
}

// perUser are the declarations of what each user has, one of each name, as
// far as the Store may use them.
func (s *Store) perUser() (defs []*definition) {
	for _, d := range s.set.named() {
		if def := d.base(); def.perUser && s.inScope(def) {
			defs = append(defs, def)
		}
	}
	return defs
}
