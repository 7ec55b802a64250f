package file

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

// Rollback stores the value of an earlier version as a new version, of a
// deleted secret too. It needs an identity, as the value is encrypted anew.
//
// It is core.ErrNotFound if the version is not kept, and fails as Get and Set
// do otherwise. [Store.History] lists the versions that are kept.
func (s *Store) Rollback(ctx context.Context, id, version string) (core.Info, error) {
	const op = "rollback"
	if err := core.CheckID(id); err != nil {
		return core.Info{}, named(op, err)
	}
	if err := s.begin(ctx, op, id); err != nil {
		return core.Info{}, err
	}
	old, err := s.versionOf(ctx, id, version)
	if err != nil {
		return core.Info{}, namedID(op, id, err)
	}
	info, err := s.Set(ctx, id, old.Value)
	if err != nil {
		return core.Info{}, namedID(op, id, err)
	}
	return info, nil
}

// versionOf reads a version, of a deleted or damaged secret too.
func (s *Store) versionOf(ctx context.Context, id, version string) (core.Secret, error) {
	if version == "" {
		return core.Secret{}, &core.Error{Kind: core.ErrInvalidOption, Hint: "no version is named; lukko versions lists them"}
	}
	old, err := s.Get(ctx, id, core.AtVersion(version))
	if core.KindOf(err) != core.ErrNotFound {
		return old, err
	}
	p, err := placeOf(id)
	if err != nil {
		return core.Secret{}, err
	}
	return s.b.getArchived(ctx, p, version)
}
