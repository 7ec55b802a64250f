package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
)

func newVarRm(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "rm ID",
		Short:             "Take a variable out of lukko.yaml, for one environment",
		Example:           `  lukko var rm LOG_LEVEL --env production`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeVariable,
		RunE: func(_ *cobra.Command, args []string) error {
			id := args[0]
			if err := core.CheckID(id); err != nil {
				return err
			}
			path, err := a.variablesFile()
			if err != nil {
				return err
			}
			was, err := config.DeleteVariable(path, a.env, id)
			if err != nil {
				return notWritten(id, err)
			}
			a.say("lukko: took %s out of %s, where it was in line %s", id, core.Printable(filepath.Base(path)), was.Place[strings.LastIndexByte(was.Place, ':')+1:])
			if over, ok := a.lookup(id); ok && over != "" {
				a.say("lukko: the environment variable %s is still set here", id)
			}
			return nil
		},
	}
}
