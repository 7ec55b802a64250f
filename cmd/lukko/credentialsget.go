package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
)

func newCredentialsGet(a *app) *cobra.Command {
	var of whose
	var pointer string
	c := &cobra.Command{
		Use:   "get NAME",
		Short: "Print the value of a key, byte for byte",
		Long: `Print the value of a key to standard output, as lukko get does: exactly its bytes,
and nothing else. One that is not what is declared is exit 1; lukko get prints it
by its id. The tokens of an account are never printed: lukko oauth status tells of
it, and programs send them by themselves.`,
		Example: `  lukko credentials get stripe
  lukko credentials get stripe --user alice --field /apiKey`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeKey,
	}
	of.flag(c)
	c.Flags().StringVar(&pointer, "field", "", "the part of a JSON value that a JSON pointer (RFC 6901) names, such as /apiKey")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		if _, err := parsePointer(pointer); err != nil {
			return err
		}
		return a.withAccounts(ctx, false, func(s *accounts) error {
			d, err := s.find(args[0])
			if err != nil {
				return err
			}
			m := d.Meta()
			if err := notAccount(m, "whose tokens are never printed", "lukko oauth status "+m.Name+" tells of it"); err != nil {
				return err
			}
			if err := of.fits(m); err != nil {
				return err
			}
			secret, err := s.key(ctx, d, of.user)
			if err != nil {
				return err
			}
			value := secret.RevealBytes()
			if c.Flags().Changed("field") {
				if value, err = field(value, pointer); err != nil {
					return err
				}
			}
			return a.reveal(value)
		})
	}
	return c
}

// key reads a key.
func (s *accounts) key(ctx context.Context, d credentials.Declared, user string) (core.Value, error) {
	switch c := d.(type) {
	case *credentials.Credential[core.Value]:
		return c.Get(ctx, s.store)
	case *credentials.UserCredential[core.Value]:
		return c.Get(ctx, s.store, user)
	}
	return core.Value{}, errors.ErrUnsupported // not reached: an account was refused
}
