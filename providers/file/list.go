package file

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// List implements core.Lister. It yields ids by the names of their files, with
// version and time as the headers tell them; of a file whose header can't be read only the id,
// as Get says what is wrong with it. It decrypts nothing.
func (b *backend) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		if err := b.exists(); err != nil {
			yield(core.Info{}, err)
			return
		}
		failed := map[string]error{}
		more := b.walk(secretsDir, "", prefix, func(id string) bool {
			if err := ctx.Err(); err != nil {
				yield(core.Info{}, err)
				return false
			}
			p, err := placeOf(id)
			if err != nil {
				return true
			}
			info := core.Info{ID: id}
			h, err := b.headerOf(p.current, id, "")
			switch {
			case errors.Is(err, fs.ErrNotExist):
				// Deleted meanwhile; or all of the store is gone, and the rest
				// of the list with it.
				if err := b.stillThere(); err != nil {
					yield(core.Info{}, err)
					return false
				}
				return true
			case err == nil:
				info = h.info(id)
			}
			info.Source = b.source
			return yield(info, nil)
		}, func(folder string, err error) { failed[folder] = b.readFault(err) })
		if !more {
			return
		}
		if err := b.stillThere(); err != nil {
			yield(core.Info{}, err)
		} else if len(failed) > 0 {
			yield(core.Info{}, &core.BatchError{ByID: failed})
		}
	}
}

// walk calls visit for each id below a folder that begins with prefix, in the
// order of their names, until it returns false. A folder that can't be read
// is reported by the id that it would be a part of.
func (b *backend) walk(dir, under, prefix string, visit func(id string) bool, unread func(folder string, err error)) bool {
	entries, err := b.fs.readDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		unread(cmp.Or(strings.TrimSuffix(under, "/"), secretsDir), err)
	}
	for _, e := range entries {
		if e.IsDir() {
			segment, ok := unescape(e.Name(), true)
			folder := under + segment + "/"
			if ok && (strings.HasPrefix(folder, prefix) || strings.HasPrefix(prefix, folder)) &&
				!b.walk(dir+"/"+e.Name(), folder, prefix, visit, unread) {
				return false
			}
			continue
		}
		id, ok := secretName(e)
		if id = under + id; ok && strings.HasPrefix(id, prefix) && core.CheckID(id) == nil && !visit(id) {
			return false
		}
	}
	return true
}

// secretName returns the last segment of the id whose file e is. Links,
// devices and files that are no secret's are none.
func secretName(e fs.DirEntry) (string, bool) {
	if !e.Type().IsRegular() {
		return "", false
	}
	name, ok := strings.CutSuffix(e.Name(), ext)
	if !ok {
		return "", false
	}
	return unescape(name, false)
}

// Versions implements core.Versioner. It decrypts nothing.
func (b *backend) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		p, err := placeOf(id)
		if err != nil {
			yield(core.Info{}, err)
			return
		}
		// The current one first: what replaces it meanwhile has linked it
		// into the history before.
		h, err := b.currentHeader(p)
		if err != nil {
			yield(core.Info{}, err)
			return
		}
		b.yieldVersions(ctx, p, &h, yield)
	}
}

// History yields the versions of a secret that are kept, newest first, also
// of one that was deleted, which Versions does not find. It decrypts nothing.
// It is core.ErrNotFound if none is kept.
func (s *Store) History(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	const op = "history"
	return func(yield func(core.Info, error) bool) {
		fail := func(err error) { yield(core.Info{}, namedID(op, id, err)) }
		if err := core.CheckID(id); err != nil {
			yield(core.Info{}, named(op, err))
			return
		}
		if err := s.begin(ctx, op, id); err != nil {
			fail(err)
			return
		}
		p, err := placeOf(id)
		if err != nil {
			fail(err)
			return
		}
		h, err := s.b.currentHeader(p)
		current := &h
		switch core.KindOf(err) {
		case nil:
		case core.ErrNotFound, core.ErrCorrupt:
			current = nil
			if kept, archivedErr := s.b.archived(p); archivedErr != nil || len(kept) == 0 {
				fail(cmp.Or(archivedErr, err))
				return
			}
		default:
			fail(err)
			return
		}
		s.b.yieldVersions(ctx, p, current, func(info core.Info, err error) bool {
			return yield(info, namedID(op, id, err))
		})
	}
}

