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
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrCorrupt) {
		return t.revive(ctx, a, id, version, err)
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

// revive rolls back what only an encrypted store can: a secret that was removed
// or damaged. The value can be read when it is stored again, and not before.
func (t *target) revive(ctx context.Context, a *app, id, version string, unreadable error) (core.Info, error) {
	store, err := t.fileStore(a)
	if err != nil {
		return core.Info{}, unreadable
	}
	defer store.Close()
	info, err := store.Rollback(ctx, store.prefix+id, strings.TrimPrefix(version, store.name+":"))
	if err != nil || t.config == nil {
		return info, err
	}
	d, declared := t.config.Declarations.ByID(id)
	if !declared {
		return info, nil
	}
	now, err := store.Get(ctx, store.prefix+id)
	if err != nil {
		return info, err
	}
	if err := d.Validate(now.Value); err != nil {
		return info, failure(exitNo, id+" was stored again, but it is not what "+d.Meta().Place+" declares", strings.Join(rulesOf(err), "; "))
	}
	return info, nil
}
