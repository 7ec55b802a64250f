package file

import (
	"context"
	"errors"
	"io/fs"

	"filippo.io/age/plugin"

	"github.com/lukko-dev/lukko/core"
)

// noStore is the error of a folder that holds no store. It is never
// ErrNotFound, which is said of ids: a chain would go on to the next layer.
func (b *backend) noStore() error {
	return &core.Error{
		Kind: core.ErrUnavailable,
		Hint: "there is no store in the folder " + b.cfg.Dir + "; lukko init makes one",
	}
}

// systemFault is the kind of a system's error, with what to do next. Kind is
// nil if it isn't known.
func systemFault(err error) *core.Error {
	e := &core.Error{Err: err}
	switch {
	case errors.As(err, new(*core.Error)):
		errors.As(err, &e)
	case isFull(err):
		e.Kind, e.Code, e.Hint = core.ErrExhausted, "ENOSPC", "the disk or the quota is full; free some space"
	case isReadOnly(err):
		e.Kind, e.Code, e.Hint = core.ErrPermissionDenied, "EROFS", "the file system is mounted read-only"
	case noDescriptors(err):
		e.Kind, e.Code, e.Hint = core.ErrUnavailable, "EMFILE", "the process or the system has no file descriptors left; raise the limit or close some"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Code, e.Hint = core.ErrPermissionDenied, "EACCES", "the permissions of the store's folder don't allow it"
	case isLink(err), errors.Is(err, errNotRegular):
		e.Kind, e.Hint = core.ErrCorrupt, "there is a link, a folder or a device where a file of the store belongs; remove it"
	case isNotDir(err):
		e.Kind, e.Hint = core.ErrCorrupt, "there is a file where a folder of the store belongs; remove it"
	}
	return e
}

// readFault is the error of a failed read.
func (b *backend) readFault(err error) error {
	e := systemFault(err)
	if e.Kind == nil && e.Hint == "" {
		e.Kind, e.Hint = core.ErrUnavailable, "the system could not read from the store's folder"
	}
	return e
}

// writeFault is the error of a write that failed before anything was changed
// that a reader could see.
func (b *backend) writeFault(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return core.NotWritten(err)
	}
	e := systemFault(err)
	switch {
	case e.Kind != nil || errors.As(err, new(*core.Error)):
	case isNotSupported(err):
		e.Kind, e.Hint = errors.ErrUnsupported, "the file system has no locks, links or renames as the store needs them; it can be read, not written to"
	default:
		e.Kind, e.Hint = core.ErrUnavailable, "the system could not write to the store's folder; nothing was written"
	}
	return core.NotWritten(e)
}

func (b *backend) lockFault(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return core.NotWritten(b.noStore())
	}
	return b.writeFault(err)
}

// indeterminate is the error of a sync that failed after the change was made.
// To sync again would prove nothing: the kernel may have dropped what it
// could not write.
func indeterminate(err error) error {
	return &core.Error{
		Kind: core.ErrIndeterminate, Err: err,
		Hint: "the disk failed while the change was made durable; it may be lost if the power fails. Check the disk, read, and decide again",
	}
}

// pluginFault is the error of a plugin that failed; nil for any other. What
// it says is dropped: it is somebody else's text about a key.
func pluginFault(err error) error {
	if missing := (*plugin.NotFoundError)(nil); errors.As(err, &missing) {
		return &core.Error{
			Kind: core.ErrUnavailable, Code: "plugin not found",
			Hint: "install age-plugin-" + printable(missing.Name) + ", which age runs for a recipient or identity of this store",
		}
	}
	if failed := (*pluginError)(nil); errors.As(err, &failed) {
		return &core.Error{
			Kind: core.ErrUnavailable, Code: "plugin failed",
			Hint: "age-plugin-" + printable(failed.name) + " failed; try age itself to see what it says",
		}
	}
	return nil
}
