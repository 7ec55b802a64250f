//go:build !unix

package generate

import "os"

// stop ends a program.
func stop(p *os.Process) error { return p.Kill() }