func (b *backend) yieldVersions(ctx context.Context, p place, current *header, yield func(core.Info, error) bool) {
	kept, err := b.archived(p)
	if err == nil {
		err = b.stillThere()
	}
	if err != nil {
		yield(core.Info{}, b.readFault(err))
		return
	}
	if current != nil {
		kept = slices.DeleteFunc(kept, func(v archivedVersion) bool { return v.version == current.version() })
		kept = append(kept, archivedVersion{version: current.version(), info: current.info(p.id), current: true})
	}
	sortVersions(kept)
	for _, v := range kept {
		if err := ctx.Err(); err != nil {
			yield(core.Info{}, err)
			return
		}
		v.info.Source = b.source
		if !yield(v.info, nil) {
			return
		}
	}
}

// archivedVersion is a file of the history. Its name is its version, so a
// damaged one is known too; Get says what is wrong with it.
type archivedVersion struct {
	version string
	number  int64
	time    time.Time // for a place among the others: of the stanza, else of the file
	info    core.Info
	current bool
}

// archivedNames returns the earlier versions of an id, as the names of their
// files tell them.
func (b *backend) archivedNames(p place) ([]fs.DirEntry, error) {
	entries, err := b.fs.readDir(p.history)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		version, ok := strings.CutSuffix(e.Name(), ext)
		_, valid := versionNumber(version)
		return !ok || !valid || !e.Type().IsRegular()
	}), err
}

// archived returns the earlier versions of an id, in no order.
func (b *backend) archived(p place) ([]archivedVersion, error) {
	entries, err := b.archivedNames(p)
	if err != nil {
		return nil, err
	}
	var found []archivedVersion
	for _, e := range entries {
		version := strings.TrimSuffix(e.Name(), ext)
		number, _ := versionNumber(version)
		v := archivedVersion{version: version, number: number, info: core.Info{ID: p.id, Version: version}}
		h, err := b.headerOf(p.version(version), p.id, version)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // pruned meanwhile
		case err == nil && h.meta != nil:
			v.time, v.info.Created = h.meta.created, h.meta.created
		}
		if info, err := e.Info(); err == nil && v.time.IsZero() {
			v.time = info.ModTime()
		}
		found = append(found, v)
	}
	return found, nil
}

// ordered returns the earlier versions, newest first, without their infos
// where the numbers alone tell the order.
func (b *backend) ordered(p place, names []fs.DirEntry) ([]archivedVersion, error) {
	var list []archivedVersion
	seen := map[int64]bool{0: true} // 0 is a digest, which has no number
	for _, e := range names {
		version := strings.TrimSuffix(e.Name(), ext)
		number, _ := versionNumber(version)
		if seen[number] {
			list, err := b.archived(p)
			sortVersions(list)
			return list, err
		}
		seen[number] = true
		list = append(list, archivedVersion{version: version, number: number})
	}
	sortVersions(list)
	return list, nil
}

// sortVersions sorts the newest to the front. Numbers decide, as clocks jump;
// the current one is the newest whatever it is. The digest of a plain file
// has no number, so its file's time gives it a place among the others.
func sortVersions(list []archivedVersion) {
	plain := func(v archivedVersion) bool { return v.number == 0 && !v.current }
	slices.SortFunc(list, func(x, y archivedVersion) int {
		switch {
		case x.current != y.current:
			if x.current {
				return -1
			}
			return 1
		case plain(x) != plain(y):
			if plain(x) {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(y.number, x.number), y.time.Compare(x.time), cmp.Compare(y.version, x.version))
	})
	first := slices.IndexFunc(list, plain)
	if first < 0 {
		return
	}
	rest := slices.Clone(list[first:])
	sorted := list[:first:first]
	for _, v := range rest {
		at := slices.IndexFunc(sorted, func(o archivedVersion) bool { return !o.current && !o.time.After(v.time) })
		if at < 0 {
			at = len(sorted)
		}
		sorted = slices.Insert(sorted, at, v)
	}
	copy(list, sorted)
}
