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
				a.say("lukko: stored the value of version %s of %s anew, %s", printable(version), id, versionOf(info))
				return nil
			})
		},
	}
}

func (t *target) rollback(ctx context.Context, a *app, id, version string) (core.Info, error) {
	if err := core.CheckID(id); err != nil {
		return core.Info{}, err
	}
	d, declared := t.declaration(a, id)
	old, err := t.Get(ctx, id, core.AtVersion(version))
	if errors.Is(err, core.ErrNotFound) {
		name, store, none := t.fileStore(a)
		if none != nil {
			return core.Info{}, err
		}
		defer store.Close()
		return store.Rollback(ctx, id, strings.TrimPrefix(version, name+":"))
	}
	if err != nil {
		return core.Info{}, err
	}
	if declared {
		if err := d.Validate(old.Value); err != nil {
			return core.Info{}, notStored(d, err)
		}
	}
	return t.Set(ctx, id, old.Value)
}
