package file

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Rollback stores the value of an earlier version as a new version, of a
// deleted secret too. It needs an identity, as the value is encrypted anew.
//
// It is core.ErrNotFound if the version is not kept, and fails as Get and Set
// do otherwise. [Store.History] lists the versions that are kept.
func (s *Store) Rollback(ctx context.Context, id, version string) (core.Info, error) {
	const op = "rollback"
	old, err := s.readVersion(ctx, op, id, version)
	if err != nil {
		return core.Info{}, err
	}
	info, err := s.Set(ctx, id, old.Value)
	if err != nil {
		return core.Info{}, namedID(op, id, err)
	}
	return info, nil
}

// ReadVersion reads a version that is kept, of a deleted or damaged secret
// too, which Get does not. It fails as Get does, and is core.ErrNotFound if
// the version is not kept.
func (s *Store) ReadVersion(ctx context.Context, id, version string) (core.Secret, error) {
	return s.readVersion(ctx, "get", id, version)
}

func (s *Store) readVersion(ctx context.Context, op, id, version string) (core.Secret, error) {
	if err := core.CheckID(id); err != nil {
		return core.Secret{}, named(op, err)
	}
	if err := s.begin(ctx, op, id); err != nil {
		return core.Secret{}, err
	}
	old, err := s.versionOf(ctx, id, version)
	if err != nil {
		return core.Secret{}, namedID(op, id, err)
	}
	return old, nil
}

// versionOf reads a version, of a deleted or damaged secret too.
func (s *Store) versionOf(ctx context.Context, id, version string) (core.Secret, error) {
	if version == "" {
		return core.Secret{}, &core.Error{Kind: core.ErrInvalidOption, Hint: "no version is named; lukko versions lists them"}
	}
	old, err := s.Get(ctx, id, core.AtVersion(version))
	if kind := core.KindOf(err); kind != core.ErrNotFound && kind != core.ErrCorrupt {
		return old, err
	}
	p, err := placeOf(id)
	if err != nil {
		return core.Secret{}, err
	}
	if err := s.b.putRight(ctx, p, version); err != nil {
		return core.Secret{}, err
	}
	return s.b.getArchived(ctx, p, version)
}

// misplaced is a file of the history that has the name of one version and
// holds another. Git makes such files: to it a secret that was deleted is one
// that was moved into the history, so when another branch has set it, the new
// version is merged into the file of the old one.
type misplaced struct{ name, version string }

func (b *backend) misplaced(p place) []misplaced {
	entries, err := b.archivedNames(p)
	if err != nil {
		return nil
	}
	var found []misplaced
	for _, e := range entries {
		name := p.history + "/" + e.Name()
		h, err := b.headerOf(name, p.id, "")
		if err == nil && h.meta != nil && h.meta.version != strings.TrimSuffix(e.Name(), ext) {
			found = append(found, misplaced{name, h.meta.version})
		}
	}
	return found
}

// putRight gives a version of the history the name that it should have.
func (b *backend) putRight(ctx context.Context, p place, version string) error {
	var from string
	for _, m := range b.misplaced(p) {
		if m.version == version {
			from = m.name
		}
	}
	if from == "" {
		return nil
	}
	w, err := b.beginWrite(ctx)
	if err != nil {
		return err
	}
	defer w.end()
	err = b.fs.link(from, p.version(version))
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = b.fs.syncDir(p.history)
	}
	if err == nil {
		err = b.fs.remove(from)
	}
	if err != nil {
		return b.writeFault(err)
	}
	return nil
}
