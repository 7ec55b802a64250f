package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
)

func newRollback(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rollback ID VERSION",
		Short: "Store the value of an earlier version anew",
		Long: `Store the value of an earlier version as a new version, so that nothing that is
kept is lost by it. In an encrypted store it brings back a removed secret too.
What lukko.yaml declares is validated first.`,
		Example: `  lukko versions STRIPE_CREDENTIALS
  lukko rollback STRIPE_CREDENTIALS 3-k5utq7zcjyhr2mba`,
		Args:              args(2, 2),
		ValidArgsFunction: a.completeID,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, id, version := c.Context(), args[0], args[1]
			return a.with(ctx, func(t *target) error {
				info, err := t.rollback(ctx, a, id, version)
				if err != nil {
					return err
				}
				a.say("lukko: stored the value of version %s of %s anew, %s", core.Printable(version), id, versionOf(info))
				return nil
			})
		},
	}
}

func (t *target) rollback(ctx context.Context, a *app, id, version string) (core.Info, error) {
	if err := core.CheckID(id); err != nil {
		return core.Info{}, err
	}
	declared, isDeclared := t.declaration(a, id)
	old, err := t.Get(ctx, id, core.AtVersion(version))
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrCorrupt) {
		// Only an encrypted store can tell of what was removed or damaged.
		files, unlike := t.fileStore(a)
		if unlike != nil {
			return core.Info{}, err
		}
		defer files.Close()
		old, err = files.ReadVersion(ctx, files.prefix+id, strings.TrimPrefix(version, files.name+":"))
	}
	if err != nil {
		return core.Info{}, err
	}
	if isDeclared {
		if err := declared.Validate(old.Value); err != nil {
			return core.Info{}, notStored(declared, err)
		}
	}
	return t.Set(ctx, id, old.Value)
}
