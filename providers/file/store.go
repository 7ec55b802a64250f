package file

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
)

// provider is the name in errors and in Info.Source.
const provider = "file"

// Store is an encrypted store: a core.SecretService with what only this kind
// can do beside it. It is safe for concurrent use by any number of goroutines
// and processes.
//
// All errors are *core.Error, but for the *core.BatchError of GetMany and List.
type Store struct {
	*core.Store
	b *backend
}

// New opens a store that [Init] made. It reads recipients.txt and nothing
// else. It is core.ErrUnavailable, and names lukko init, if there is no store
// in the folder; core.ErrInvalidOption if cfg is wrong; core.ErrCorrupt if
// the folder is something else; errors.ErrUnsupported if a newer version of
// Lukko made it.
func New(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	b := newBackend(cfg, osFS{cfg.Dir})
	if err := b.exists(); err != nil {
		return nil, named("open", err)
	}
	b.warnOfWriters()
	return b.store(), nil
}

func init() { core.Register("file", Opener(Config{})) }

// Opener opens stores by the URLs file:///absolute/folder and
// file:relative/folder, with the settings of cfg but for its Dir. core.Open
// has the one of Config{}; a program that asks for passphrases registers its
// own in a core.Schemes.
func Opener(cfg Config) core.Opener {
	return func(_ context.Context, u *url.URL) (*core.Store, error) {
		if _, err := core.Query(u); err != nil {
			return nil, err
		}
		dir, err := DirOf(u)
		if err != nil {
			return nil, err
		}
		cfg := cfg
		cfg.Dir = dir
		s, err := New(cfg)
		if err != nil {
			return nil, err
		}
		return s.Store, nil
	}
}

// DirOf returns the folder that a URL of the scheme file names. The error
// matches core.ErrInvalidOption and does not quote the URL.
func DirOf(u *url.URL) (string, error) {
	invalid := func(hint string) (string, error) {
		return "", &core.Error{Op: "open", Provider: provider, Kind: core.ErrInvalidOption, Hint: hint}
	}
	if u.Scheme != "file" {
		return invalid("the URL's scheme is not file")
	}
	if u.Host != "" {
		return invalid("a folder has no host: write file:///absolute/folder or file:relative/folder")
	}
	path := u.Path
	if u.Opaque != "" {
		var err error
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return invalid("the URL has a % that begins no escape; a percent sign is written %25")
		}
	}
	if path == "" || strings.ContainsRune(path, 0) {
		return invalid("the URL names no folder: write file:///absolute/folder or file:relative/folder")
	}
	// file:///C:/folder has its drive behind a slash.
	if runtime.GOOS == "windows" && len(path) >= 3 && path[0] == '/' && path[2] == ':' {
		path = path[1:]
	}
	return filepath.FromSlash(path), nil
}

// Dir returns the folder of the store, absolute.
func (s *Store) Dir() string { return s.b.cfg.Dir }

// backend is the store below the front of core.
type backend struct {
	cfg    Config
	fs     fileSystem
	pins   pins
	source string // for Info.Source

	writer   chan struct{} // the writers of this process queue here
	lockWait time.Duration
	durable  map[string]fs.FileInfo // folders whose entry is known to be on the disk; of the writer
	warned   atomic.Bool            // of others who can write
	closed   atomic.Bool

	loading chan struct{} // one at a time looks for identities
	loaded  atomic.Pointer[identities]
}

type identities struct {
	list []age.Identity
	own  []string // their recipients, as far as they tell
}

func newBackend(cfg Config, fsys fileSystem) *backend {
	return &backend{
		cfg:      cfg,
		fs:       fsys,
		pins:     &userPins{cfg},
		source:   "file:" + filepath.ToSlash(cfg.Dir),
		writer:   make(chan struct{}, 1),
		durable:  map[string]fs.FileInfo{},
		lockWait: lockWait,
		loading:  make(chan struct{}, 1),
	}
}

func (b *backend) store() *Store { return &Store{core.New(provider, b), b} }

var (
	_ core.Backend     = (*backend)(nil)
	_ core.BatchGetter = (*backend)(nil)
	_ core.Statter     = (*backend)(nil)
	_ core.Setter      = (*backend)(nil)
	_ core.Deleter     = (*backend)(nil)
	_ core.Lister      = (*backend)(nil)
	_ core.Versioner   = (*backend)(nil)
	_ core.Capable     = (*backend)(nil)
)

// Capabilities claims everything, but no writes where the file system can't
// keep their promises.
func (b *backend) Capabilities(context.Context) (core.Capabilities, error) {
	writes := b.fs.refusesWrites() == ""
	return core.Capabilities{
		Set: writes, Delete: writes, Purge: writes,
		IfAbsent: writes, IfVersion: writes,
		List: true, Versions: true, AtVersion: true,
	}, nil
}

// Close implements io.Closer. There is nothing to release: no file is open
// between calls.
func (b *backend) Close() error {
	b.closed.Store(true)
	return nil
}

