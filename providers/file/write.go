package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// Set implements core.Setter. It needs no identity.
func (b *backend) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	p, err := placeOf(id)
	if err != nil {
		return core.Info{}, err
	}
	w, err := b.beginWrite(ctx)
	if err != nil {
		return core.Info{}, err
	}
	defer w.end()
	set, err := b.acceptedRecipients()
	if err != nil {
		return core.Info{}, core.NotWritten(err)
	}
	old, err := w.find(p)
	if err != nil {
		return core.Info{}, core.NotWritten(err)
	}
	if err := old.check(o); err != nil {
		return core.Info{}, err
	}
	if !old.there {
		if err := w.refuseTwin(p); err != nil {
			return core.Info{}, core.NotWritten(err)
		}
	}
	m := &meta{id: id, created: b.now(), recipients: set.digest}
	if m.version, err = w.nextVersion(p, old); err != nil {
		return core.Info{}, core.NotWritten(err)
	}
	data, err := seal(value.RevealBytes(), m, set.to)
	if err != nil {
		return core.Info{}, core.NotWritten(err)
	}
	if err := w.replace(p, old, data); err != nil {
		return core.Info{}, err
	}
	w.prune(p, old)
	info := header{meta: m}.info(id)
	info.Source = b.source
	return info, nil
}

// now is the time of a version; zero, which is not known, where the clock
// tells a year that RFC 3339 can't write.
func (b *backend) now() time.Time {
	t := b.cfg.Clock().UTC().Round(0)
	if y := t.Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return t
}

// Delete implements core.Deleter. It needs no identity, and works though the
// recipients were not accepted, as it encrypts nothing.
func (b *backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	p, err := placeOf(id)
	if err != nil {
		return err
	}
	w, err := b.beginWrite(ctx)
	if err != nil {
		return err
	}
	defer w.end()
	if o.Purge {
		return w.purge(p)
	}
	old, err := w.find(p)
	if err != nil {
		return core.NotWritten(err)
	}
	if !old.there {
		return b.absent(p)
	}
	// Linked before it is unlinked, and not renamed: a crash could keep one
	// half of a rename between two folders.
	if err := w.archive(p, old); err != nil {
		return b.writeFault(err)
	}
	if err := w.stillOurs(); err != nil {
		return err
	}
	if err := b.fs.remove(p.current); err != nil {
		return b.writeFault(err)
	}
	if err := b.fs.syncDir(parent(p.current)); err != nil {
		return indeterminate(err)
	}
	w.removeEmpty(parent(p.current), secretsDir)
	w.prune(p, old)
	return nil
}

// writing is one change of the store, under its lock.
type writing struct {
	ctx  context.Context // of the one call that this is
	b    *backend
	lock storeLock
}

// beginWrite takes the lock and clears what a writer before may have left.
// Nothing was written if it fails.
func (b *backend) beginWrite(ctx context.Context) (*writing, error) {
	if reason := b.fs.refusesWrites(); reason != "" {
		return nil, &core.Error{Kind: errors.ErrUnsupported, Hint: reason + "; it can be read, not written to"}
	}
	lock, err := b.lock(ctx)
	if err != nil {
		return nil, core.NotWritten(err)
	}
	w := &writing{ctx, b, lock}
	err = b.stillThere()
	if err == nil {
		err = b.fs.remove(tempName)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		w.end()
		return nil, b.writeFault(err)
	}
	return w, nil
}

func (w *writing) end() { w.lock.release() }

// stillOurs is the last check before a change: a lock whose file was deleted
// may be held by two.
func (w *writing) stillOurs() error {
	if err := w.ctx.Err(); err != nil {
		return core.NotWritten(err)
	}
	if !w.lock.held() {
		return core.NotWritten(&core.Error{
			Kind: core.ErrUnavailable,
			Hint: "the store's lock file was deleted meanwhile; nothing was written, try again",
		})
	}
	return nil
}

