package env

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"github.com/lukko-dev/lukko/core"
)

// readFile reads the file that variable names. Its errors tell the name of
// the variable and not the path: a secret that was put there by mistake
// would be shown.
func readFile(path, variable string) (core.Value, error) {
	fail := func(kind error, what string) (core.Value, error) {
		return core.Value{}, &core.Error{Kind: kind, Hint: "the file that " + variable + " names " + what}
	}
	// Without O_NONBLOCK, opening a named pipe would wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fail(core.ErrNotFound, "does not exist")
	case errors.Is(err, fs.ErrPermission):
		return fail(core.ErrPermissionDenied, "may not be read; its owner or mode must allow this process")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fail(core.ErrUnavailable, "can't be opened, as too many files are open")
	case err != nil:
		return fail(core.ErrUnavailable, "can't be opened")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fail(core.ErrUnavailable, "can't be read")
	}
	if !info.Mode().IsRegular() {
		return fail(core.ErrInvalidValue, "is no regular file")
	}
	// Two bytes more than the limit are room for the newline that may go.
	content, err := io.ReadAll(io.LimitReader(f, core.MaxValueLen+3))
	if err != nil {
		return fail(core.ErrUnavailable, "can't be read")
	}
	content, _ = core.TrimLine(content)
	switch {
	case len(content) == 0:
		return fail(core.ErrNotFound, "is empty")
	case len(content) > core.MaxValueLen:
		return fail(core.ErrInvalidValue, "has more than "+strconv.Itoa(core.MaxValueLen)+" bytes (64 KiB)")
	}
	return core.Bytes(content), nil
}
