package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

func newVarSet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "set ID [VALUE]",
		Short: "Write the value of a variable into lukko.yaml",
		Long: `Write the value of a variable into lukko.yaml, for one environment. All else in
the file stays as it is, comments too. The value is an argument, since it is no
secret, or standard input, of which one line loses the newline at its end. One
that begins with a dash follows two: lukko var set OFFSET -- -5

What is declared is validated first, and what is declared as a secret is refused.`,
		Example: `  lukko var set LOG_LEVEL debug --env production
  lukko var set LIMITS '{"perMinute": 100}'
  lukko var set BANNER < banner.txt`,
		Args:              args(1, 2),
		ValidArgsFunction: a.completeVariable,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, id := c.Context(), args[0]
			if err := core.CheckID(id); err != nil {
				return err
			}
			if strings.Contains(id, "=") && len(args) == 1 {
				return usage("the id holds an equals sign", "the value is an argument of its own: lukko var set ID VALUE")
			}
			path, err := a.variablesFile()
			if err != nil {
				return err
			}
			value, err := a.variableValue(ctx, args[1:])
			if err != nil {
				return err
			}
			set, err := config.SetVariable(path, a.env, id, value)
			if err != nil {
				return notWritten(id, err)
			}
			env, err := a.tellUndeclared(id)
			if err != nil {
				return err
			}
			a.say("lukko: set %s for %s, in %s", id, env, core.Printable(set.Place))
			if over, ok := a.lookup(id); ok && over != "" {
				a.say("lukko: the environment variable %s is set here, and goes before it", id)
			}
			return nil
		},
	}
}

// variablesFile is the lukko.yaml to edit.
func (a *app) variablesFile() (string, error) {
	if err := a.noURL(); err != nil {
		return "", err
	}
	path, err := config.Locate(a.config)
	if errors.Is(err, config.ErrNotFound) {
		return "", errNoConfig
	}
	return path, err
}

// variableValue is the argument, or else standard input.
func (a *app) variableValue(ctx context.Context, given []string) (string, error) {
	if len(given) > 0 {
		return given[0], nil
	}
	if term.IsTerminal(int(a.in.Fd())) {
		return "", usage("the value is missing", "usage: lukko var set ID VALUE, or lukko var set ID < FILE")
	}
	data, err := a.readAll(ctx, "")
	if err != nil {
		return "", err
	}
	data, _ = core.TrimLine(data)
	return string(data), nil
}

// tellUndeclared reads the file that was written, says whether an id is not
// declared there, and returns the name of the environment.
func (a *app) tellUndeclared(id string) (environment string, err error) {
	c, err := a.loadConfig()
	if err != nil {
		return "", err
	}
	env, err := c.Environment(a.env)
	if err != nil {
		return "", err
	}
	if _, ok := c.Declarations.ByID(id); !ok {
		a.say("lukko: %s", undeclared(c, id))
	}
	return env.Name, nil
}

// notWritten is the error of a value that was not written.
func notWritten(id string, err error) error {
	var invalid *schema.Error
	var refused *core.Error
	switch {
	case errors.As(err, &invalid) && !errors.Is(err, schema.ErrDeclaration):
		return failure(exitNo, id+" was not set: it is not what "+core.Printable(invalid.Problems[0].Place)+" declares", strings.Join(rulesOf(err), "; "))
	case errors.As(err, &refused):
		return failure(exitCode(err), core.Printable(id)+" was not changed", refused.Hint)
	}
	return err
}