// found is what a write finds in the place of the current version.
type found struct {
	there   bool
	version string
	number  int64
	damaged error // why its header can't be read; the version is then a digest of the file
}

// find looks for the current version. It decrypts nothing.
func (w *writing) find(p place) (found, error) {
	h, err := w.b.headerOf(p.current, p.id, "")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return found{}, nil
	case core.KindOf(err) == core.ErrCorrupt:
		data, readErr := w.b.readWhole(p.current)
		if readErr != nil {
			return found{}, w.b.readFault(readErr)
		}
		version, _ := digestVersion(strings.NewReader(string(data)))
		return found{there: true, version: version, damaged: err}, nil
	case err != nil:
		return found{}, w.b.readFault(err)
	}
	f := found{there: true, version: h.version()}
	f.number, _ = versionNumber(f.version)
	return f, nil
}

// check says whether the condition of a write holds. A damaged file can be
// replaced, and is then kept in the history as it is; but no condition on it
// can be known to hold.
func (f found) check(o core.SetOptions) error {
	switch {
	case o.IfAbsent && f.there:
		return &core.Error{Kind: core.ErrConflict, Hint: "the id has a value already"}
	case o.IfVersion == "":
		return nil
	case !f.there:
		return &core.Error{Kind: core.ErrConflict, Hint: "the id has no value any more"}
	case f.damaged != nil:
		return core.NotWritten(f.damaged)
	case o.IfVersion != f.version:
		return &core.Error{Kind: core.ErrConflict, Hint: "another version is current; read it and decide again"}
	}
	return nil
}

// nextVersion makes a version with a number above all that are known.
func (w *writing) nextVersion(p place, old found) (string, error) {
	highest := old.number
	names, err := w.b.archivedNames(p)
	if err != nil {
		return "", w.b.readFault(err)
	}
	for _, e := range names {
		n, _ := versionNumber(strings.TrimSuffix(e.Name(), ext))
		highest = max(highest, n)
	}
	v := newVersion(highest + 1)
	if _, ok := versionNumber(v); !ok {
		return "", corrupt("the numbers of the secret's versions have reached their end; purge it")
	}
	return v, nil
}

// refuseTwin refuses a new id that differs only by case from one that is or
// was there: some file systems could not keep them apart.
func (w *writing) refuseTwin(p place) error {
	segments := strings.Split(p.id, "/")
	for _, root := range []string{secretsDir, historyDir} {
		dir := root
		for i, segment := range segments {
			folder := i < len(segments)-1 || root == historyDir
			entries, err := w.b.fs.readDir(dir)
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if err != nil {
				return w.b.readFault(err)
			}
			exact := false
			for _, e := range entries {
				name, ok := unescape(e.Name(), true)
				if !folder {
					name, ok = secretName(e)
				}
				if !ok || e.IsDir() != folder {
					continue
				}
				exact = exact || name == segment
				if name != segment && strings.EqualFold(name, segment) {
					twin := strings.Join(append(slices.Clone(segments[:i]), name), "/")
					return &core.Error{Kind: core.ErrInvalidID, Hint: "it differs only by case from " + twin + ", which is in the store or its history"}
				}
			}
			if !exact {
				break
			}
			dir += "/" + escape(segment, true)
		}
	}
	return nil
}

// replace makes data the current version of p, and the old one a part of the
// history. A reader sees the old or the new one, at any time and after any
// crash, and finds the old one in the history as soon as it is not current.
func (w *writing) replace(p place, old found, data []byte) error {
	if err := w.temp(data); err != nil {
		return w.b.writeFault(err)
	}
	if old.there {
		if err := w.archive(p, old); err != nil {
			_ = w.b.fs.remove(tempName)
			return w.b.writeFault(err)
		}
	}
	return w.put(p.current)
}