// exists checks that the folder is a store.
func (b *backend) exists() error {
	data, err := b.readRecipientsFile()
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return checkFormat(first)
}

// warnOfWriters tells, once a store, that others than its owner can write to
// the folder.
func (b *backend) warnOfWriters() {
	if name := b.writableByOthers(); name != "" && b.warned.CompareAndSwap(false, true) {
		b.cfg.Notice("others can write to " + filepath.Join(b.cfg.Dir, name) +
			": they can replace secrets and add recipients; run chmod go-w on it if that is not meant")
	}
}

func (b *backend) writableByOthers() string {
	for _, name := range []string{".", recipientsName, secretsDir, historyDir} {
		if info, err := b.fs.lstat(name); err == nil && othersCanWrite(info) {
			return name
		}
	}
	return ""
}

// identities finds what reads the secrets, at the first call that needs it.
// A failure is not kept, so a person can mend it and try again.
func (b *backend) identities(ctx context.Context) (*identities, error) {
	if found := b.loaded.Load(); found != nil {
		return found, nil
	}
	select {
	case b.loading <- struct{}{}:
		defer func() { <-b.loading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if found := b.loaded.Load(); found != nil {
		return found, nil
	}
	_, list, err := b.cfg.findIdentities(ctx)
	if err != nil {
		return nil, err
	}
	found := &identities{list: slices.Clone(list)}
	// What asks nobody comes before plugins, which may want a touch.
	slices.SortStableFunc(found.list, func(x, y age.Identity) int { return asks(x) - asks(y) })
	for _, i := range found.list {
		if key := recipientOf(i); key != "" {
			found.own = append(found.own, key)
		}
	}
	b.loaded.Store(found)
	return found, nil
}

func asks(i age.Identity) int {
	if _, ok := i.(*pluginIdentity); ok {
		return 1
	}
	return 0
}

// absent says what it means that the file of an id is not there: the id has
// no value only if the folder is still a store, and nothing else is in the
// place of the file. It returns errAppeared if the file is there by now.
func (b *backend) absent(p place) error {
	if info, err := b.fs.lstat(p.current); err == nil {
		if info.Mode().IsRegular() {
			return errAppeared
		}
		return b.readFault(errNotRegular)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return b.readFault(err)
	}
	if err := b.stillThere(); err != nil {
		return err
	}
	if names, err := b.archivedNames(p); err == nil && len(names) > 0 {
		for _, m := range b.misplaced(p) {
			return corrupt("one branch deleted it and another set it, and git merged that without a word: lukko rollback " +
				p.id + " " + m.version + " keeps what was set, lukko rm --purge deletes it")
		}
		return &core.Error{Kind: core.ErrNotFound, Hint: "it was deleted; lukko rollback brings back one of its versions"}
	}
	return &core.Error{Kind: core.ErrNotFound, Hint: "no secret of this id is in the store; lukko set stores one"}
}

// errAppeared: a writer has put the file there after we found none.
var errAppeared = &core.Error{Kind: core.ErrUnavailable, Hint: "the secret is written and deleted all the time; nothing was done, try again"}

// present calls read, which opens the current version of an id, and again if
// that appeared only after read had found none. What read returns otherwise
// stands, but for fs.ErrNotExist.
func (b *backend) present(p place, read func() error) error {
	for range 100 {
		err := read()
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := b.absent(p); !errors.Is(err, errAppeared) {
			return err
		}
	}
	return errAppeared
}

// stillThere says whether the folder is still a store, after something in it
// was not there: a file system that is not mounted any more has no secrets,
// and that does not mean that there are none.
func (b *backend) stillThere() error {
	_, err := b.fs.lstat(recipientsName)
	if errors.Is(err, fs.ErrNotExist) {
		return b.noStore()
	}
	if err != nil {
		return b.readFault(err)
	}
	return nil
}

// named completes the error of an operation that does not pass through the
// front of core.
func named(op string, err error) error { return namedID(op, "", err) }

func namedID(op, id string, err error) error {
	if err == nil {
		return nil
	}
	e := &core.Error{Op: op, Provider: provider, ID: id}
	if given := (*core.Error)(nil); errors.As(err, &given) {
		e.Kind, e.Code, e.Hint, e.Err = given.Kind, given.Code, given.Hint, given.Err
	} else {
		e.Kind, e.Err = core.KindOf(err), err
	}
	if !errors.Is(e.Err, context.Canceled) && !errors.Is(e.Err, context.DeadlineExceeded) {
		e.Err = nil // a text of somebody else's
	}
	if e.Kind == nil && e.Err == nil {
		e.Kind = core.ErrUnavailable
	}
	return e
}

// begin checks what every operation beside the front must: that the store is
// open and the context has not ended.
func (s *Store) begin(ctx context.Context, op, id string) error {
	if err := ctx.Err(); err != nil {
		return namedID(op, id, err)
	}
	if s.b.closed.Load() {
		return namedID(op, id, &core.Error{Kind: core.ErrClosed, Hint: "the store was closed before this call"})
	}
	return nil
}
