// Command lukko keeps and reads application secrets: it makes an encrypted
// store, sets and gets secrets there or in any other store that a URL names,
// and checks that all that lukko.yaml declares is there and valid.
//
// docs/cli.md has each command with an example.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(execute(os.Args[1:], newApp())) }

// execute runs the command line and returns the exit code. The first signal
// cancels what runs, so that it can clean up after itself; the second one
// ends the process as if there were no handler.
func execute(args []string, a *app) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return a.run(ctx, args)
}
