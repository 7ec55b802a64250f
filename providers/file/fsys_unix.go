//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openFlags: a link is refused, and a pipe does not block the opener.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// refuseLink is done by openFlags here.
func refuseLink(string) error { return nil }

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// lockFile takes an exclusive flock on an open file, or returns false if
// somebody else has it.
func lockFile(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, err
		}
	}
}

// othersCanWrite reports whether the mode lets somebody beside the owner
// write. A group with the number of its owner is that user's own, as most
// Linux systems give each user.
func othersCanWrite(info fs.FileInfo) bool {
	mode := info.Mode().Perm()
	if info.IsDir() && info.Mode()&fs.ModeSticky != 0 {
		return false
	}
	if mode&0o002 != 0 {
		return true
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return mode&0o020 != 0 && !(ok && st.Uid == st.Gid)
}

// othersCanRead reports whether the mode of an identity lets anybody beside
// its owner near it.
func othersCanRead(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// isErrno reports whether err is one of the system's errors.
func isErrno(err error, any ...syscall.Errno) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	for _, e := range any {
		if errno == e {
			return true
		}
	}
	return false
}

func isFull(err error) bool        { return isErrno(err, syscall.ENOSPC, syscall.EDQUOT) }
func isReadOnly(err error) bool    { return isErrno(err, syscall.EROFS) }
func noDescriptors(err error) bool { return isErrno(err, syscall.EMFILE, syscall.ENFILE) }
func isLink(err error) bool        { return isErrno(err, syscall.ELOOP, syscall.EMLINK) }
func isNotDir(err error) bool      { return isErrno(err, syscall.ENOTDIR) }

// isNotSupported: the file system has no flock, link or rename.
func isNotSupported(err error) bool {
	return isErrno(err, syscall.ENOSYS, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOLCK, syscall.EXDEV)
}
