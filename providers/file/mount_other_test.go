//go:build !linux

package file_test

import "errors"

func mountReadOnly(string) error      { return errors.ErrUnsupported }
func mountSmall(string, string) error { return errors.ErrUnsupported }
func unmount(string)                  {}
