package main

import (
	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
)

func newRm(a *app) *cobra.Command {
	var purge bool
	c := &cobra.Command{
		Use:   "rm ID",
		Short: "Remove a secret; recoverable where the store keeps versions",
		Example: `  lukko rm OLD_API_KEY
  lukko rm OLD_API_KEY --purge`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeID,
	}
	c.Flags().BoolVar(&purge, "purge", false, "leave nothing to recover, earlier versions included; works on removed secrets too")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, id := c.Context(), args[0]
		var opts []core.DeleteOption
		if purge {
			opts = append(opts, core.Purge())
		}
		return a.with(ctx, func(t *target) error {
			if err := t.Delete(ctx, id, opts...); err != nil {
				return err
			}
			if purge {
				a.say("lukko: purged %s; what was read, copied or committed stays known: rotate it at its origin", id)
				return nil
			}
			a.say("lukko: removed %s", id)
			if len(t.kept(ctx, a, id)) > 0 {
				a.say("  lukko rollback %s VERSION brings it back; lukko versions %s lists what is kept", id, id)
			}
			return nil
		})
	}
	return c
}
