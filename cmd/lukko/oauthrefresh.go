package main

import "github.com/spf13/cobra"

func newOAuthRefresh(a *app) *cobra.Command {
	var of whose
	var oneProcess bool
	c := &cobra.Command{
		Use:   "refresh NAME",
		Short: "Get new tokens of an account now, also before the old ones end",
		Long: `Get new tokens of a connected account, and store them, also before the old ones
end. Programs do this by themselves when it is time. If one of them is at it, its
result is waited for, and no second refresh is made.`,
		Example: `  lukko oauth refresh github
  lukko oauth refresh github --user alice`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeAccount,
	}
	of.flag(c)
	c.Flags().BoolVar(&oneProcess, "one-process", false, "go on though the store has no conditional writes: no other process refreshes")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		return a.withAccounts(ctx, oneProcess, func(s *accounts) error {
			d, m, err := s.accountOf(args[0], &of)
			if err != nil {
				return err
			}
			if err := s.canKeep(ctx, a, oneProcess); err != nil {
				return err
			}
			client, err := s.clientOf(d, of.user)
			if err != nil {
				return err
			}
			if err := client.Refresh(ctx); err != nil {
				return err
			}
			a.say("lukko: refreshed %s", label(m, of.user))
			status, err := client.Status(ctx)
			if err != nil {
				return err
			}
			a.say("  %s", lifeOf(status.ExpiresAt.Time, status.Refreshable))
			return nil
		})
	}
	return c
}
