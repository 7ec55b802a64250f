package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lukko-dev/lukko/core"
)

func newGet(a *app) *cobra.Command {
	var pointer, version string
	c := &cobra.Command{
		Use:   "get ID",
		Short: "Print the value of a secret, byte for byte",
		Long: `Print the value of a secret to standard output: exactly its bytes, and nothing
else. With --field it is one field of a JSON value: a string as its text,
anything else as JSON.`,
		Example: `  lukko get STRIPE_CREDENTIALS --field /apiKey
  lukko get TLS_KEY --env production | openssl rsa -check -noout`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeID,
	}
	c.Flags().StringVar(&pointer, "field", "", "the part of a JSON value that a JSON pointer (RFC 6901) names, such as /apiKey")
	c.Flags().StringVar(&version, "version", "", "an earlier version, as lukko versions lists them")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, id := c.Context(), args[0]
		var opts []core.GetOption
		if c.Flags().Changed("version") {
			opts = append(opts, core.AtVersion(version))
		}
		if _, err := parsePointer(pointer); err != nil {
			return err
		}
		return a.with(ctx, func(t *target) error {
			if core.CheckID(id) == nil {
				t.declaration(a, id)
			}
			secret, err := t.Get(ctx, id, opts...)
			if err != nil {
				return err
			}
			value := secret.Value.RevealBytes()
			if c.Flags().Changed("field") {
				if value, err = field(value, pointer); err != nil {
					return err
				}
			}
			return a.reveal(value)
		})
	}
	return c
}

// reveal writes a value to standard output.
func (a *app) reveal(value []byte) error {
	stdout, ok := a.out.(*os.File)
	if ok && readableByOthers(stdout) {
		a.say("lukko: others can read the file that standard output goes to; make it with umask 077, or chmod 600 it")
	}
	if err := a.write(value); err != nil {
		return err
	}
	// On a terminal the next prompt begins on a line of its own. Standard
	// output stays exact.
	if ok && term.IsTerminal(int(stdout.Fd())) && len(value) > 0 && value[len(value)-1] != '\n' {
		a.say("")
	}
	return nil
}

// readableByOthers reports whether f is a regular file that not only its
// owner has a right to. Windows has no such modes.
func readableByOthers(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/'
}
