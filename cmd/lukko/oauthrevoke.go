package main

import (
	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/oauth2"
)

func newOAuthRevoke(a *app) *cobra.Command {
	var of whose
	var force, yes bool
	c := &cobra.Command{
		Use:   "revoke NAME",
		Short: "End the connection of an account at the provider, and remove its tokens",
		Long: `Have the provider end the tokens of an account, then remove them from the store.
Where the provider fails, they stay, so that it can be tried again; --force
removes them all the same. It asks first; without a terminal it goes on with --yes
only.`,
		Example: `  lukko oauth revoke github
  lukko oauth revoke github --user alice --yes`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeAccount,
	}
	of.flag(c)
	c.Flags().BoolVar(&force, "force", false, "remove the tokens also if the provider did not end them, or they can't be read")
	c.Flags().BoolVar(&yes, "yes", false, "go on without asking")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		// What is about to end may be refreshed by us, should the provider want a
		// fresh token for it: nobody else will need one.
		return a.withAccounts(ctx, true, func(s *accounts) error {
			d, m, err := s.accountOf(args[0], &of)
			if err != nil {
				return err
			}
			client, err := s.clientOf(d, of.user)
			if err != nil {
				return err
			}
			who := label(m, of.user)
			if status, err := client.Status(ctx); err == nil && !status.Connected {
				yes = true // there is nothing to ask about; Revoke says so
			}
			if !yes {
				if yes, err = a.confirm(ctx, "End the connection of "+who+" in "+s.of.what()+"? [y/N] "); err != nil {
					return err
				}
			}
			if !yes {
				return failure(exitNo, "nothing was revoked", "lukko oauth revoke "+m.Name+" --yes does so without asking")
			}
			done, err := client.Revoke(ctx, oauth2.RevokeOptions{Force: force})
			if err != nil {
				return err
			}
			if done.AtProvider {
				a.say("lukko: revoked %s, and removed its tokens", who)
			} else {
				a.say("lukko: removed the tokens of %s, but the provider has not ended them: %s", who, whyNot(done.Why))
				a.say("  to end them, remove the application in the account's settings at the provider")
			}
			if !done.AccessUntil.IsZero() {
				a.say("  an access token that was copied works until %s", stamp(done.AccessUntil.Time))
			}
			return nil
		})
	}
	return c
}
