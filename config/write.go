package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// editing lets one edit of this process follow another.
var editing sync.Mutex

// edit reads the file at path, has change make another one of it, and writes
// that in its place.
func edit(path string, change func(path string, data []byte) ([]byte, Variable, error)) (Variable, error) {
	editing.Lock()
	defer editing.Unlock()
	abs, before, err := readConfig(path)
	if err != nil {
		return Variable{}, err
	}
	after, v, err := change(abs, before)
	if err != nil || bytes.Equal(before, after) {
		return v, err
	}
	return v, replace(abs, before, after)
}

// replace writes a file over another one whose content is known: all of it or
// nothing.
func replace(path string, before, after []byte) error {
	name, err := filepath.EvalSymlinks(path)
	if err != nil {
		return unwritable(path, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return unwritable(path, err)
	}
	// A rename would also replace what may not be written to.
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return unwritable(path, err)
	}
	_ = f.Close()
	temp, err := os.CreateTemp(filepath.Dir(name), ".lukko-*")
	if err != nil {
		return unwritable(path, err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(after)
	err = errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Sync(), temp.Close())
	if err != nil {
		return unwritable(path, err)
	}
	now, err := os.ReadFile(name)
	if err != nil {
		return unwritable(path, err)
	}
	if !bytes.Equal(now, before) {
		return &Error{Path: path, Faults: []Fault{{What: "somebody else has changed it at the same time, so nothing was written; run it again"}}}
	}
	if err := os.Rename(temp.Name(), name); err != nil {
		return unwritable(path, err)
	}
	return nil
}

func unwritable(path string, err error) error {
	e := &Error{Path: path, Faults: []Fault{{What: "it can't be written, so nothing was changed"}}}
	if errors.Is(err, fs.ErrPermission) {
		e.Err, e.Faults[0].What = fs.ErrPermission, "there is no permission to write it or to its folder, so nothing was changed"
	}
	return e
}
