//go:build unix

package main

import "syscall"

// ofItsOwn starts a process in a session of its own.
func ofItsOwn() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
