//go:build unix

package file_test

import (
	"os"
	"syscall"
)

func limitDescriptors(n uint64) error {
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: n})
}

func stopProcess(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
