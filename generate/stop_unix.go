//go:build unix

package generate

import (
	"os"
	"syscall"
)

// stop ends a Go program so that it says where it is.
func stop(p *os.Process) error { return p.Signal(syscall.SIGQUIT) }
