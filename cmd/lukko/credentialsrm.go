package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

func newCredentialsRm(a *app) *cobra.Command {
	var of whose
	var allOf string
	var purge, yes bool
	c := &cobra.Command{
		Use:   "rm NAME | rm --all-of-user USER",
		Short: "Remove a credential, or all that are kept for a user",
		Long: `Remove a key, or the tokens of an account, or with --all-of-user every credential
that a user has, and what is kept beside them. What providers have given stays
valid: lukko oauth revoke ends it first. Of accounts and of a whole user it asks;
without a terminal it goes on with --yes only.`,
		Example: `  lukko credentials rm stripe --user alice
  lukko credentials rm --all-of-user alice --purge --yes`,
		ValidArgsFunction: a.completeCredential,
	}
	of.flag(c)
	c.Flags().StringVar(&allOf, "all-of-user", "", "in place of NAME: remove everything of this user")
	c.Flags().BoolVar(&purge, "purge", false, "leave nothing to recover, earlier versions included")
	c.Flags().BoolVar(&yes, "yes", false, "go on without asking")
	c.Args = func(c *cobra.Command, given []string) error {
		if c.Flags().Changed("all-of-user") {
			if len(given) > 0 || of.given() {
				return usage("--all-of-user is about every credential of a user", "leave NAME and --user out, or name one credential and its user")
			}
			return nil
		}
		return args(1, 1)(c, given)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		var opts []core.DeleteOption
		if purge {
			opts = append(opts, core.Purge())
		}
		return a.withAccounts(ctx, false, func(s *accounts) error {
			if len(args) == 0 {
				return s.removeUser(ctx, a, allOf, yes, opts)
			}
			d, err := s.find(args[0])
			if err != nil {
				return err
			}
			m := d.Meta()
			if err := of.fits(m); err != nil {
				return err
			}
			who := label(m, of.user)
			if isAccount(m) && !yes {
				yes, err = a.confirm(ctx, "Remove the tokens of "+who+" from "+s.of.what()+"? The provider goes on to accept them. [y/N] ")
				if err != nil {
					return err
				}
				if !yes {
					return failure(exitNo, "nothing was removed", "--yes removes the tokens without asking; lukko oauth revoke "+m.Name+" has the provider end them first")
				}
			}
			if err := s.remove(ctx, d, of.user, opts); err != nil {
				return err
			}
			a.removed(who, isAccount(m), purge)
			return nil
		})
	}
	return c
}

// removed says what was done, and what it does not do.
func (a *app) removed(what string, connected, purge bool) {
	done := "removed"
	if purge {
		done = "purged"
	}
	a.say("lukko: %s %s", done, what)
	switch {
	case connected:
		a.say("  what the provider gave was not revoked: it ends when it expires, or when the application is removed at the provider")
	case purge:
		a.say("  what was read, copied or committed stays known: rotate it at its origin")
	}
}

func (s *accounts) removeUser(ctx context.Context, a *app, user string, yes bool, opts []core.DeleteOption) (err error) {
	if user == "" {
		return usage("--all-of-user is empty", "say whose credentials to remove; a script may have left its variable unset")
	}
	what := "all credentials of the user " + shownUser(user)
	if !yes {
		if yes, err = a.confirm(ctx, "Remove "+what+" from "+s.of.what()+"? [y/N] "); err != nil {
			return err
		}
	}
	if !yes {
		return failure(exitNo, "nothing was removed", "lukko credentials list --user USER tells what there is; --yes removes it without asking")
	}
	if err := s.store.DeleteUser(ctx, user, opts...); err != nil {
		return err
	}
	connects := len(named(s.set, func(m credentials.Meta) bool { return m.PerUser && isAccount(m) })) > 0
	a.removed(what, connects, len(opts) > 0)
	return nil
}

func (s *accounts) remove(ctx context.Context, d credentials.Declared, user string, opts []core.DeleteOption) error {
	switch c := d.(type) {
	case *credentials.Credential[core.Value]:
		return c.Delete(ctx, s.store, opts...)
	case *credentials.UserCredential[core.Value]:
		return c.Delete(ctx, s.store, user, opts...)
	case *credentials.Credential[oauth2.Token]:
		return c.Delete(ctx, s.store, opts...)
	case *credentials.UserCredential[oauth2.Token]:
		return c.Delete(ctx, s.store, user, opts...)
	}
	return errors.ErrUnsupported // not reached: lukko.yaml and metadata make these
}
