package file

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

const openFlags = 0

// refuseLink stands in for O_NOFOLLOW, which Windows lacks.
func refuseLink(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errNotRegular
	}
	return nil
}

// syncDir does nothing: Windows has no way to sync a folder.
func syncDir(string) error { return nil }

// lockFile takes an exclusive lock on a byte far behind the content, which
// others may still read.
func lockFile(f *os.File) (bool, error) {
	at := &windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	}
	return false, err
}

// Modes say nothing about access lists, so nothing is concluded from them.
func othersCanWrite(fs.FileInfo) bool { return false }
func othersCanRead(fs.FileInfo) bool  { return false }

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

func isFull(err error) bool {
	return isErrno(err, windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
func isReadOnly(err error) bool    { return isErrno(err, windows.ERROR_WRITE_PROTECT) }
func noDescriptors(err error) bool { return isErrno(err, windows.ERROR_TOO_MANY_OPEN_FILES) }
func isLink(error) bool            { return false }
func isNotDir(err error) bool      { return isErrno(err, windows.ERROR_DIRECTORY) }

func isNotSupported(err error) bool {
	return isErrno(err, windows.ERROR_NOT_SUPPORTED, windows.ERROR_INVALID_FUNCTION, windows.ERROR_NOT_SAME_DEVICE)
}
