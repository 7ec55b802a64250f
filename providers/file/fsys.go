package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fileSystem is everything that a store does to its folder. Names are
// relative to it, with slashes. It is an interface so that tests can record
// the operations and replay what a crash would have left of them.
type fileSystem interface {
	// open opens a regular file for reading. It follows no link in the last
	// element of name.
	open(name string) (io.ReadCloser, error)
	// create makes a file that must not be there.
	create(name string) (newFile, error)
	link(from, to string) error
	rename(from, to string) error
	remove(name string) error
	mkdir(name string) error
	readDir(name string) ([]fs.DirEntry, error)
	lstat(name string) (fs.FileInfo, error)
	// syncDir makes the entries of a folder durable.
	syncDir(name string) error
	// tryLock takes the writers' lock, or says who holds it. It never waits.
	tryLock() (storeLock, lockHolder, error)
	// refusesWrites says why this kind of file system can't be written to
	// safely; empty if it can.
	refusesWrites() string
}

type newFile interface {
	io.Writer
	Sync() error
	Close() error
}

// storeLock is a lock that is held.
type storeLock interface {
	// held reports whether the lock is still the one that others would take:
	// its file can be deleted under us.
	held() bool
	release()
}

// lockHolder is the process that holds the lock, as it wrote it down; empty
// if the lock was free, or if the holder has not written yet.
type lockHolder string

// lockName is the file of the lock, in the folder of the store.
const lockName = ".lock"

// errNotRegular: a link, a folder, a device or a pipe where a file belongs.
var errNotRegular = errors.New("not a regular file")

// osFS is the file system of the machine, below one folder.
type osFS struct{ dir string }

func (o osFS) path(name string) string { return filepath.Join(o.dir, filepath.FromSlash(name)) }

func (o osFS) open(name string) (io.ReadCloser, error) {
	path := o.path(name)
	if err := refuseLink(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (o osFS) create(name string) (newFile, error) {
	// Ciphertext may have any mode: what git checks out, and what a server's
	// other users must read, is not 0600 either. The umask decides.
	f, err := os.OpenFile(o.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (o osFS) link(from, to string) error   { return os.Link(o.path(from), o.path(to)) }
func (o osFS) rename(from, to string) error { return os.Rename(o.path(from), o.path(to)) }
func (o osFS) remove(name string) error     { return os.Remove(o.path(name)) }
func (o osFS) mkdir(name string) error      { return os.Mkdir(o.path(name), 0o777) }

func (o osFS) readDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(o.path(name)) }
func (o osFS) lstat(name string) (fs.FileInfo, error)     { return os.Lstat(o.path(name)) }
func (o osFS) syncDir(name string) error                  { return syncDir(o.path(name)) }
func (o osFS) refusesWrites() string                      { return refusesWrites(o.dir) }

func (o osFS) tryLock() (storeLock, lockHolder, error) {
	path := o.path(lockName)
	for range 100 {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|openFlags, 0o666)
		if err != nil {
			return nil, "", err
		}
		ok, err := lockFile(f)
		if err != nil {
			f.Close()
			return nil, "", err
		}
		if !ok {
			holder := readHolder(f)
			f.Close()
			return nil, holder, nil
		}
		l := &fileLock{f: f, path: path}
		if l.held() {
			l.sign()
			return l, "", nil
		}
		// The file was deleted between open and lock, as git clean does:
		// others would lock a new one.
		f.Close()
	}
	return nil, "", errLockDeleted
}

var errLockDeleted = errors.New("the lock file is deleted again and again")
