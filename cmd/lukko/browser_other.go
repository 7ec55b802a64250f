//go:build !unix

package main

import "syscall"

// ofItsOwn has nothing to ask for here.
func ofItsOwn() *syscall.SysProcAttr { return nil }
