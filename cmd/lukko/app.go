package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/lukko-dev/lukko/core"
)

// app is what the commands share: the streams, the environment, and the flags
// that choose a store.
type app struct {
	in       *os.File
	out, err io.Writer
	lookup   func(name string) (string, bool)

	// more are schemes beside those of the providers that are linked in. Tests
	// add stores that deny or that are down.
	more core.Schemes

	// patient waits out a vendor's limit of a few writes a second.
	patient bool

	// The flags that choose a store.
	env    string
	urls   []string
	config string
}

func newApp() *app {
	return &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, lookup: os.LookupEnv}
}

// run runs the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitYes
	}
	if text := describe(ctx, err); text != "" {
		fmt.Fprint(a.err, text)
	}
	return exitCode(err)
}

// print writes to standard output what a command has to say, in one write.
// What can't be written was not told, so it is an error.
func (a *app) print(b *bytes.Buffer) error { return a.write(b.Bytes()) }

func (a *app) write(data []byte) error {
	if _, err := a.out.Write(data); err != nil {
		return failure(exitUnknown, "standard output could not be written to", "see whether the disk is full, or the reader has gone")
	}
	return nil
}

// say writes a line to standard error: what a person should know and a
// program need not.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}
