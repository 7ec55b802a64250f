package main

import (
	"bytes"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lukko-dev/lukko/core"
)

func newVarGet(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "get ID",
		Short: "Print the value of a variable, byte for byte",
		Long: `Print the value that a program would get in an environment: that of the process
environment, else that of lukko.yaml, else the default that is declared.`,
		Example: `  lukko var get LOG_LEVEL --env production
  lukko var get LOG_LEVEL --json`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeVariable,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, with where the value comes from")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, id := c.Context(), args[0]
		if err := core.CheckID(id); err != nil {
			return err
		}
		v, err := a.openVariables(ctx)
		if err != nil {
			return err
		}
		defer v.Close()
		if err := notSecret(v.config, id, "get"); err != nil {
			return err
		}
		rows, err := v.look(ctx, []string{id})
		var some *core.BatchError
		if errors.As(err, &some) {
			err = some.ByID[id]
		}
		if err != nil {
			return err
		}
		row := rows[0]
		if asJSON {
			var b bytes.Buffer
			if err := document(&b, row); err != nil {
				return err
			}
			if err := a.print(&b); err != nil {
				return err
			}
			if row.Value == nil {
				return answer(exitNo)
			}
			return nil
		}
		if !row.Declared {
			a.say("lukko: %s", undeclared(v.config, id))
		}
		switch {
		case row.Value == nil:
			return failure(exitNo, core.Printable(id)+` has no value in the environment "`+v.env.Name+`"`, "lukko var set "+id+" VALUE --env "+v.env.Name)
		case len(row.Problems) > 0:
			a.say("lukko: %s is %s: %s", id, row.State, strings.Join(row.Problems, "; "))
		}
		return a.revealVariable(*row.Value)
	}
	return c
}

// revealVariable writes a value to standard output. Unlike a secret's it may
// be read by others.
func (a *app) revealVariable(value string) error {
	if err := a.write([]byte(value)); err != nil {
		return err
	}
	if stdout, ok := a.out.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(stdout.Fd())) && !strings.HasSuffix(value, "\n") {
		a.say("")
	}
	return nil
}
