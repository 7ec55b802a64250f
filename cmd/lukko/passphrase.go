package main

import (
	"context"
	"os"
	"runtime"

	"golang.org/x/term"

	"github.com/lukko-dev/lukko/core"
)

// askPassphrase asks for the passphrase of an identity at the terminal, also
// where standard input is something else.
func (a *app) askPassphrase(ctx context.Context, identity string) (string, error) {
	tty := a.in
	if !term.IsTerminal(int(tty.Fd())) {
		name := "/dev/tty"
		if runtime.GOOS == "windows" {
			name = "CONIN$"
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return "", failure(exitUnknown, "there is no terminal to ask for a passphrase", "use an identity without one: LUKKO_IDENTITY or LUKKO_IDENTITY_FILE")
		}
		defer f.Close()
		tty = f
	}
	return a.readHidden(ctx, tty, "Passphrase of "+core.Printable(identity)+": ")
}
