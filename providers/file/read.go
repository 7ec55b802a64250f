package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Get implements core.Backend.
func (b *backend) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	p, err := placeOf(id)
	if err != nil {
		return core.Secret{}, err
	}
	if o.Version == "" {
		return b.getCurrent(ctx, p)
	}
	// The current version first: a writer links it into the history before
	// it puts the next one in its place, so a version that is not current
	// any more is there.
	h, err := b.currentHeader(p)
	if err != nil && core.KindOf(err) != core.ErrCorrupt {
		return core.Secret{}, err
	}
	if err == nil && h.version() == o.Version {
		s, err := b.getCurrent(ctx, p)
		if err != nil || s.Version == o.Version {
			return s, err
		}
	}
	old, oldErr := b.getArchived(ctx, p, o.Version)
	if err != nil && errors.Is(oldErr, core.ErrNotFound) {
		return old, err // it may be the damaged one
	}
	return old, oldErr
}

func (b *backend) getCurrent(ctx context.Context, p place) (core.Secret, error) {
	var data []byte
	err := b.present(p, func() (err error) {
		data, err = b.readWhole(p.current)
		return err
	})
	if err != nil {
		return core.Secret{}, b.readFault(err)
	}
	return b.open(ctx, p, "", data)
}

// getArchived reads an earlier version, of a deleted secret too.
func (b *backend) getArchived(ctx context.Context, p place, version string) (core.Secret, error) {
	if _, ok := versionNumber(version); !ok {
		return core.Secret{}, errVersionGone
	}
	data, err := b.readWhole(p.version(version))
	if errors.Is(err, fs.ErrNotExist) {
		return core.Secret{}, errVersionGone
	}
	if err != nil {
		return core.Secret{}, b.readFault(err)
	}
	return b.open(ctx, p, version, data)
}

// version is the file of an earlier version.
func (p place) version(v string) string { return p.history + "/" + v + ext }

// open decrypts what was read as a version of an id, the current one if
// version is empty.
func (b *backend) open(ctx context.Context, p place, version string, data []byte) (core.Secret, error) {
	with, err := b.identities(ctx)
	if err != nil {
		return core.Secret{}, err
	}
	value, h, err := unseal(ctx, data, p.id, version, with.list)
	if err != nil {
		return core.Secret{}, b.openFault(err, p, data, with)
	}
	s := core.Secret{Info: h.info(p.id), Value: core.Bytes(value)}
	s.Source = b.source
	return s, nil
}

// openFault says more about a file that did not open.
func (b *backend) openFault(err error, p place, data []byte, with *identities) error {
	switch {
	case core.KindOf(err) == core.ErrCorrupt && isConflict(data):
		return conflictFault(p.current)
	case errors.Is(err, errNoMatch):
		// A damaged header looks as if it was made for somebody else. It was
		// not, if it says that it was made for a set that we are in.
		set, setErr := b.recipients()
		h, headerErr := readHeader(strings.NewReader(string(data)))
		if setErr != nil || headerErr != nil || h.meta == nil || h.meta.recipients != set.digest {
			return err
		}
		for _, r := range set.list {
			if slices.Contains(with.own, r.Key) {
				return errNotAge
			}
		}
	}
	return err
}

// readWhole reads one file. It is one version even if it is replaced
// meanwhile: a write never changes a file in place.
func (b *backend) readWhole(name string) ([]byte, error) {
	f, err := b.fs.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileLen+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFileLen {
		return nil, corrupt("the file is larger than 4 MiB, which no secret of 64 KiB needs")
	}
	return data, nil
}

// headerOf reads the header of a file, and not the rest if it can be helped.
// It returns an error that matches fs.ErrNotExist if the file is not there.
func (b *backend) headerOf(name, id, version string) (header, error) {
	f, err := b.fs.open(name)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	src := &errorKeeper{r: f}
	h, err := readHeader(src)
	if src.err != nil {
		return header{}, src.err // the disk's fault, and not the file's
	}
	if err != nil {
		if data, err := b.readWhole(name); err == nil && isConflict(data) {
			return header{}, conflictFault(name)
		}
		return header{}, err
	}
	if h.meta != nil {
		if err := h.meta.check(id, version); err != nil {
			return header{}, err
		}
	}
	if version != "" && h.version() != version {
		return header{}, corrupt("the file is another version of this secret; it was swapped or renamed")
	}
	return h, nil
}

// errorKeeper keeps the error of a reader, which else is lost among those of
// a parser.
type errorKeeper struct {
	r   io.Reader
	err error
}

func (k *errorKeeper) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		k.err = err
	}
	return n, err
}

// currentHeader reads the header of the current version.
func (b *backend) currentHeader(p place) (header, error) {
	var h header
	err := b.present(p, func() (err error) {
		h, err = b.headerOf(p.current, p.id, "")
		return err
	})
	if err != nil {
		return header{}, b.readFault(err)
	}
	return h, nil
}

// Stat implements core.Statter. It decrypts nothing and needs no identity.
func (b *backend) Stat(_ context.Context, id string, o core.GetOptions) (core.Info, error) {
	p, err := placeOf(id)
	if err != nil {
		return core.Info{}, err
	}
	h, err := b.currentHeader(p)
	if o.Version != "" && (err == nil && h.version() != o.Version || core.KindOf(err) == core.ErrCorrupt) {
		old, oldErr := b.archivedHeader(p, o.Version)
		if err == nil || !errors.Is(oldErr, core.ErrNotFound) { // else it may be the damaged one
			h, err = old, oldErr
		}
	}
	if err != nil {
		return core.Info{}, err
	}
	info := h.info(id)
	info.Source = b.source
	return info, nil
}

// archivedHeader reads the header of an earlier version.
func (b *backend) archivedHeader(p place, version string) (header, error) {
	if _, ok := versionNumber(version); !ok {
		return header{}, errVersionGone
	}
	h, err := b.headerOf(p.version(version), p.id, version)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return header{}, errVersionGone
	case err != nil:
		return header{}, b.readFault(err)
	}
	return h, nil
}

var errVersionGone = &core.Error{Kind: core.ErrNotFound, Hint: "the version is not kept; lukko versions lists those that are"}

// GetMany implements core.BatchGetter: it decrypts on all cores.
func (b *backend) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	return core.GetEach(ctx, ids, runtime.GOMAXPROCS(0), func(ctx context.Context, id string) (core.Secret, error) {
		return b.Get(ctx, id, o)
	})
}