// put renames the temporary file to its place. What fails after that is
// indeterminate.
func (w *writing) put(name string) error {
	err := w.folder(parent(name))
	if err == nil {
		err = w.stillOurs()
	}
	if err == nil {
		err = w.b.fs.rename(tempName, name)
	}
	if err != nil {
		_ = w.b.fs.remove(tempName)
		return w.b.writeFault(err)
	}
	if err := w.b.fs.syncDir(parent(name)); err != nil {
		return indeterminate(err)
	}
	return nil
}

// temp writes the temporary file and syncs it.
func (w *writing) temp(data []byte) error {
	f, err := w.b.fs.create(tempName)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		_ = w.b.fs.remove(tempName)
		return err
	}
	return nil
}

// archive links the current version into the history, durably.
func (w *writing) archive(p place, old found) error {
	if err := w.folder(p.history); err != nil {
		return err
	}
	to := p.version(old.version)
	err := w.b.fs.link(p.current, to)
	if errors.Is(err, fs.ErrExist) {
		// A write was interrupted after its link, or the current version was
		// encrypted anew since: what is current is right.
		if err = w.b.fs.remove(to); err == nil {
			err = w.b.fs.link(p.current, to)
		}
	}
	if err != nil {
		return err
	}
	return w.b.fs.syncDir(p.history)
}

// folder makes a folder and those above it, durably. It refuses links: what
// is behind them is another folder's business.
func (w *writing) folder(name string) error {
	if name == "." {
		return nil
	}
	if err := w.folder(parent(name)); err != nil {
		return err
	}
	if err := w.b.fs.mkdir(name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := w.b.fs.lstat(name)
	if err == nil && !info.IsDir() {
		err = errNotRegular
	}
	if err != nil {
		return err
	}
	// A folder that was there already may be of a writer that was killed
	// before it synced this.
	if known := w.b.durable[name]; known != nil && os.SameFile(known, info) {
		return nil
	}
	if err := w.b.fs.syncDir(parent(name)); err != nil {
		return err
	}
	w.b.durable[name] = info
	return nil
}

// prune removes the oldest versions above the limit, never the one that was
// current before this write. What can't be removed is left for the next
// write: the write itself has succeeded.
func (w *writing) prune(p place, old found) {
	names, err := w.b.archivedNames(p)
	if err != nil || len(names) <= w.b.cfg.History {
		return
	}
	kept, err := w.b.ordered(p, names)
	if err != nil {
		return
	}
	if i := slices.IndexFunc(kept, func(v archivedVersion) bool { return v.version == old.version }); i > 0 {
		just := kept[i]
		kept = slices.Insert(slices.Delete(kept, i, i+1), 0, just)
	}
	for _, v := range kept[min(w.b.cfg.History, len(kept)):] {
		_ = w.b.fs.remove(p.version(v.version))
	}
}

// purge removes the current version and the history, of a deleted secret too.
func (w *writing) purge(p place) error {
	b := w.b
	names, err := b.archivedNames(p)
	if err != nil {
		return b.writeFault(err)
	}
	if err := w.stillOurs(); err != nil {
		return err
	}
	switch err := b.fs.remove(p.current); {
	case err == nil:
		if err := b.fs.syncDir(parent(p.current)); err != nil {
			return indeterminate(err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return b.writeFault(err)
	case len(names) == 0:
		return b.absent(p)
	}
	for _, e := range names {
		if err := b.fs.remove(p.history + "/" + e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return indeterminate(err)
		}
	}
	if len(names) > 0 {
		if err := b.fs.syncDir(p.history); err != nil {
			return indeterminate(err)
		}
	}
	w.removeEmpty(parent(p.current), secretsDir)
	w.removeEmpty(p.history, historyDir)
	return nil
}

// removeEmpty removes empty folders, from dir up to the root of its kind. A
// folder that is not empty stays by itself.
func (w *writing) removeEmpty(dir, root string) {
	for dir != root && w.b.fs.remove(dir) == nil {
		dir = path.Dir(dir)
	}
}
